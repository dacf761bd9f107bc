import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ALL_VLANS, hasVlan, NO_VLANS, withVlan } from './vlan-map.ts';

const VIDS = Array.from({ length: 4096 }, (_, vid) => vid);

it('none and all of the 4096 VIDs', () => {
  expect(VIDS.some((vid) => hasVlan(NO_VLANS, vid))).toBe(false);
  expect(VIDS.every((vid) => hasVlan(ALL_VLANS, vid))).toBe(true);
});

it('holds what was added and not removed, like a set', () => {
  const step = fc.record({ vid: fc.integer({ min: 0, max: 4095 }), passes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const set = new Set<number>();
      let map = NO_VLANS;
      for (const { vid, passes } of steps) {
        if (passes) set.add(vid);
        else set.delete(vid);
        map = withVlan(map, vid, passes);
      }
      expect(VIDS.filter((vid) => hasVlan(map, vid))).toEqual([...set].sort((a, b) => a - b));
    }),
  );
});

it('is never changed in place, and is the same map if nothing changes', () => {
  const map = withVlan(NO_VLANS, 17, true);
  expect(hasVlan(NO_VLANS, 17)).toBe(false);
  expect(withVlan(map, 17, true)).toBe(map);
  expect(withVlan(map, 18, false)).toBe(map);
});
