/** The filter as the driver asked for it, which Propolis keeps since PR #1125: two flags and two tables. */
import { VIRTIO_NET_F_CTRL_RX } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, sameMacs } from '../net/mac.ts';
import { negotiatedFeature, type PropolisVmm } from './propolis-rings.ts';
import type { Fields, ModelReader } from './validate.ts';

export interface PropolisFilter {
  readonly promisc: boolean;
  readonly allmulti: boolean;
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
}

export const NO_FILTER: PropolisFilter = Object.freeze({
  promisc: false,
  allmulti: false,
  unicast: Object.freeze([]),
  multicast: Object.freeze([]),
});

/**
 * The filter after a command, or why the command is refused before anything is tried.
 *
 * @source viona.rs ctl_rx, ctl_mac, set_filter_state, set_mac_filters
 */
export function wantedFilter(
  state: PropolisVmm & PropolisFilter,
  wish: Exclude<HostCommand, { type: 'mq-pairs' }>,
): PropolisFilter | string {
  const { promisc, allmulti, unicast, multicast } = state;
  const now: PropolisFilter = { promisc, allmulti, unicast, multicast };
  switch (wish.type) {
    case 'rx':
      if (wish.value > 1) return 'An RX mode is switched with 0 or 1.';
      if (wish.flag !== 'promisc' && wish.flag !== 'allmulti') {
        return 'viona cannot express the extra RX modes (VIRTIO_NET_F_CTRL_RX_EXTRA).';
      }
      if (!negotiatedFeature(state, VIRTIO_NET_F_CTRL_RX)) return 'VIRTIO_NET_F_CTRL_RX was not negotiated.';
      return { ...now, [wish.flag]: wish.value === 1 };
    case 'mac-table-set':
      if (!negotiatedFeature(state, VIRTIO_NET_F_CTRL_RX)) return 'VIRTIO_NET_F_CTRL_RX was not negotiated.';
      if (wish.unicast.some(isGroup)) return 'The unicast table holds a group address.';
      if (!wish.multicast.every(isGroup)) return 'The multicast table holds a unicast address.';
      return {
        ...now,
        unicast: sameMacs(unicast, wish.unicast) ? unicast : wish.unicast,
        multicast: sameMacs(multicast, wish.multicast) ? multicast : wish.multicast,
      };
    case 'mac-addr-set':
    case 'vlan':
      return 'The command belongs to a feature that is not offered.';
  }
}

/** @param maximum entries that a table of this VMM holds */
export function readFilter(reader: ModelReader, fields: Fields, maximum?: number): PropolisFilter {
  return {
    promisc: reader.flag(fields.promisc, 'promisc'),
    allmulti: reader.flag(fields.allmulti, 'allmulti'),
    unicast: reader.table(fields.unicast, 'unicast', (mac) => !isGroup(mac), maximum),
    multicast: reader.table(fields.multicast, 'multicast', isGroup, maximum),
  };
}
