import { beforeEach, describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import type { FakeDriver } from '../testing/fake-driver.ts';

const MQ = 1n << 22n;
const HASH_REPORT = 1n << 57n;
const RSS = 1n << 60n;
const SPEED_DUPLEX = 1n << 63n;
const ANNOUNCE = 1n << 21n;
const CONFIG_INTERRUPT = 2;

describe('device configuration', () => {
  let bench: DeviceBench;
  let driver: FakeDriver;
  beforeEach(() => {
    bench = new DeviceBench({ mtu: 9000, offers: MQ | RSS | SPEED_DUPLEX, queuePairs: 11, memorySize: 0x40_0000 });
    driver = bench.driver({ initialise: false });
  });

  it('BASE-CFG-01: every field of an offered feature can be read before FEATURES_OK', () => {
    expect([0, 1, 2, 3, 4, 5].map((i) => driver.device.read(i, 1))).toEqual([2, 8, 0x20, 0, 0, 1]);
    expect(driver.device.read(6, 2)).toBe(1);
    expect(driver.device.read(10, 2)).toBe(9000);
  });

  it('NET-CFG-01: max_virtqueue_pairs', () => {
    expect(driver.device.read(8, 2)).toBe(11);
    expect(() => new DeviceBench({ queuePairs: 0 })).toThrow(RangeError);
    expect(() => new DeviceBench({ queuePairs: 0x8001 })).toThrow(RangeError);
  });

  it('NET-CFG-07, NET-CFG-08: room for a key of 40 bytes and a table of 128 entries', () => {
    expect(driver.device.read(17, 1)).toBeGreaterThanOrEqual(40);
    expect(driver.device.read(18, 2)).toBe(128);
    expect(driver.device.read(20, 4)).toBe(0x1ff);
    expect(driver.device.read(24, 4)).toBe(0);
  });

  it('PCI-COMMON-06: a reset under another offer is a change of the generation only if a field changed', () => {
    const generation = (): number => driver.common.read(21, 1);
    const become = (features: bigint): void => {
      const personality = { features, transitional: false, msix: true, ctrlMacAddr: false };
      expect(bench.device.setPersonality(personality)).toMatchObject({ ok: true });
      driver.reset();
    };
    const CTRL_VQ = 1n << 17n;
    const VERSION_1 = 1n << 32n;
    become(CTRL_VQ | VERSION_1);
    const plain = generation();
    expect([8, 10, 18].map((at) => driver.device.read(at, 2))).toEqual([0, 0, 0]);
    become(CTRL_VQ | VERSION_1 | (1n << 18n)); // CTRL_RX, of which the configuration says nothing
    expect(generation()).toBe(plain);
    become(CTRL_VQ | VERSION_1 | MQ);
    expect(generation()).not.toBe(plain);
    expect(driver.device.read(8, 2)).toBe(11);
  });

  it('BASE-CFG-02: little-endian at any width and offset', () => {
    expect(driver.device.read(0, 4)).toBe(0x0020_0802);
    expect(driver.device.read(9, 4)).toBe(0xff23_2800);
    expect(driver.device.read(8, 4)).toBe(0x2328_000b);
  });

  it('NET-CFG-02: an MTU out of range is our mistake, not the guest’s', () => {
    expect(() => new DeviceBench({ mtu: 67 })).toThrow(RangeError);
    expect(() => new DeviceBench({ mtu: 65_536 })).toThrow(RangeError);
    expect(new DeviceBench({ mtu: 68 }).driver().device.read(10, 2)).toBe(68);
    expect(new DeviceBench({ mtu: 65_535 }).driver().device.read(10, 2)).toBe(65_535);
  });

  it('NET-CFG-04, NET-CFG-15: writes are ignored and recorded, MTU included', () => {
    driver.device.write(10, 2, 1);
    driver.device.write(0, 4, 0xffff_ffff);
    expect(driver.device.read(10, 2)).toBe(9000);
    expect(driver.device.read(0, 4)).toBe(0x0020_0802);
    expect(bench.errors()).toEqual(['config-write', 'config-write']);
    expect(bench.eventsOf('config-write')).toEqual([
      { type: 'config-write', offset: 10, width: 2, value: 1 },
      { type: 'config-write', offset: 0, width: 4, value: 0xffff_ffff },
    ]);
  });

  it('fields of features that are not offered read zero', () => {
    const plain = new DeviceBench().driver();
    expect(plain.device.read(8, 2)).toBe(0);
    expect([12, 16, 20, 24].map((offset) => plain.device.read(offset, 4))).toEqual([0, 0, 0, 0]);
    const hashes = new DeviceBench({ offers: HASH_REPORT }).driver({ initialise: false });
    expect([17, 18, 19, 20].map((offset) => hashes.device.read(offset, 1))).toEqual(
      hashes.offered() & HASH_REPORT ? [40, 0, 0, 0xff] : [0, 0, 0, 0],
    );
  });
});

describe('speed and duplex', () => {
  const fields = (options: { speed?: number; duplex?: 'full' | 'half' }): [number, number] => {
    const { device } = new DeviceBench({ offers: SPEED_DUPLEX, ...options }).driver();
    return [device.read(12, 4), device.read(16, 1)];
  };

  it('NET-CFG-10, NET-CFG-11: unknown, or what the device has', () => {
    expect(fields({})).toEqual([0xffff_ffff, 0xff]);
    expect(fields({ speed: 10_000, duplex: 'full' })).toEqual([10_000, 1]);
    expect(fields({ speed: 10, duplex: 'half' })).toEqual([10, 0]);
    expect(fields({ speed: 0x7fff_ffff })).toEqual([0x7fff_ffff, 0xff]);
    expect(() => fields({ speed: 0x8000_0000 })).toThrow(RangeError);
  });

  it('NET-CFG-12: they stay as they are, whatever the link does', () => {
    const bench = new DeviceBench({ offers: SPEED_DUPLEX, speed: 1000, duplex: 'full' });
    const driver = bench.driver();
    bench.device.setLinkUp(false);
    bench.device.setLinkUp(true);
    expect([driver.device.read(12, 4), driver.device.read(16, 1)]).toEqual([1000, 1]);
  });
});

describe('the link', () => {
  it('down and up: the status bit, and a configuration change notification each', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    bench.device.setLinkUp(false);
    expect(driver.device.read(6, 2)).toBe(0);
    expect(driver.readIsr()).toBe(CONFIG_INTERRUPT);
    bench.device.setLinkUp(false);
    expect(driver.readIsr()).toBe(0);
    bench.device.setLinkUp(true);
    expect(driver.device.read(6, 2)).toBe(1);
    expect(driver.readIsr()).toBe(CONFIG_INTERRUPT);
    expect(bench.device.describe().linkUp).toBe(true);
  });

  it('each change is an event, and what changes nothing is none', () => {
    const bench = new DeviceBench({ offers: ANNOUNCE });
    bench.device.setLinkUp(false);
    bench.device.setLinkUp(false);
    bench.device.announce();
    const driver = bench.driver();
    bench.device.announce();
    bench.device.setLinkUp(true);
    driver.ask(C.announceAck(), 1);
    bench.device.setLinkUp(false);
    expect(bench.eventsOf('carrier')).toEqual([
      { type: 'carrier', up: false, announce: false },
      { type: 'carrier', up: false, announce: true },
      { type: 'carrier', up: true, announce: true },
      { type: 'carrier', up: false, announce: false },
    ]);
  });

  it('stays down over a reset', () => {
    const bench = new DeviceBench();
    bench.device.setLinkUp(false);
    expect(bench.driver().device.read(6, 2)).toBe(0);
  });
});

describe('announcing', () => {
  it('a driver that did not negotiate it is not asked', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    expect(bench.device.announce()).toBe(false);
    expect(driver.device.read(6, 2)).toBe(1);
    expect(driver.readIsr()).toBe(0);
  });

  it('NET-ANN-01: the bit asks with an interrupt, and is gone before the ACK comes back', () => {
    const bench = new DeviceBench({ offers: ANNOUNCE });
    const driver = bench.driver();
    expect(bench.device.announce()).toBe(true);
    expect(driver.device.read(6, 2)).toBe(3);
    expect(driver.readIsr()).toBe(CONFIG_INTERRUPT);
    expect(bench.device.describe().announcePending).toBe(true);
    const generation = driver.common.read(21, 1);
    const statusWhenUsed: number[] = [];
    bench.onInterrupt = () => statusWhenUsed.push(driver.device.read(6, 2));
    expect([...driver.ask(C.announceAck(), 1).bytes]).toEqual([0]);
    expect(statusWhenUsed).toEqual([1]);
    expect(bench.device.describe().announcePending).toBe(false);
    expect(driver.common.read(21, 1)).not.toBe(generation);
    expect(driver.readIsr()).toBe(1);
  });

  it('NET-ANN-01: a second ACK does nothing; the link’s bit is left alone', () => {
    const bench = new DeviceBench({ offers: ANNOUNCE });
    const driver = bench.driver();
    bench.device.setLinkUp(false);
    bench.device.announce();
    expect(driver.device.read(6, 2)).toBe(2);
    expect([...driver.ask(C.announceAck(), 1).bytes]).toEqual([0]);
    const generation = driver.common.read(21, 1);
    expect([...driver.ask(C.announceAck(), 1).bytes]).toEqual([0]);
    expect(driver.device.read(6, 2)).toBe(0);
    expect(driver.common.read(21, 1)).toBe(generation);
  });

  it('a reset forgets that it asked', () => {
    const bench = new DeviceBench({ offers: ANNOUNCE });
    const driver = bench.driver();
    bench.device.announce();
    driver.initialise();
    expect(driver.device.read(6, 2)).toBe(1);
  });
});
