import { describe, expect, it } from 'vitest';
import type { RxEvent } from './host-model.ts';
import {
  address,
  after,
  BROADCAST,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  from,
  groups,
  ioctlLines,
  JOINED,
  MACHINE_RESET,
  MIGRATE,
  negotiated,
  OWN,
  rulesOf,
  rx,
  stations,
  tables,
  UNJOINED,
  vlan,
  withFaults,
} from './models.test-kit.ts';

const ID = 'propolis-v7';
const ready = (...commands: readonly RxEvent[]) => after(ID, negotiated(), ...commands);
/** What the last step did about promiscuity and filters. */
const filterLines = (result: ReturnType<typeof after>): string[] =>
  ioctlLines(result.last).filter((line) => /PROMISC|FILTERS/.test(line));
const filters = (result: ReturnType<typeof after>) => result.link?.filters ?? [];

describe('propolis-v7', () => {
  it('drives a link of interface version 7', () => {
    expect(ready().link?.version).toBe(7);
  });

  it('negotiation changes nothing: MULTI until the first good table', () => {
    const result = ready();
    expect(filterLines(result)).toEqual([]);
    expect(rulesOf(result)).toEqual(['own-unicast', 'unicast-foreign', 'broadcast', 'promisc-multi', 'promisc-multi']);
    // PROMISC on and off, as snoop does, does not lower it either.
    expect(ready(rx('promisc', 1), rx('promisc', 0)).link?.level).toBe('MULTI');
    // Nor does a table that is refused.
    expect(ready(tables([], [FOREIGN]), rx('allmulti', 0)).link?.level).toBe('MULTI');
  });

  it('an empty table is a good one: own unicast and broadcast only', () => {
    const result = ready(tables([], []));
    expect(filterLines(result)).toEqual(['SET_PROMISC NONE']);
    expect(rulesOf(result)).toEqual([
      'own-unicast',
      'unicast-foreign',
      'broadcast',
      'multicast-no-listener',
      'multicast-no-listener',
    ]);
  });

  it('NET-MAC-02, NET-MAC-04: groups are filtered exactly; filters are installed first, then the level is lowered', () => {
    const result = ready(tables([], [JOINED]));
    expect(filterLines(result)).toEqual(['SET_MAC_FILTERS 33:33:00:00:00:01', 'SET_PROMISC NONE']);
    expect(rulesOf(result)).toEqual([
      'own-unicast',
      'unicast-foreign',
      'broadcast',
      'multicast-joined',
      'multicast-no-listener',
    ]);
  });

  it('the level is raised first, then the filters are cleared', () => {
    const result = ready(tables([], [JOINED]), tables([], groups(65)));
    expect(filterLines(result)).toEqual(['SET_PROMISC MULTI', 'SET_MAC_FILTERS ']);
    expect(filters(result)).toEqual([]);
  });

  it.each<[string, RxEvent[], string, number]>([
    ['PROMISC', [tables([], [JOINED]), rx('promisc', 1)], 'ALL', 1],
    ['PROMISC ended', [tables([], [JOINED]), rx('promisc', 1), rx('promisc', 0)], 'NONE', 1],
    ['ALLMULTI', [tables([], [JOINED]), rx('allmulti', 1)], 'MULTI', 1],
    ['ALLMULTI without a table', [rx('allmulti', 1)], 'MULTI', 0],
    ['a foreign unicast entry', [tables([FOREIGN], [JOINED])], 'ALL', 1],
    ['the own MAC as unicast entry', [tables([OWN], [JOINED])], 'NONE', 1],
    ['64 groups', [tables([], groups(64))], 'NONE', 64],
    ['65 groups (NET-MAC-05)', [tables([], groups(65))], 'MULTI', 0],
    [
      '1023 times the own MAC',
      [
        tables(
          Array.from({ length: 1023 }, () => OWN),
          [],
        ),
      ],
      'NONE',
      0,
    ],
    [
      '1024 times the own MAC: perhaps cut off',
      [
        tables(
          Array.from({ length: 1024 }, () => OWN),
          [],
        ),
      ],
      'ALL',
      0,
    ],
    ['a table emptied', [tables([FOREIGN], [JOINED]), tables([], [])], 'NONE', 0],
  ])('%s', (_name, commands, level, installed) => {
    const result = ready(...commands);
    expect(result.last.ack).toBe('OK');
    expect(result.link?.level).toBe(level);
    expect(filters(result)).toHaveLength(installed);
  });

  it('filters stay installed while PROMISC comes and goes', () => {
    const result = ready(tables([], [JOINED]), rx('promisc', 1));
    expect(filterLines(result)).toEqual(['SET_PROMISC ALL']);
  });

  it('broadcast in the table counts against the 64 but is not passed on', () => {
    const result = ready(tables([], [BROADCAST, ...groups(64)]));
    expect(result.link?.level).toBe('MULTI');
    const fits = ready(tables([], [BROADCAST, JOINED]));
    expect(filterLines(fits)[0]).toBe('SET_MAC_FILTERS 33:33:00:00:00:01');
    expect(fits.rule(BROADCAST)).toBe('broadcast');
  });

  it('what lies beyond the parse bound of 1024 is not looked at', () => {
    const wrong = ready(tables([], [...groups(1024), FOREIGN]));
    expect(wrong.last.ack).toBe('OK');
    expect(wrong.state).toMatchObject({ multicast: groups(1024) });
    expect(ready(tables([], [...groups(1023), FOREIGN])).last.ack).toBe('ERR');
    expect(ready(tables([...stations(1024), JOINED], [])).link?.level).toBe('ALL');
  });

  it('extra RX modes, VLAN and address commands are refused', () => {
    for (const command of [rx('alluni', 1), vlan('add', 5), address(FOREIGN)]) {
      expect(ready(command).last).toMatchObject({ ack: 'ERR', ioctls: [] });
    }
  });

  it('NET-MAC-01: a driver reset restores the defaults for a next driver that may not have CTRL_RX', () => {
    const set = [negotiated(), rx('allmulti', 1), rx('promisc', 1), tables([FOREIGN], [JOINED])];
    for (const reset of [DRIVER_RESET, MACHINE_RESET]) {
      const result = after(ID, ...set, reset);
      expect(filterLines(result)).toEqual(['SET_PROMISC MULTI', 'SET_MAC_FILTERS ']);
      expect(result.state).toMatchObject({ promisc: false, allmulti: false, unicast: [], multicast: [] });
      expect(rulesOf(after(ID, ...set, reset, negotiated(CTRL_VQ)))).toEqual(rulesOf(after(ID, negotiated(CTRL_VQ))));
      // And for one that has it, MULTI holds again until its first table.
      expect(after(ID, ...set, reset, negotiated(), rx('promisc', 0)).link?.level).toBe('MULTI');
    }
  });

  it('migration computes level and filters anew', () => {
    const result = ready(tables([], [JOINED]));
    const moved = from(result.model, result.state, MIGRATE);
    expect(filterLines(moved)).toEqual(['SET_MAC_FILTERS 33:33:00:00:00:01', 'SET_PROMISC NONE']);
    expect(moved.link).toMatchObject({ level: 'NONE', filters: [JOINED], creations: 2, version: 7 });
    // Whether there was a good table goes along: an empty one keeps its NONE, none keeps MULTI.
    expect(after(ID, negotiated(), tables([], []), MIGRATE).link?.level).toBe('NONE');
    expect(after(ID, negotiated(), MIGRATE).link?.level).toBe('MULTI');
  });

  it('migration heals filters that could not be installed', () => {
    const { model, state } = ready();
    const partial = model.next(
      withFaults(model, state, 'VNA_IOC_SET_MAC_FILTERS', 'VMF_ERR_INSTALL'),
      tables([], groups(3)),
    );
    expect(model.link(partial.state)).toMatchObject({ level: 'MULTI' });
    expect(model.link(model.migrate(partial.state).state)).toMatchObject({ level: 'NONE', filters: groups(3) });
  });

  describe('failures', () => {
    it('filters that cannot be installed are covered by MULTI, and written again with the next command', () => {
      const { model, state } = ready();
      const armed = withFaults(model, state, 'VNA_IOC_SET_MAC_FILTERS', 'VMF_ERR_INSTALL');
      const partial = from(model, armed, tables([], groups(3)));
      expect(partial.last).toMatchObject({ ack: 'OK', needsReset: false });
      expect(filterLines(partial)).toEqual([expect.stringMatching(/^SET_MAC_FILTERS /), 'SET_PROMISC MULTI']);
      expect(filters(partial)).toHaveLength(2);
      const again = from(model, partial.state, rx('promisc', 0));
      expect(filterLines(again)).toEqual([expect.stringMatching(/^SET_MAC_FILTERS /), 'SET_PROMISC NONE']);
      expect(filters(again)).toEqual(groups(3));
    });

    it('a stronger level stays in force over filters that cannot be installed', () => {
      const { model, state } = ready(rx('promisc', 1));
      const armed = withFaults(model, state, 'VNA_IOC_SET_MAC_FILTERS', 'EIO');
      expect(from(model, armed, tables([], [JOINED])).link?.level).toBe('ALL');
    });

    it('filters that cannot be cleared are cleared with the next command', () => {
      const { model, state } = ready(tables([], [JOINED]));
      const armed = withFaults(model, state, 'VNA_IOC_SET_MAC_FILTERS', 'EIO');
      const left = from(model, armed, tables([], []));
      expect(left).toMatchObject({ last: { ack: 'OK' }, link: { filters: [JOINED] } });
      expect(filters(from(model, left.state, rx('allmulti', 0)))).toEqual([]);
    });

    it('a command whose level cannot be set is taken back, with its table', () => {
      const { model, state } = ready(tables([], [JOINED]));
      const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENOMEM');
      const refused = from(model, armed, tables([FOREIGN], [UNJOINED]));
      expect(refused.last).toMatchObject({
        ack: 'ERR',
        needsReset: false,
        reason: expect.stringMatching(/ALL failed/),
      });
      expect(refused.state).toMatchObject({ unicast: [], multicast: [JOINED] });
      expect(rulesOf(refused)).toEqual(rulesOf(ready(tables([], [JOINED]))));
    });

    it('a first table that fails is no good table', () => {
      const { model, state } = ready();
      const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENXIO');
      expect(from(model, armed, tables([], [])).state).toMatchObject({ tableSet: false, remembered: 'MULTI' });
    });

    it('trap: from MULTI, a raise that fails still leaves the callbacks of NONE', () => {
      const { model, state } = ready();
      const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENOMEM');
      const failed = from(model, armed, rx('promisc', 1));
      expect(filterLines(failed)).toEqual(['SET_PROMISC ALL ENOMEM', 'SET_PROMISC MULTI', 'SET_PROMISC MULTI']);
      expect(failed.last).toMatchObject({ ack: 'ERR', needsReset: false });
      expect(failed.link?.level).toBe('MULTI');
      expect(failed.rule(JOINED)).toBe('multicast-no-listener');
    });

    it('needs a reset when the old filter cannot be put back either', () => {
      const { model, state } = ready();
      const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENXIO', 'ENXIO', 'ENXIO');
      expect(model.next(armed, rx('promisc', 1))).toMatchObject({ ack: 'ERR', needsReset: true });
    });

    it('a reset that cannot set MULTI keeps the filters, and needs another reset', () => {
      const { model, state } = ready(tables([], [JOINED]));
      const armed = withFaults(model, state, 'VNA_IOC_SET_PROMISC', 'ENOMEM');
      const failed = from(model, armed, DRIVER_RESET);
      expect(failed.last).toMatchObject({ needsReset: true, reason: expect.stringMatching(/during a reset/) });
      expect(failed.rule(JOINED)).toBe('multicast-joined');
      const again = from(model, failed.state, DRIVER_RESET);
      expect(again).toMatchObject({ last: { needsReset: false }, link: { level: 'MULTI', filters: [] } });
    });

    it('FEATURES_OK is refused when the link refuses the features', () => {
      const { model, state } = after(ID);
      const armed = withFaults(model, state, 'VNA_IOC_SET_FEATURES', 'EFAULT');
      expect(model.next(armed, negotiated())).toMatchObject({ needsReset: true, ack: 'OK' });
    });
  });
});
