/** Scenarios of the Propolis that uses version 7: resets, and what a failed ioctl leaves behind. */
import type { Scenario, Step } from './scenarios-types.ts';
import { ALL_NODES, GROUP, link, reprobe, sends, UP } from './scenarios-words.ts';

const SET_FILTERS = 'VNA_IOC_SET_MAC_FILTERS';
const AT_ITS_OWN_TIME = 'Linux sends its table again at times of its own, and so mends what has failed.';

export const V7_RESET_SCENARIOS: readonly Scenario[] = [
  {
    id: 'v7-driver-reset',
    title: 'Any reset restores the defaults: MULTI, and no filter',
    covers: ['NET-MAC-01'],
    model: 'propolis-v7',
    steps: [
      UP,
      { do: 'promisc', on: true },
      link('ALL'),
      reprobe,
      link('MULTI'),
      { expect: 'link', filterCount: 0 },
      { expect: 'ioctls', inOrder: ['SET_PROMISC ALL 0', 'SET_PROMISC MULTI 0', 'SET_MAC_FILTERS 0'] },
      sends('foreign-unicast', 'filtered', {
        viona: 'unicast-foreign',
        qemu: 'promisc-untold',
        exact: 'unicast-table-miss',
      }),
      UP,
      link('NONE'),
    ],
  },
  {
    id: 'v7-machine-reset',
    title: 'A machine reset restores the defaults too, and gives the pairs back',
    covers: ['NET-MAC-01'],
    model: 'propolis-v7',
    fakeOnly: 'The reset of a whole machine is a boot, and has its own test.',
    steps: [
      UP,
      { do: 'set-pairs', pairs: 4 },
      { do: 'allmulti', on: true },
      { do: 'machine-reset' },
      { expect: 'ioctls', inOrder: ['SET_USEPAIRS 1 0', 'SET_PAIRS 1 0'] },
      link('MULTI'),
      { expect: 'link', usePairs: 1, filterCount: 0 },
      UP,
      link('NONE'),
      sends('multicast-v4', 'filtered', {
        viona: 'promisc-multi',
        v7: 'multicast-no-listener',
        tables: 'multicast-table-miss',
      }),
    ],
  },
  {
    id: 'v7-install-fails',
    title: 'Filters that cannot be installed are covered by MULTI, until they can be',
    covers: ['NET-CTRLRX-18'],
    model: 'propolis-v7',
    fakeOnly: AT_ITS_OWN_TIME,
    steps: [
      UP,
      link('NONE'),
      { do: 'fault', fault: { kind: 'ioctl', name: SET_FILTERS, errno: 'VMF_ERR_INSTALL' } },
      { do: 'join', groups: [GROUP] },
      { expect: 'ack', name: 'VIRTIO_NET_CTRL_MAC_TABLE_SET', ack: 'OK' },
      link('MULTI'),
      { expect: 'link', filters: { has: [ALL_NODES], lacks: [GROUP] } },
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', tables: 'multicast-table' }),
      // The next command tries again.
      { do: 'allmulti', on: false },
      link('NONE'),
      { expect: 'link', filters: { has: [ALL_NODES, GROUP] } },
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', v7: 'multicast-joined', tables: 'multicast-table' }),
    ],
  },
  {
    id: 'v7-rollback-trap',
    title: 'The trap of SET_PROMISC is still there: only the groups with filters survive it',
    covers: ['NET-CTRLRX-18'],
    model: 'propolis-v7',
    steps: [
      UP,
      { do: 'allmulti', on: true },
      link('MULTI'),
      { do: 'fault', fault: { kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'ENOMEM' } },
      { do: 'promisc', on: true },
      { expect: 'ack', name: 'VIRTIO_NET_CTRL_RX_PROMISC', ack: 'ERR' },
      link('MULTI', 'NONE'),
      { expect: 'device', needsReset: false },
      sends('all-nodes', 'delivered', {
        before: 'promisc-multi',
        now: 'promisc-all',
        v7: 'multicast-joined',
        tables: 'promisc',
      }),
      sends(
        'multicast-v4',
        'filtered',
        { before: 'promisc-multi', now: 'promisc-all', v7: 'multicast-no-listener', tables: 'promisc' },
        { judged: { 'propolis-v7': 'loss' } },
      ),
      // The way out: through another level.
      { do: 'promisc', on: true },
      { do: 'promisc', on: false },
      link('MULTI'),
      sends('multicast-v4', 'delivered', { viona: 'promisc-multi', tables: 'allmulti' }),
    ],
  },
  {
    id: 'v7-recovery-fails',
    title: 'A command whose roll-back fails as well ends in DEVICE_NEEDS_RESET',
    covers: ['BASE-STATUS-03'],
    model: 'propolis-v7',
    fakeOnly: 'Linux waits for the answer to its next command for ever.',
    steps: [
      UP,
      ...Array.from({ length: 4 }, (): Step => {
        return { do: 'fault', fault: { kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'ENXIO' } };
      }),
      { do: 'promisc', on: true },
      { expect: 'device', needsReset: true },
      sends('own-unicast', 'device_broken', {
        before: 'own-unicast',
        now: 'promisc-all',
        v7: 'own-unicast',
        tables: 'promisc',
      }),
      reprobe,
      UP,
      link('NONE'),
      sends('own-unicast', 'delivered', { all: 'own-unicast' }),
    ],
  },
];
