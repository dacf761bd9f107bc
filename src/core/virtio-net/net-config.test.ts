import { describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { FEATURE_REQUIREMENTS, judgeDependencies, offerable } from './feature-rules.ts';

describe('device configuration', () => {
  const bench = new DeviceBench({ mtu: 9000 });
  const driver = bench.driver({ initialise: false });

  it('BASE-CFG-01: every field can be read before FEATURES_OK', () => {
    expect([0, 1, 2, 3, 4, 5].map((i) => driver.device.read(i, 1))).toEqual([2, 8, 0x20, 0, 0, 1]);
    expect(driver.device.read(6, 2)).toBe(1);
    expect(driver.device.read(8, 2)).toBe(1);
    expect(driver.device.read(10, 2)).toBe(9000);
  });

  it('BASE-CFG-02: little-endian at any width and offset', () => {
    expect(driver.device.read(0, 4)).toBe(0x0020_0802);
    expect(driver.device.read(9, 4)).toBe(0x0023_2800);
    expect(driver.device.read(10, 4)).toBe(9000);
  });

  it('NET-CFG-02, NET-CFG-03: an MTU out of range is our mistake, not the guest’s', () => {
    expect(() => new DeviceBench({ mtu: 67 })).toThrow(RangeError);
    expect(() => new DeviceBench({ mtu: 65_536 })).toThrow(RangeError);
    expect(new DeviceBench({ mtu: 68 }).driver().device.read(10, 2)).toBe(68);
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
    expect([12, 16, 20, 24].map((offset) => driver.device.read(offset, 4))).toEqual([0, 0, 0, 0]);
  });
});

describe('features', () => {
  it('BASE-FEAT-01, BASE-FEAT-04: whatever the host says, the offer has its prerequisites and nothing more', () => {
    for (const host of [0n, 1n << 18n, (1n << 18n) | (1n << 20n), (1n << 128n) - 1n]) {
      expect(judgeDependencies(offerable(host))).toBeNull();
      expect(offerable(host) & ~0x1_1007_0028n).toBe(0n);
    }
  });

  it('NET-DEP-18, NET-DEP-19, NET-DEP-21, NET-DEP-22, NET-DEP-23: the control features need CTRL_VQ', () => {
    expect(FEATURE_REQUIREMENTS.map(({ bit, needs }) => [bit, needs])).toEqual([
      [18, 17],
      [19, 17],
      [21, 17],
      [22, 17],
      [23, 17],
    ]);
    expect(judgeDependencies(1n << 18n)?.code).toBe('feature-dependency');
    expect(judgeDependencies(3n << 17n)).toBeNull();
  });
});
