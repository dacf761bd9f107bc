/** Scenarios of QEMU and of Cloud Hypervisor: a filter by table with habits of its own, and none at all. */
import type { Scenario, Step } from './scenarios-types.ts';
import { FOREIGN, GROUP, groups, offer, reprobe, sends, stations, UP } from './scenarios-words.ts';

const OF_ITS_OWN = 'Linux has groups of its own in its table, and sends no table that is wrong.';

/** One pair, and PROMISC switched off. */
const begin: readonly Step[] = [
  { do: 'bare-driver', kicks: 1 },
  { do: 'command', send: { pairs: 1 }, ack: 'OK' },
  { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
];
const table = (unicast: readonly string[], multicast: readonly string[]): Step => ({
  do: 'command',
  send: { unicast, multicast },
  ack: 'OK',
});

export const QEMU_SCENARIOS: readonly Scenario[] = [
  {
    id: 'qemu-promisc-until-told',
    title: 'From the start and after each reset everything passes, until the driver has spoken',
    covers: ['NET-CTRLRX-18', 'NET-MAC-01'],
    model: 'qemu',
    steps: [
      { expect: 'link', level: null, callbacks: null },
      // No receive buffer is posted yet; a model without a link has no ring that could not run.
      sends(
        'foreign-unicast',
        'no_space',
        { viona: 'unicast-foreign', qemu: 'promisc-untold', exact: 'unicast-table-miss' },
        { path: 'filter', judged: { qemu: 'leak' } },
      ),
      UP,
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
      sends('all-nodes', 'delivered', { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' }),
      reprobe,
      sends('foreign-unicast', 'no_space', {
        viona: 'unicast-foreign',
        qemu: 'promisc-untold',
        exact: 'unicast-table-miss',
      }),
    ],
  },
  {
    id: 'qemu-many-groups',
    title: 'With more groups than fit every group is taken, until they fit again',
    covers: ['NET-MAC-05'],
    model: 'qemu',
    steps: [
      UP,
      { do: 'join', groups: groups(70) },
      sends(
        'multicast-v4',
        'delivered',
        { viona: 'promisc-multi', qemu: 'multicast-overflow', exact: 'multicast-table-miss' },
        { judged: { qemu: 'leak', 'propolis-v7': 'leak' } },
      ),
      { do: 'leave', groups: groups(70) },
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-multi',
        v7: 'multicast-no-listener',
        tables: 'multicast-table-miss',
      }),
    ],
  },
  {
    id: 'qemu-oversized-table',
    title: 'Both tables share 64 slots, and what does not fit is taken whole',
    covers: ['NET-MAC-05'],
    model: 'qemu',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      table(stations(32), groups(32)),
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-all',
        before: 'promisc-multi',
        tables: 'multicast-table-miss',
      }),
      sends('foreign-unicast', 'filtered', {
        viona: 'promisc-all',
        before: 'unicast-foreign',
        tables: 'unicast-table-miss',
      }),
      table(stations(32), groups(33)),
      sends(
        'multicast-v4',
        'delivered',
        { viona: 'promisc-all', before: 'promisc-multi', qemu: 'multicast-overflow', exact: 'multicast-table-miss' },
        { judged: { qemu: 'leak' } },
      ),
      sends('foreign-unicast', 'filtered', {
        viona: 'promisc-all',
        before: 'unicast-foreign',
        tables: 'unicast-table-miss',
      }),
      // A unicast list that does not fit leaves all 64 slots to the groups.
      table(stations(65), groups(64)),
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'promisc-all', before: 'unicast-foreign', qemu: 'unicast-overflow', exact: 'unicast-table-miss' },
        { judged: { qemu: 'leak' } },
      ),
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-all',
        before: 'promisc-multi',
        tables: 'multicast-table-miss',
      }),
      table(stations(64), []),
      sends('foreign-unicast', 'filtered', {
        viona: 'promisc-all',
        before: 'unicast-foreign',
        tables: 'unicast-table-miss',
      }),
    ],
  },
  {
    id: 'qemu-any-nonzero',
    title: 'A mode with the value 2 is on in QEMU, and refused by the others that know modes',
    covers: ['NET-CTRLRX-01'],
    model: 'qemu',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      { do: 'command', send: { mode: 'promisc', value: 2 }, ack: 'OK' },
      {
        expect: 'acks',
        acks: {
          'propolis-before-1125': 'ERR',
          'propolis-372a574': 'ERR',
          'propolis-v7': 'ERR',
          qemu: 'OK',
          'cloud-hypervisor': 'OK',
          exact: 'ERR',
        },
      },
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', qemu: 'promisc', exact: 'unicast-table-miss' },
        { judged: { qemu: 'leak' } },
      ),
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
    ],
  },
  {
    id: 'qemu-wrong-kind-stored',
    title: 'A group in the unicast table is acknowledged and stored, and never matches',
    covers: ['NET-MAC-02'],
    model: 'qemu',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      table([GROUP, FOREIGN], []),
      sends(
        'multicast-v4',
        'filtered',
        { viona: 'promisc-multi', now: 'multicast-no-listener', tables: 'multicast-table-miss' },
        { judged: { qemu: 'agree' } },
      ),
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', qemu: 'unicast-table', exact: 'unicast-table-miss' },
        { judged: { qemu: 'leak' } },
      ),
      // It takes a slot: with it, 64 stations are one too many.
      table([GROUP, ...stations(64)], []),
      sends('foreign-unicast', 'delivered', {
        viona: 'unicast-foreign',
        qemu: 'unicast-overflow',
        exact: 'unicast-table-miss',
      }),
    ],
  },
  {
    id: 'qemu-migration-moves-boundary',
    title: 'A migration finds the boundary between the tables anew, at the first group',
    covers: ['NET-MAC-02'],
    model: 'qemu',
    fakeOnly: OF_ITS_OWN,
    steps: [
      ...begin,
      table([GROUP, FOREIGN], []),
      { do: 'migrate', ack: 'OK' },
      sends('multicast-v4', 'delivered', {
        viona: 'promisc-multi',
        now: 'multicast-no-listener',
        qemu: 'multicast-table',
        exact: 'multicast-table-miss',
      }),
      sends('foreign-unicast', 'filtered', { viona: 'unicast-foreign', tables: 'unicast-table-miss' }),
      // The way out: a table as it should be. It survives.
      table([FOREIGN], [GROUP]),
      { do: 'migrate', ack: 'OK' },
      sends('multicast-v4', 'delivered', {
        viona: 'promisc-all',
        before: 'promisc-multi',
        tables: 'multicast-table',
      }),
      sends('foreign-unicast', 'delivered', {
        viona: 'promisc-all',
        before: 'unicast-foreign',
        tables: 'unicast-table',
      }),
    ],
  },
  {
    id: 'qemu-hidden-modes',
    title: 'Behind PROMISC the other modes stay in force, and bite when it ends',
    covers: ['NET-CTRLRX-03', 'NET-CTRLRX-09', 'NET-CTRLRX-16'],
    model: 'qemu',
    fakeOnly: 'Linux has no use for these modes.',
    steps: [
      ...begin,
      { do: 'command', send: { mode: 'promisc', value: 1 }, ack: 'OK' },
      { do: 'command', send: { mode: 'nomulti', value: 1 }, ack: 'OK' },
      { do: 'command', send: { mode: 'nobcast', value: 1 }, ack: 'OK' },
      sends('broadcast', 'delivered', { viona: 'promisc-all', before: 'broadcast', tables: 'promisc' }),
      sends('vlan-own-unicast', 'delivered', { viona: 'promisc-all', before: 'vid-mismatch', tables: 'promisc' }),
      { do: 'command', send: { mode: 'promisc', value: 0 }, ack: 'OK' },
      sends('broadcast', 'filtered', { viona: 'broadcast', tables: 'nobcast' }),
      sends('all-nodes', 'filtered', { viona: 'promisc-multi', now: 'multicast-no-listener', tables: 'nomulti' }),
      sends('vlan-own-unicast', 'filtered', { viona: 'vid-mismatch', tables: 'vlan-table-miss' }),
      // The way out is to take each of them back.
      { do: 'command', send: { mode: 'nobcast', value: 0 }, ack: 'OK' },
      sends('broadcast', 'delivered', { all: 'broadcast' }),
    ],
  },
  {
    id: 'cloud-hypervisor-noop-ok',
    title: 'Cloud Hypervisor acknowledges the switches of its filter, and has none',
    covers: ['NET-CTRLRX-18'],
    model: 'cloud-hypervisor',
    steps: [
      { expect: 'link', level: null, callbacks: null },
      UP,
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', qemu: 'promisc-untold', exact: 'unicast-table-miss' },
        { path: 'none', judged: { 'cloud-hypervisor': 'leak' } },
      ),
      // It does not offer the commands; a driver that has them all the same is none the wiser.
      offer('VIRTIO_NET_F_CTRL_RX'),
      reprobe,
      UP,
      { do: 'promisc', on: true },
      { do: 'promisc', on: false },
      { expect: 'ack', name: 'VIRTIO_NET_CTRL_RX_PROMISC', ack: 'OK' },
      { expect: 'ack', name: 'VIRTIO_NET_CTRL_MAC_TABLE_SET', ack: 'ERR' },
      { expect: 'rx-mode', modes: { promisc: false } },
      sends(
        'foreign-unicast',
        'delivered',
        { viona: 'unicast-foreign', tables: 'unicast-table-miss' },
        { judged: { 'cloud-hypervisor': 'leak' } },
      ),
    ],
  },
];
