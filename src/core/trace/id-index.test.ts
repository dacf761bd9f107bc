import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdIndex } from './id-index.ts';

it('finds what a map would find, also where ids meet and after it has grown', () => {
  const step = fc.record({
    remove: fc.boolean(),
    // Some close together, some that meet in the low bits, some at the end of the 32 bits.
    id: fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 12 }).map((n) => n * 64 + 2),
      fc.integer({ min: 0, max: 8 }).map((n) => 0xffff_ffff - n),
    ),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let ids = new Uint32Array(8);
      const index = new IdIndex(ids);
      index.grow(ids);
      const model = new Map<number, number>();
      const free: number[] = [];
      let used = 0;
      for (const { remove, id } of steps) {
        const slot = model.get(id);
        if (remove && slot !== undefined) {
          index.remove(id);
          model.delete(id);
          free.push(slot);
        } else if (!remove && slot === undefined) {
          const taken = free.pop() ?? used++;
          if (taken === ids.length) {
            const more = new Uint32Array(2 * ids.length);
            more.set(ids);
            ids = more;
            index.grow(ids);
          }
          ids[taken] = id;
          index.add(id, taken);
          model.set(id, taken);
        }
        for (const each of steps) expect(index.find(each.id)).toBe(model.get(each.id) ?? -1);
      }
      index.clear();
      for (const { id } of steps) expect(index.find(id)).toBe(-1);
    }),
  );
});
