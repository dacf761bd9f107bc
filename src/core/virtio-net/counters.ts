/**
 * What the device counted since the lab was opened: plain numbers, by the name of what happened.
 *
 * Every way to lose a received frame has a counter with the name of its fate, and every frame raises
 * exactly one of `rx_packets` and those.
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
] as const satisfies readonly Fate[];

export type DeviceDrop = (typeof DEVICE_DROPS)[number];

const COUNTERS = [
  'rx_packets',
  'rx_bytes',
  ...DEVICE_DROPS,
  'tx_packets',
  'tx_bytes',
  'tx_drops',
  'tx_drop_malformed',
  'ctrl_ok',
  'ctrl_err',
] as const;

export type CounterName = (typeof COUNTERS)[number];
export type Counters = Record<CounterName, number>;

export const COUNTER_NAMES: readonly CounterName[] = COUNTERS;

export function newCounters(): Counters {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Counters;
}
