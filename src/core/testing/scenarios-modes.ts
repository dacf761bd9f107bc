/** Scenarios of the RX modes that no Linux uses: ALLUNI, NOMULTI, NOUNI, NOBCAST. */
import type { Scenario, Step } from './scenarios-types.ts';
import { GROUP, sends } from './scenarios-words.ts';

const NO_LINUX = 'Linux has no use for these modes.';

const switches = (mode: 'promisc' | 'allmulti' | 'alluni' | 'nomulti' | 'nouni' | 'nobcast', on: boolean): Step => ({
  do: 'command',
  send: { mode, value: on ? 1 : 0 },
  ack: 'OK',
});

/** One pair, no PROMISC, one group. */
const begin: readonly Step[] = [
  { do: 'bare-driver', kicks: 1 },
  { do: 'command', send: { pairs: 1 }, ack: 'OK' },
  switches('promisc', false),
  { do: 'command', send: { unicast: [], multicast: [GROUP] }, ack: 'OK' },
];

export const MODE_SCENARIOS: readonly Scenario[] = [
  {
    id: 'alluni',
    title: 'ALLUNI takes all unicast; Propolis has no word for it, and loses it',
    covers: ['NET-CTRLRX-06', 'NET-CTRLRX-07'],
    model: 'exact',
    fakeOnly: NO_LINUX,
    steps: [
      ...begin,
      switches('alluni', true),
      {
        expect: 'acks',
        acks: {
          'propolis-before-1125': 'ERR',
          'propolis-372a574': 'ERR',
          'propolis-v7': 'ERR',
          qemu: 'OK',
          'cloud-hypervisor': 'OK',
          exact: 'OK',
        },
      },
      { expect: 'rx-mode', modes: { alluni: true, nouni: null } },
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', tables: 'alluni' },
        {
          judged: { 'propolis-before-1125': 'loss', 'propolis-372a574': 'loss', 'propolis-v7': 'loss', qemu: 'agree' },
        },
      ),
      switches('alluni', false),
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
    ],
  },
  {
    id: 'nouni',
    title: 'NOUNI keeps the own address out too, and beats ALLUNI; PROMISC beats it',
    covers: ['NET-CTRLRX-03', 'NET-CTRLRX-12', 'NET-CTRLRX-13', 'NET-CTRLRX-14'],
    model: 'exact',
    fakeOnly: NO_LINUX,
    steps: [
      ...begin,
      switches('alluni', true),
      switches('nouni', true),
      sends(
        'own-unicast',
        'filtered',
        { viona: 'own-unicast', tables: 'nouni' },
        { judged: { 'propolis-372a574': 'leak' } },
      ),
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'nouni' }),
      switches('promisc', true),
      sends('foreign-unicast', 'delivered', { viona: 'promisc-all', before: 'unicast-foreign', tables: 'promisc' }),
      switches('promisc', false),
      sends('own-unicast', 'filtered', { viona: 'own-unicast', tables: 'nouni' }),
      switches('nouni', false),
      sends('foreign-unicast', 'delivered', { viona: 'unicast-foreign', tables: 'alluni' }),
    ],
  },
  {
    id: 'nomulti',
    title: 'NOMULTI keeps joined groups out, beats ALLMULTI, and leaves broadcast alone',
    covers: ['NET-CTRLRX-08', 'NET-CTRLRX-09', 'NET-CTRLRX-10', 'NET-CTRLRX-11'],
    model: 'exact',
    fakeOnly: NO_LINUX,
    steps: [
      ...begin,
      switches('nomulti', true),
      sends(
        'multicast-v4',
        'filtered',
        { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'nomulti' },
        { judged: { 'propolis-372a574': 'leak', 'propolis-v7': 'leak' } },
      ),
      switches('allmulti', true),
      sends('multicast-v4', 'filtered', { viona: 'promisc-multi', tables: 'nomulti' }),
      sends('broadcast', 'delivered', { all: 'broadcast' }),
      switches('nomulti', false),
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', tables: 'allmulti' }),
    ],
  },
  {
    id: 'nobcast',
    title: 'NOBCAST keeps broadcast out, and beats ALLMULTI',
    covers: ['NET-CTRLRX-15', 'NET-CTRLRX-16', 'NET-CTRLRX-17'],
    model: 'exact',
    fakeOnly: NO_LINUX,
    steps: [
      ...begin,
      switches('nobcast', true),
      sends(
        'broadcast',
        'filtered',
        { viona: 'broadcast', tables: 'nobcast' },
        { judged: { 'propolis-372a574': 'leak' } },
      ),
      switches('allmulti', true),
      sends('broadcast', 'filtered', { viona: 'broadcast', tables: 'nobcast' }),
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', tables: 'allmulti' }),
      switches('nobcast', false),
      sends('broadcast', 'delivered', { all: 'broadcast' }),
    ],
  },
];
