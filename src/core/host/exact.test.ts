import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostModelId, RxEvent } from './host-model.ts';
import {
  after,
  BROADCAST,
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
import { judge, type Judgement } from './verdict.ts';

describe('exact', () => {
  const ID = 'exact';
  const ready = (...commands: readonly RxEvent[]) => after(ID, negotiated(), ...commands);

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

  it('NET-CTRLRX-02, NET-CTRLRX-03: PROMISC takes everything and wins', () => {
    expect(rulesOf(ready(rx('allmulti', 1), rx('promisc', 1)))).toEqual(Array.from({ length: 5 }, () => 'promisc'));
  });

  it('NET-CTRLRX-05: ALLMULTI takes all multicast and no foreign unicast', () => {
    const result = ready(rx('allmulti', 1));
    expect(result.rule(UNJOINED)).toBe('allmulti');
    expect(result.rule(FOREIGN)).toBe('unicast-table-miss');
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

  it('NET-MAC-01: the tables are empty after a reset, and so are the flags', () => {
    for (const reset of [DRIVER_RESET, MACHINE_RESET]) {
      const result = ready(rx('promisc', 1), rx('allmulti', 1), tables([FOREIGN], [JOINED]), reset, negotiated());
      expect(rulesOf(result)).toEqual(rulesOf(ready()));
    }
  });

  it('NET-VLAN-01: tagged frames are accepted if their address is', () => {
    const result = ready(tables([], [JOINED]));
    expect([OWN, BROADCAST, JOINED, FOREIGN, UNJOINED].map((dst) => result.accepts(dst, 5))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('has no link: ioctls are ENXIO and faults are refused', () => {
    const { model, state } = ready();
    expect(model.link(state)).toBeNull();
    expect(model.ioctl(state, 'VNA_IOC_SET_PROMISC', 2).record).toMatchObject({ errno: 'ENXIO', arg: 'ALL' });
    expect(model.fault(state, 'VNA_IOC_SET_PROMISC', 'EIO').error).toMatch(/no viona link/);
  });
});

describe('leak and loss (NET-CTRLRX-18)', () => {
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

describe('exact never loses what was asked for, and Propolis loses only by tags', () => {
  const group = fc.constantFrom(JOINED, UNJOINED, 0x0100_5e00_0001, BROADCAST);
  const single = fc.constantFrom(OWN, FOREIGN, 0x0200_0000_0077);
  const command = fc.oneof(
    fc
      .record({ flag: fc.constantFrom('promisc' as const, 'allmulti' as const), value: fc.nat(1) })
      .map(({ flag, value }) => rx(flag, value)),
    fc
      .record({ u: fc.array(single, { maxLength: 3 }), m: fc.array(group, { maxLength: 3 }) })
      .map(({ u, m }) => tables(u, m)),
  );

  it('for any sequence of commands of one driver', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 12 }),
        fc.oneof(group, single),
        fc.constantFrom(-1, 0, 5),
        (commands, dst, vid) => {
          // The oracle: what the last words on each subject ask for, taken straight from the commands.
          let promisc = false;
          let allmulti = false;
          let listed: readonly number[] = [];
          for (const event of commands) {
            if (event.type !== 'command') continue;
            if (event.command.type === 'mac-table-set') listed = [...event.command.unicast, ...event.command.multicast];
            else if (event.command.type !== 'rx') continue;
            else if (event.command.flag === 'promisc') promisc = event.command.value === 1;
            else allmulti = event.command.value === 1;
          }
          const isGroup = (Math.floor(dst / 2 ** 40) & 1) === 1;
          const asked = promisc || dst === OWN || dst === BROADCAST || listed.includes(dst) || (allmulti && isGroup);
          expect(after('exact', negotiated(), ...commands).accepts(dst, vid)).toBe(asked);
          if (asked && vid <= 0)
            expect(after('propolis-372a574', negotiated(), ...commands).accepts(dst, vid)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
