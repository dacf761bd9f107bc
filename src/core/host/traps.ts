/**
 * The known traps of each model, as data: what surprises, in one sentence. The id is that of the scenario
 * that demonstrates it.
 */
import type { Trap } from './host-model.ts';

const VLAN_TAGS: Trap = {
  id: 'vlan-tags-are-lost',
  title: 'Tagged frames do not arrive',
  text:
    'The MAC client has its address without a VLAN, so tagged frames are dropped except in ALL, where they lose ' +
    'their tag: against NET-VLAN-01, which entitles a driver without VIRTIO_NET_F_CTRL_VLAN to all of them.',
};
const VNIC_FILTERED: Trap = {
  id: 'vnic-all-is-filtered',
  title: 'ALL on a VNIC is less than all',
  text:
    'For a client on a VNIC the MAC layer turns ALL into FILTERED, so PROMISC brings no foreign unicast although ' +
    'command and ioctl succeed.',
};
const ELEVEN_RINGS: Trap = {
  id: 'eleven-rings',
  title: 'Eleven receive rings before the driver asks',
  text:
    'Negotiating VIRTIO_NET_F_MQ spreads received frames over 11 rings at once, and those that hash to a ring which ' +
    'was not kicked are lost in silence: against NET-MQ-06, which allows receiveq1 alone.',
};
const PAIRS_SURVIVE: Trap = {
  id: 'pairs-survive',
  title: 'Pairs in use survive a driver reset',
  text:
    'A driver reset leaves the number of pairs in use, so a next driver without VIRTIO_NET_F_MQ kicks one ring of ' +
    'many and loses most flows.',
};
const MIGRATION_FORGETS_RINGS: Trap = {
  id: 'migration-forgets-rings',
  title: 'Rings not in use are not restarted by a migration',
  text:
    'Migration restarts the rings of the pairs in use, and nothing sets up the others later: raise the number of ' +
    'pairs afterwards, and frames for the new ones are lost (derived from the source, not seen).',
};
const IMPORT_FAILS: Trap = {
  id: 'migration-refused',
  title: 'A machine that cannot migrate',
  text:
    'When more pairs are in use than a driver without VIRTIO_NET_F_MQ was given, because they survived a reset, the ' +
    'new host answers SET_USEPAIRS with EINVAL and the import fails.',
};
const PAIRS_PANIC: Trap = {
  id: 'pairs-without-mq',
  title: 'One command ends the process',
  text:
    'VQ_PAIRS_SET is taken without VIRTIO_NET_F_MQ, and the EINVAL that SET_USEPAIRS then answers is unwrapped: ' +
    'Propolis would panic.',
};
const ROLLBACK: Trap = {
  id: 'rollback-trap',
  title: 'A roll-back that does nothing',
  text:
    'SET_PROMISC takes the old listener away before it tries the new one, and asking for the recorded level again ' +
    'is a no-op: so after a failure the roll-back succeeds and multicast stays off.',
};
const FOREIGN_MEANS_ALL: Trap = {
  id: 'unicast-entry-means-all',
  title: 'One foreign unicast entry means everything',
  text: 'viona has no unicast table, so any unicast entry but the own address puts the link into ALL.',
};

const RINGS = [ELEVEN_RINGS, PAIRS_SURVIVE, MIGRATION_FORGETS_RINGS, IMPORT_FAILS];

export const BEFORE_1125_TRAPS: readonly Trap[] = [
  {
    id: 'before-1125-multi-for-ever',
    title: 'MULTI for ever',
    text: 'The driver has no way to ask, so every multicast frame on the wire is looked at, copied and delivered.',
  },
  VLAN_TAGS,
  ...RINGS,
  PAIRS_PANIC,
];

export const PROPOLIS_372A574_TRAPS: readonly Trap[] = [
  {
    id: 'probe-lowers-to-none',
    title: 'NONE for a driver that programs nothing',
    text:
      'Negotiating VIRTIO_NET_F_CTRL_RX lowers the level to NONE at once, so a driver that then programs nothing ' +
      'gets no multicast at all.',
  },
  {
    id: 'up-means-multi',
    title: 'One group means all groups',
    text: 'Tables are not filtered by: the first multicast entry, which Linux always has, puts the link into MULTI.',
  },
  FOREIGN_MEANS_ALL,
  {
    id: 'stale-table-comes-back',
    title: 'Tables survive a driver reset',
    text:
      'The next driver’s first command is judged together with the tables of the driver before it: against ' +
      'NET-MAC-01, by which they are empty.',
  },
  {
    id: 'inherited-none',
    title: 'A level is inherited: NONE',
    text: 'A driver without VIRTIO_NET_F_CTRL_RX gets no multicast if the driver before it left the link in NONE.',
  },
  {
    id: 'inherited-all',
    title: 'A level is inherited: ALL',
    text: 'A driver without VIRTIO_NET_F_CTRL_RX gets everything if the driver before it left the link in ALL.',
  },
  {
    id: 'machine-reset',
    title: 'Flags survive a machine reset',
    text:
      'A machine reset clears the tables and sets MULTI but keeps PROMISC and ALLMULTI, which come back with the ' +
      'next driver’s first command.',
  },
  ROLLBACK,
  VLAN_TAGS,
  VNIC_FILTERED,
  ...RINGS,
  PAIRS_PANIC,
  {
    id: 'migration-keeps-the-level',
    title: 'The level migrates as it is',
    text:
      'The new host sets the level that was sent instead of computing it, so what no longer fits the tables goes ' +
      'on there.',
  },
];

export const PROPOLIS_V7_TRAPS: readonly Trap[] = [
  {
    id: 'v7-multi-until-table',
    title: 'MULTI until the first table',
    text:
      'A driver that negotiates VIRTIO_NET_F_CTRL_RX and programs no table goes on getting all multicast, because ' +
      'less would be a loss for drivers that manage none.',
  },
  {
    id: 'v7-oversized-table',
    title: 'More than 64 groups means all groups',
    text: 'The link holds 64 filters, so a longer multicast table is met with MULTI, and acknowledged.',
  },
  FOREIGN_MEANS_ALL,
  ROLLBACK,
  VLAN_TAGS,
  VNIC_FILTERED,
  ...RINGS,
];

export const QEMU_TRAPS: readonly Trap[] = [
  {
    id: 'qemu-promisc-until-told',
    title: 'Promiscuous until told',
    text: 'From the start and after each reset everything passes, until the driver switches PROMISC off.',
  },
  {
    id: 'qemu-oversized-table',
    title: 'A full table means everything of that kind',
    text:
      'Both tables share 64 slots: a list that does not fit is dropped whole, and all unicast or all multicast is ' +
      'taken instead.',
  },
  {
    id: 'qemu-vlan-map-survives',
    title: 'The VLAN table survives a reset',
    text:
      'A reset keeps the VLAN map, and negotiating without VIRTIO_NET_F_CTRL_VLAN does not touch it, so the next ' +
      'driver loses tagged frames that it is entitled to by NET-VLAN-01.',
  },
  {
    id: 'qemu-any-nonzero',
    title: 'Every value but 0 is on',
    text: 'An RX mode with the value 2 is acknowledged and switched on, where others answer ERR.',
  },
  {
    id: 'qemu-wrong-kind-stored',
    title: 'Addresses of the wrong kind are stored',
    text: 'A group in the unicast table is acknowledged, takes one of the 64 slots, and never matches.',
  },
  {
    id: 'qemu-migration-moves-boundary',
    title: 'Migration moves the boundary between the tables',
    text:
      'The boundary is found again at the first group address, so after a group in the unicast table the unicast ' +
      'addresses behind it are lost.',
  },
  {
    id: 'qemu-hidden-modes',
    title: 'Hidden modes come back',
    text: 'NOUNI, NOMULTI, NOBCAST and the VLAN table stay in force behind PROMISC, and bite when it ends.',
  },
];

export const CLOUD_HYPERVISOR_TRAPS: readonly Trap[] = [
  {
    id: 'cloud-hypervisor-noop-ok',
    title: 'OK, and nothing happens',
    text: 'RX and VLAN commands are answered OK without any effect, so an ack proves nothing about the filter.',
  },
];
