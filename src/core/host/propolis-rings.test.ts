import { describe, expect, it } from 'vitest';
import type { HostModelId, RxEvent } from './host-model.ts';
import {
  after,
  CTRL_VQ,
  DRIVER_RESET,
  frame,
  from,
  ioctlLines,
  MACHINE_RESET,
  MIGRATE,
  MQ,
  negotiated,
  OWN,
  pairs,
  queue,
  type Step,
  VERSION_1,
  withFaults,
} from './models.test-kit.ts';

const MODELS: readonly HostModelId[] = ['propolis-before-1125', 'propolis-372a574', 'propolis-v7'];
const WITH_MQ = negotiated(CTRL_VQ | MQ | VERSION_1);
const WITHOUT_MQ = negotiated(CTRL_VQ | VERSION_1);

const started = (...queues: readonly number[]): RxEvent[] =>
  queues.flatMap((index) => [queue(index, 'enabled'), queue(index, 'kicked')]);
/** Without those for promiscuity and filters, which are each model's own. */
const ringLines = (lines: readonly string[]): string[] => lines.filter((line) => !/PROMISC|FILTERS/.test(line));
const states = (result: ReturnType<typeof after>): string[] => result.link?.rings.map(({ state }) => state) ?? [];
/** Own unicast by flow: with n pairs in use, flow f goes to pair f modulo n. */
const arrives = (result: ReturnType<typeof after>, flows: number): boolean[] =>
  Array.from({ length: flows }, (_, flow) => result.accepts(OWN, -1, flow));

describe.each(MODELS)('%s', (id) => {
  it('tells the link the features that were negotiated of those it offered', () => {
    const { ioctls, link } = after(id, negotiated(CTRL_VQ | VERSION_1 | (1n << 15n) | (1n << 19n)));
    expect(ringLines(ioctls)).toEqual(['SET_FEATURES 0x0000000100028000']);
    expect(link).toMatchObject({ modern: true, features: '0x0000000000008000', pairs: 1, usePairs: 1 });
  });

  it('sets up a ring when its queue is enabled and starts it when it is kicked', () => {
    const { ioctls, link } = after(id, WITHOUT_MQ, queue(0, 'enabled'), queue(1, 'enabled', 128), queue(0, 'kicked'));
    expect(ringLines(ioctls).slice(1)).toEqual([
      expect.stringMatching(/^RING_INIT_MODERN index=0 size=256 .*[^A-Z]$/),
      expect.stringMatching(/^RING_INIT_MODERN index=1 size=128 .*[^A-Z]$/),
      'RING_KICK 0',
    ]);
    expect(link?.rings.map(({ state, size }) => [state, size])).toEqual([
      ['RUN', 256],
      ['INIT', 128],
    ]);
  });

  it('the control queue is no ring: 2 without MQ, 22 with it', () => {
    expect(ringLines(after(id, WITHOUT_MQ, ...started(2)).ioctls)).toHaveLength(1);
    expect(ringLines(after(id, WITH_MQ, ...started(22)).ioctls)).toHaveLength(3);
    expect(states(after(id, WITH_MQ, ...started(2)))[2]).toBe('RUN');
  });

  it('a queue beyond the pairs in use is not set up', () => {
    expect(ringLines(after(id, WITHOUT_MQ, queue(5, 'enabled')).ioctls)).toHaveLength(1);
  });

  it('a ring that is still set up is reset before it is set up again', () => {
    const { ioctls } = after(id, WITHOUT_MQ, ...started(0), queue(0, 'enabled'));
    expect(ringLines(ioctls).slice(3)).toEqual(['RING_RESET 0', expect.stringMatching(/^RING_INIT_MODERN index=0/)]);
  });

  it('RING_RESET of one queue resets its ring', () => {
    expect(states(after(id, WITHOUT_MQ, ...started(0, 1), queue(0, 'reset')))).toEqual(['RESET', 'RUN']);
  });

  it('a legacy ring whose parts do not lie on pages is refused, and just does not run', () => {
    const legacy = negotiated(CTRL_VQ);
    const short = after(id, legacy, queue(0, 'enabled', 128), queue(0, 'kicked'));
    expect(ringLines(short.ioctls).slice(1)).toEqual([
      expect.stringMatching(/^RING_INIT_MODERN .* EINVAL$/),
      'RING_KICK 0 EBUSY',
    ]);
    expect(short.last.needsReset).toBe(false);
    expect(states(after(id, legacy, ...started(0)))[0]).toBe('RUN');
  });

  it('trap: with MQ eleven rings are in use before the driver asks, and those not kicked lose (NET-MQ-06 not met)', () => {
    const { ioctls, link } = after(id, WITH_MQ);
    expect(ringLines(ioctls)).toEqual(['SET_FEATURES 0x0000000100420000', 'SET_PAIRS 11', 'SET_USEPAIRS 11']);
    expect(link).toMatchObject({ pairs: 11, usePairs: 11 });
    const one = after(id, WITH_MQ, ...started(0, 1));
    expect(arrives(one, 12)).toEqual(Array.from({ length: 12 }, (_, flow) => flow % 11 === 0));
    expect(one.rule(OWN, -1, 1)).toBe('ring-not-running');
    expect(arrives(after(id, WITH_MQ, ...started(0, 1), pairs(1)), 12).every(Boolean)).toBe(true);
  });

  it('NET-MQ-07: PAIRS_SET spreads over as many pairs as were asked for, and a second time is not issued', () => {
    const up = [WITH_MQ, ...started(0, 1, 2, 3, 4, 5)];
    const { link, ioctls } = after(id, ...up, pairs(3), pairs(3));
    expect(link).toMatchObject({ pairs: 11, usePairs: 3 });
    expect(ringLines(ioctls).filter((line) => line === 'SET_USEPAIRS 3')).toHaveLength(1);
    expect(arrives(after(id, ...up, pairs(3)), 6).every(Boolean)).toBe(true);
  });

  it('a driver reset resets every ring that was ever in use, and no other', () => {
    const few = after(id, WITHOUT_MQ, ...started(0, 1), DRIVER_RESET);
    expect(ringLines(few.ioctls).filter((line) => line.startsWith('RING_RESET'))).toEqual([
      'RING_RESET 0',
      'RING_RESET 1',
    ]);
    const many = after(id, WITH_MQ, ...started(0, 1, 8, 9), pairs(1), DRIVER_RESET);
    expect(ringLines(ioctlLines(many.last))).toEqual(Array.from({ length: 22 }, (_, index) => `RING_RESET ${index}`));
    expect(new Set(states(many))).toEqual(new Set(['RESET']));
    // Under the driver that follows, queue 2 is the control queue.
    const next = after(id, WITH_MQ, DRIVER_RESET, WITHOUT_MQ, DRIVER_RESET);
    expect(ringLines(ioctlLines(next.last))).toHaveLength(21);
    expect(ioctlLines(next.last)).not.toContain('RING_RESET 2');
  });

  it('trap: pairs in use survive a driver reset, and a next driver without MQ loses most flows', () => {
    const next = after(id, WITH_MQ, ...started(0, 1), DRIVER_RESET, WITHOUT_MQ, ...started(0, 1));
    expect(next.link).toMatchObject({ pairs: 11, usePairs: 11 });
    expect(arrives(next, 11).filter(Boolean)).toHaveLength(1);
  });

  it('a machine reset goes back to one pair', () => {
    const { last, link } = after(id, WITH_MQ, ...started(0, 1), MACHINE_RESET);
    expect(ringLines(ioctlLines(last)).slice(-2)).toEqual(['SET_USEPAIRS 1', 'SET_PAIRS 1']);
    expect(link).toMatchObject({ pairs: 1, usePairs: 1 });
    const again = after(id, WITH_MQ, MACHINE_RESET, MACHINE_RESET).last;
    expect(ringLines(ioctlLines(again))).toEqual(['RING_RESET 0', 'RING_RESET 1', 'SET_PAIRS 1']);
  });

  it('migration sets up the rings in use on a new link, and starts those that ran', () => {
    const steps: Step[] = [WITHOUT_MQ, ...started(0), queue(1, 'enabled')];
    const { last, link } = after(id, ...steps, MIGRATE);
    expect(last).toMatchObject({ ack: 'OK', needsReset: false });
    expect(ringLines(ioctlLines(last))).toEqual([
      'SET_FEATURES 0x0000000100020000',
      'SET_USEPAIRS 1',
      'RING_RESET 0',
      expect.stringMatching(/^RING_SET_STATE index=0 /),
      'RING_KICK 0',
      'RING_RESET 1',
      expect.stringMatching(/^RING_SET_STATE index=1 /),
    ]);
    expect(link).toMatchObject({ creations: 2, faults: [] });
    expect(link?.rings.map(({ state, size }) => [state, size])).toEqual([
      ['RUN', 256],
      ['INIT', 256],
    ]);
  });

  it('migration keeps the pairs in use, which with MQ are of eleven', () => {
    const { last, link } = after(id, WITH_MQ, ...started(0, 1, 2, 3), pairs(2), MIGRATE);
    expect(ringLines(ioctlLines(last)).slice(0, 3)).toEqual([
      'SET_FEATURES 0x0000000100420000',
      'SET_PAIRS 11',
      'SET_USEPAIRS 2',
    ]);
    expect(link).toMatchObject({ pairs: 11, usePairs: 2 });
  });

  it('trap: rings beyond the pairs in use are forgotten by a migration, and lost when they are asked for', () => {
    const moved = after(id, WITH_MQ, ...started(0, 1, 2, 3), pairs(1), MIGRATE, pairs(2));
    expect(arrives(moved, 2)).toEqual([true, false]);
    expect(arrives(after(id, WITH_MQ, ...started(0, 1, 2, 3), pairs(1), pairs(2)), 2)).toEqual([true, true]);
  });

  it('trap: pairs that survived a reset make the import fail, and the machine stays where it is', () => {
    const stuck = after(id, WITH_MQ, DRIVER_RESET, WITHOUT_MQ, ...started(0, 1));
    const { ack, state, reason } = stuck.model.migrate(stuck.state);
    expect(ack).toBe('ERR');
    expect(reason).toMatch(/SET_USEPAIRS 11 failed with EINVAL.*stays/);
    expect(state).toBe(stuck.state);
  });

  it('a ring that cannot be reset needs a reset of the device once its queue is enabled again', () => {
    const { model, state } = after(id, WITHOUT_MQ, ...started(0, 1));
    const stalled = model.fault(state, { kind: 'ring-stall', ring: 0 }).state;
    const reset = model.next(stalled, DRIVER_RESET);
    expect(ioctlLines(reset)).toContain('RING_RESET 0 EINTR');
    expect(reset.needsReset).toBe(false);
    const again = from(model, reset.state, WITHOUT_MQ, queue(0, 'enabled'));
    expect(again.last).toMatchObject({ needsReset: true, reason: expect.stringMatching(/RING_RESET 0 .*EINTR/) });
    // And allocating pairs is refused as long as it lasts.
    expect(model.next(reset.state, WITH_MQ)).toMatchObject({ needsReset: true });
  });

  it('a ring that cannot be set up loses, and nothing more happens', () => {
    const { model, state } = after(id, WITH_MQ, ...started(0, 1), pairs(2));
    const armed = withFaults(model, state, 'VNA_IOC_RING_INIT_MODERN', 'ENOMEM');
    const { last, rule } = from(model, armed, ...started(2));
    expect(last.needsReset).toBe(false);
    expect(rule(OWN, -1, 1)).toBe('ring-not-running');
  });

  it('a first pair that does not run is no verdict: the driver is not there yet', () => {
    const { model, state } = after(id, WITH_MQ);
    expect(model.decide(state, frame(OWN, -1, 3)).rule).toBe('own-unicast');
  });
});

describe('a command that Propolis unwraps', () => {
  it('ends the process up to 372a574: PAIRS_SET without MQ', () => {
    for (const id of MODELS.slice(0, 2)) {
      const { last } = after(id, WITHOUT_MQ, pairs(2));
      expect(ioctlLines(last)).toEqual(['SET_USEPAIRS 2 EINVAL']);
      expect(last).toMatchObject({ ack: 'ERR', needsReset: true, reason: expect.stringMatching(/panic/) });
    }
  });

  it('is just refused since zl/multicast', () => {
    expect(after('propolis-v7', WITHOUT_MQ, pairs(2)).last).toMatchObject({ ack: 'ERR', needsReset: false });
  });

  it('a machine reset that cannot set one pair: panic up to 372a574, NEEDS_RESET since', () => {
    for (const id of MODELS) {
      const { model, state } = after(id, WITH_MQ);
      const failed = model.next(withFaults(model, state, 'VNA_IOC_SET_USEPAIRS', 'ENXIO'), MACHINE_RESET);
      expect(failed.needsReset).toBe(true);
      expect((failed.reason ?? '').includes('panic')).toBe(id !== 'propolis-v7');
    }
  });
});
