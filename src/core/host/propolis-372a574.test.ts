import { describe, expect, it } from 'vitest';
import type { RxEvent } from './host-model.ts';
import {
  after,
  CONFIG,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  frame,
  JOINED,
  MACHINE_RESET,
  negotiated,
  OWN,
  rulesOf,
  rx,
  tables,
  UNJOINED,
} from './models.test-kit.ts';

describe('propolis-372a574', () => {
  const ID = 'propolis-372a574';

  it('goes to NONE as soon as CTRL_RX is negotiated: no multicast until something is programmed', () => {
    const result = after(ID, negotiated());
    expect(result.ioctls).toEqual(['VNA_IOC_SET_PROMISC NONE 0']);
    expect(rulesOf(result)).toEqual([
      'own-unicast',
      'unicast-foreign',
      'broadcast',
      'multicast-no-listener',
      'multicast-no-listener',
    ]);
  });

  it('stays in MULTI for a driver without CTRL_RX', () => {
    expect(after(ID, negotiated(CTRL_VQ)).link?.level).toBe('MULTI');
  });

  it.each<[string, RxEvent[], string]>([
    ['PROMISC on', [rx('promisc', 1)], 'ALL'],
    ['PROMISC on and off', [rx('promisc', 1), rx('promisc', 0)], 'NONE'],
    ['ALLMULTI on', [rx('allmulti', 1)], 'MULTI'],
    ['ALLMULTI and PROMISC on', [rx('allmulti', 1), rx('promisc', 1)], 'ALL'],
    ['PROMISC off, ALLMULTI still on', [rx('allmulti', 1), rx('promisc', 1), rx('promisc', 0)], 'MULTI'],
    ['one multicast entry', [tables([], [JOINED])], 'MULTI'],
    ['a foreign unicast entry', [tables([FOREIGN], [])], 'ALL'],
    ['the own MAC as unicast entry', [tables([OWN], [])], 'NONE'],
    ['the own and a foreign MAC', [tables([OWN, FOREIGN], [JOINED])], 'ALL'],
    ['a table set and emptied', [tables([FOREIGN], [JOINED]), tables([], [])], 'NONE'],
  ])('NET-CTRLRX-01, NET-CTRLRX-04, NET-MAC-02: %s', (_name, commands, level) => {
    const result = after(ID, negotiated(), ...commands);
    expect(result.link?.level).toBe(level);
    expect(result.last.ack).toBe('OK');
  });

  it('issues one ioctl per change of level and none otherwise', () => {
    const result = after(
      ID,
      negotiated(),
      tables([], [JOINED]),
      tables([], [UNJOINED]),
      rx('promisc', 1),
      rx('promisc', 0),
    );
    expect(result.ioctls.map((line) => line.split(' ')[1])).toEqual(['NONE', 'MULTI', 'ALL', 'MULTI']);
  });

  it('does not filter by table: one entry lets all multicast in (NET-MAC-04 not met, legal by NET-CTRLRX-18)', () => {
    expect(after(ID, negotiated(), tables([], [JOINED])).rule(UNJOINED)).toBe('promisc-multi');
  });

  it('NET-MAC-01 is not met: level, flags and tables survive a driver reset', () => {
    const result = after(ID, negotiated(), tables([FOREIGN], []), DRIVER_RESET, negotiated(CTRL_VQ));
    expect(result.link?.level).toBe('ALL');
    expect(result.accepts(FOREIGN)).toBe(true);
    expect(after(ID, negotiated(), DRIVER_RESET, negotiated(CTRL_VQ)).rule(JOINED)).toBe('multicast-no-listener');
  });

  it('a surviving PROMISC flag comes back with the next driver’s first command', () => {
    const result = after(ID, negotiated(), rx('promisc', 1), DRIVER_RESET, negotiated(), rx('allmulti', 0));
    expect(result.ioctls.map((line) => line.split(' ')[1])).toEqual(['NONE', 'ALL', 'NONE', 'ALL']);
  });

  it('a machine reset sets MULTI and clears the tables, but not the flags', () => {
    const reset = after(ID, negotiated(), rx('allmulti', 1), tables([FOREIGN], [JOINED]), MACHINE_RESET);
    expect(reset.link?.level).toBe('MULTI');
    expect(reset.state).toMatchObject({ unicast: [], multicast: [], allmulti: true });
  });

  it('trap: a failed SET_PROMISC is rolled back by a no-op; the command is ERR and multicast is gone', () => {
    const { model, state } = after(ID, negotiated(), tables([], [JOINED]));
    const { state: armed } = model.fault(state, 'VNA_IOC_SET_PROMISC', 'ENOMEM');
    const failed = model.next(armed, rx('promisc', 1));
    expect(failed).toMatchObject({ ack: 'ERR', needsReset: false });
    expect(failed.ioctls.map(({ arg, errno }) => `${arg} ${errno}`)).toEqual(['ALL ENOMEM', 'MULTI 0']);
    expect(failed.reason).toMatch(/SET_PROMISC ALL failed with ENOMEM/);
    expect(model.link(failed.state)?.level).toBe('MULTI');
    expect(model.decide(failed.state, frame(JOINED)).rule).toBe('multicast-no-listener');
    // Still there after the same table again: the VMM believes to be in MULTI already.
    const again = model.next(failed.state, tables([], [JOINED, UNJOINED]));
    expect(again).toMatchObject({ ack: 'OK', ioctls: [] });
    expect(model.decide(again.state, frame(JOINED)).accept).toBe(false);
    // A different level mends it.
    const mended = [rx('promisc', 1), rx('promisc', 0)].reduce((s, event) => model.next(s, event).state, again.state);
    expect(model.decide(mended, frame(JOINED)).rule).toBe('promisc-multi');
  });

  it('a refused request leaves flags and tables as they were', () => {
    const { model, state } = after(ID, negotiated(), tables([], [JOINED]));
    const armed = model.fault(state, 'VNA_IOC_SET_PROMISC', 'EIO').state;
    const failed = model.next(armed, tables([FOREIGN], [UNJOINED]));
    expect(failed.state).toMatchObject({ unicast: [], multicast: [JOINED], promisc: false });
  });

  it('gives up with NEEDS_RESET when the roll-back fails too', () => {
    const { model, state } = after(ID, negotiated());
    const once = model.fault(state, 'VNA_IOC_SET_PROMISC', 'ENXIO').state;
    const twice = model.fault(once, 'VNA_IOC_SET_PROMISC', 'ENXIO').state;
    const failed = model.next(twice, rx('promisc', 1));
    expect(failed).toMatchObject({ ack: 'ERR', needsReset: true });
    expect(failed.ioctls.map(({ arg, errno }) => `${arg} ${errno}`)).toEqual(['ALL ENXIO', 'NONE ENXIO']);
  });

  it('refuses FEATURES_OK with NEEDS_RESET when the level cannot be lowered', () => {
    const { model, state } = after(ID);
    const armed = model.fault(model.init(CONFIG) ?? state, 'VNA_IOC_SET_PROMISC', 'ENXIO').state;
    expect(model.next(armed, negotiated())).toMatchObject({ needsReset: true });
  });

  it('a machine reset that fails is where Propolis panics', () => {
    const { model, state } = after(ID, negotiated());
    const armed = model.fault(state, 'VNA_IOC_SET_PROMISC', 'EIO').state;
    expect(model.next(armed, MACHINE_RESET)).toMatchObject({
      needsReset: true,
      reason: expect.stringMatching(/panic/),
    });
  });

  it('does not notice an ioctl issued behind its back', () => {
    const { model, state } = after(ID, negotiated(), tables([], [JOINED]));
    const { state: moved, record } = model.ioctl(state, 'VNA_IOC_SET_PROMISC', 0);
    expect(record).toEqual({ name: 'VNA_IOC_SET_PROMISC', arg: 'NONE', errno: 0 });
    expect(model.next(moved, tables([], [UNJOINED])).ioctls).toEqual([]);
    expect(model.decide(moved, frame(JOINED)).accept).toBe(false);
  });
});
