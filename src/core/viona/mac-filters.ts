/**
 * What interface version 7 adds: multicast filters, and a unicast address that can be replaced.
 *
 * Filters are independent of the promiscuity level. The VMM pairs a table with NONE: it installs first and
 * lowers then, and raises before it clears. The MAC client holds one unicast address, and is joined to
 * broadcast with it; so a client without an address gets neither.
 *
 * On a VNIC the address is replaced in place. On any other link the filters and the old address go first,
 * then the new address and the filters come: reception has a gap, which the VMM covers with ALL.
 *
 * These ioctls succeed (errno 0) whenever they have an answer, and the answer says what went wrong. An
 * injected VMF_ERR_INSTALL refuses the last of the new entries, so that the others show as installed. Of two
 * waiting VMA_ERR_INSTALL the second refuses the restoration of the old address: what is left is a client
 * with no address and no filters.
 *
 * Read in the header and the tests of version 7, not in its implementation. Not verified: whether a missing
 * address is noticed before or after what is wrong with the table, and for a table of none.
 *
 * @source viona_io.h (version 7); tests of VNA_IOC_SET_MAC_FILTERS and VNA_IOC_SET_MAC_ADDR
 */
import type { Mac } from '../net/mac.ts';
import { formatMac, isGroup, MAC_BROADCAST, sameMacs } from '../net/mac.ts';
import { faultFor, withoutFault } from './faults.ts';
import type { FaultCode, LinkState } from './link.ts';

export const VIONA_MAX_MCAST_FILTERS = 64;

/** By number. @source viona_io.h vioc_mac_filter_err_t, vioc_mac_addr_err_t */
export const VMF_ERRORS = [
  'VMF_OK',
  'VMF_ERR_COUNT',
  'VMF_ERR_NOT_MCAST',
  'VMF_ERR_INSTALL',
  'VMF_ERR_NO_UNICAST',
] as const;
export type VmfError = (typeof VMF_ERRORS)[number];
export const VMA_ERRORS = ['VMA_OK', 'VMA_ERR_NOT_UNICAST', 'VMA_ERR_INSTALL', 'VMA_ERR_MCAST_RESTORE'] as const;
export type VmaError = (typeof VMA_ERRORS)[number];

export interface SetMacFiltersValue {
  readonly err: VmfError;
  /** As it was given; the capacity for VMF_ERR_COUNT. */
  readonly nmcast: number;
  /** The entry that is to blame, for the errors that have one. */
  readonly erraddr?: string;
}

export interface GetMacFiltersValue {
  /** Installed entries, also those that the buffer had no room for. */
  readonly nmcast: number;
  readonly addrs: readonly string[];
}

export interface SetMacAddrValue {
  readonly err: VmaError;
  readonly present: boolean;
}

export interface GetMacAddrValue {
  readonly present: boolean;
  /** Null if there is none. */
  readonly addr: string | null;
}

export interface FilterResult<V> {
  readonly link: LinkState;
  readonly errno: 0;
  readonly value: V;
}

const SET_FILTERS = 'VNA_IOC_SET_MAC_FILTERS';
const SET_ADDR = 'VNA_IOC_SET_MAC_ADDR';

/** The link without the fault that waits longest for that ioctl, if it is this one; null if it is not. */
function met(link: LinkState, name: string, code: FaultCode): LinkState | null {
  const fault = faultFor(link, name);
  return fault?.errno === code ? withoutFault(link, fault) : null;
}

/** The whole table, which replaces what is installed: only the difference is applied. */
export function setMacFilters(link: LinkState, table: readonly Mac[]): FilterResult<SetMacFiltersValue> {
  const nmcast = table.length;
  const refuse = (value: SetMacFiltersValue): FilterResult<SetMacFiltersValue> => ({ link, errno: 0, value });
  if (nmcast > VIONA_MAX_MCAST_FILTERS) return refuse({ err: 'VMF_ERR_COUNT', nmcast: VIONA_MAX_MCAST_FILTERS });
  const stranger = table.find((mac) => !isGroup(mac));
  if (stranger !== undefined) return refuse({ err: 'VMF_ERR_NOT_MCAST', nmcast, erraddr: formatMac(stranger) });
  if (link.unicast === null) return refuse({ err: 'VMF_ERR_NO_UNICAST', nmcast });

  const wanted = [...new Set(table)].filter((mac) => mac !== MAC_BROADCAST);
  const kept = link.filters.filter((mac) => wanted.includes(mac));
  const added = wanted.filter((mac) => !kept.includes(mac));
  const last = added.at(-1);
  const refused = last === undefined ? null : met(link, SET_FILTERS, 'VMF_ERR_INSTALL');
  if (last !== undefined && refused) {
    const filters = [...kept, ...added.slice(0, -1)];
    return {
      link: { ...refused, filters },
      errno: 0,
      value: { err: 'VMF_ERR_INSTALL', nmcast, erraddr: formatMac(last) },
    };
  }
  const filters = [...kept, ...added];
  const after = sameMacs(filters, link.filters) ? link : { ...link, filters };
  return { link: after, errno: 0, value: { err: 'VMF_OK', nmcast } };
}

/** @param room entries that the caller's buffer holds; 0 asks for the count only */
export function getMacFilters(link: LinkState, room: number): FilterResult<GetMacFiltersValue> {
  const addrs = link.filters.slice(0, Math.max(0, room)).map(formatMac);
  return { link, errno: 0, value: { nmcast: link.filters.length, addrs } };
}

export function setMacAddr(link: LinkState, mac: Mac): FilterResult<SetMacAddrValue> {
  const answer = (after: LinkState, err: VmaError): FilterResult<SetMacAddrValue> => ({
    link: after,
    errno: 0,
    value: { err, present: after.unicast !== null },
  });
  if (isGroup(mac)) return answer(link, 'VMA_ERR_NOT_UNICAST');
  if (mac === link.unicast) return answer(link, 'VMA_OK');
  const refused = met(link, SET_ADDR, 'VMA_ERR_INSTALL');
  if (link.config.kind === 'vnic') {
    return refused ? answer(refused, 'VMA_ERR_INSTALL') : answer({ ...link, unicast: mac, primary: mac }, 'VMA_OK');
  }
  if (!refused) {
    const { after, complete } = filtersPutBack({ ...link, unicast: mac });
    return answer(after, complete ? 'VMA_OK' : 'VMA_ERR_MCAST_RESTORE');
  }
  const lost = met(refused, SET_ADDR, 'VMA_ERR_INSTALL');
  if (lost || link.unicast === null) {
    return answer({ ...(lost ?? refused), unicast: null, filters: [] }, 'VMA_ERR_INSTALL');
  }
  return answer(filtersPutBack(refused).after, 'VMA_ERR_INSTALL');
}

/** The filters come back after the swap: an injected VMA_ERR_MCAST_RESTORE costs the last of them. */
function filtersPutBack(link: LinkState): { after: LinkState; complete: boolean } {
  const short = link.filters.length > 0 ? met(link, SET_ADDR, 'VMA_ERR_MCAST_RESTORE') : null;
  if (!short) return { after: link, complete: true };
  return { after: { ...short, filters: short.filters.slice(0, -1) }, complete: false };
}

export function getMacAddr(link: LinkState): FilterResult<GetMacAddrValue> {
  const { unicast } = link;
  return {
    link,
    errno: 0,
    value: { present: unicast !== null, addr: unicast === null ? null : formatMac(unicast) },
  };
}
