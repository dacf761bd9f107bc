import { describe, expect, it } from 'vitest';
import {
  address,
  after,
  BROADCAST,
  CTRL_RX,
  CTRL_RX_EXTRA,
  CTRL_VLAN,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  groups,
  JOINED,
  MACHINE_RESET,
  MIGRATE,
  negotiated,
  OWN,
  rulesOf,
  rx,
  stations,
  type Step,
  tables,
  UNJOINED,
  vlan,
} from './models.test-kit.ts';

const ID = 'qemu';
const FILTERS = negotiated(CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA);
const VLANS = negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN);
/** With PROMISC off, as Linux leaves it. */
const told = (...steps: readonly Step[]) => after(ID, FILTERS, rx('promisc', 0), ...steps);

describe('qemu', () => {
  it('is promiscuous until the driver says otherwise, whatever was negotiated', () => {
    for (const steps of [[], [negotiated(CTRL_VQ)], [FILTERS, tables([], [JOINED]), rx('allmulti', 0)]]) {
      expect(rulesOf(after(ID, ...steps))).toEqual(Array.from({ length: 5 }, () => 'promisc-untold'));
    }
    expect(after(ID, FILTERS, rx('promisc', 1)).rule(FOREIGN)).toBe('promisc');
  });

  // The rows of the decision table in qemu.ts: events, destination, VID, rule.
  it.each<[number, string, Step[], number, number, string]>([
    [1, 'PROMISC beats the NO modes', [rx('nouni', 1), rx('nobcast', 1), rx('promisc', 1)], OWN, -1, 'promisc'],
    [1, 'PROMISC beats the VLAN map', [DRIVER_RESET, VLANS, rx('promisc', 1)], OWN, 5, 'promisc'],
    [2, 'a VID that is not in the map', [DRIVER_RESET, VLANS, rx('promisc', 0)], OWN, 5, 'vlan-table-miss'],
    [2, 'a priority tag needs VID 0', [DRIVER_RESET, VLANS, rx('promisc', 0)], OWN, 0, 'vlan-table-miss'],
    [2, 'broadcast too', [DRIVER_RESET, VLANS, rx('promisc', 0)], BROADCAST, 5, 'vlan-table-miss'],
    [3, 'broadcast', [rx('nomulti', 1)], BROADCAST, -1, 'broadcast'],
    [4, 'NOBCAST, over ALLMULTI', [rx('nobcast', 1), rx('allmulti', 1)], BROADCAST, -1, 'nobcast'],
    [5, 'NOMULTI, over ALLMULTI', [rx('nomulti', 1), rx('allmulti', 1)], JOINED, -1, 'nomulti'],
    [5, 'NOMULTI, over the table', [rx('nomulti', 1), tables([], [JOINED])], JOINED, -1, 'nomulti'],
    [6, 'ALLMULTI', [rx('allmulti', 1)], UNJOINED, -1, 'allmulti'],
    [7, 'a multicast table that overflowed', [tables([], groups(65))], UNJOINED, -1, 'multicast-overflow'],
    [8, 'in the multicast table', [tables([], [JOINED])], JOINED, -1, 'multicast-table'],
    [9, 'other multicast', [tables([], [JOINED])], UNJOINED, -1, 'multicast-table-miss'],
    [10, 'NOUNI drops the own address', [rx('nouni', 1), rx('alluni', 1)], OWN, -1, 'nouni'],
    [11, 'ALLUNI', [rx('alluni', 1)], FOREIGN, -1, 'alluni'],
    [12, 'a unicast table that overflowed', [tables(stations(65), [])], FOREIGN, -1, 'unicast-overflow'],
    [13, 'own address', [], OWN, -1, 'own-unicast'],
    [14, 'in the unicast table', [tables([FOREIGN], [])], FOREIGN, -1, 'unicast-table'],
    [15, 'other unicast', [tables([FOREIGN], [])], FOREIGN + 1, -1, 'unicast-table-miss'],
    [
      13,
      'a VID in the map, and the address',
      [DRIVER_RESET, VLANS, rx('promisc', 0), vlan('add', 5)],
      OWN,
      5,
      'own-unicast',
    ],
    [
      15,
      'a VID in the map, but not the address',
      [DRIVER_RESET, VLANS, rx('promisc', 0), vlan('add', 5)],
      FOREIGN,
      5,
      'unicast-table-miss',
    ],
    [13, 'without CTRL_VLAN every VID passes', [], OWN, 4095, 'own-unicast'],
  ])('row %i: %s', (_row, _name, steps, dst, vid, rule) => {
    expect(told(...steps).rule(dst, vid)).toBe(rule);
  });

  it('any value but 0 is on, and modes stay in force behind PROMISC', () => {
    const result = told(rx('nouni', 255), rx('promisc', 2));
    expect(result.rule(OWN)).toBe('promisc');
    expect(told(rx('nouni', 255), rx('promisc', 2), rx('promisc', 0)).rule(OWN)).toBe('nouni');
    expect(result.state).toMatchObject({ nouni: 255, promisc: 2 });
  });

  it.each<[string, number[], number[], object]>([
    ['64 unicast', stations(64), [], { unicast: stations(64), uniOverflow: false, multiOverflow: false }],
    ['64 unicast and a group', stations(64), [JOINED], { unicast: stations(64), multicast: [], multiOverflow: true }],
    ['60 and 4', stations(60), groups(4), { multicast: groups(4), uniOverflow: false, multiOverflow: false }],
    ['60 and 5', stations(60), groups(5), { multicast: [], uniOverflow: false, multiOverflow: true }],
    ['65 unicast leave 64 slots', stations(65), groups(64), { unicast: [], multicast: groups(64), uniOverflow: true }],
    ['65 and 65', stations(65), groups(65), { unicast: [], multicast: [], uniOverflow: true, multiOverflow: true }],
  ])('NET-MAC-05: tables share 64 slots: %s', (_name, unicast, multicast, state) => {
    const result = told(tables(unicast, multicast));
    expect(result.last.ack).toBe('OK');
    expect(result.state).toMatchObject(state);
  });

  it('a table that fits ends the overflow', () => {
    expect(told(tables(stations(65), groups(65)), tables([], [JOINED])).rule(UNJOINED)).toBe('multicast-table-miss');
    expect(told(tables(stations(65), []), tables([], [])).rule(FOREIGN)).toBe('unicast-table-miss');
  });

  it('addresses of the wrong kind are stored, take slots, and never match', () => {
    const result = told(tables([JOINED], [FOREIGN]));
    expect(result.last.ack).toBe('OK');
    expect(result.rule(JOINED)).toBe('multicast-table-miss');
    expect(result.rule(FOREIGN)).toBe('unicast-table-miss');
    expect(told(tables(groups(64), [JOINED])).state).toMatchObject({ multiOverflow: true });
  });

  it('NET-MAC-03: ADDR_SET moves the own address, even to a group, and asks for no feature', () => {
    const moved = told(address(FOREIGN));
    expect(moved.rule(FOREIGN)).toBe('own-unicast');
    expect(moved.rule(OWN)).toBe('unicast-table-miss');
    expect(told(address(JOINED)).last.ack).toBe('OK');
  });

  it('NET-MAC-01: both resets go back to promiscuous, no modes, no tables, the own address', () => {
    for (const reset of [DRIVER_RESET, MACHINE_RESET]) {
      const before = [rx('nouni', 1), rx('allmulti', 1), address(FOREIGN), tables(stations(65), groups(65))];
      expect(told(...before, reset).rule(OWN)).toBe('promisc-untold');
      expect(rulesOf(told(...before, reset, FILTERS, rx('promisc', 0)))).toEqual(rulesOf(told()));
    }
  });

  describe('the VLAN map', () => {
    it('NET-VLAN-04: is emptied when CTRL_VLAN becomes acknowledged', () => {
      const steps = [VLANS, rx('promisc', 0), vlan('add', 5)];
      expect(after(ID, ...steps).accepts(OWN, 5)).toBe(true);
      expect(after(ID, ...steps, DRIVER_RESET, VLANS, rx('promisc', 0)).accepts(OWN, 5)).toBe(false);
    });

    it('NET-VLAN-02, NET-VLAN-03: passes what was added and not removed', () => {
      const { accepts } = after(ID, VLANS, rx('promisc', 0), vlan('add', 5), vlan('add', 6), vlan('del', 6));
      expect([5, 6, 7].map((vid) => accepts(OWN, vid))).toEqual([true, false, false]);
      expect(after(ID, VLANS, vlan('add', 4096)).last.ack).toBe('ERR');
    });

    it('trap: survives a reset, so a next driver without CTRL_VLAN loses tagged frames (NET-VLAN-01 not met)', () => {
      const next = after(ID, VLANS, vlan('add', 5), DRIVER_RESET, negotiated(), rx('promisc', 0));
      expect([5, 7].map((vid) => next.accepts(OWN, vid))).toEqual([true, false]);
    });

    it('takes commands without CTRL_VLAN, all ones as it is', () => {
      const { accepts } = told(vlan('del', 5));
      expect([5, 6].map((vid) => accepts(OWN, vid))).toEqual([false, true]);
    });

    it('is left alone when the acknowledgement does not change, and set to ones when it goes', () => {
      const kept = after(ID, VLANS, rx('promisc', 0), vlan('add', 5), VLANS);
      expect(kept.accepts(OWN, 5)).toBe(true);
      const gone = after(ID, VLANS, rx('promisc', 0), negotiated());
      expect(gone.accepts(OWN, 7)).toBe(true);
    });
  });

  describe('migration', () => {
    it('keeps modes, tables, overflow and VLAN map', () => {
      const { model, state } = after(
        ID,
        VLANS,
        rx('promisc', 0),
        rx('allmulti', 3),
        vlan('add', 5),
        tables([FOREIGN], [JOINED]),
      );
      expect(model.migrate(state)).toMatchObject({ state, ack: 'OK', ioctls: [] });
      const full = told(tables(stations(65), groups(65)));
      expect(full.model.migrate(full.state).state).toBe(full.state);
    });

    it('trap: finds the boundary between the tables again at the first group', () => {
      const steps = [tables([FOREIGN, JOINED, FOREIGN + 1], [UNJOINED])];
      expect(told(...steps).accepts(FOREIGN + 1)).toBe(true);
      const moved = told(...steps, MIGRATE);
      expect([FOREIGN, FOREIGN + 1, JOINED, UNJOINED].map((dst) => moved.accepts(dst))).toEqual([
        true,
        false,
        true,
        true,
      ]);
      // And the other way round: unicast among the groups starts to match.
      expect(told(tables([], [FOREIGN]), MIGRATE).accepts(FOREIGN)).toBe(true);
    });
  });
});
