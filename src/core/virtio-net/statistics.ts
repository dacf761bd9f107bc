/**
 * Answers of the device to VIRTIO_NET_CTRL_STATS_QUERY and _GET, made of the counters that the page shows.
 *
 *     reply: u8 type, u8 reserved, le16 vq_index, le16 reserved, le16 size; le64 counters
 *
 * A type is supported in a session if its feature was negotiated, so a driver that asks for everything it is
 * told of is never refused. The two types about speed limits are never supported: the device has none.
 *
 * @spec 5.1.9.5.11
 */
import * as F from '../virtio/features.ts';
import { type Counters, rxDrops, type RxCounters, txDrops, type TxCounters } from './counters.ts';
import { pairOf } from './layout.ts';

export interface StatsRequest {
  readonly queue: number;
  /** Bit n asks for type n. */
  readonly types: bigint;
}

export interface StatsSource {
  readonly features: F.FeatureSet;
  readonly counters: Counters;
  /** Index of the control queue; data queues lie below it. */
  readonly ctrlQueue: number;
  /** By queue. */
  readonly kicks: readonly number[];
  readonly interrupts: readonly number[];
}

const HEADER_SIZE = 8;

type Role = 'rx' | 'tx' | 'ctrl';

interface StatsType {
  readonly type: number;
  readonly role: Role;
  /** One of these must be negotiated; none needed if empty. */
  readonly anyOf: readonly number[];
  readonly read: (source: StatsSource, queue: number) => readonly number[];
}

const rx = (type: number, anyOf: readonly number[], read: (c: RxCounters) => readonly number[]): StatsType => ({
  type,
  role: 'rx',
  anyOf,
  read: (source, queue) => read(source.counters.rx[pairOf(queue)] as RxCounters),
});

const tx = (type: number, anyOf: readonly number[], read: (c: TxCounters) => readonly number[]): StatsType => ({
  type,
  role: 'tx',
  anyOf,
  read: (source, queue) => read(source.counters.tx[pairOf(queue)] as TxCounters),
});

const TYPES: readonly StatsType[] = [
  {
    type: 0, // RX_BASIC
    role: 'rx',
    anyOf: [],
    read: ({ counters, kicks, interrupts }, queue) => {
      const c = counters.rx[pairOf(queue)] as RxCounters;
      return [kicks[queue] ?? 0, c.rx_packets, c.rx_bytes, interrupts[queue] ?? 0, rxDrops(c), c.no_space];
    },
  },
  rx(1, [F.VIRTIO_NET_F_GUEST_CSUM], (c) => [c.rx_csum_valid, c.rx_needs_csum, c.rx_csum_none, c.rx_csum_bad]),
  // The device coalesces nothing by itself: what it hands up large came large.
  rx(2, [F.VIRTIO_NET_F_GUEST_TSO4, F.VIRTIO_NET_F_GUEST_TSO6], (c) => [c.rx_gso_packets, c.rx_gso_bytes, 0, 0]),
  {
    type: 16, // TX_BASIC
    role: 'tx',
    anyOf: [],
    read: ({ counters, kicks, interrupts }, queue) => {
      const c = counters.tx[pairOf(queue)] as TxCounters;
      return [kicks[queue] ?? 0, c.tx_packets, c.tx_bytes, interrupts[queue] ?? 0, txDrops(c), c.tx_drop_malformed];
    },
  },
  tx(17, [F.VIRTIO_NET_F_CSUM], (c) => [c.tx_csum_none, c.tx_needs_csum]),
  tx(18, [F.VIRTIO_NET_F_HOST_TSO4, F.VIRTIO_NET_F_HOST_TSO6, F.VIRTIO_NET_F_HOST_USO], (c) => [
    c.tx_gso_packets,
    c.tx_gso_bytes,
    c.tx_gso_segments,
    c.tx_gso_segments_bytes,
    c.tx_gso_packets_noseg,
    c.tx_gso_bytes_noseg,
  ]),
  {
    type: 32, // CVQ
    role: 'ctrl',
    anyOf: [],
    // The current command counts, and succeeds: otherwise there is no reply.
    read: ({ counters: { ctrl } }) => [ctrl.ctrl_ok + ctrl.ctrl_err + 1, ctrl.ctrl_ok + 1],
  },
];

const available = ({ anyOf }: StatsType, features: F.FeatureSet): boolean =>
  anyOf.length === 0 || anyOf.some((bit) => F.hasFeature(features, bit));

/** @spec 5.1.9.5.11.12 MUST answer with the types that are supported (NET-STATS-01): le64 */
export function supportedStats(features: F.FeatureSet): Uint8Array {
  const bits = TYPES.filter((type) => available(type, features)).map(({ type }) => type);
  const reply = new Uint8Array(8);
  new DataView(reply.buffer).setBigUint64(0, F.featureSet(...bits), true);
  return reply;
}

/**
 * The replies in the order of the requests, for each queue in ascending order of types; or what is wrong.
 *
 * @spec 5.1.9.5.11.12 MUST fail as a whole on any single error (NET-STATS-02, -03)
 */
export function readStats(requests: readonly StatsRequest[], source: StatsSource): Uint8Array | string {
  const replies: { readonly type: StatsType; readonly queue: number; readonly values: readonly number[] }[] = [];
  for (const { queue, types } of requests) {
    if (queue > source.ctrlQueue) return `There is no queue ${queue}.`;
    const role: Role = queue === source.ctrlQueue ? 'ctrl' : queue % 2 === 0 ? 'rx' : 'tx';
    for (const bit of F.featureBits(types)) {
      const type = TYPES.find((known) => known.type === bit);
      if (!type || !available(type, source.features)) return `Type ${bit} is not supported.`;
      if (type.role !== role) return `Type ${bit} is not for queue ${queue}, which is a ${role} queue.`;
      replies.push({ type, queue, values: type.read(source, queue) });
    }
  }
  const bytes = new Uint8Array(replies.reduce((sum, { values }) => sum + HEADER_SIZE + 8 * values.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { type, queue, values } of replies) {
    view.setUint8(at, type.type);
    view.setUint16(at + 2, queue, true);
    view.setUint16(at + 6, HEADER_SIZE + 8 * values.length, true);
    at += HEADER_SIZE;
    for (const value of values) {
      // @spec 5.1.9.5.11.12 MUST wrap to zero (NET-STATS-07)
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      at += 8;
    }
  }
  return bytes;
}
