/**
 * What a driver can ask of the receive filter, and what it has asked for since reset.
 *
 * Flags are tri-state: true, false, or null for "never commanded since reset", because the specification
 * says nothing of their value after a reset and host models differ exactly there.
 *
 * @spec 5.1.9.5.1, 5.1.9.5.2, 5.1.9.5.3
 */
import type { Mac } from '../net/mac.ts';
import type { HostCommand } from './control.ts';

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

/** What a driver asked of the filter and was acknowledged. */
export interface FilterCopy {
  readonly rxMode: RxMode;
  readonly tables: MacTables;
  /** VLAN ids in ascending order. */
  readonly vlans: readonly number[];
}

/** As after reset. */
export const FILTER_UNSET: FilterCopy = Object.freeze({
  rxMode: RX_MODE_UNSET,
  tables: NO_TABLES,
  vlans: Object.freeze([]),
});

export function copyFilter({ rxMode, tables, vlans }: FilterCopy): FilterCopy {
  const { unicast, multicast } = tables;
  return { rxMode: { ...rxMode }, tables: { unicast: [...unicast], multicast: [...multicast] }, vlans: [...vlans] };
}

/** Commands that are about the filter and nothing else. */
export type FilterCommand = Extract<HostCommand, { type: 'rx' | 'mac-table-set' | 'vlan' }>;

/** After a command of the filter that was acknowledged. */
export function filterAfter(filter: FilterCopy, command: FilterCommand): FilterCopy {
  switch (command.type) {
    case 'rx':
      return { ...filter, rxMode: { ...filter.rxMode, [command.flag]: command.value !== 0 } };
    case 'mac-table-set':
      return { ...filter, tables: { unicast: command.unicast, multicast: command.multicast } };
    case 'vlan': {
      const others = filter.vlans.filter((vid) => vid !== command.vid);
      return { ...filter, vlans: command.action === 'add' ? [...others, command.vid].sort((a, b) => a - b) : others };
    }
  }
}
