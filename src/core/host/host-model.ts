/**
 * Host models: what a VMM and the kernel under it do with a guest's requests and with each frame.
 *
 * A model is a pair of pure functions over plain-data state. `next` is the VMM half: it turns a request
 * into link ioctls and an ack. `decide` is the link half: it turns a frame header into an interned verdict.
 * Every model sees every request and every frame; one is in force. So comparison is a map over models,
 * and snapshots and time travel need nothing from a model but its state.
 */
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import type { FeatureSet } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { Fault, FaultKind } from '../viona/faults.ts';
import type { LinkConfig, LinkState, IoctlRecord } from '../viona/link.ts';
import type { Verdict } from './verdict.ts';

/** What the device tells the host about the guest. */
export type RxEvent =
  /** `driver`: device_status was written 0. `machine`: the whole machine was reset (VMM lifecycle reset). */
  | { readonly type: 'reset'; readonly kind: 'driver' | 'machine' }
  /** FEATURES_OK was accepted with this set. */
  | { readonly type: 'negotiated'; readonly features: FeatureSet }
  /** A well-formed control command arrived. */
  | { readonly type: 'command'; readonly command: HostCommand }
  /**
   * Something happened to a virtqueue: the VMM sets up and kicks the link's ring for it. `kicked` is told once
   * after `enabled`; `reset` is the reset of this queue alone (VIRTIO_F_RING_RESET).
   */
  | {
      readonly type: 'queue';
      readonly queue: number;
      readonly to: 'enabled' | 'kicked' | 'reset';
      readonly size: number;
    };

export type Ack = 'OK' | 'ERR';

/** Answer to one RxEvent of the device, by the model in force. */
export interface HostAnswer {
  readonly ack: Ack;
  readonly reason: string | null;
  readonly needsReset: boolean;
  /** Filter generation after the event. */
  readonly generation: number;
}

export interface Transition<S> {
  readonly state: S;
  /** Meaningful for commands only; `OK` otherwise. */
  readonly ack: Ack;
  /** In the order issued, each with the errno the link answered. */
  readonly ioctls: readonly IoctlRecord[];
  /** Why the ack is ERR, one sentence; null when OK. */
  readonly reason: string | null;
  /** The VMM gave up and raises DEVICE_NEEDS_RESET. */
  readonly needsReset: boolean;
}

/** Something about a model that surprises: known, and shown by a scenario. */
export interface Trap {
  /** Id of the scenario that demonstrates it. */
  readonly id: string;
  readonly title: string;
  /** One sentence: what happens, and why. */
  readonly text: string;
}

export interface HostModel<S = unknown> {
  readonly id: HostModelId;
  readonly title: string;
  /** Where this behaviour was read: repository@commit and file, or clauses of the specification. */
  readonly source: string;
  /** One or two sentences for the page. */
  readonly summary: string;
  /** Everything that this VMM offers, as it is usually configured; the device can do some of it. */
  readonly offers: FeatureSet;
  readonly traps: readonly Trap[];
  init(config: LinkConfig): S;
  next(state: S, event: RxEvent): Transition<S>;
  /**
   * The machine moves to a new host: a new VMM of the same kind takes over what the old one sent it, on a new
   * link. The ack is ERR if it could not, and then the state is the old one: the machine stays where it is.
   */
  migrate(state: S): Transition<S>;
  decide(state: S, frame: FrameHeader): Verdict;
  /** The viona link inside the state, or null for a model without one. */
  link(state: S): LinkState | null;
  /** A user or test issues a link ioctl directly, past the VMM half. `arg` as its type, or as people write it. */
  ioctl(state: S, name: string, arg: unknown): { readonly state: S; readonly record: IoctlRecord };
  /** Injects a fault into the link. `error` says why not, if not. */
  fault(state: S, fault: Fault): { readonly state: S; readonly error: string | null };
  /** Takes injected faults back, all of them or those of one kind. */
  clearFaults(state: S, kind?: FaultKind): S;
  /** The state out of a snapshot of a device with that MAC, or null. Untrusted: every field is checked. */
  restore(data: unknown, mac: Mac): S | null;
}

/** In the order of their verdicts in packed records: append only. */
export const HOST_MODEL_IDS = [
  'propolis-before-1125',
  'propolis-372a574',
  'exact',
  'propolis-v7',
  'qemu',
  'cloud-hypervisor',
] as const;
export type HostModelId = (typeof HOST_MODEL_IDS)[number];
