import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldMap } from './field-map.ts';
import { COMMON_CFG, COMMON_CFG_SIZE, type CommonField } from './layout.ts';

const map = new FieldMap(COMMON_CFG);

/** Registers that are plain memory: any access must then look like one to an array of bytes. */
function plainRegisters(): { values: Map<CommonField, number>; writes: string[] } & {
  read(field: CommonField): number;
  write(field: CommonField, value: number): void;
} {
  const values = new Map<CommonField, number>();
  const writes: string[] = [];
  return {
    values,
    writes,
    read: (field) => values.get(field) ?? 0,
    write: (field, value) => {
      writes.push(field);
      values.set(field, value);
    },
  };
}

describe('FieldMap over the common configuration', () => {
  it('the layout has 64 bytes and the offsets of 4.1.4.3', () => {
    expect(map.size).toBe(COMMON_CFG_SIZE);
    const offset = (name: string): number => map.fields.find((field) => field.name === name)?.offset ?? -1;
    expect(
      ['driver_feature', 'device_status', 'queue_select', 'queue_enable', 'queue_desc_lo', 'queue_driver_lo'].map(
        offset,
      ),
    ).toEqual([12, 20, 22, 28, 32, 40]);
    expect(['queue_device_lo', 'queue_reset', 'admin_queue_num'].map(offset)).toEqual([48, 58, 62]);
  });

  it('PCI-LAYOUT-01: accesses of any width at any offset behave like bytes', () => {
    const access = fc.record({
      offset: fc.nat(63),
      width: fc.constantFrom(1, 2, 4),
      value: fc.nat(0xffff_ffff),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (accesses) => {
        const registers = plainRegisters();
        const bytes = new Uint8Array(72);
        for (const { offset, width, value } of accesses) {
          const data = value % 2 ** (8 * width);
          map.write(registers, offset, width, data);
          for (let i = 0; i < width && offset + i < 64; i++) bytes[offset + i] = Math.floor(data / 256 ** i) % 256;
          for (const at of [offset, 0, 20, 33]) {
            let expected = 0;
            for (let i = width - 1; i >= 0; i--) expected = expected * 256 + (bytes[at + i] ?? 0);
            expect(map.read(registers, at, width)).toBe(expected);
          }
        }
      }),
    );
  });

  it('a write that spans fields reaches each of them once', () => {
    const registers = plainRegisters();
    map.write(registers, 20, 4, 0x0002_0f0f);
    expect(registers.writes).toEqual(['device_status', 'config_generation', 'queue_select']);
    expect(registers.values.get('queue_select')).toBe(2);
  });

  it('a write that ends within a field leaves the rest of it', () => {
    const registers = plainRegisters();
    registers.values.set('queue_desc_lo', 0xaabb_ccdd);
    map.write(registers, 30, 4, 0x1122_3344);
    expect(registers.values.get('queue_desc_lo')).toBe(0xaabb_1122);
  });

  it('beyond the last field there is nothing', () => {
    const registers = plainRegisters();
    map.write(registers, 62, 4, 0xffff_ffff);
    expect(registers.writes).toEqual(['admin_queue_num']);
    expect(map.read(registers, 62, 4)).toBe(0xffff);
    expect(map.read(registers, 64, 4)).toBe(0);
  });
});
