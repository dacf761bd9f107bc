import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import {
  COMMON_CFG,
  DEVICE_CFG,
  type DriverPorts,
  findStructures,
  ISR_CFG,
  NOTIFY_CFG,
  PCI_CFG,
  type Structure,
} from '../testing/driver-ports.ts';

const NOTIFICATION_DATA = 1n << 38n;

let bench: DeviceBench;
let ports: DriverPorts;
let structures: readonly Structure[];
beforeEach(() => {
  bench = new DeviceBench({ offers: NOTIFICATION_DATA });
  ({ ports } = bench);
  structures = findStructures(ports);
});
const one = (type: number): Structure => {
  const found = structures.filter((structure) => structure.type === type);
  expect(found).toHaveLength(1);
  return found[0] as Structure;
};

describe('PCI configuration space', () => {
  it('PCI-ID-01, PCI-ID-02, PCI-ID-04: vendor and device', () => {
    expect(ports.configRead(0, 2)).toBe(0x1af4);
    expect(ports.configRead(2, 2)).toBe(0x1041);
  });

  it('PCI-ID-05: revision at least 1', () => {
    expect(ports.configRead(8, 1)).toBeGreaterThanOrEqual(1);
  });

  it('PCI-ID-06: subsystem device at least 0x40', () => {
    expect(ports.configRead(0x2e, 2)).toBeGreaterThanOrEqual(0x40);
  });

  it('PCI-BUS-01: an Ethernet controller with an interrupt pin, a capability list and two BARs', () => {
    expect(ports.configRead(9, 1) | (ports.configRead(10, 2) << 8)).toBe(0x020000);
    expect(ports.configRead(0x3d, 1)).toBe(1);
    expect(ports.configRead(6, 2) & 0x10).toBe(0x10);
    const bars = [0, 1, 2, 3, 4, 5].map((bar) => ports.configRead(0x10 + 4 * bar, 4));
    expect(bars.map((bar) => bar & 3)).toEqual([0, 0, 0, 0, 1, 0]);
    expect(bars.map((bar) => bar !== 0)).toEqual([false, true, false, false, true, false]);
    for (const { index, size } of bench.device.bars) {
      expect(Math.log2(size) % 1).toBe(0);
      expect(((bars[index] ?? 0) % size) & ~3).toBe(0);
    }
    expect(bench.device.pciSpace).toHaveLength(256);
  });

  it('PCI-CAP-05: the common configuration is as long as its layout; words of administration queues read zero', () => {
    const { bar, offset, length } = one(COMMON_CFG);
    expect(length).toBe(64);
    expect(ports.barRead(bar, offset + 60, 4)).toBe(0);
    expect(bench.errors()).toEqual([]);
  });

  it('PCI-CAP-01: cap_len counts trailing data', () => {
    expect(structures.map(({ type, capLength }) => [type, capLength])).toEqual([
      [COMMON_CFG, 16],
      [ISR_CFG, 16],
      [DEVICE_CFG, 16],
      [NOTIFY_CFG, 20],
      [PCI_CFG, 20],
    ]);
  });

  it('capabilities do not overlap, and structures lie in their BAR without overlapping', () => {
    const spans = structures.map(({ capability, capLength }) => [capability, capability + capLength] as const);
    spans.sort(([a], [b]) => a - b);
    spans.forEach(([start], i) => expect(start).toBeGreaterThanOrEqual(spans[i - 1]?.[1] ?? 0x40));
    const inBar = structures.filter(({ type }) => type !== PCI_CFG).sort((a, b) => a.offset - b.offset);
    inBar.forEach(({ offset, length, bar }, i) => {
      const before = inBar[i - 1];
      expect(offset).toBeGreaterThanOrEqual(before ? before.offset + before.length : 0);
      expect(bench.device.bars.find(({ index }) => index === bar)?.size).toBeGreaterThanOrEqual(offset + length);
    });
  });

  it('PCI-COMMON-01, PCI-COMMON-02: one common configuration, 4-byte aligned', () => {
    expect(one(COMMON_CFG).offset % 4).toBe(0);
    expect(one(COMMON_CFG).length).toBeGreaterThanOrEqual(56);
  });

  it('PCI-NOTIFY-01, PCI-NOTIFY-02, PCI-NOTIFY-03: doorbells are aligned, the multiplier is an even power of two', () => {
    const notify = one(NOTIFY_CFG);
    const multiplier = ports.configRead(notify.capability + 16, 4);
    expect(notify.offset % 2).toBe(0);
    expect(multiplier % 2).toBe(0);
    expect(Math.log2(multiplier) % 1).toBe(0);
  });

  it('PCI-NOTIFY-06, PCI-NOTIFY-07: with 32-bit kicks offered, doorbells are aligned to 4', () => {
    const notify = one(NOTIFY_CFG);
    expect(notify.offset % 4).toBe(0);
    expect(ports.configRead(notify.capability + 16, 4) % 4).toBe(0);
  });

  it.each([1, 11, 16])(
    'PCI-NOTIFY-04, PCI-NOTIFY-05, PCI-NOTIFY-08, PCI-NOTIFY-09: the doorbells of %i pairs lie in the structure',
    (queuePairs) => {
      const large = new DeviceBench({ queuePairs, offers: NOTIFICATION_DATA });
      const driver = large.driver({ initialise: false });
      const notify = findStructures(large.ports).find(({ type }) => type === NOTIFY_CFG) as Structure;
      const multiplier = large.ports.configRead(notify.capability + 16, 4);
      const queues = driver.common.read(18, 2);
      expect(queues).toBe(2 * queuePairs + 1);
      for (let queue = 0; queue < queues; queue++) {
        driver.select(queue);
        expect(notify.length).toBeGreaterThanOrEqual(driver.common.read(30, 2) * multiplier + 4);
      }
      const bar = large.device.bars.find(({ index }) => index === notify.bar);
      expect(bar?.size).toBeGreaterThanOrEqual(notify.offset + notify.length);
    },
  );

  it('PCI-BUS-01: what a function is cannot be written', () => {
    for (let at = 0; at < 0x100; at += 4) {
      const machines = at === 0x0c || at === 0x3c || (at >= 0x10 && at < 0x28);
      const before = ports.configRead(at, 4);
      if (machines || at === 4 || at >= 0x84) continue;
      for (const [width, offset] of [
        [4, 0],
        [2, 2],
        [1, 1],
      ] as const) {
        expect(bench.device.pciConfigWrite(at + offset, width, 0xffff_ffff)).toBe(true);
      }
      expect(ports.configRead(at, 4)).toBe(before);
    }
  });

  it('PCI-ISR-01, PCI-CFGWIN-01: one ISR and one window', () => {
    expect(one(ISR_CFG).length).toBeGreaterThanOrEqual(1);
    one(PCI_CFG);
  });

  it('PCI-DEVCFG-01, PCI-DEVCFG-02: device configuration is 4-byte aligned', () => {
    expect(one(DEVICE_CFG).offset % 4).toBe(0);
    expect(one(DEVICE_CFG).length).toBeGreaterThanOrEqual(12);
  });
});
