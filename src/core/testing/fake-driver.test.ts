/** The fake driver and the device, over every way to lay out rings and to ask for notifications. */
import { describe, expect, it } from 'vitest';
import { rxModeCommand } from './command-bytes.ts';
import { DeviceBench } from './device-bench.ts';
import type { DriverPorts } from './driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from './fake-driver.ts';

const ALL_RINGS = [24, 27, 28, 29, 34, 35, 38, 39].reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
const CTRL_VQ = 1n << 17n;
const CTRL_RX = 1n << 18n;
const INDIRECT = 1n << 28n;
const EVENT_IDX = 1n << 29n;
const RING_PACKED = 1n << 34n;
const IN_ORDER = 1n << 35n;
const NOTIFICATION_DATA = 1n << 38n;
const NOTIF_CONFIG_DATA = 1n << 39n;

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

interface Way {
  readonly layout: 'split' | 'packed';
  readonly eventIdx: boolean;
  readonly inOrder: boolean;
  readonly indirect: boolean;
  readonly notificationData: boolean;
}

const flags = [false, true];
const WAYS: Way[] = (['split', 'packed'] as const).flatMap((layout) =>
  flags.flatMap((eventIdx) =>
    flags.flatMap((inOrder) =>
      flags.map((indirect) => ({ layout, eventIdx, inOrder, indirect, notificationData: eventIdx !== inOrder })),
    ),
  ),
);

function setUp(way: Partial<Way>, queueSizes = [8, 8, 4]): { bench: DeviceBench; driver: FakeDriver } {
  const bench = new DeviceBench({ offers: ALL_RINGS | CTRL_VQ | CTRL_RX });
  return { bench, driver: bench.driver({ ...way, queueSizes }) };
}

const nameOf = (way: Way): string =>
  Object.entries(way)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : String(value)))
    .join(', ');

describe.each(WAYS.map((way) => [nameOf(way), way] as const))('%s', (_name, way) => {
  it('NOTIF-01, NOTIF-02: frames in, frames out and commands, for many laps', async () => {
    const { bench, driver } = setUp(way);
    const wanted: readonly [bigint, boolean][] = [
      [RING_PACKED, way.layout === 'packed'],
      [EVENT_IDX, way.eventIdx],
      [IN_ORDER, way.inOrder],
      [NOTIFICATION_DATA, way.notificationData],
      [INDIRECT, true],
    ];
    for (const [bit, on] of wanted) expect((driver.features & bit) !== 0n).toBe(on);

    for (let lap = 0; lap < 20; lap++) {
      const posted = driver.postReceive(3, 1526, { split: [12] });
      expect(posted).toBeGreaterThan(0);
      for (let i = 0; i < posted; i++) bench.receive(2 * (3 * lap + i), bytes(60 + i, lap));
      bench.device.flush();
      expect(driver.collect().map(({ frame }) => frame)).toEqual(
        Array.from({ length: posted }, (_, i) => bytes(60 + i, lap)),
      );

      const before = bench.sent.length;
      for (let i = 0; i < 3; i++) driver.queueFrame(bytes(100 + i, lap), { split: [12] });
      driver.notify(TX);
      expect(bench.sent.slice(before).map(({ frame }) => frame)).toEqual([0, 1, 2].map((i) => bytes(100 + i, lap)));
      expect(driver.reapTransmitted()).toHaveLength(3);

      expect(await driver.command(rxModeCommand(0, lap & 1))).toBe(0);
    }
    expect(bench.errors()).toEqual([]);
  });

  it('a driver that sleeps by the rules is woken, and one that does not want to be is not', () => {
    const { bench, driver } = setUp(way);
    driver.postReceive(8);
    const ring = driver.ring(RX);
    for (let round = 0; round < 20; round++) {
      ring.suppressInterrupts(true);
      let before = bench.interrupts().length;
      bench.receive(2, bytes(60, round));
      bench.device.flush();
      expect(bench.interrupts().length).toBe(before);
      expect(ring.awaitInterrupt()).toBe(true);
      driver.collect();
      expect(ring.awaitInterrupt()).toBe(false);
      before = bench.interrupts().length;
      bench.receive(2, bytes(60, round));
      bench.receive(4, bytes(60, round));
      bench.device.flush();
      expect(bench.interrupts().length).toBe(before + 1);
      expect(driver.collect()).toHaveLength(2);
      driver.postReceive(8);
    }
    expect(bench.errors()).toEqual([]);
  });
});

describe('fake driver', () => {
  it('takes nothing that changes its rings unless it is asked to', () => {
    expect(setUp({}).driver.features & ALL_RINGS).toBe(INDIRECT);
  });

  it('NOTIF-02: kicks with the position, 32 bits wide', () => {
    const bench = new DeviceBench({ offers: ALL_RINGS });
    const writes: number[][] = [];
    const ports: DriverPorts = {
      ...bench.ports,
      barWrite: (bar, offset, width, value) => {
        writes.push([width, value]);
        bench.ports.barWrite(bar, offset, width, value);
      },
    };
    const driver = bench.driver({ ports, layout: 'packed', notificationData: true, queueSizes: [8, 8, 4] });
    writes.length = 0;
    for (let i = 0; i < 9; i++) {
      driver.transmit(bytes(60, i));
      driver.reapTransmitted();
    }
    // The wrap counter is 1 in the first lap: bit 31.
    const kick = (slot: number, wrap: number): number[] => [4, wrap * 2 ** 31 + slot * 0x1_0000 + TX];
    expect(writes).toEqual([...[1, 2, 3, 4, 5, 6, 7].map((slot) => kick(slot, 1)), kick(0, 0), kick(1, 0)]);
  });

  it('NOTIF-01: kicks with what the device named, with NOTIF_CONFIG_DATA', () => {
    const bench = new DeviceBench({ offers: ALL_RINGS });
    const driver = bench.driver({ features: (1n << 32n) | NOTIF_CONFIG_DATA });
    driver.transmit(bytes(60, 0));
    expect(bench.sent).toHaveLength(1);
    expect(bench.errors()).toEqual([]);
  });

  it('a command waits in whatever layout its queue has', async () => {
    const { driver } = setUp({ layout: 'packed' });
    expect(driver.packedRing(CTRL).size).toBe(4);
    expect(() => driver.splitRing(CTRL)).toThrow('not split');
    expect(await driver.command(rxModeCommand(0, 1), { layout: { direct: 1 } })).toBe(0);
  });
});
