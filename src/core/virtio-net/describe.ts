/** The device, for people: plain data. */
import { formatMac } from '../net/mac.ts';
import type { QueueRole } from '../virtio/device.ts';
import { featureBits } from '../virtio/features.ts';
import type { Coalesce, CoalescedRole } from './coalescing.ts';
import { type RxCounters, totals, type TxCounters } from './counters.ts';
import { featureName } from './feature-rules.ts';
import { pairOf } from './layout.ts';
import type { NetDevice } from './net-device.ts';
import type { RxFlag } from './rx-mode.ts';

/** One queue. */
export interface QueueDescription {
  readonly index: number;
  readonly role: QueueRole;
  /** Pair of a data queue, from 0; null for the control queue. */
  readonly pair: number | null;
  readonly size: number;
  readonly enabled: boolean;
  /** Device-side positions, 16 bit. */
  readonly availIdx: number;
  readonly usedIdx: number;
  readonly kicks: number;
  readonly interrupts: number;
  /** MSI-X vector, or null: not mapped, or no MSI-X. */
  readonly vector: number | null;
  /** Zero twice: interrupts are not coalesced. Null for the control queue. */
  readonly coalescing: Coalesce | null;
  /** By name; the counters of all control commands for the control queue. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface RssDescription {
  /** VIRTIO_NET_HASH_TYPE_* bits. */
  readonly hashTypes: number;
  /** Hexadecimal. */
  readonly key: string;
  /** Pairs by hash, and for packets without one; null when only hashes are reported. */
  readonly table: readonly number[] | null;
  readonly unclassified: number | null;
  readonly maxTxQueues: number | null;
}

/** What belongs to the network device rather than to its transport. */
export interface NetPart {
  /** The address in force. */
  readonly mac: string;
  readonly linkUp: boolean;
  /** The driver was asked to announce itself and has not said that it knows. */
  readonly announcePending: boolean;
  readonly rxMode: Readonly<Record<RxFlag, boolean | null>>;
  readonly tables: { readonly unicast: string[]; readonly multicast: string[]; readonly vlans: number[] };
  /** Queue pairs: of the device, and those that VQ_PAIRS_SET enabled. */
  readonly pairs: { readonly maximum: number; readonly inUse: number };
  readonly steering: 'automatic' | 'rss';
  /** Null while no hash is configured. */
  readonly rss: RssDescription | null;
  /** Names of the GUEST_* offloads in force. */
  readonly offloads: readonly string[];
  /** What a queue starts with when it is enabled. */
  readonly coalescing: Readonly<Record<CoalescedRole, Coalesce>>;
  /** Sums over all queues. */
  readonly counters: Readonly<Record<string, number>>;
}

export function describeNet(net: NetDevice): NetPart {
  const { config, steering, filter } = net;
  const { unicast, multicast } = filter.tables;
  return {
    mac: formatMac(config.mac),
    linkUp: config.linkUp,
    announcePending: config.announce,
    rxMode: { ...filter.rxMode },
    tables: { unicast: unicast.map(formatMac), multicast: multicast.map(formatMac), vlans: [...filter.vlans] },
    pairs: { maximum: steering.pairs, inUse: steering.pairsInUse },
    steering: steering.rss ? 'rss' : 'automatic',
    rss: describeRss(net),
    offloads: featureBits(net.offloads.bits).map(featureName),
    coalescing: { ...net.coalescing.defaults() },
    counters: totals(net.counters),
  };
}

function describeRss({ steering: { rss, hash } }: NetDevice): RssDescription | null {
  if (!rss && hash.types === 0) return null;
  return {
    hashTypes: hash.types,
    key: hash.key.map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    table: rss && [...rss.table],
    unclassified: rss?.unclassified ?? null,
    maxTxQueues: rss?.maxTxQueues ?? null,
  };
}

/** What the network device knows of one of its queues. */
export function describeQueue(
  net: NetDevice,
  index: number,
): Pick<QueueDescription, 'index' | 'role' | 'pair' | 'coalescing' | 'counters'> {
  const role = net.roleOf(index);
  const { counters } = net;
  if (role === 'ctrl') return { index, role, pair: null, coalescing: null, counters: { ...counters.ctrl } };
  const pair = pairOf(index);
  const own: RxCounters | TxCounters | undefined = (role === 'rx' ? counters.rx : counters.tx)[pair];
  return { index, role, pair, coalescing: net.coalescing.of(index), counters: { ...own } };
}
