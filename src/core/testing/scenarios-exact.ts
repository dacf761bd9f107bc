/** Scenarios of the model that reads the specification literally: what a filter by table looks like. */
import type { Scenario, Step } from './scenarios-types.ts';

const FOREIGN = '02:00:00:00:00:99';
const GROUP = '01:00:5e:01:02:03';
const ALL_HOSTS = '01:00:5e:00:00:01';
const ALL_NODES = '33:33:00:00:00:01';

const NO_LINK: Step = { expect: 'link', level: null, callbacks: null };

export const EXACT_SCENARIOS: readonly Scenario[] = [
  {
    id: 'exact-tables',
    title: 'Only the own address, broadcast and joined groups are received',
    covers: ['NET-MAC-02', 'NET-MAC-04'],
    model: 'exact',
    steps: [
      NO_LINK,
      { do: 'up' },
      { expect: 'table', multicast: { has: [ALL_HOSTS, ALL_NODES], lacks: [GROUP] } },
      { expect: 'frame', send: 'own-unicast', fate: 'delivered', rule: 'own-unicast', path: 'filter' },
      { expect: 'frame', send: 'broadcast', fate: 'delivered', rule: 'broadcast', path: 'filter' },
      { expect: 'frame', send: 'all-hosts', fate: 'delivered', rule: 'multicast-table', path: 'filter' },
      { expect: 'frame', send: 'all-nodes', fate: 'delivered', rule: 'multicast-table' },
      {
        expect: 'frame',
        send: 'multicast-v4',
        fate: 'filtered',
        rule: 'multicast-table-miss',
        judged: { 'propolis-372a574': 'leak', 'propolis-before-1125': 'leak' },
      },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
    ],
  },
  {
    id: 'exact-join-and-leave',
    title: 'A group is received from join to leave',
    covers: ['NET-MAC-02', 'NET-MAC-04'],
    model: 'exact',
    steps: [
      { do: 'up' },
      { expect: 'frame', send: 'multicast-v4', fate: 'filtered', rule: 'multicast-table-miss' },
      { do: 'join', group: GROUP },
      { expect: 'table', multicast: { has: [GROUP, ALL_NODES] } },
      { expect: 'frame', send: 'multicast-v4', fate: 'delivered', rule: 'multicast-table' },
      { do: 'leave', group: GROUP },
      { expect: 'frame', send: 'multicast-v4', fate: 'filtered', rule: 'multicast-table-miss' },
      { expect: 'frame', send: 'all-nodes', fate: 'delivered', rule: 'multicast-table' },
    ],
  },
  {
    id: 'exact-unicast-table',
    title: 'A second unicast address is received, and no other',
    covers: ['NET-MAC-02', 'NET-MAC-04'],
    model: 'exact',
    steps: [
      { do: 'up' },
      { do: 'add-unicast', address: FOREIGN },
      { expect: 'table', unicast: { has: [FOREIGN] } },
      { expect: 'frame', send: 'foreign-unicast', fate: 'delivered', rule: 'unicast-table' },
      {
        expect: 'frame',
        send: { dst: '02:00:00:00:00:98' },
        fate: 'filtered',
        rule: 'unicast-table-miss',
        judged: { 'propolis-372a574': 'leak' },
      },
      { do: 'remove-unicast', address: FOREIGN },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
    ],
  },
  {
    id: 'exact-promisc',
    title: 'PROMISC takes everything and wins over all else',
    covers: ['NET-CTRLRX-01', 'NET-CTRLRX-02', 'NET-CTRLRX-03'],
    model: 'exact',
    steps: [
      { do: 'up' },
      { do: 'allmulti', on: true },
      { do: 'promisc', on: true },
      { expect: 'rx-mode', promisc: true, allmulti: true },
      { expect: 'frame', send: 'foreign-unicast', fate: 'delivered', rule: 'promisc' },
      { expect: 'frame', send: 'multicast-v6', fate: 'delivered', rule: 'promisc' },
      { do: 'promisc', on: false },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
      { expect: 'frame', send: 'multicast-v6', fate: 'delivered', rule: 'allmulti' },
    ],
  },
  {
    id: 'exact-allmulti',
    title: 'ALLMULTI takes all multicast and no foreign unicast',
    covers: ['NET-CTRLRX-04', 'NET-CTRLRX-05'],
    model: 'exact',
    steps: [
      { do: 'up' },
      { do: 'allmulti', on: true },
      {
        expect: 'frame',
        send: 'multicast-v4',
        fate: 'delivered',
        rule: 'allmulti',
        judged: { 'propolis-372a574': 'agree' },
      },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
      { do: 'allmulti', on: false },
      { expect: 'frame', send: 'multicast-v4', fate: 'filtered', rule: 'multicast-table-miss' },
    ],
  },
  {
    id: 'exact-vlan',
    title: 'Without CTRL_VLAN tagged frames are received, with their tags',
    covers: ['NET-VLAN-01'],
    model: 'exact',
    steps: [
      { do: 'up' },
      {
        expect: 'frame',
        send: 'vlan-own-unicast',
        fate: 'delivered',
        rule: 'own-unicast',
        judged: { 'propolis-372a574': 'loss', 'propolis-before-1125': 'loss' },
      },
      { expect: 'frame', send: 'vlan-broadcast', fate: 'delivered', rule: 'broadcast' },
      { expect: 'frame', send: 'vlan-multicast', fate: 'delivered', rule: 'multicast-table' },
      { expect: 'frame', send: { dst: FOREIGN, vlan: 5 }, fate: 'filtered', rule: 'unicast-table-miss' },
    ],
  },
  {
    id: 'exact-reset',
    title: 'A reset empties the tables and turns the flags off',
    covers: ['NET-MAC-01'],
    model: 'exact',
    steps: [
      { do: 'up' },
      { do: 'promisc', on: true },
      { do: 'join', group: GROUP },
      { do: 'reprobe' },
      { expect: 'rx-mode', promisc: null, allmulti: null },
      { expect: 'table', multicast: { lacks: [GROUP, ALL_NODES] } },
      { expect: 'frame', send: 'all-nodes', fate: 'filtered', rule: 'multicast-table-miss' },
      { do: 'up' },
      { expect: 'frame', send: 'multicast-v4', fate: 'filtered', rule: 'multicast-table-miss' },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
    ],
  },
  {
    id: 'exact-without-ctrl-rx',
    title: 'A driver that cannot ask for multicast is given all of it',
    covers: ['NET-CTRLRX-18'],
    model: 'propolis-before-1125',
    steps: [
      { do: 'up' },
      { do: 'model', model: 'exact' },
      { expect: 'frame', send: 'multicast-v4', fate: 'delivered', rule: 'no-ctrl-rx' },
      { expect: 'frame', send: 'foreign-unicast', fate: 'filtered', rule: 'unicast-table-miss' },
    ],
  },
  {
    id: 'exact-odd-lengths',
    title: 'Runts go on as they are; frames over the MTU are dropped',
    covers: [],
    model: 'exact',
    steps: [
      { do: 'up' },
      { expect: 'frame', send: 'runt', fate: 'delivered', rule: 'own-unicast' },
      { expect: 'frame', send: 'oversize', fate: 'rx_drop_over_mtu', rule: 'own-unicast' },
      { expect: 'frame', send: { raw: 'ff' }, fate: 'filtered', rule: 'bad-header' },
      { do: 'ioctl', name: 'VNA_IOC_SET_PROMISC', arg: 'ALL', errno: 'ENXIO' },
    ],
  },
];
