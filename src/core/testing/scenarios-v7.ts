/** Scenarios of the Propolis that uses viona's interface version 7: exact multicast filtering. */
import type { Scenario, Step } from './scenarios-types.ts';
import { ALL_HOSTS, ALL_NODES, FOREIGN, GROUP, groups, link, sends, UP } from './scenarios-words.ts';

const OF_ITS_OWN = 'Linux has groups of its own in its table.';

const command = (unicast: readonly string[], multicast: readonly string[]): Step => ({
  do: 'command',
  send: { unicast, multicast },
  ack: 'OK',
});
/** One pair, and PROMISC switched off: no table yet. */
const begin: readonly Step[] = [
  { do: 'bare-driver', kicks: 1 },
  { do: 'command', send: { pairs: 1 }, ack: 'OK' },
  { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
];

export const V7_SCENARIOS: readonly Scenario[] = [
  {
    id: 'v7-multi-until-table',
    title: 'MULTI until the first table, then exactly the groups in it',
    covers: ['NET-CTRLRX-18', 'NET-MAC-04'],
    model: 'propolis-v7',
    steps: [
      link('MULTI'),
      { expect: 'link', filterCount: 0 },
      sends(
        'multicast-v4',
        'ring_not_running',
        { viona: 'promisc-multi', now: 'multicast-no-listener', qemu: 'promisc-untold', exact: 'multicast-table-miss' },
        { judged: { 'propolis-v7': 'leak' } },
      ),
      UP,
      link('NONE'),
      { expect: 'link', filters: { has: [ALL_HOSTS, ALL_NODES], lacks: [GROUP] } },
      sends('own-unicast', 'delivered', { all: 'own-unicast' }, { path: 'classified' }),
      sends('broadcast', 'delivered', { all: 'broadcast' }, { path: 'classified' }),
      sends(
        'all-nodes',
        'delivered',
        { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' },
        { path: 'classified' },
      ),
      sends(
        'multicast-v4',
        'filtered',
        { viona: 'promisc-multi', v7: 'multicast-no-listener', tables: 'multicast-table-miss' },
        { path: 'none', judged: { 'propolis-v7': 'agree', 'propolis-372a574': 'leak' } },
      ),
    ],
  },
  {
    id: 'v7-join-and-leave',
    title: 'A group is received from join to leave, and the level stays NONE',
    covers: ['NET-MAC-02', 'NET-MAC-04'],
    model: 'propolis-v7',
    steps: [
      UP,
      { do: 'join', groups: [GROUP] },
      link('NONE'),
      { expect: 'link', filters: { has: [GROUP, ALL_NODES] } },
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' }),
      { do: 'leave', groups: [GROUP] },
      { expect: 'link', filters: { has: [ALL_NODES], lacks: [GROUP] } },
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-multi',
        v7: 'multicast-no-listener',
        tables: 'multicast-table-miss',
      }),
    ],
  },
  {
    id: 'v7-many-groups',
    title: 'Installed before the level is lowered, cleared after it is raised',
    covers: ['NET-MAC-05'],
    model: 'propolis-v7',
    steps: [
      UP,
      { expect: 'ioctls', inOrder: ['SET_MAC_FILTERS', 'SET_PROMISC NONE 0'] },
      { do: 'join', groups: groups(70) },
      link('MULTI'),
      { expect: 'link', filterCount: 0 },
      { expect: 'ioctls', inOrder: ['SET_PROMISC NONE 0', 'SET_PROMISC MULTI 0', 'SET_MAC_FILTERS 0'] },
      sends(
        'multicast-v4',
        'delivered',
        { viona: 'promisc-multi', qemu: 'multicast-overflow', exact: 'multicast-table-miss' },
        { judged: { 'propolis-v7': 'leak' } },
      ),
      sends('all-nodes', 'delivered', {
        viona: 'promisc-multi',
        qemu: 'multicast-overflow',
        exact: 'multicast-table',
      }),
      { do: 'leave', groups: groups(70) },
      link('NONE'),
      {
        expect: 'ioctls',
        inOrder: ['SET_PROMISC MULTI 0', 'SET_MAC_FILTERS 0', 'SET_MAC_FILTERS', 'SET_PROMISC NONE 0'],
      },
      { expect: 'link', filters: { has: [ALL_NODES], lacks: groups(1) } },
    ],
  },
  {
    id: 'v7-oversized-table',
    title: '64 groups are filtered exactly; with 65, MULTI stands in for them',
    covers: ['NET-MAC-05'],
    model: 'propolis-v7',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      command([], groups(64)),
      link('NONE'),
      { expect: 'link', filterCount: 64 },
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-multi',
        v7: 'multicast-no-listener',
        tables: 'multicast-table-miss',
      }),
      command([], groups(65)),
      link('MULTI'),
      { expect: 'link', filterCount: 0 },
      sends(
        'multicast-v4',
        'delivered',
        { viona: 'promisc-multi', qemu: 'multicast-overflow', exact: 'multicast-table-miss' },
        { judged: { 'propolis-v7': 'leak', qemu: 'leak' } },
      ),
      // The way out: a table that fits.
      command([], groups(64)),
      link('NONE'),
      { expect: 'link', filterCount: 64 },
    ],
  },
  {
    id: 'v7-empty-table',
    title: 'The first good table counts even if it is empty',
    covers: ['NET-MAC-02'],
    model: 'propolis-v7',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      link('MULTI'),
      { do: 'command', send: { unicast: [GROUP], multicast: [] }, ack: 'ERR' },
      link('MULTI'),
      command([], []),
      link('NONE'),
      { expect: 'link', filterCount: 0 },
      sends('all-nodes', 'filtered', {
        viona: 'multicast-no-listener',
        before: 'promisc-multi',
        tables: 'multicast-table-miss',
      }),
    ],
  },
  {
    id: 'v7-broadcast-in-table',
    title: 'Broadcast in the table is not passed on, and not delivered twice',
    covers: ['NET-MAC-02'],
    model: 'propolis-v7',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      command([], ['ff:ff:ff:ff:ff:ff', GROUP]),
      link('NONE'),
      { expect: 'link', filterCount: 1, filters: { has: [GROUP] } },
      sends('broadcast', 'delivered', { all: 'broadcast' }),
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' }),
    ],
  },
  {
    id: 'v7-promisc-keeps-filters',
    title: 'Filters stay installed under MULTI and ALL, and nothing arrives twice',
    covers: ['NET-CTRLRX-02', 'NET-CTRLRX-05'],
    model: 'propolis-v7',
    steps: [
      UP,
      { do: 'allmulti', on: true },
      link('MULTI'),
      { expect: 'link', filters: { has: [ALL_NODES] } },
      sends('all-nodes', 'delivered', { viona: 'promisc-multi', tables: 'allmulti' }, { path: 'promisc-multi' }),
      { do: 'promisc', on: true },
      link('ALL'),
      { expect: 'link', filters: { has: [ALL_NODES] } },
      sends(
        'all-nodes',
        'delivered',
        { viona: 'promisc-all', before: 'promisc-multi', tables: 'promisc' },
        { path: 'promisc-all' },
      ),
      { do: 'promisc', on: false },
      { do: 'allmulti', on: false },
      link('NONE'),
      sends('all-nodes', 'delivered', { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' }),
    ],
  },
  {
    id: 'v7-unicast-entry',
    title: 'A second unicast address still means ALL: there is no unicast table',
    covers: ['NET-MAC-05'],
    model: 'propolis-v7',
    steps: [
      UP,
      { do: 'add-unicast', addresses: [FOREIGN] },
      link('ALL'),
      sends('multicast-v4', 'delivered', {
        viona: 'promisc-all',
        before: 'promisc-multi',
        tables: 'multicast-table-miss',
      }),
      { do: 'remove-unicast', addresses: [FOREIGN] },
      link('NONE'),
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
    ],
  },
];
