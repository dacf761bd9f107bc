/**
 * viona's counters, by its own names, and what it does not count.
 *
 * A ring counts in itself. When its worker leaves RUN, what it transferred is added to the link's totals;
 * when it is set up anew, it starts at zero. The first eight names are the kstat `viona_stat`, the next ones
 * ring error statistics, which on illumos only mdb and DTrace show. Most of the latter belong to rings that
 * live in the device here, not in the link; they stay at zero and are listed so that the page can show the
 * whole set. The `silent_` names are ours: losses on paths where the original counts nothing.
 *
 * A quirk of the original is kept (`kstat`): the update loop of the multi-queue versions assigns where it
 * should add, so that of the live rings only the last pair in use shows. `honest` has the true sums. This is
 * a reading of the source; nobody has seen it on a machine.
 *
 * Deviations: viona counts a received packet once it lies in the guest's ring. Here ring and link are on
 * different threads, so `rx_packets` and `rx_bytes` count what the link handed to the device; what is lost
 * behind that is in the device's counters and in each frame's fate. And error statistics are added up over
 * the link's life, where viona forgets them when the ring is set up anew.
 *
 * @source viona_impl.h viona_kstats_t, viona_ring_stats; viona_main.c viona_kstat_update; viona_ring.c
 * viona_ring_consolidate_stats
 */
import type { LinkState } from './link.ts';
import { VIONA_MAX_QPAIR } from './link.ts';

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

/** Losses and discards that the original does not count anywhere. */
export const SILENT_TEXT = {
  silent_ring_not_running: 'The frame’s ring was not in RUN: never kicked, paused, or its worker stalled.',
  silent_lease_renewal: 'The lease on guest memory was being renewed.',
  silent_bcast_suppressed: 'viona_rx_mcast threw a broadcast away that the classified callback had delivered.',
  silent_mcast_suppressed: 'Version 7 threw a classified copy of a group away that viona_rx_mcast delivers in MULTI.',
  silent_not_multicast: 'viona_rx_mcast was handed a frame that was not group-addressed.',
  silent_classified_cleared: 'In ALL the classified callback is cleared, so MAC threw the classified copy away.',
  silent_not_handed_over: 'MAC handed the frame to no client.',
  silent_plain_ring_empty: 'Without MRG_RXBUF an empty ring is a drop, but not `no_space`.',
} as const;

export type KstatName = (typeof KSTAT_NAMES)[number];
export type RingStatName = (typeof RING_STAT_NAMES)[number];
export type SilentName = keyof typeof SILENT_TEXT;
export const SILENT_NAMES = Object.keys(SILENT_TEXT) as readonly SilentName[];
export type CounterName = KstatName | RingStatName | SilentName;
const COUNTER_NAMES: readonly CounterName[] = [...KSTAT_NAMES, ...RING_STAT_NAMES, ...SILENT_NAMES];

const SLOTS = Object.fromEntries(COUNTER_NAMES.map((name, slot) => [name, slot])) as Readonly<
  Record<CounterName, number>
>;
const WIDTH = COUNTER_NAMES.length;
const TRANSFERS = KSTAT_NAMES.length;
const MAX_RINGS = 2 * VIONA_MAX_QPAIR;

/** What is not zero, by name: the rings from the first one on, and the link's totals. */
export interface CounterSnapshot {
  readonly rings: readonly Readonly<Record<string, number>>[];
  readonly totals: Readonly<Record<string, number>>;
}

export class LinkCounters {
  readonly #totals = new Float64Array(WIDTH);
  /** WIDTH counts for each ring. */
  #rings = new Float64Array(2 * WIDTH);

  /** Hot path: allocates only for a ring that is further out than any before. */
  count(ring: number, name: CounterName, n = 1): void {
    const at = ring * WIDTH + SLOTS[name];
    if (at >= this.#rings.length) this.#grow(ring + 1);
    this.#rings[at] = (this.#rings[at] ?? 0) + n;
  }

  /**
   * The link has changed from one state to the other, by as many ioctls as you like: rings that left RUN
   * are folded into the totals, rings that were set up anew or taken away as well, and a new link is zero.
   */
  follow(before: LinkState, after: LinkState): void {
    if (after.creations !== before.creations) {
      this.#totals.fill(0);
      this.#rings = new Float64Array(2 * WIDTH);
      return;
    }
    if (after.rings === before.rings) return;
    const most = Math.max(before.rings.length, after.rings.length);
    for (let ring = 0; ring < most; ring++) {
      const was = before.rings[ring];
      const is = after.rings[ring];
      if (was?.inits !== is?.inits) this.#fold(ring, WIDTH);
      else if (was?.stops !== is?.stops) this.#fold(ring, TRANSFERS);
    }
  }

  /** The kstat as viona shows it. @param usePairs pairs in use; only their rings are looked at */
  kstat(usePairs: number): Record<KstatName, number> {
    const rx = 2 * (Math.max(usePairs, 1) - 1);
    return record(KSTAT_NAMES, (name) => {
      const ring = name.startsWith('rx') ? rx : rx + 1;
      return this.#total(name) + this.live(ring, name);
    });
  }

  /** The same eight, with every ring in them. */
  honest(): Record<KstatName, number> {
    return record(KSTAT_NAMES, (name) => this.#sum(name));
  }

  ringStats(): Record<RingStatName, number> {
    return record(RING_STAT_NAMES, (name) => this.#sum(name));
  }

  silent(): Record<SilentName, number> {
    return record(SILENT_NAMES, (name) => this.#sum(name));
  }

  /** What a ring has counted since it was set up, and for transfers since it last left RUN. */
  live(ring: number, name: CounterName): number {
    return this.#rings[ring * WIDTH + SLOTS[name]] ?? 0;
  }

  save(): CounterSnapshot {
    const rings: Record<string, number>[] = [];
    for (let at = 0; at < this.#rings.length; at += WIDTH) rings.push(sparse(this.#rings.subarray(at, at + WIDTH)));
    while (rings.length > 0 && Object.keys(rings.at(-1) ?? {}).length === 0) rings.pop();
    return { rings, totals: sparse(this.#totals) };
  }

  /** Untrusted: on bad data nothing changes, and the answer is false. */
  restore(data: unknown): boolean {
    if (typeof data !== 'object' || data === null) return false;
    const { rings, totals } = data as Partial<Record<keyof CounterSnapshot, unknown>>;
    if (!Array.isArray(rings) || rings.length > MAX_RINGS) return false;
    const read = new Float64Array(Math.max(rings.length, 2) * WIDTH);
    const readTotals = new Float64Array(WIDTH);
    if (!fill(readTotals, totals)) return false;
    for (const [ring, entry] of rings.entries()) {
      if (!fill(read.subarray(ring * WIDTH, (ring + 1) * WIDTH), entry)) return false;
    }
    this.#totals.set(readTotals);
    this.#rings = read;
    return true;
  }

  #total(name: CounterName): number {
    return this.#totals[SLOTS[name]] ?? 0;
  }

  #sum(name: CounterName): number {
    let sum = this.#total(name);
    for (let at = SLOTS[name]; at < this.#rings.length; at += WIDTH) sum += this.#rings[at] ?? 0;
    return sum;
  }

  /** Adds the first counts of a ring to the totals and clears them. */
  #fold(ring: number, counts: number): void {
    const from = ring * WIDTH;
    for (let slot = 0; slot < counts; slot++) {
      this.#totals[slot] = (this.#totals[slot] ?? 0) + (this.#rings[from + slot] ?? 0);
    }
    this.#rings.fill(0, from, from + counts);
  }

  #grow(rings: number): void {
    const grown = new Float64Array(Math.min(rings, MAX_RINGS) * WIDTH);
    grown.set(this.#rings);
    this.#rings = grown;
  }
}

function record<N extends string>(names: readonly N[], value: (name: N) => number): Record<N, number> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<N, number>;
}

function sparse(counts: Float64Array): Record<string, number> {
  const entries: [string, number][] = [];
  for (const [slot, name] of COUNTER_NAMES.entries()) {
    const count = counts[slot] ?? 0;
    if (count !== 0) entries.push([name, count]);
  }
  return Object.fromEntries(entries);
}

function fill(counts: Float64Array, data: unknown): boolean {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false;
  for (const [name, count] of Object.entries(data)) {
    if (!Object.hasOwn(SLOTS, name) || !Number.isSafeInteger(count) || (count as number) < 0) return false;
    counts[SLOTS[name as CounterName]] = count as number;
  }
  return true;
}
