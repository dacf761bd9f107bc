import { describe, expect, it } from 'vitest';
import type { RxEvent } from './host-model.ts';
import {
  after,
  afterOn,
  CONFIG,
  CTRL_RX,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  frame,
  ioctlLines,
  JOINED,
  MACHINE_RESET,
  MIGRATE,
  MQ,
  negotiated,
  OWN,
  rulesOf,
  rx,
  tables,
  UNJOINED,
  withFaults,
} from './models.test-kit.ts';

/** The arguments of all SET_PROMISC, in order. */
const levels = ({ ioctls }: ReturnType<typeof after>): string[] =>
  ioctls.filter((line) => line.startsWith('SET_PROMISC ')).map((line) => line.slice('SET_PROMISC '.length));

describe('propolis-372a574', () => {
  const ID = 'propolis-372a574';

  it('goes to NONE as soon as CTRL_RX is negotiated: no multicast until something is programmed', () => {
    const result = after(ID, negotiated());
    expect(result.ioctls).toEqual(['SET_FEATURES 0x0000000000060000', 'SET_PROMISC NONE']);
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
    expect(levels(result)).toEqual(['NONE', 'MULTI', 'ALL', 'MULTI']);
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
    expect(levels(result)).toEqual(['NONE', 'ALL', 'NONE', 'ALL']);
  });

  it('a machine reset sets MULTI and clears the tables, but not the flags', () => {
    const set = [negotiated(), rx('promisc', 1), tables([FOREIGN], [JOINED]), MACHINE_RESET];
    const reset = after(ID, ...set);
    expect(reset.link?.level).toBe('MULTI');
    expect(reset.state).toMatchObject({ unicast: [], multicast: [], promisc: true });
    // So the next driver's first command brings PROMISC back.
    expect(levels(after(ID, ...set, negotiated(), rx('allmulti', 0)))).toEqual(['NONE', 'ALL', 'MULTI', 'NONE', 'ALL']);
  });

  it('trap: a failed SET_PROMISC is rolled back by a no-op; the command is ERR and multicast is gone', () => {
    const { model, state } = after(ID, negotiated(), tables([], [JOINED]));
    const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENOMEM');
    const failed = model.next(armed, rx('promisc', 1));
    expect(failed).toMatchObject({ ack: 'ERR', needsReset: false });
    expect(ioctlLines(failed)).toEqual(['SET_PROMISC ALL ENOMEM', 'SET_PROMISC MULTI']);
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
    const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'EIO');
    const failed = model.next(armed, tables([FOREIGN], [UNJOINED]));
    expect(failed.state).toMatchObject({ unicast: [], multicast: [JOINED], promisc: false });
  });

  it('gives up with NEEDS_RESET when the roll-back fails too', () => {
    const { model, state } = after(ID, negotiated());
    const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENXIO', 'ENXIO');
    const failed = model.next(armed, rx('promisc', 1));
    expect(failed).toMatchObject({ ack: 'ERR', needsReset: true });
    expect(ioctlLines(failed)).toEqual(['SET_PROMISC ALL ENXIO', 'SET_PROMISC NONE ENXIO']);
  });

  it('refuses FEATURES_OK with NEEDS_RESET when one of its ioctls fails', () => {
    const { model, state } = after(ID);
    for (const name of ['VNA_IOC_SET_PROMISC', 'VNA_IOC_SET_FEATURES', 'VNA_IOC_SET_USEPAIRS']) {
      const armed = withFaults(model, state, name, 'ENXIO');
      const refused = model.next(armed, negotiated(CTRL_VQ | CTRL_RX | MQ));
      expect(refused).toMatchObject({ needsReset: true, reason: expect.stringContaining(`${name} `) });
    }
  });

  it('a machine reset that fails is where Propolis panics', () => {
    const { model, state } = after(ID, negotiated());
    const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'EIO');
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

  it('on a VNIC, ALL is FILTERED: PROMISC brings no foreign unicast', () => {
    const result = afterOn({ ...CONFIG, kind: 'vnic' }, ID, negotiated(), rx('promisc', 1));
    expect(result).toMatchObject({ last: { ack: 'OK' }, link: { level: 'ALL' } });
    expect(result.rule(FOREIGN)).toBe('filtered-foreign');
    expect(result.rule(UNJOINED)).toBe('promisc-filtered');
  });

  it('migrates flags, tables and level to a new link', () => {
    const steps = [negotiated(), rx('allmulti', 1), tables([FOREIGN], [JOINED])];
    const { last, link, state } = after(ID, ...steps, MIGRATE);
    expect(last.ack).toBe('OK');
    expect(levels(after(ID, ...steps, MIGRATE)).at(-1)).toBe('ALL');
    expect(link).toMatchObject({ level: 'ALL', creations: 2 });
    expect(state).toMatchObject({ allmulti: true, unicast: [FOREIGN], multicast: [JOINED], remembered: 'ALL' });
  });

  it('trap: the level migrates as it is, though the tables would ask for another', () => {
    // The tables are those of a driver that is gone; its successor was lowered to NONE.
    const result = after(ID, negotiated(), tables([FOREIGN], [JOINED]), DRIVER_RESET, negotiated(), MIGRATE);
    expect(result.link?.level).toBe('NONE');
    expect(result.state).toMatchObject({ unicast: [FOREIGN], remembered: 'NONE' });
  });

  it('a new link ends what a failed roll-back had left behind', () => {
    const { model, state } = after(ID, negotiated(), tables([], [JOINED]));
    const failed = model.next(withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENOMEM'), rx('promisc', 1));
    expect(model.decide(failed.state, frame(JOINED)).accept).toBe(false);
    expect(model.decide(model.migrate(failed.state).state, frame(JOINED)).rule).toBe('promisc-multi');
  });
});
