/**
 * The trace: every observable fact of the lab, as one flat union.
 *
 * There are two shapes of record. Facts at control rate (negotiation, commands, ioctls, errors, boot) are
 * the objects below. Facts at frame rate are packed binary records (`packed.ts`) that become objects only
 * when somebody looks. Both travel in one ordered stream per thread: an object leaves a marker in the
 * packed stream, so the order within a thread is exact. Between threads nothing may depend on arrival
 * order: frames are joined by frame id, filter state by its generation number.
 *
 * The page, the tests and later the pcapng writer and the driver monitor are folds over this stream.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import type { Fault } from '../viona/faults.ts';
import type { Errno, LinkCallbacks, PromiscLevel } from '../viona/link.ts';
import type { GuestErrorEvent } from '../virtio/guest-error.ts';
import type { DeviceEvent } from '../virtio-net/events.ts';
import type { TransportEvent } from '../virtio-pci/events.ts';

/** Which thread recorded the fact. */
export type TraceSource = 'machine' | 'viona' | 'page';

/** From power-on. */
export const COLD_STAGES = ['download', 'firmware', 'kernel', 'userspace', 'ready'] as const;
/** From a snapshot of the booted guest. */
export const WARM_STAGES = ['download', 'restore', 'userspace', 'ready'] as const;
export type BootStage = (typeof COLD_STAGES)[number] | (typeof WARM_STAGES)[number];

/** What became of the snapshot of the booted guest, in the order in which sources are tried. */
export interface SnapshotEvent {
  readonly type: 'snapshot';
  /**
   * There is one, on its way (`found`), and the guest goes on from it (`used`) or it is not the right one (`refused`);
   * there is none (`absent`); it is stored in this browser (`kept`) or could not be (`not-kept`).
   */
  readonly outcome: 'found' | 'used' | 'refused' | 'absent' | 'kept' | 'not-kept';
  readonly from: 'storage' | 'server';
  /** A sentence for the user, or nothing. */
  readonly detail: string;
}

export type MachineEvent =
  /** Progress towards the guest's shell. Bytes count what is downloaded; zero in later stages. */
  | { readonly type: 'boot'; readonly stage: BootStage; readonly loadedBytes: number; readonly totalBytes: number }
  | SnapshotEvent
  | { readonly type: 'machine-reset' }
  /** The guest switched the machine off; a reset switches it on again. */
  | { readonly type: 'machine-off' }
  /** The machine cannot go on; `mend` says what the user can do. */
  | { readonly type: 'machine-failed'; readonly message: string; readonly mend: string };

export type HostEvent =
  /** One link ioctl of the model in force, or of the user. */
  | {
      readonly type: 'ioctl';
      readonly name: string;
      readonly arg: string;
      readonly errno: Errno;
      readonly by: 'vmm' | 'user';
      readonly model: HostModelId;
      readonly generation: number;
    }
  /** The link of the model in force after a change; null level and callbacks for a model without a link. */
  | {
      readonly type: 'link';
      readonly model: HostModelId;
      readonly level: PromiscLevel | null;
      readonly callbacks: LinkCallbacks | null;
      readonly generation: number;
    }
  /** Another model is in force. `offers` is the feature set the device will offer at the next reset (hex). */
  | { readonly type: 'host-model'; readonly model: HostModelId; readonly offers: string; readonly generation: number }
  /** How every model answered a driver's command: shadow evaluation at control rate. */
  | {
      readonly type: 'command-judged';
      readonly acks: Readonly<Partial<Record<HostModelId, Ack>>>;
      readonly generation: number;
    }
  /** What is injected into the link of the model in force has changed: what waits, and what is in force. */
  | {
      readonly type: 'faults';
      readonly model: HostModelId;
      readonly faults: readonly Fault[];
      readonly generation: number;
    }
  /** The machine moved to another host, under every model: ERR where the move failed and it stayed. */
  | {
      readonly type: 'migrated';
      readonly acks: Readonly<Partial<Record<HostModelId, Ack>>>;
      /** Why the model in force could not, or null. */
      readonly reason: string | null;
      readonly generation: number;
    }
  /** A bound was hit or a source changed: counts, never silence. */
  | { readonly type: 'lost'; readonly what: string; readonly count: number };

/**
 * What becomes of facts at frame rate. `live`: recorded, and drawn as they come. `recorded`: recorded and counted, and
 * drawn when somebody wants to see them. `off`: frames are counted by device and link only, and here how many were
 * not recorded.
 */
export const TRACE_MODES = ['live', 'recorded', 'off'] as const;
export type TraceMode = (typeof TRACE_MODES)[number];

/** Both threads do so from about here on. */
export interface TraceModeEvent {
  readonly type: 'trace-mode';
  readonly mode: TraceMode;
}

export type TraceEvent = TransportEvent | DeviceEvent | GuestErrorEvent | MachineEvent | HostEvent | TraceModeEvent;
export type TraceEventType = TraceEvent['type'];

/** An event as the log holds it. */
export interface StampedEvent {
  /** Position in the page's log, gapless from 0. */
  readonly seq: number;
  /** Nanoseconds since the lab was opened. */
  readonly time: number;
  readonly source: TraceSource;
  readonly event: TraceEvent;
}

/** What components are given to report facts. Never called at frame rate. */
export type Emit = (event: TraceEvent) => void;
