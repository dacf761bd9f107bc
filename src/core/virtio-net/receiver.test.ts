import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, RX, TX } from '../testing/fake-driver.ts';

let bench: DeviceBench;
let driver: FakeDriver;
let nextId: number;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver();
  nextId = 0;
});

const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 13 + length) & 0x7f);

function tagged(length: number): Uint8Array {
  const bytes = frame(length);
  bytes.set([0x81, 0x00, 0x00, 0x05], 12);
  return bytes;
}

/** Receives one frame and answers its fate. */
function fateOf(bytes: Uint8Array): string {
  bench.receive((nextId += 2), bytes);
  bench.device.flush();
  const fates = bench.fates().filter(({ id }) => id === nextId);
  expect(fates).toHaveLength(1);
  return fates[0]?.fate ?? '';
}

describe('receive', () => {
  it('delivers the frame behind the header, whatever the buffer is cut into', () => {
    for (const split of [[], [12], [1, 1, 1], [5, 20, 0, 100]]) {
      driver.postReceive(1, 1526, { split });
      expect(fateOf(frame(300))).toBe('delivered');
      const [received] = driver.collect();
      expect(received?.frame).toEqual(frame(300));
      expect(received?.used.length).toBe(312);
    }
    expect(bench.device.describe().counters).toMatchObject({ rx_packets: 4, rx_bytes: 1200 });
  });

  it('NET-RXBUF-01, NET-RX-01, -05, -07 to -12, -16, NET-RX-26, NET-RX-32: the header is zero but for num_buffers = 1', () => {
    driver.postReceive(1);
    fateOf(frame(60));
    expect([...(driver.collect()[0]?.header ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  });

  it('NET-RXBUF-02: one buffer per frame; a frame that does not fit is too_short', () => {
    driver.postReceive(2, 12 + 99);
    expect(fateOf(frame(100))).toBe('too_short');
    expect(fateOf(frame(99))).toBe('delivered');
    const [short, fits] = driver.collect();
    expect(short?.used.length).toBe(0);
    expect(fits?.frame).toEqual(frame(99));
  });

  it('too_short: the buffer comes back, so that it cannot block the ring for ever', () => {
    driver.postReceive(1, 20);
    driver.postReceive(1);
    expect(fateOf(frame(1000))).toBe('too_short');
    expect(fateOf(frame(1000))).toBe('delivered');
  });

  it('bad_rx_frame: no room for the header', () => {
    driver.postReceive(1, 11);
    expect(fateOf(frame(60))).toBe('bad_rx_frame');
    expect(bench.errors()).toEqual(['rx-chain-not-writable']);
    expect(driver.ring(RX).poll()?.length).toBe(0);
  });

  it('SPLIT-DESC-01: a readable receive buffer is not written', () => {
    const segments = driver.buffers.place(new Uint8Array(1526).fill(7), false);
    driver.ring(RX).add(segments);
    expect(fateOf(frame(60))).toBe('bad_rx_frame');
    expect(driver.buffers.read(segments, 1526)).toEqual(new Uint8Array(1526).fill(7));
  });

  it('no_space: nothing is posted', () => {
    expect(fateOf(frame(60))).toBe('no_space');
    driver.postReceive(1);
    expect(fateOf(frame(60))).toBe('delivered');
    expect(fateOf(frame(60))).toBe('no_space');
  });

  it('NET-CFG-05: longer than MTU and layer-2 header is dropped; a tag adds four bytes', () => {
    driver.postReceive(8, 2048);
    expect(fateOf(frame(1514))).toBe('delivered');
    expect(fateOf(frame(1515))).toBe('rx_drop_over_mtu');
    expect(fateOf(tagged(1518))).toBe('delivered');
    expect(fateOf(tagged(1519))).toBe('rx_drop_over_mtu');
    expect(driver.collect()).toHaveLength(2);
  });

  it('BASE-STATUS-01, BASE-STATUS-02: device_not_ready before DRIVER_OK', () => {
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    driver.setUpQueues();
    driver.postReceive(1);
    expect(fateOf(frame(60))).toBe('device_not_ready');
    expect(bench.pin.raised).toBe(0);
    expect(driver.collect()).toEqual([]);
    driver.driverOk();
    expect(fateOf(frame(60))).toBe('delivered');
  });

  it('ring_not_running: the driver enabled no receive queue', () => {
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    driver.driverOk();
    expect(fateOf(frame(60))).toBe('ring_not_running');
  });

  it('device_broken: a bad ring, and every frame after it', () => {
    driver.splitRing(RX).setAvailIdx(1000);
    expect(fateOf(frame(60))).toBe('device_broken');
    expect(fateOf(frame(60))).toBe('device_broken');
    expect(bench.errors()).toEqual(['avail-index-jump']);
    expect(driver.status & 64).toBe(64);
  });

  it('an empty frame is a frame', () => {
    driver.postReceive(1);
    expect(fateOf(new Uint8Array(0))).toBe('delivered');
    expect(driver.collect()[0]?.used.length).toBe(12);
  });

  it('frames are shown by flush, and used-ring entries keep their order', () => {
    driver.postReceive(4);
    for (const length of [60, 61, 62]) bench.receive((nextId += 2), frame(length));
    expect(driver.collect()).toEqual([]);
    bench.device.flush();
    expect(driver.collect().map(({ frame: { length } }) => length)).toEqual([60, 61, 62]);
  });

  it('every frame has exactly one fate, and the counters add up', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('frame' as const), n: fc.integer({ min: 0, max: 1600 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('post' as const), n: fc.constantFrom(0, 11, 12, 80, 1526) }),
      },
      fc.record({ do: fc.constantFrom('flush', 'collect', 'reset', 'init', 'break'), n: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        bench = new DeviceBench();
        driver = bench.driver();
        let live = true;
        let id = 0;
        for (const { do: what, n } of steps) {
          if (what === 'frame') bench.receive((id += 2), frame(n));
          else if (what === 'flush') bench.device.flush();
          else if (what === 'init') live = driver.initialise();
          else if (what === 'reset') {
            driver.reset();
            live = false;
          } else if (live) {
            if (what === 'post') driver.postReceive(1, n);
            else if (what === 'collect') driver.collect();
            else driver.splitRing(TX).setAvailIdx(999);
            if (what === 'break') driver.kick(TX);
          }
        }
        const fates = bench.fates();
        expect(fates.map((fate) => fate.id)).toEqual(Array.from({ length: id / 2 }, (_, i) => 2 * (i + 1)));
        const { counters } = bench.device.describe();
        const tally = (name: string): number => fates.filter(({ fate }) => fate === name).length;
        expect(counters.rx_packets).toBe(tally('delivered'));
        const drops =
          'device_not_ready device_broken ring_not_running rx_drop_over_mtu no_space too_short bad_rx_frame';
        for (const name of drops.split(' ')) expect(counters[name]).toBe(tally(name));
      }),
      { numRuns: 100 },
    );
  });
});
