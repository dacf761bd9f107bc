/** Scenarios of the link's three levels: every transition, by a driver's commands and by hand. */
import type { Scenario } from './scenarios-types.ts';
import type { Sides } from './scenarios-words.ts';
import { FOREIGN, GROUP, link, OWN, sends, UP } from './scenarios-words.ts';

const SET_PROMISC = 'VNA_IOC_SET_PROMISC';
const ONE_BY_ONE = 'Linux sends its commands three at a time, and always has groups.';

/** A driver whose table is empty and that has said nothing but modes: in each of the three levels. */
const NONE: Sides = { viona: 'multicast-no-listener', before: 'promisc-multi', tables: 'multicast-table-miss' };
const MULTI: Sides = { viona: 'promisc-multi', tables: 'allmulti' };
const ALL: Sides = { viona: 'promisc-all', before: 'promisc-multi', tables: 'promisc' };

export const LEVEL_SCENARIOS: readonly Scenario[] = [
  {
    id: 'level-transitions',
    title: 'Each level to each other one, as the driver’s modes come and go',
    covers: ['NET-CTRLRX-02', 'NET-CTRLRX-03', 'NET-CTRLRX-05'],
    model: 'propolis-372a574',
    fakeOnly: ONE_BY_ONE,
    steps: [
      { do: 'bare-driver', kicks: 1 },
      { do: 'command', send: { pairs: 1 }, ack: 'OK' },
      { do: 'command', send: { unicast: [], multicast: [] }, ack: 'OK' },
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      link('NONE'),
      sends('multicast-v4', 'filtered', NONE),
      { do: 'command', send: { mode: 'promisc', value: 1 }, ack: 'OK' },
      link('ALL'),
      sends('multicast-v4', 'delivered', ALL),
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      link('NONE'),
      sends('multicast-v4', 'filtered', NONE),
      { do: 'command', send: { mode: 'allmulti', value: 1 }, ack: 'OK' },
      link('MULTI'),
      sends('multicast-v4', 'delivered', MULTI),
      { do: 'command', send: { mode: 'promisc', value: 1 }, ack: 'OK' },
      link('ALL'),
      sends('multicast-v4', 'delivered', ALL),
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      link('MULTI'),
      sends('multicast-v4', 'delivered', MULTI),
      { do: 'command', send: { mode: 'allmulti', value: 0 }, ack: 'OK' },
      link('NONE'),
      sends('multicast-v4', 'filtered', NONE),
      {
        expect: 'ioctls',
        inOrder: ['NONE', 'ALL', 'NONE', 'MULTI', 'ALL', 'MULTI', 'NONE'].map((level) => `SET_PROMISC ${level} 0`),
      },
    ],
  },
  {
    id: 'levels-by-ioctl',
    title: 'Each level to each other one by hand; the VMM and the other models take no notice',
    covers: [],
    model: 'propolis-372a574',
    steps: [
      UP,
      ...(['NONE', 'ALL', 'NONE', 'MULTI', 'ALL', 'MULTI'] as const).flatMap((level) => [
        { do: 'ioctl', name: SET_PROMISC, arg: level, errno: 0 } as const,
        link(level),
        sends('multicast-v4', level === 'NONE' ? 'filtered' : 'delivered', {
          viona: 'promisc-multi',
          now: ({ NONE: 'multicast-no-listener', MULTI: 'promisc-multi', ALL: 'promisc-all' } as const)[level],
          v7: 'multicast-no-listener',
          tables: 'multicast-table-miss',
        }),
      ]),
      { do: 'ioctl', name: SET_PROMISC, arg: 3, errno: 'EINVAL' },
      link('MULTI'),
    ],
  },
  {
    id: 'own-address-in-table',
    title: 'The own address in the unicast table is no foreign one',
    covers: ['NET-MAC-02'],
    model: 'propolis-372a574',
    fakeOnly: ONE_BY_ONE,
    steps: [
      { do: 'bare-driver', kicks: 1 },
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      { do: 'command', send: { pairs: 1 }, ack: 'OK' },
      { do: 'command', send: { unicast: [OWN], multicast: [] }, ack: 'OK' },
      link('NONE'),
      sends('own-unicast', 'delivered', { all: 'own-unicast' }),
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
      { do: 'command', send: { unicast: [OWN, FOREIGN], multicast: [] }, ack: 'OK' },
      link('ALL'),
      sends('foreign-unicast', 'delivered', {
        viona: 'promisc-all',
        before: 'unicast-foreign',
        tables: 'unicast-table',
      }),
    ],
  },
  {
    id: 'refused-tables',
    title: 'A table with an address of the wrong kind is refused, and the old one stays',
    covers: ['NET-MAC-02'],
    model: 'propolis-372a574',
    fakeOnly: 'Linux sends no such table.',
    steps: [
      { do: 'bare-driver', kicks: 1 },
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      { do: 'command', send: { pairs: 1 }, ack: 'OK' },
      { do: 'command', send: { unicast: [], multicast: [GROUP] }, ack: 'OK' },
      { do: 'command', send: { unicast: [GROUP], multicast: [] }, ack: 'ERR' },
      {
        expect: 'acks',
        acks: { 'propolis-372a574': 'ERR', 'propolis-v7': 'ERR', qemu: 'OK', 'cloud-hypervisor': 'ERR', exact: 'ERR' },
      },
      { do: 'command', send: { unicast: [], multicast: [FOREIGN] }, ack: 'ERR' },
      { expect: 'table', unicast: { lacks: [GROUP] }, multicast: { has: [GROUP], lacks: [FOREIGN] } },
      link('MULTI'),
      // QEMU has stored what it was sent, so the group that was asked for is gone: a loss.
      sends(
        'multicast-v4',
        'delivered',
        { viona: 'promisc-multi', v7: 'multicast-joined', qemu: 'multicast-table-miss', exact: 'multicast-table' },
        { judged: { qemu: 'loss' } },
      ),
    ],
  },
  {
    id: 'machine-reset',
    title: 'A machine reset sets MULTI and clears the tables, but not the flags: the next driver finds them',
    covers: ['NET-MAC-01'],
    model: 'propolis-372a574',
    fakeOnly: 'The reset of a whole machine is a boot, and has its own test.',
    steps: [
      UP,
      { do: 'add-unicast', addresses: [FOREIGN] },
      { do: 'promisc', on: true },
      { do: 'machine-reset' },
      { expect: 'ioctls', inOrder: ['SET_PROMISC ALL 0', 'SET_PROMISC MULTI 0', 'SET_PROMISC NONE 0'] },
      { do: 'bare-driver', kicks: 1 },
      { do: 'command', send: { pairs: 1 }, ack: 'OK' },
      link('NONE'),
      // PROMISC of the driver before, which went with its machine, comes back with a command that says nothing of it.
      { do: 'command', send: { mode: 'allmulti', value: 0 }, ack: 'OK' },
      link('ALL'),
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', now: 'promisc-all', qemu: 'promisc-untold', exact: 'unicast-table-miss' },
        { judged: { 'propolis-372a574': 'leak' } },
      ),
      // The way out: to say it. The tables were cleared.
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      link('NONE'),
    ],
  },
];
