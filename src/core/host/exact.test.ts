import { describe, expect, it } from 'vitest';
import type { HostModelId, RxEvent } from './host-model.ts';
import {
  address,
  after,
  BROADCAST,
  CTRL_MAC_ADDR,
  CTRL_RX,
  CTRL_RX_EXTRA,
  CTRL_VLAN,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  frame,
  groups,
  JOINED,
  MACHINE_RESET,
  MQ,
  negotiated,
  OWN,
  pairs,
  rulesOf,
  rx,
  type Step,
  stations,
  tables,
  UNJOINED,
  vlan,
} from './models.test-kit.ts';
import { judge, type Judgement } from './verdict.ts';

const ID = 'exact';
const EXTRA = negotiated(CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA);
const VLANS = negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN);
const ready = (...commands: readonly Step[]) => after(ID, negotiated(), ...commands);

describe('exact', () => {
  it('NET-MAC-04: own unicast and broadcast only, until something is asked for', () => {
    expect(rulesOf(ready())).toEqual([
      'own-unicast',
      'unicast-table-miss',
      'broadcast',
      'multicast-table-miss',
      'multicast-table-miss',
    ]);
  });

  it('without CTRL_RX all multicast is accepted', () => {
    expect(rulesOf(after(ID, negotiated(CTRL_VQ)))).toEqual([
      'own-unicast',
      'unicast-table-miss',
      'broadcast',
      'no-ctrl-rx',
      'no-ctrl-rx',
    ]);
  });

  it('NET-CTRLRX-02, NET-CTRLRX-03: PROMISC takes everything and wins over every other mode', () => {
    const modes = ['allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'] as const;
    const result = after(ID, EXTRA, ...modes.map((flag) => rx(flag, 1)), rx('promisc', 1));
    expect(rulesOf(result)).toEqual(Array.from({ length: 5 }, () => 'promisc'));
  });

  it('NET-CTRLRX-05: ALLMULTI takes all multicast and no foreign unicast', () => {
    const result = ready(rx('allmulti', 1));
    expect(result.rule(UNJOINED)).toBe('allmulti');
    expect(result.rule(FOREIGN)).toBe('unicast-table-miss');
    expect(ready(rx('allmulti', 1), rx('allmulti', 0)).rule(UNJOINED)).toBe('multicast-table-miss');
  });

  it('NET-CTRLRX-06, NET-CTRLRX-07: ALLUNI takes all unicast and no other multicast', () => {
    const result = after(ID, EXTRA, rx('alluni', 1));
    expect(result.last.ack).toBe('OK');
    expect(rulesOf(result)).toEqual(['alluni', 'alluni', 'broadcast', 'multicast-table-miss', 'multicast-table-miss']);
  });

  it('NET-CTRLRX-08, NET-CTRLRX-09, NET-CTRLRX-11: NOMULTI drops multicast, also from the table, but no broadcast', () => {
    const result = after(ID, EXTRA, tables([], [JOINED]), rx('nomulti', 1));
    expect(result.last.ack).toBe('OK');
    expect(result.rule(JOINED)).toBe('nomulti');
    expect(result.rule(BROADCAST)).toBe('broadcast');
    expect(result.rule(OWN)).toBe('own-unicast');
  });

  it('NOMULTI counts for a driver with CTRL_RX_EXTRA alone, which is given all multicast otherwise', () => {
    const extraOnly = negotiated(CTRL_VQ | CTRL_RX_EXTRA);
    expect(after(ID, extraOnly).rule(JOINED)).toBe('no-ctrl-rx');
    expect(after(ID, extraOnly, rx('nomulti', 1)).rule(JOINED)).toBe('nomulti');
  });

  it('NET-CTRLRX-10: NOMULTI beats ALLMULTI', () => {
    expect(after(ID, EXTRA, rx('nomulti', 1), rx('allmulti', 1)).rule(JOINED)).toBe('nomulti');
  });

  it('NET-CTRLRX-12, NET-CTRLRX-13: NOUNI drops unicast, the own and the listed too', () => {
    const result = after(ID, EXTRA, tables([FOREIGN], []), rx('nouni', 1));
    expect(result.last.ack).toBe('OK');
    expect([OWN, FOREIGN, BROADCAST].map((dst) => result.rule(dst))).toEqual(['nouni', 'nouni', 'broadcast']);
  });

  it('NET-CTRLRX-14: NOUNI beats ALLUNI', () => {
    expect(after(ID, EXTRA, rx('nouni', 1), rx('alluni', 1)).rule(OWN)).toBe('nouni');
  });

  it('NET-CTRLRX-15, NET-CTRLRX-16, NET-CTRLRX-17: NOBCAST drops broadcast and beats ALLMULTI', () => {
    const result = after(ID, EXTRA, rx('nobcast', 1), rx('allmulti', 1));
    expect(result.rule(BROADCAST)).toBe('nobcast');
    expect(result.rule(JOINED)).toBe('allmulti');
  });

  it('modes that PROMISC hid are in force again when it ends', () => {
    expect(after(ID, EXTRA, rx('nouni', 1), rx('promisc', 1), rx('promisc', 0)).rule(OWN)).toBe('nouni');
  });

  it('NET-MAC-02, NET-MAC-04: the tables are filtered by, entry for entry', () => {
    const result = ready(tables([FOREIGN], [JOINED]));
    expect(rulesOf(result)).toEqual([
      'own-unicast',
      'unicast-table',
      'broadcast',
      'multicast-table',
      'multicast-table-miss',
    ]);
    expect(result.accepts(FOREIGN + 1)).toBe(false);
  });

  it('NET-MAC-05: tables of any length are held exactly', () => {
    const many = groups(5000);
    const result = ready(tables(stations(5000), many));
    expect(many.every((mac) => result.rule(mac) === 'multicast-table')).toBe(true);
    expect(stations(5000).every((mac) => result.rule(mac) === 'unicast-table')).toBe(true);
    expect(result.rule(JOINED)).toBe('multicast-table-miss');
    expect(result.rule(FOREIGN)).toBe('unicast-table-miss');
  });

  it('NET-MAC-01: the tables are empty after a reset, the modes are off, and the VLAN table is gone', () => {
    const all = negotiated(CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA | CTRL_VLAN);
    for (const reset of [DRIVER_RESET, MACHINE_RESET]) {
      const before = [rx('promisc', 1), rx('allmulti', 1), rx('nouni', 1), vlan('add', 5), tables([FOREIGN], [JOINED])];
      const result = after(ID, all, ...before, reset, negotiated());
      expect(rulesOf(result)).toEqual(rulesOf(ready()));
      expect(result.accepts(OWN, 7)).toBe(true);
    }
  });

  it('NET-VLAN-01: without CTRL_VLAN tagged frames are accepted if their address is', () => {
    const result = ready(tables([], [JOINED]));
    expect([OWN, BROADCAST, JOINED, FOREIGN, UNJOINED].map((dst) => result.accepts(dst, 5))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('NET-VLAN-02, NET-VLAN-03: with CTRL_VLAN tagged frames pass by VID and by address', () => {
    const result = after(ID, VLANS, vlan('add', 5), vlan('add', 4095), vlan('add', 6), vlan('del', 6));
    expect([5, 4095, 6, 7, 0].map((vid) => result.accepts(OWN, vid))).toEqual([true, true, false, false, false]);
    expect(result.rule(OWN, 6)).toBe('vlan-table-miss');
    expect(result.rule(FOREIGN, 5)).toBe('unicast-table-miss');
  });

  it('NET-VLAN-04: the table begins empty with each negotiation, and untagged frames do not ask it', () => {
    const fresh = after(ID, VLANS);
    expect([0, 1, 5, 4095].some((vid) => fresh.accepts(OWN, vid))).toBe(false);
    expect(fresh.accepts(OWN)).toBe(true);
    expect(after(ID, VLANS, vlan('add', 5), DRIVER_RESET, VLANS).accepts(OWN, 5)).toBe(false);
  });

  it('PROMISC beats the VLAN table, of which the specification does not speak there', () => {
    expect(after(ID, VLANS, rx('promisc', 1)).accepts(OWN, 5)).toBe(true);
  });

  it('VLANs are added and removed one by one; there is none above 4095', () => {
    expect(after(ID, VLANS, vlan('add', 4096)).last.ack).toBe('ERR');
    const twice = after(ID, VLANS, vlan('add', 5), vlan('add', 5), vlan('del', 5), vlan('del', 5));
    expect(twice.last.ack).toBe('OK');
    expect(twice.accepts(OWN, 5)).toBe(false);
  });

  it('NET-MAC-03: with CTRL_MAC_ADDR the own address moves; a reset brings the device’s back', () => {
    const withAddress = negotiated(CTRL_VQ | CTRL_RX | CTRL_MAC_ADDR);
    const moved = after(ID, withAddress, address(FOREIGN));
    expect(moved.rule(FOREIGN)).toBe('own-unicast');
    expect(moved.rule(OWN)).toBe('unicast-table-miss');
    expect(after(ID, withAddress, address(JOINED)).last.ack).toBe('ERR');
    expect(after(ID, withAddress, address(FOREIGN), DRIVER_RESET).rule(OWN)).toBe('own-unicast');
  });

  it('PAIRS_SET is acknowledged with MQ: steering is not the filter’s business', () => {
    expect(after(ID, negotiated(CTRL_VQ | MQ), pairs(0x8000)).last.ack).toBe('OK');
  });

  it('migration changes nothing', () => {
    const { model, state } = after(ID, VLANS, vlan('add', 5), tables([FOREIGN], [JOINED]), rx('allmulti', 1));
    expect(model.migrate(state)).toMatchObject({ state, ack: 'OK', ioctls: [] });
  });
});

describe('NET-CTRLRX-18: leak and loss', () => {
  const judgeAfter = (id: HostModelId, dst: number, vid: number, ...events: RxEvent[]): Judgement => {
    const a = after(id, ...events);
    const b = after('exact', ...events);
    return judge(a.model.decide(a.state, frame(dst, vid)), b.model.decide(b.state, frame(dst, vid)));
  };

  it.each<[string, HostModelId, number, number, RxEvent[], Judgement]>([
    ['all multicast for one entry', 'propolis-372a574', UNJOINED, -1, [negotiated(), tables([], [JOINED])], 'leak'],
    ['the joined group', 'propolis-372a574', JOINED, -1, [negotiated(), tables([], [JOINED])], 'agree'],
    [
      'everything for one unicast entry',
      'propolis-372a574',
      UNJOINED,
      -1,
      [negotiated(), tables([FOREIGN], [])],
      'leak',
    ],
    [
      'multicast after a reset to a driver without CTRL_RX',
      'propolis-372a574',
      JOINED,
      -1,
      [negotiated(), DRIVER_RESET, negotiated(CTRL_VQ)],
      'loss',
    ],
    ['promiscuity before #1125', 'propolis-before-1125', FOREIGN, -1, [negotiated(), rx('promisc', 1)], 'loss'],
    [
      'unjoined multicast before #1125',
      'propolis-before-1125',
      UNJOINED,
      -1,
      [negotiated(), tables([], [JOINED])],
      'leak',
    ],
    ['a guest that cannot ask, before #1125', 'propolis-before-1125', UNJOINED, -1, [negotiated(CTRL_VQ)], 'agree'],
    ['own unicast with a tag (NET-VLAN-01)', 'propolis-372a574', OWN, 5, [negotiated()], 'loss'],
    ['own unicast with a tag under PROMISC', 'propolis-372a574', OWN, 5, [negotiated(), rx('promisc', 1)], 'agree'],
  ])('%s', (_name, id, dst, vid, events, judgement) => {
    expect(judgeAfter(id, dst, vid, ...events)).toBe(judgement);
  });
});
