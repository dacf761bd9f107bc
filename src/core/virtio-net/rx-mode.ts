/**
 * What a driver can ask of the receive filter, and what it has asked for since reset.
 *
 * Flags are tri-state: true, false, or null for "never commanded since reset", because the specification
 * says nothing of their value after a reset and host models differ exactly there.
 *
 * @spec 5.1.9.5.1, 5.1.9.5.2, 5.1.9.5.3
 */
import type { Mac } from '../net/mac.ts';

export const RX_FLAGS = ['promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'] as const;
export type RxFlag = (typeof RX_FLAGS)[number];

/** VIRTIO_NET_CTRL_RX command number of a flag is its index in RX_FLAGS. */
export type RxMode = Readonly<Record<RxFlag, boolean | null>>;

export interface MacTables {
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
}

export const RX_MODE_UNSET: RxMode = Object.freeze({
  promisc: null,
  allmulti: null,
  alluni: null,
  nomulti: null,
  nouni: null,
  nobcast: null,
});

export const NO_TABLES: MacTables = Object.freeze({ unicast: Object.freeze([]), multicast: Object.freeze([]) });
