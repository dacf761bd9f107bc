/**
 * How far the driver has got: the status register, the interface it uses, the features it has, and whether it has
 * put the device to sleep.
 *
 *     status 0 --ACKNOWLEDGE--DRIVER--FEATURES_OK--DRIVER_OK--> live <--> suspended
 *        ^                             judged       queues may be used
 *        +---- zero written, or machine reset ---- any state, also broken (NEEDS_RESET)
 *
 * A legacy driver knows no FEATURES_OK and no SUSPEND; what it accepts cannot be refused.
 *
 * @spec 2.1, 2.2, 3.1, 3.4.2
 */
import type { VirtioDevice } from '../virtio/device.ts';
import { type FeatureSet, featureBits, formatFeatures, hasFeature, VIRTIO_F_SUSPEND } from '../virtio/features.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import * as S from '../virtio/layout.ts';
import type { DeviceConfig } from './device-config.ts';
import { nextStatus } from './device-status.ts';
import type { TransportEvent } from './events.ts';
import type { FeatureRegisters } from './feature-registers.ts';
import type { Interrupts } from './interrupts.ts';
import type { QueueBank } from './queue-bank.ts';

export interface DriverStateParts {
  readonly device: VirtioDevice;
  readonly features: FeatureRegisters;
  readonly queues: QueueBank;
  readonly config: DeviceConfig;
  readonly signals: Interrupts;
  readonly emit: (event: TransportEvent) => void;
  readonly error: (code: GuestErrorCode, queue: number | null, detail: string) => void;
  /** The driver resets the device. */
  readonly reset: () => void;
  /** The device may work again: looks for work that nobody announced meanwhile. */
  readonly resumed: () => void;
}

export class DriverState {
  readonly #parts: DriverStateParts;
  #status = 0;
  #legacy = false;
  #negotiated: FeatureSet = 0n;
  /** The driver asked for SUSPEND, and buffers are still in work. */
  #suspending = false;
  /** The driver is owed a configuration interrupt since the device was suspended. */
  #owed = false;

  constructor(parts: DriverStateParts) {
    this.#parts = parts;
  }

  get status(): number {
    return this.#status;
  }
  get legacy(): boolean {
    return this.#legacy;
  }
  /** A modern driver is in charge. */
  get modern(): boolean {
    return this.driven && !this.#legacy;
  }
  /** Some driver is in charge of the device: DRIVER stands. */
  get driven(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_DRIVER) !== 0;
  }
  get negotiated(): FeatureSet {
    return this.#negotiated;
  }
  get offered(): FeatureSet {
    const { features } = this.#parts;
    return this.#legacy ? features.offeredLegacy : features.offered;
  }
  get broken(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_NEEDS_RESET) !== 0;
  }
  get featuresFinal(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
  }
  get suspending(): boolean {
    return this.#suspending;
  }

  /** Null if queues may be used; else what it is to kick one. */
  unready(): GuestErrorCode | null {
    if (this.#suspended) return 'driver-suspended';
    // @spec 3.1.2 MUST let a legacy driver use the device before DRIVER_OK (LEG-05)
    return this.#driverOk || this.#legacy ? null : 'kick-before-driver-ok';
  }

  /** Null if the modern registers may be written; else what it is to do that. */
  frozen(): GuestErrorCode | null {
    if (this.#legacy) return 'interface-mixed';
    return this.#suspended ? 'driver-suspended' : null;
  }

  write(value: number, legacy: boolean): void {
    const before = this.#status;
    const { reset, error, emit } = this.#parts;
    if (value === 0) {
      // @spec 4.1.4.3.1 MUST reset, and read zero only when finished (PCI-COMMON-07): it is, when this returns.
      reset();
    } else if (this.driven && legacy !== this.#legacy) {
      error('interface-mixed', null, `${legacy ? 'legacy ' : ''}device_status = ${value}`);
    } else {
      const { status, wish } = nextStatus(before, value, {
        legacy,
        acceptFeatures: () => this.#judgeFeatures(),
        maySuspend: () => hasFeature(this.#negotiated, VIRTIO_F_SUSPEND),
        error: (code, detail) => error(code, null, detail),
      });
      // What an error raised on the way stands.
      this.#status |= status;
      const added = status & ~before;
      if (added & S.VIRTIO_CONFIG_S_DRIVER) this.#legacy = legacy;
      if (added & S.VIRTIO_CONFIG_S_DRIVER_OK) this.#start();
      if (wish === 'suspend') this.#suspend();
      else if (wish === 'resume') this.#resume();
    }
    emit({ type: 'status-write', value, before, after: this.#status });
  }

  /** A legacy driver cannot be refused: it has what it accepted as far as that goes. */
  acceptLegacy(value: number): void {
    const { features, device, error } = this.#parts;
    if (this.#driverOk) {
      error('features-after-ok', null, `legacy features = ${value}`);
      return;
    }
    features.legacyDriver = value;
    const { offeredLegacy, driver } = features;
    const foreign = featureBits(driver & ~offeredLegacy);
    if (foreign.length > 0) error('legacy-features', null, `not offered: bit ${foreign.join(', ')}`);
    const fault = device.judge(driver & offeredLegacy);
    if (fault) error('legacy-features', null, fault.reason);
    const accepted = fault ? 0n : driver & offeredLegacy;
    this.#emitJudged(accepted, null);
    this.#negotiate(accepted);
  }

  needsReset(reason: string): void {
    if (this.broken) return;
    // @spec 2.1.2 SHOULD raise it in a state that only a reset mends (BASE-STATUS-03)
    this.#status |= S.VIRTIO_CONFIG_S_NEEDS_RESET;
    this.#parts.emit({ type: 'needs-reset', reason });
    // @spec 2.1.2 MUST notify of it once DRIVER_OK is set (BASE-STATUS-04)
    this.notifyConfig();
  }

  notifyConfig(): void {
    // @spec 3.4.2 MUST NOT notify while suspended, MUST do it on resuming (SUSP-06, SUSP-07)
    if (this.#suspended) this.#owed = true;
    else if (this.#driverOk || this.#legacy) this.#parts.signals.config();
  }

  /** A buffer that was in work went back. */
  settled(): void {
    if (this.#suspending) this.#trySuspend();
  }

  reset(): void {
    this.#status = 0;
    this.#legacy = false;
    this.#negotiated = 0n;
    this.#suspending = false;
    this.#owed = false;
  }

  /** A suspend that waits for a buffer is saved as done: the buffer is back in its queue in what is saved. */
  save(): { status: number; legacy: boolean; owed: boolean } {
    const change = this.#suspending ? S.VIRTIO_CONFIG_S_SUSPEND | S.VIRTIO_CONFIG_S_DRIVER_OK : 0;
    return { status: this.#status ^ change, legacy: this.#legacy, owed: this.#owed };
  }

  /** Takes over checked state. */
  restore(state: { status: number; legacy: boolean; owed: boolean }, negotiated: FeatureSet): void {
    this.#status = state.status;
    this.#legacy = state.legacy;
    this.#owed = state.owed;
    this.#negotiated = negotiated;
    this.#suspending = false;
  }

  get #driverOk(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }
  get #suspended(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_SUSPEND) !== 0;
  }

  #start(): void {
    const { device, queues } = this.#parts;
    // A legacy driver that accepts nothing need not say so.
    if (this.#legacy && this.#negotiated === 0n) device.negotiated(0n);
    queues.wantKicks();
  }

  /** @spec 2.2.2 MUST refuse by leaving FEATURES_OK clear (BASE-FEAT-03) */
  #judgeFeatures(): boolean {
    const { features, device, error } = this.#parts;
    const accepted = features.driver;
    const fault = features.judge() ?? device.judge(accepted);
    this.#emitJudged(accepted, fault?.reason ?? null);
    if (fault) error(fault.code, null, fault.reason);
    else this.#negotiate(accepted);
    return fault === null;
  }

  #emitJudged(accepted: FeatureSet, reason: string | null): void {
    const offered = formatFeatures(this.offered);
    const ok = reason === null;
    this.#parts.emit({ type: 'features-judged', ok, offered, accepted: formatFeatures(accepted), reason });
  }

  #negotiate(accepted: FeatureSet): void {
    this.#negotiated = accepted;
    this.#parts.queues.configure(accepted);
    this.#parts.device.negotiated(accepted);
  }

  /** @spec 3.4.2 MUST suspend (SUSP-08); SHOULD first take no more and finish what is in work (SUSP-10, SUSP-11) */
  #suspend(): void {
    this.#suspending = true;
    this.#trySuspend();
  }

  #trySuspend(): void {
    const { queues, config, emit } = this.#parts;
    // @spec 3.4.2 SHOULD send the notifications that it owes first (SUSP-12): a quiesced queue owes none
    if (!queues.quiesce()) return;
    this.#suspending = false;
    config.freeze();
    this.#status = (this.#status & ~S.VIRTIO_CONFIG_S_DRIVER_OK) | S.VIRTIO_CONFIG_S_SUSPEND;
    emit({ type: 'device-suspended', suspended: true });
  }

  /** @spec 3.4.2 MUST run again (SUSP-09) */
  #resume(): void {
    const { config, signals, emit, resumed } = this.#parts;
    this.#status = (this.#status & ~S.VIRTIO_CONFIG_S_SUSPEND) | S.VIRTIO_CONFIG_S_DRIVER_OK;
    config.thaw();
    emit({ type: 'device-suspended', suspended: false });
    if (this.#owed) signals.config();
    this.#owed = false;
    resumed();
  }
}
