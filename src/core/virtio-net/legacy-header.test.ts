/** LEG-17: the packet header of a legacy driver, 10 bytes, or 12 if it merges receive buffers. */
import { describe, expect, it } from 'vitest';
import { frameFromSpec } from '../net/frame-spec.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { TX } from '../testing/fake-driver.ts';

const bit = (...bits: number[]): bigint => bits.reduce((set, n) => set | (1n << BigInt(n)), 0n);
const CSUM = 0;
const GUEST_CSUM = 1;
const MRG_RXBUF = 15;

const made = frameFromSpec({ dst: '02:00:00:00:00:15', udp: { to: '10.0.2.15', bytes: 200 }, needsCsum: true });
if (!made.ok) throw new Error(made.error);
const { bytes, meta } = made;

describe.each([
  ['without merging', 0n, 10],
  ['with merging', bit(MRG_RXBUF), 12],
])('a legacy driver %s', (_name, merge, size) => {
  const open = () => {
    const bench = new DeviceBench({ memorySize: 0x40_0000, offers: bit(CSUM, GUEST_CSUM) | merge, transitional: true });
    return { bench, driver: bench.driver({ transport: 'legacy' }) };
  };

  it(`LEG-17: is given ${size} bytes of header, in its own byte order`, () => {
    const { bench, driver } = open();
    driver.postReceive(1, size + bytes.length);
    bench.receive(2, bytes, meta);
    bench.device.flush();
    expect(bench.fates()).toMatchObject([{ fate: 'delivered', used: size + bytes.length }]);
    const [received] = driver.collect();
    const all = [...(received?.header ?? []), ...(received?.frame ?? [])];
    const num = size === 12 ? [1, 0] : [];
    expect(all).toEqual([1, 0, 0, 0, 0, 0, 34, 0, 6, 0, ...num, ...bytes]);
  });

  it(`LEG-17: sends ${size} bytes of header`, () => {
    const { bench, driver } = open();
    const header = new Uint8Array(size);
    header.set([1, 0, 0, 0, 0, 0, 34, 0, 6, 0]);
    driver.queueFrame(bytes, {}, header);
    driver.kick(TX);
    expect(bench.sent).toMatchObject([{ frame: bytes, meta: { flags: 1, csumStart: 34, csumOffset: 6 } }]);
    expect(bench.errors()).toEqual([]);
  });
});
