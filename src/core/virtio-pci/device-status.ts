/**
 * The device status machine: which bits a write may add to those that stand.
 *
 * Status bits only accumulate. Writing zero resets; a write that would clear a bit otherwise is ignored,
 * except that FAILED is always believed. A write may add several bits at once, as firmware does; they are
 * taken in the order of the table.
 *
 * @spec 2.1, 3.1.1
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE as ACKNOWLEDGE,
  VIRTIO_CONFIG_S_BY_DRIVER as BY_DRIVER,
  VIRTIO_CONFIG_S_DRIVER as DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK as DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED as FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK as FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET as NEEDS_RESET,
} from '../virtio/layout.ts';

interface Step {
  readonly bit: number;
  /** Bits that must stand before it. */
  readonly after: number;
  /** What it is to set the bit without them. */
  readonly otherwise: GuestErrorCode;
}

/** @spec 3.1.1 the order of initialisation */
const STEPS: readonly Step[] = [
  { bit: ACKNOWLEDGE, after: 0, otherwise: 'status-skipped-step' },
  { bit: DRIVER, after: ACKNOWLEDGE, otherwise: 'status-skipped-step' },
  { bit: FEATURES_OK, after: ACKNOWLEDGE | DRIVER, otherwise: 'status-skipped-step' },
  { bit: DRIVER_OK, after: ACKNOWLEDGE | DRIVER | FEATURES_OK, otherwise: 'status-out-of-order' },
  { bit: FAILED, after: 0, otherwise: 'status-skipped-step' },
];

export interface StatusJudges {
  /** FEATURES_OK was asked for. False refuses it. */
  acceptFeatures(): boolean;
  error(code: GuestErrorCode, detail: string): void;
}

/** The status that stands after a driver wrote the nonzero `value` onto `before`. */
export function nextStatus(before: number, value: number, judges: StatusJudges): number {
  const detail = `wrote 0x${value.toString(16)} onto 0x${before.toString(16)}`;
  // NEEDS_RESET may have been raised since the driver last read: leaving it out of a write is no mistake.
  if (value & ~(BY_DRIVER | NEEDS_RESET) || value & NEEDS_RESET & ~before) judges.error('status-unknown-bit', detail);
  if (before & BY_DRIVER & ~value) {
    judges.error('status-bit-cleared', detail);
    return before | (value & FAILED);
  }
  let status = before;
  for (const step of STEPS) {
    if (!(value & step.bit) || status & step.bit) continue;
    if ((status & step.after) !== step.after) {
      judges.error(step.otherwise, detail);
    } else if (step.bit !== FEATURES_OK || judges.acceptFeatures()) {
      status |= step.bit;
    }
  }
  return status;
}
