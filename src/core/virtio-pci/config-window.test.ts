import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { findStructures, PCI_CFG } from '../testing/driver-ports.ts';

let bench: DeviceBench;
let at: number;

beforeEach(() => {
  bench = new DeviceBench();
  at = findStructures(bench.ports).find(({ type }) => type === PCI_CFG)?.capability ?? 0;
});

function aim(bar: number, offset: number, length: number): void {
  bench.ports.configWrite(at + 4, 1, bar);
  bench.ports.configWrite(at + 8, 4, offset);
  bench.ports.configWrite(at + 12, 4, length);
}

describe('PCI_CFG window', () => {
  it('PCI-CFGWIN-02: a write of pci_cfg_data is a BAR write of that length', () => {
    aim(4, 20, 1);
    bench.ports.configWrite(at + 16, 4, 0xffff_ff01);
    expect(bench.device.describe().status).toBe(1);
    expect(bench.device.barRead(4, 22, 2)).toBe(0);
  });

  it('PCI-CFGWIN-03: a read of pci_cfg_data is a BAR read of that length', () => {
    aim(4, 0, 4);
    bench.ports.configWrite(at + 16, 4, 1);
    aim(4, 4, 4);
    expect(bench.ports.configRead(at + 16, 4)).toBe(1);
    aim(4, 0x12, 2);
    expect(bench.ports.configRead(at + 16, 4)).toBe(3);
    expect(bench.ports.configRead(at + 16, 1)).toBe(3);
    expect(bench.errors()).toEqual([]);
  });

  it('PCI-CFGWIN-04: bar, offset and length read back; the rest of the capability does not change', () => {
    const header = bench.ports.configRead(at, 4);
    bench.ports.configWrite(at, 4, 0xffff_ffff);
    bench.ports.configWrite(at + 4, 4, 0xffff_ff04);
    bench.ports.configWrite(at + 8, 2, 0x80);
    bench.ports.configWrite(at + 12, 4, 2);
    expect(bench.ports.configRead(at, 4)).toBe(header);
    expect(header & 0xffff_00ff).toBe(0x0514_0009);
    expect(bench.ports.configRead(at + 4, 4)).toBe(4);
    expect(bench.ports.configRead(at + 8, 4)).toBe(0x80);
    expect(bench.ports.configRead(at + 12, 4)).toBe(2);
  });

  it('PCI-CFGWIN-04: a narrow write changes no byte but its own', () => {
    bench.ports.configWrite(at + 8, 4, 0x0403_0201);
    bench.ports.configWrite(at + 9, 1, 0xee);
    expect(bench.ports.configRead(at + 8, 4)).toBe(0x0403_ee01);
  });

  it('reaches up to the last byte of a BAR', () => {
    aim(1, 0x2_0000 - 4, 4);
    expect(bench.ports.configRead(at + 16, 4)).toBe(0);
    expect(bench.errors()).toEqual([]);
  });

  it('a machine that was moved finds it aimed as it was', () => {
    aim(4, 0x80, 1);
    const target = new DeviceBench();
    expect(target.device.restore(bench.device.snapshot())).toEqual({ ok: true });
    expect([8, 12].map((register) => target.ports.configRead(at + register, 4))).toEqual([0x80, 1]);
    expect(target.ports.configRead(at + 16, 1)).toBe(2);
  });

  it('reads the MAC address out of device configuration, as firmware does', () => {
    const mac = [0, 1, 2, 3, 4, 5].map((i) => {
      aim(4, 0x80 + i, 1);
      return bench.ports.configRead(at + 16, 1);
    });
    expect(mac).toEqual([0x02, 0x08, 0x20, 0x00, 0x00, 0x01]);
  });

  it.each([
    ['a BAR that the function does not show', 0, 0, 4],
    ['a BAR that never was', 6, 0, 4],
    ['a length of 3', 4, 0, 3],
    ['a length of 0', 4, 0, 0],
    ['a misaligned offset', 4, 2, 4],
    ['an offset outside', 4, 0x200, 4],
    ['a huge offset', 4, 0xffff_fffc, 4],
  ])('cfg-window-bad-access: %s reads zero and writes nothing', (_name, bar, offset, length) => {
    aim(bar, offset, length);
    expect(bench.ports.configRead(at + 16, 4)).toBe(0);
    bench.ports.configWrite(at + 16, 4, 0xffff_ffff);
    expect(bench.errors()).toEqual(['cfg-window-bad-access', 'cfg-window-bad-access']);
    expect(bench.device.describe().status).toBe(0);
  });

  it('PCI-CFGWIN-02, PCI-CFGWIN-03: any BAR that the function shows can be reached', () => {
    aim(1, 8, 4);
    bench.ports.configWrite(at + 16, 4, 0x1234);
    expect(bench.ports.configRead(at + 16, 4)).toBe(0x1234);
    expect(bench.device.barRead(1, 8, 4)).toBe(0x1234);
    bench = new DeviceBench({ transitional: true });
    aim(0, 12, 2);
    expect(bench.ports.configRead(at + 16, 4)).toBe(256);
  });

  it('a machine reset clears it', () => {
    aim(4, 8, 4);
    bench.device.machineReset();
    expect(bench.ports.configRead(at + 12, 4)).toBe(0);
  });
});
