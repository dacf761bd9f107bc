/** VIRTIO_NET_F_MRG_RXBUF: packets over several receive buffers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, type ReceivedFrame, RX } from '../testing/fake-driver.ts';

const MRG_RXBUF = 1n << 15n;
const VERSION_1 = 1n << 32n;
const RING_PACKED = 1n << 34n;
const IN_ORDER = 1n << 35n;
/** GUEST_CSUM 1, GUEST_TSO4 7: so that frames above the MTU are delivered too. */
const TSO4 = (1n << 1n) | (1n << 7n);

interface Line {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
  id: number;
}

function open(offers = MRG_RXBUF, features?: bigint): Line {
  const bench = new DeviceBench({ memorySize: 0x40_0000, offers });
  return { bench, driver: bench.driver(features === undefined ? {} : { features }), id: 0 };
}

const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0x7f);

/** Receives one frame and answers the record of its fate. */
function receive(line: Line, bytes: Uint8Array) {
  line.bench.receive((line.id += 2), bytes);
  line.bench.device.flush();
  const fates = line.bench.fates().filter(({ id }) => id === line.id);
  expect(fates).toHaveLength(1);
  return fates[0];
}

/** What lies in a used buffer, up to its used length. */
const contentOf = ({ header, frame: rest }: ReceivedFrame): number[] => [...header, ...rest];
const numBuffers = (bytes: readonly number[]): number => (bytes[10] ?? 0) + 256 * (bytes[11] ?? 0);

describe('mergeable receive buffers', () => {
  it('NET-RX-02, NET-RX-03, NET-RXBUF-01: a packet lies in num_buffers buffers, all but the last one full', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 12, max: 80 }), fc.integer({ min: 12, max: 1600 })), {
      minLength: 32,
      maxLength: 32,
    });
    fc.assert(
      fc.property(sizes, fc.nat({ max: 1514 }), fc.boolean(), (buffers, length, cut) => {
        const line = open();
        for (const size of buffers) line.driver.postReceive(1, size, cut ? { split: [5, 1, 3] } : {});
        const room = buffers.reduce((sum, size) => sum + size, 0);
        fc.pre(length + 12 <= room);
        const fate = receive(line, frame(length));
        const used = line.driver.collect();
        expect(fate).toMatchObject({ fate: 'delivered', buffers: used.length, used: length + 12 });
        const all = used.flatMap(contentOf);
        expect(all.slice(0, 12)).toEqual([...Array<number>(10).fill(0), used.length, 0]);
        expect(all.slice(12)).toEqual([...frame(length)]);
        used.slice(0, -1).forEach((buffer, index) => expect(buffer.used.length).toBe(buffers[index]));
        expect(used.at(-1)?.used.length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it('NET-RX-04: all buffers of a packet become visible at once, with those of the whole batch', () => {
    const line = open();
    line.driver.postReceive(32, 100);
    for (const length of [1000, 60, 500]) {
      line.bench.receive((line.id += 2), frame(length));
      expect(line.driver.collect()).toEqual([]);
    }
    line.bench.device.flush();
    const used = line.driver.collect();
    expect(used).toHaveLength(11 + 1 + 6);
    expect([0, 11, 12].map((first) => numBuffers(contentOf(used[first] as ReceivedFrame)))).toEqual([11, 1, 6]);
    expect(line.bench.interrupts()).toEqual([RX]);
  });

  it.each([
    ['packed', RING_PACKED],
    ['in order', IN_ORDER],
    ['packed and in order', RING_PACKED | IN_ORDER],
  ])(
    'NET-RX-03, NET-RX-04: a ring that is %s shows them likewise, and takes back what was not enough',
    (_name, ring) => {
      const line = open(MRG_RXBUF | ring, VERSION_1 | MRG_RXBUF | ring);
      expect(line.driver.features & ring).toBe(ring);
      for (let lap = 0; lap < 60; lap++) {
        line.driver.postReceive(3, 100);
        expect(receive(line, frame(400))).toMatchObject({ fate: 'no_space', buffers: 0 });
        expect(line.driver.collect()).toEqual([]);
        line.driver.postReceive(2, 100);
        expect(receive(line, frame(400))).toMatchObject({ fate: 'delivered', buffers: 5 });
        const used = line.driver.collect();
        expect(used.map((buffer) => buffer.used.length)).toEqual([100, 100, 100, 100, 12]);
        expect(numBuffers(contentOf(used[0] as ReceivedFrame))).toBe(5);
        expect(used.flatMap(contentOf).slice(12)).toEqual([...frame(400)]);
      }
    },
  );

  it('NET-RX-02: a packet that fits one buffer says 1', () => {
    const line = open();
    line.driver.postReceive(2, 112);
    expect(receive(line, frame(100))).toMatchObject({ fate: 'delivered', buffers: 1, used: 112 });
    expect(receive(line, frame(60))).toMatchObject({ fate: 'delivered', buffers: 1, used: 72 });
    expect(line.driver.collect().map((used) => numBuffers(contentOf(used)))).toEqual([1, 1]);
  });

  it('no_space: a ring that runs dry in the middle keeps its buffers, and nothing half reaches the driver', () => {
    const line = open();
    line.driver.postReceive(3, 100);
    expect(receive(line, frame(500))).toMatchObject({ fate: 'no_space', buffers: 0, used: 0 });
    expect(line.driver.collect()).toEqual([]);
    expect(receive(line, frame(280))).toMatchObject({ fate: 'delivered', buffers: 3, used: 292 });
    expect(line.driver.collect().flatMap(contentOf).slice(12)).toEqual([...frame(280)]);
    line.driver.postReceive(6, 100);
    expect(receive(line, frame(500))).toMatchObject({ fate: 'delivered', buffers: 6 });
  });

  it('rx_merge_underrun: as viona does it, once and only if a second buffer is needed', () => {
    const line = open();
    line.bench.device.shortNextMerge(true);
    line.driver.postReceive(10, 100);
    expect(receive(line, frame(60))).toMatchObject({ fate: 'delivered', buffers: 1 });
    const fate = receive(line, frame(500));
    expect(fate).toMatchObject({ fate: 'rx_merge_underrun', buffers: 1, used: 100 });
    const [, truncated, ...others] = line.driver.collect();
    expect(others).toEqual([]);
    const bytes = contentOf(truncated as ReceivedFrame);
    expect([numBuffers(bytes), bytes.slice(12)]).toEqual([1, [...frame(500).slice(0, 88)]]);
    expect(receive(line, frame(500))).toMatchObject({ fate: 'delivered', buffers: 6 });
    expect(line.bench.device.describe().counters).toMatchObject({ rx_packets: 2, rx_merge_underrun: 1 });
  });

  it('a shortage is taken back, and the trace tells from when to when it waits', () => {
    const line = open();
    const waits = () => line.bench.events.flatMap((event) => (event.type === 'shortage' ? [event.waiting] : []));
    line.bench.device.shortNextMerge(true);
    expect(waits()).toEqual([true]);
    line.bench.device.shortNextMerge(false);
    line.driver.postReceive(12, 100);
    expect(receive(line, frame(500))).toMatchObject({ fate: 'delivered', buffers: 6 });
    line.bench.device.shortNextMerge(true);
    expect(receive(line, frame(60))).toMatchObject({ fate: 'delivered' });
    expect(waits()).toEqual([true, false, true]);
    expect(receive(line, frame(500))).toMatchObject({ fate: 'rx_merge_underrun' });
    expect(waits()).toEqual([true, false, true, false]);
  });

  it('rx_merge_overrun: not over more than 32 buffers, which stay in the ring', () => {
    const line = open();
    line.driver.postReceive(64, 32);
    expect(receive(line, frame(32 * 32 - 12))).toMatchObject({ fate: 'delivered', buffers: 32 });
    line.driver.collect();
    line.driver.postReceive(32, 32);
    expect(receive(line, frame(32 * 32 - 11))).toMatchObject({ fate: 'rx_merge_overrun', buffers: 0 });
    expect(line.driver.collect()).toEqual([]);
    expect(receive(line, frame(60))).toMatchObject({ fate: 'delivered', buffers: 3 });
  });

  it('a first buffer without room for the header goes back empty', () => {
    const line = open();
    line.driver.postReceive(1, 11);
    line.driver.postReceive(1, 100);
    expect(receive(line, frame(60))).toMatchObject({ fate: 'bad_rx_frame', used: 0 });
    expect(line.bench.errors()).toEqual(['rx-chain-not-writable']);
    expect(line.driver.collect().map(({ used }) => used.length)).toEqual([0]);
    expect(receive(line, frame(60))).toMatchObject({ fate: 'delivered' });
  });

  it('a further buffer that cannot be written takes the packet with it, and all come back empty', () => {
    const line = open();
    line.driver.postReceive(2, 100);
    line.driver.ring(RX).add(line.driver.buffers.place(new Uint8Array(100), false));
    line.driver.postReceive(2, 100);
    expect(receive(line, frame(400))).toMatchObject({ fate: 'bad_rx_frame', used: 0 });
    expect(line.bench.errors()).toEqual(['rx-chain-not-writable']);
    const ring = line.driver.ring(RX);
    expect([ring.poll(), ring.poll(), ring.poll(), ring.poll()].map((used) => used?.length)).toEqual([
      0,
      0,
      0,
      undefined,
    ]);
    expect(receive(line, frame(150))).toMatchObject({ fate: 'delivered', buffers: 2 });
  });

  it('device_broken: the ring turns out bad in the middle of a packet', () => {
    const line = open();
    line.driver.postReceive(1, 100);
    line.driver.splitRing(RX).offer(9999);
    expect(receive(line, frame(400))).toMatchObject({ fate: 'device_broken', buffers: 0 });
    expect(line.bench.errors()).toEqual(['head-out-of-range']);
    expect(line.driver.collect()).toEqual([]);
  });

  it('a large segment of 65,549 bytes fits 32 buffers of 2 KiB and 64 bytes', () => {
    const line = open(MRG_RXBUF | TSO4);
    line.driver.postReceive(32, 2112);
    const bytes = frame(65_549);
    bytes.set([8, 0, 0x45, 0, 0xff, 0xff, 0, 1, 0x40, 0, 64, 6], 12);
    bytes[46] = 0x50;
    const meta = { flags: 1, gsoType: 1, hdrLen: 0, gsoSize: 1448, csumStart: 34, csumOffset: 16, pair: 0xffff };
    line.bench.receive(2, bytes, meta);
    line.bench.device.flush();
    const used = line.driver.collect();
    const all = used.flatMap(contentOf);
    expect(all.slice(0, 12)).toEqual([1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, used.length, 0]);
    expect(Buffer.from(all.slice(12)).equals(bytes)).toBe(true);
    expect(used).toHaveLength(32);
  });
});
