import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frames, isGroup, session } from './drivers.test-kit.ts';
import { BROADCAST, CONFIG, frame, OWN, take } from './models.test-kit.ts';
import { hostModel } from './models.ts';

const ID = 'propolis-v7';

describe('propolis-v7, in every settled state of well-behaved drivers', () => {
  it('delivers own unicast and broadcast once, listed groups once under NONE, every group once under MULTI', () => {
    const model = hostModel(ID);
    fc.assert(
      fc.property(fc.array(session(false), { maxLength: 3 }), frames, (sessions, { dst }) => {
        const steps = sessions.flatMap(({ steps, ends }, at) =>
          at === sessions.length - 1 ? steps : [...steps, ends],
        );
        const state = steps.reduce<unknown>((now, step) => take(model, now, step).state, model.init(CONFIG));
        const link = model.link(state);
        // Flow 0 goes to the first pair: the spreading over others has its own tests.
        const { delivered } = model.decide(state, frame(dst)).cost;
        const level = link?.level ?? 'ALL';
        const expected =
          dst === OWN || dst === BROADCAST || level === 'ALL' || (isGroup(dst) && level === 'MULTI')
            ? 1
            : Number(isGroup(dst) && (link?.filters.includes(dst) ?? false));
        expect(delivered).toBe(expected);
        // And what the driver listed is in force, one way or the other.
        const { multicast } = state as { readonly multicast: readonly number[] };
        if (multicast.includes(dst)) expect(delivered).toBe(1);
      }),
      { numRuns: 1000 },
    );
  });
});
