/**
 * Where real code drops what the specification would have it deliver: the whole list. A model that widens must
 * lose nothing else (NET-CTRLRX-18); what is not in here is a mistake of ours.
 */
import type { HostModelId } from './host-model.ts';
import type { RuleId } from './verdict.ts';

export interface KnownLoss {
  readonly id: string;
  readonly models: readonly HostModelId[];
  /** By which rules the frames are dropped. */
  readonly rules: readonly RuleId[];
  /** When, and why. */
  readonly reason: string;
}

const PROPOLIS: readonly HostModelId[] = ['propolis-before-1125', 'propolis-372a574', 'propolis-v7'];
const SINCE_1125: readonly HostModelId[] = ['propolis-372a574', 'propolis-v7'];

export const KNOWN_LOSSES: readonly KnownLoss[] = [
  {
    id: 'tagged-frames',
    models: PROPOLIS,
    rules: ['vid-mismatch'],
    reason: 'The MAC client has no VLAN, so frames with a VID other than 0 reach it in ALL only, and on a VNIC never.',
  },
  {
    id: 'rings-not-kicked',
    models: PROPOLIS,
    rules: ['ring-not-running'],
    reason: 'More pairs are in use than the driver has kicked: eleven of them from negotiation on.',
  },
  {
    id: 'cannot-ask',
    models: ['propolis-before-1125'],
    rules: ['unicast-foreign'],
    reason: 'PROMISC and unicast tables are refused, because VIRTIO_NET_F_CTRL_RX was never offered.',
  },
  {
    id: 'no-extra-modes',
    models: PROPOLIS,
    rules: ['unicast-foreign'],
    reason: 'ALLUNI is refused, because VIRTIO_NET_F_CTRL_RX_EXTRA was never offered.',
  },
  {
    id: 'no-address-change',
    models: PROPOLIS,
    rules: ['unicast-foreign'],
    reason: 'MAC_ADDR_SET is refused, so the address that another model would have taken stays foreign.',
  },
  {
    id: 'vnic-filtered',
    models: SINCE_1125,
    rules: ['filtered-foreign'],
    reason: 'On a VNIC the MAC layer turns ALL into FILTERED, which brings no foreign unicast.',
  },
  {
    id: 'inherited-none',
    models: ['propolis-372a574'],
    rules: ['multicast-no-listener'],
    reason: 'A driver without VIRTIO_NET_F_CTRL_RX inherits NONE from the driver before it.',
  },
  {
    id: 'failed-ioctl',
    models: PROPOLIS,
    rules: ['multicast-no-listener', 'unicast-foreign', 'no-unicast-address', 'no-link'],
    reason: 'An ioctl failed or was issued past the VMM: a refused request, or callbacks that fell back to NONE.',
  },
  {
    id: 'qemu-vlan-map',
    models: ['qemu'],
    rules: ['vlan-table-miss'],
    reason: 'A driver without VIRTIO_NET_F_CTRL_VLAN inherits the VLAN map of the driver before it.',
  },
  {
    id: 'qemu-takes-what-is-wrong',
    models: ['qemu'],
    rules: ['unicast-table-miss', 'multicast-table-miss', 'nouni', 'nomulti', 'nobcast'],
    reason:
      'A command that is answered ERR elsewhere, for a value above 1 or an address of the wrong kind, is carried out: ' +
      'the tables are replaced, the mode is switched on.',
  },
];

/** The entries that could explain why that model drops a frame by that rule. */
export function knownLosses(model: HostModelId, rule: RuleId): readonly KnownLoss[] {
  return KNOWN_LOSSES.filter(({ models, rules }) => models.includes(model) && rules.includes(rule));
}
