import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, TX } from '../testing/fake-driver.ts';

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench({ memorySize: 0x40_0000 });
  driver = bench.driver();
});

const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 11 + length) & 0xff);

describe('transmit', () => {
  it('SPLIT-FRAME-01: the frame is what follows the header, however both are cut', () => {
    for (const split of [[], [12], [5], [12, 14], [1, 1, 1, 1, 1], [11, 2, 0, 60]]) {
      for (const layout of ['direct', 'indirect', { direct: 1 }] as const) {
        driver.transmit(frame(100), { split, layout });
        expect(bench.sent.at(-1)?.frame).toEqual(frame(100));
        expect(driver.reapTransmitted()).toHaveLength(1);
      }
    }
  });

  it('frames from the guest have odd ids in order', () => {
    for (let i = 0; i < 3; i++) driver.transmit(frame(60));
    expect(bench.sent.map(({ id }) => id)).toEqual([1, 3, 5]);
  });

  it('SPLIT-USED-02: nothing is written, so the used length is 0', () => {
    const head = driver.transmit(frame(60));
    expect(driver.reapTransmitted()).toEqual([{ head, length: 0 }]);
  });

  it('a kick drains the queue with one interrupt', () => {
    for (let i = 0; i < 20; i++) driver.queueFrame(frame(60 + i));
    driver.kick(TX);
    expect(bench.sent.map(({ frame: { length } }) => length)).toEqual(Array.from({ length: 20 }, (_, i) => 60 + i));
    expect(bench.interrupts()).toEqual([TX]);
    expect(bench.device.describe().counters).toMatchObject({ tx_packets: 20, tx_bytes: 1390 });
  });

  it('NET-CFG-06: a full-size frame is forwarded whole', () => {
    driver.transmit(frame(1514));
    expect(bench.sent[0]?.frame).toEqual(frame(1514));
  });

  it('NET-TX-01, NET-TX-02, NET-TX-04, NET-TX-09, NET-TX-14, NET-TX-15: the header’s other fields change nothing', () => {
    const header = new Uint8Array(12).fill(0xff);
    header[0] = 0xf6; // without NEEDS_CSUM and UDP_TUNNEL_CSUM
    header[1] = 0; // no gso_type
    driver.queueFrame(frame(60), {}, header);
    driver.kick(TX);
    expect(bench.sent[0]?.frame).toEqual(frame(60));
    expect(bench.errors()).toEqual([]);
  });

  it.each([0, 1, 11, 12, 25])('tx-chain-malformed: %i bytes are too few', (size) => {
    const head = driver.queueFrame(new Uint8Array(0), {}, new Uint8Array(size));
    driver.kick(TX);
    expect(driver.reapTransmitted()).toEqual([{ head, length: 0 }]);
    expect(bench.sent).toEqual([]);
    expect(bench.errors()).toEqual(['tx-chain-malformed']);
    expect(bench.device.describe().counters).toMatchObject({ tx_drop_malformed: 1, tx_packets: 0 });
  });

  it('tx-chain-malformed: longer than any frame', () => {
    driver.transmit(new Uint8Array(65_550));
    driver.transmit(new Uint8Array(65_551));
    expect(bench.sent).toHaveLength(1);
    expect(bench.errors()).toEqual(['tx-chain-malformed']);
  });

  it('SPLIT-DESC-02: a writable transmit buffer is not read', () => {
    driver.ring(TX).add(driver.buffers.place(frame(100), true));
    driver.kick(TX);
    expect(bench.errors()).toEqual(['tx-chain-malformed']);
  });

  it('what the wire refuses is counted', () => {
    let room = 1;
    bench = new DeviceBench({ send: () => room-- > 0 });
    driver = bench.driver();
    driver.queueFrame(frame(60));
    driver.queueFrame(frame(61));
    driver.kick(TX);
    expect(bench.device.describe().counters).toMatchObject({ tx_packets: 1, tx_drops: 1 });
    expect(driver.reapTransmitted()).toHaveLength(2);
  });

  it('frames before a bad chain leave, and their buffers come back', () => {
    driver.queueFrame(frame(60));
    driver.splitRing(TX).offer(256);
    driver.kick(TX);
    expect(bench.sent).toHaveLength(1);
    expect(driver.reapTransmitted()).toHaveLength(1);
    expect(bench.errors()).toEqual(['head-out-of-range']);
    expect(driver.status & 64).toBe(64);
  });

  it('survives many laps of a small ring', () => {
    driver = bench.driver({ queueSizes: [0, 4, 0] });
    for (let i = 0; i < 500; i++) {
      driver.transmit(frame(60 + (i % 50)), { split: i % 3 === 0 ? [12] : [] });
      expect(driver.reapTransmitted()).toHaveLength(1);
    }
    expect(bench.sent).toHaveLength(500);
  });

  it('RSVD-05, SPLIT-INORD-01: with IN_ORDER a kick’s worth of frames is retired together, in order, and every buffer comes back', () => {
    const IN_ORDER = 1n << 35n;
    const offered = new DeviceBench({ memorySize: 0x40_0000, offers: IN_ORDER });
    const sender = offered.driver({ inOrder: true });
    expect(sender.features & IN_ORDER).toBe(IN_ORDER);
    for (let lap = 0; lap < 40; lap++) {
      const heads = Array.from({ length: 13 }, (_, i) =>
        sender.queueFrame(frame(60 + i), i % 2 ? { split: [12] } : {}),
      );
      sender.kick(TX);
      expect(sender.reapTransmitted().map(({ head }) => head)).toEqual(heads);
    }
    expect(offered.sent).toHaveLength(520);
  });

  it('a transmit buffer with a writable part comes back in its place', () => {
    const before = driver.queueFrame(frame(60));
    const { buffers } = driver;
    const odd = driver.ring(TX).add([...buffers.place(new Uint8Array(72), false), ...buffers.place(frame(9), true)]);
    const after = driver.queueFrame(frame(61));
    driver.kick(TX);
    expect(driver.reapTransmitted()).toEqual([before, odd, after].map((head) => ({ head, length: 0 })));
    expect(bench.sent.map(({ frame: { length } }) => length)).toEqual([60, 60, 61]);
  });
});
