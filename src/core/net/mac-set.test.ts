import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasDst, isForMac } from './mac-set.ts';

const mac = fc.oneof(
  fc.nat(0xffff_ffff_ffff),
  // Groups of one block, and addresses that agree in their low 32 bits.
  fc.nat(255).map((last) => 0x0100_5e00_0000 + last),
  fc.nat(0xffff).map((high) => high * 0x1_0000_0000 + 7),
);

describe('hasDst', () => {
  it('says what a search from end to end says, for tables of any length', () => {
    fc.assert(
      fc.property(fc.array(mac, { maxLength: 200 }), fc.array(mac, { maxLength: 50 }), (table, others) => {
        for (const each of [...table, ...others]) expect(hasDst(table, { dst: each })).toBe(table.includes(each));
      }),
    );
  });

  it('an empty table holds nothing, and a table may hold an address twice', () => {
    expect(hasDst([], { dst: 0 })).toBe(false);
    const twice = [1, 2, 3, 4, 5, 5, 1];
    expect([1, 5, 6].map((each) => hasDst(twice, { dst: each }))).toEqual([true, true, false]);
  });

  it('a new table with other entries is another table', () => {
    const before = [1, 2, 3, 4, 5, 6];
    expect(hasDst(before, { dst: 6 })).toBe(true);
    expect(hasDst(before.slice(0, 5), { dst: 6 })).toBe(false);
  });
});

describe('isForMac', () => {
  it('compares with the address of the state, each state for itself', () => {
    const state = { mac: 0x0200_0000_0015 };
    const moved = { ...state, mac: 0x0200_0000_0016 };
    for (let again = 0; again < 2; again++) {
      expect([0x15, 0x16].map((last) => isForMac(state, { dst: 0x0200_0000_0000 + last }))).toEqual([true, false]);
      expect([0x15, 0x16].map((last) => isForMac(moved, { dst: 0x0200_0000_0000 + last }))).toEqual([false, true]);
    }
  });
});
