/**
 * The border between a device and its transport.
 *
 * The transport owns what every virtio device has: status, features, queues, interrupts. The device owns
 * what its chapter of the specification says. Neither knows the other beyond these two interfaces, so a
 * legacy or a memory-mapped transport can carry the same device.
 */
import type { FeatureSet } from './features.ts';
import type { GuestErrorCode, GuestErrorEvent } from './guest-error.ts';
import type { Queue } from './queue.ts';

export type ResetKind = 'driver' | 'machine';

export type QueueRole = 'rx' | 'tx' | 'ctrl';

export interface QueueSpec {
  readonly maximumSize: number;
}

/** Why a driver's choice of features cannot stand. */
export interface FeatureFault {
  readonly code: Extract<GuestErrorEvent['code'], 'feature-dependency' | 'feature-not-offered' | 'version-1-declined'>;
  readonly reason: string;
}

/** What a transport asks of a device. */
export interface VirtioDevice {
  readonly queueSpecs: readonly QueueSpec[];
  /** What the queue is for, under the features negotiated now: the control queue moves with VIRTIO_NET_F_MQ. */
  roleOf(queue: number): QueueRole;
  /** Bytes of device-specific configuration. */
  readonly configSize: number;
  /** What the device will offer from the next reset on. */
  offers(): FeatureSet;
  /** Judges the rules between features; that every bit was offered is checked already. */
  judge(features: FeatureSet): FeatureFault | null;
  /** FEATURES_OK stands. */
  negotiated(features: FeatureSet): void;
  /** One byte of device-specific configuration. */
  readConfig(offset: number): number;
  /** The driver kicked an enabled queue. The device asks itself whether it may work. */
  service(queue: number): void;
  /** A queue was enabled, kicked for the first time since, or reset by itself (VIRTIO_F_RING_RESET). */
  queueChanged(queue: number, to: 'enabled' | 'kicked' | 'reset'): void;
  /**
   * The queue is about to stop, because it is reset by itself or the device is suspended; `running` is false
   * already. The device sends the interrupts that it holds back for the queue. False if a buffer of the queue is
   * still in work: then the device calls `Transport.settled` when it was given back.
   */
  quiesce(queue: number): boolean;
  /** Queues and status are already reset. */
  reset(kind: ResetKind): void;
}

/** What a device asks of its transport. */
export interface Transport {
  queue(index: number): Queue;
  /** Counts resets: what was begun in one epoch must not end in another. */
  readonly epoch: number;
  /**
   * The device may use its queues: DRIVER_OK stands (a legacy driver need not have got there), it may access
   * memory (PCI bus master), and it is not suspended.
   */
  readonly live: boolean;
  /** DEVICE_NEEDS_RESET stands: the device must not use its queues. */
  readonly broken: boolean;
  readonly negotiated: FeatureSet;
  /** A legacy driver: headers without num_buffers unless merged, no FEATURES_OK. */
  readonly legacy: boolean;
  /** The device may take buffers from the queue: live and not broken, the queue enabled and not about to stop. */
  running(queue: number): boolean;
  /** A buffer of a queue that could not be quiesced at once went back. */
  settled(queue: number): void;
  /** Shows what was pushed to the queue, and interrupts if the driver wants to hear of it. */
  complete(queue: number): void;
  /** Interrupts, by the queue's vector or by INTx, if the driver wants to hear of what was shown since this was last asked. */
  notify(queue: number): void;
  /** Reports a guest error, and does what its response asks of a transport. */
  guestError(code: GuestErrorCode, queue: number | null, detail: string): void;
  needsReset(reason: string): void;
  /**
   * A value in device-specific configuration changed: the driver is told if it is live. `quiet` if it changed by
   * the driver's own doing: `config_generation` moves, but nothing is told that it knows.
   */
  configChanged(quiet?: 'quiet'): void;
  /** Driver notifications and interrupts by queue, since the lab was opened. */
  readonly kicks: readonly number[];
  readonly interrupts: readonly number[];
}
