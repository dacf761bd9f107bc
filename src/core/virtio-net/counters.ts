/**
 * What the device counted since the lab was opened, per queue: each number lives here once. The page shows
 * them, the totals are their sums, and VIRTIO_NET_CTRL_STATS_GET answers with them.
 *
 * Every way to lose a received frame has a counter with the name of its fate, and every frame raises exactly
 * one of `rx_packets` and those. Only a large segment that is cut here (`rx_gro_fallback`) raises
 * `rx_packets` once for each piece that the driver got, and besides that the counter of its loss. Driver notifications and interrupts are counted by the transport.
 *
 * @spec 5.1.9.5.11
 */
import type { Fate } from '../host/verdict.ts';

/** Fates that the device itself decides. */
export const DEVICE_DROPS = [
  'rx_drop_over_mtu',
  'device_not_ready',
  'ring_not_running',
  'no_space',
  'too_short',
  'bad_rx_frame',
  'device_broken',
  'rx_merge_underrun',
  'rx_merge_overrun',
  'rx_gro_malformed',
  'csum_malformed',
] as const satisfies readonly Fate[];

export type DeviceDrop = (typeof DEVICE_DROPS)[number];

const RX_COUNTERS = [
  'rx_packets',
  'rx_bytes',
  ...DEVICE_DROPS,
  /** Handed up with VIRTIO_NET_HDR_F_DATA_VALID. */
  'rx_csum_valid',
  /** Handed up with VIRTIO_NET_HDR_F_NEEDS_CSUM. */
  'rx_needs_csum',
  /** Neither TCP nor UDP: nothing to say about a checksum. */
  'rx_csum_none',
  /** The checksum was looked at, and is wrong. */
  'rx_csum_bad',
  /** Handed up with a gso_type. */
  'rx_gso_packets',
  'rx_gso_bytes',
  /** Large segments that were cut here, because the driver does not take them. viona's name. */
  'rx_gro_fallback',
] as const;

const TX_COUNTERS = [
  'tx_packets',
  'tx_bytes',
  /** The queue between device and host was full. */
  'tx_drop_channel_full',
  'tx_drop_malformed',
  'tx_csum_none',
  'tx_needs_csum',
  /** Came with a gso_type. */
  'tx_gso_packets',
  'tx_gso_bytes',
  /** Made here out of packets with a gso_type. */
  'tx_gso_segments',
  'tx_gso_segments_bytes',
  /** Went on to the wire with their gso_type. */
  'tx_gso_packets_noseg',
  'tx_gso_bytes_noseg',
] as const;

const CTRL_COUNTERS = ['ctrl_ok', 'ctrl_err'] as const;

export type RxCounter = (typeof RX_COUNTERS)[number];
export type TxCounter = (typeof TX_COUNTERS)[number];
export type CtrlCounter = (typeof CTRL_COUNTERS)[number];
export type RxCounters = Record<RxCounter, number>;
export type TxCounters = Record<TxCounter, number>;
export type CtrlCounters = Record<CtrlCounter, number>;

/** Counters of a device. Lists are by queue pair. */
export interface Counters {
  readonly rx: readonly RxCounters[];
  readonly tx: readonly TxCounters[];
  readonly ctrl: CtrlCounters;
}

export const RX_COUNTER_NAMES: readonly RxCounter[] = RX_COUNTERS;
export const TX_COUNTER_NAMES: readonly TxCounter[] = TX_COUNTERS;
export const CTRL_COUNTER_NAMES: readonly CtrlCounter[] = CTRL_COUNTERS;

const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

export function newCounters(pairs: number): Counters {
  return {
    rx: Array.from({ length: pairs }, () => zeros(RX_COUNTERS)),
    tx: Array.from({ length: pairs }, () => zeros(TX_COUNTERS)),
    ctrl: zeros(CTRL_COUNTERS),
  };
}

export function copyCounters({ rx, tx, ctrl }: Counters): Counters {
  return { rx: rx.map((queue) => ({ ...queue })), tx: tx.map((queue) => ({ ...queue })), ctrl: { ...ctrl } };
}

/** Takes over the values of a device with as many pairs. */
export function assignCounters(into: Counters, { rx, tx, ctrl }: Counters): void {
  for (const [pair, queue] of into.rx.entries()) Object.assign(queue, rx[pair]);
  for (const [pair, queue] of into.tx.entries()) Object.assign(queue, tx[pair]);
  Object.assign(into.ctrl, ctrl);
}

/** Frames that a receive queue lost, for whatever reason. */
export function rxDrops(queue: RxCounters): number {
  return DEVICE_DROPS.reduce((sum, name) => sum + queue[name], 0);
}

/** Frames that a transmit queue lost, for whatever reason. */
export function txDrops(queue: TxCounters): number {
  return queue.tx_drop_channel_full + queue.tx_drop_malformed;
}

export type Totals = Record<RxCounter | TxCounter | CtrlCounter | 'rx_drops' | 'tx_drops', number>;

/** Sums over all queues, by name: plain data for people. */
export function totals(counters: Counters): Totals {
  const sums = { ...zeros(RX_COUNTERS), rx_drops: 0, ...zeros(TX_COUNTERS), tx_drops: 0, ...counters.ctrl };
  for (const queue of counters.rx) {
    for (const name of RX_COUNTERS) sums[name] += queue[name];
    sums.rx_drops += rxDrops(queue);
  }
  for (const queue of counters.tx) {
    for (const name of TX_COUNTERS) sums[name] += queue[name];
    sums.tx_drops += txDrops(queue);
  }
  return sums;
}
