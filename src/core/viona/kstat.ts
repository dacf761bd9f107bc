/**
 * viona's counters, by its own names.
 *
 * The first eight are the kstat `viona_stat`; the others are ring error statistics, which on illumos only
 * mdb and DTrace show. Most of the latter belong to rings that live in the device here, not in the link;
 * they stay at zero and are listed so that the page can show the whole set.
 *
 * Deviation: viona counts a received packet once it lies in the guest's ring. Here ring and link are on
 * different threads, so `rx_packets` and `rx_bytes` count what the link handed to the device; what is lost
 * behind that is in the device's counters and in each frame's fate.
 *
 * @source viona_impl.h viona_kstats_t, viona_ring_stats; viona_rx.c viona_rx_common
 */
export const KSTAT_NAMES = [
  'rx_packets',
  'rx_bytes',
  'rx_errors',
  'rx_drops',
  'tx_packets',
  'tx_bytes',
  'tx_errors',
  'tx_drops',
] as const;

export const RING_STAT_NAMES = [
  'ndesc_too_high',
  'bad_idx',
  'indir_bad_len',
  'indir_bad_nest',
  'indir_bad_next',
  'no_space',
  'too_many_desc',
  'desc_bad_len',
  'len_overflow',
  'bad_ring_addr',
  'fail_hcksum',
  'fail_hcksum6',
  'fail_hcksum_proto',
  'bad_rx_frame',
  'rx_merge_overrun',
  'rx_merge_underrun',
  'rx_pad_short',
  'rx_mcast_check',
  'rx_drop_over_mtu',
  'rx_gro_fallback',
  'rx_gro_fallback_fail',
  'rx_gro_malformed',
  'too_short',
  'tx_absent',
  'tx_gso_fail',
  'rx_hookdrop',
  'tx_hookdrop',
] as const;

export type KstatName = (typeof KSTAT_NAMES)[number] | (typeof RING_STAT_NAMES)[number];
/** Exact integers; the owner counts in place. */
export type Kstats = Record<KstatName, number>;

export function newKstats(): Kstats {
  const all: readonly KstatName[] = [...KSTAT_NAMES, ...RING_STAT_NAMES];
  return Object.fromEntries(all.map((name) => [name, 0])) as Kstats;
}
