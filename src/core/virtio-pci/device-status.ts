/**
 * The device status machine: which bits a write may add to those that stand.
 *
 * Status bits only accumulate. Writing zero resets; a write that would clear a bit otherwise is ignored,
 * except that FAILED is always believed. A write may add several bits at once, as firmware does; they are
 * taken in the order of the table.
 *
 * SUSPEND and DRIVER_OK change places: the driver asks by setting the one, and the device shows it done by
 * clearing the other. So these two are wishes here; the transport carries them out.
 *
 * @spec 2.1, 3.1.1, 3.1.2, 3.4.2
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
  VIRTIO_CONFIG_S_SUSPEND as SUSPEND,
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

/** @spec 3.1.2 a legacy driver knows no FEATURES_OK */
const LEGACY_STEPS: readonly Step[] = [
  { bit: ACKNOWLEDGE, after: 0, otherwise: 'status-skipped-step' },
  { bit: DRIVER, after: ACKNOWLEDGE, otherwise: 'status-skipped-step' },
  { bit: DRIVER_OK, after: ACKNOWLEDGE | DRIVER, otherwise: 'status-skipped-step' },
  { bit: FAILED, after: 0, otherwise: 'status-skipped-step' },
];

export interface StatusRules {
  /** The register of the legacy interface was written. */
  readonly legacy: boolean;
  /** FEATURES_OK was asked for. False refuses it. */
  acceptFeatures(): boolean;
  /** VIRTIO_F_SUSPEND was negotiated. */
  maySuspend(): boolean;
  error(code: GuestErrorCode, detail: string): void;
}

export interface StatusWrite {
  /** What stands, apart from the wish. */
  readonly status: number;
  readonly wish: 'suspend' | 'resume' | null;
}

/** What a driver that wrote the nonzero `value` onto `before` has done. */
export function nextStatus(before: number, value: number, rules: StatusRules): StatusWrite {
  const detail = `wrote 0x${value.toString(16)} onto 0x${before.toString(16)}`;
  const steps = rules.legacy ? LEGACY_STEPS : STEPS;
  const known = steps.reduce((bits, { bit }) => bits | bit, rules.maySuspend() ? SUSPEND : 0);
  // NEEDS_RESET may have been raised since the driver last read: leaving it out of a write is no mistake.
  if (value & ~(known | NEEDS_RESET) || value & NEEDS_RESET & ~before) rules.error('status-unknown-bit', detail);
  if (before & BY_DRIVER & ~value) {
    rules.error('status-bit-cleared', detail);
    return { status: before | (value & FAILED), wish: null };
  }
  let status = before;
  const suspended = (before & SUSPEND) !== 0;
  for (const step of steps) {
    if (!(value & step.bit) || status & step.bit || (suspended && step.bit === DRIVER_OK)) continue;
    if ((status & step.after) !== step.after) {
      rules.error(step.otherwise, detail);
    } else if (step.bit !== FEATURES_OK || rules.acceptFeatures()) {
      status |= step.bit;
    }
  }
  if (suspended) return { status, wish: value & DRIVER_OK ? 'resume' : null };
  // Asked anew, since this very write may have negotiated it.
  if (!(value & SUSPEND) || !rules.maySuspend()) return { status, wish: null };
  if (status & DRIVER_OK) return { status, wish: 'suspend' };
  // @spec 3.4.2 MUST ignore it before initialisation is complete (SUSP-01)
  rules.error('status-skipped-step', detail);
  return { status, wish: null };
}
