/**
 * What the lab is like, as a fold over its events: the same events give the same model, so any past state is
 * "fold up to there". Models are immutable; `fold` returns the next one, or the same one if nothing changed.
 *
 * Events of one thread come in order. Between threads nothing is assumed: each field is written by one
 * thread only, apart from the logs, which list facts as they arrived.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import type { Fault } from '../viona/faults.ts';
import type { LinkCallbacks, PromiscLevel } from '../viona/link.ts';
import { NO_TABLES, RX_MODE_UNSET } from '../virtio-net/rx-mode.ts';
import type { MacTables, RxMode } from '../virtio-net/rx-mode.ts';
import type { BootStage, SnapshotEvent, StampedEvent, TraceEvent, TraceMode } from './event.ts';

/** Newest entries of a log, and how many older ones it had to let go. */
export interface BoundedLog<T> {
  readonly entries: readonly T[];
  readonly dropped: number;
}

/** A logged event of the kinds `K`, as it was stamped. */
export type Logged<K extends TraceEvent['type']> = Omit<StampedEvent, 'event'> & {
  readonly event: Extract<TraceEvent, { readonly type: K }>;
};

export type NegotiationType =
  | 'status-write'
  | 'device-reset'
  | 'features-judged'
  | 'queue-enabled'
  | 'queue-reset'
  | 'needs-reset'
  | 'device-suspended'
  | 'personality'
  | 'carrier'
  | 'machine-reset'
  | 'migrated';
export type CommandType = 'control' | 'command-judged';
export type GuestErrorType = 'guest-error' | 'config-write';

export interface QueueState {
  readonly queue: number;
  readonly role: string;
  readonly size: number;
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

export interface LabModel {
  /** Sequence number after the last event folded in. */
  readonly seq: number;
  readonly boot: { readonly stage: BootStage; readonly loadedBytes: number; readonly totalBytes: number } | null;
  /** The present boot goes on from a snapshot, as far as is known. */
  readonly warm: boolean;
  /** What became of the snapshot, oldest first. */
  readonly snapshots: readonly SnapshotEvent[];
  readonly failure: { readonly message: string; readonly mend: string } | null;

  /** What device_status reads. */
  readonly status: number;
  /** Counts device resets. */
  readonly epoch: number;
  /** Feature sets as hex strings; null while unknown, `accepted` until FEATURES_OK was written. */
  readonly offered: string | null;
  readonly accepted: string | null;
  /** The accepted set once the device took it. */
  readonly negotiated: string | null;
  /** Why FEATURES_OK was refused. */
  readonly refusal: string | null;
  readonly needsReset: string | null;
  readonly queues: readonly QueueState[];
  /** The driver has suspended the device. */
  readonly suspended: boolean;
  /** What the PCI function is; null while unknown. */
  readonly personality: { readonly msix: boolean; readonly transitional: boolean } | null;

  readonly rxMode: RxMode;
  readonly tables: MacTables;
  /** VLAN ids asked for. */
  readonly vlans: readonly number[];
  /** Generation of the filter state that the driver has asked for. */
  readonly generation: number;

  readonly host: HostModelId | null;
  /** What the device will offer after its next reset. */
  readonly pendingOffers: string | null;
  readonly link: {
    readonly model: HostModelId;
    readonly level: PromiscLevel | null;
    readonly callbacks: LinkCallbacks | null;
    readonly generation: number;
  } | null;
  /** Injected into the link of the model in force: waiting, or in force. */
  readonly faults: readonly Fault[];
  /** Injected into the device: the next packet that needs several receive buffers will run short of them. */
  readonly shortage: boolean;
  /** How each model answered the last command. */
  readonly acks: Readonly<Partial<Record<HostModelId, Ack>>>;

  readonly ioctls: BoundedLog<Logged<'ioctl'>>;
  readonly commands: BoundedLog<Logged<CommandType>>;
  readonly negotiation: BoundedLog<Logged<NegotiationType>>;
  readonly guestErrors: BoundedLog<Logged<GuestErrorType>>;
  readonly lost: Readonly<Record<string, number>>;
  readonly traceMode: TraceMode;
}

const LOG_LENGTH = 1000;
const EMPTY_LOG: BoundedLog<never> = { entries: [], dropped: 0 };

export const INITIAL_MODEL: LabModel = {
  seq: 0,
  boot: null,
  warm: false,
  snapshots: [],
  failure: null,
  status: 0,
  epoch: 0,
  offered: null,
  accepted: null,
  negotiated: null,
  refusal: null,
  needsReset: null,
  queues: [],
  suspended: false,
  personality: null,
  rxMode: RX_MODE_UNSET,
  tables: NO_TABLES,
  vlans: [],
  generation: 0,
  host: null,
  pendingOffers: null,
  link: null,
  acks: {},
  faults: [],
  shortage: false,
  ioctls: EMPTY_LOG,
  commands: EMPTY_LOG,
  negotiation: EMPTY_LOG,
  guestErrors: EMPTY_LOG,
  lost: {},
  traceMode: 'live',
};

/** device_status bits. @spec 2.1 */
const STATUS_DRIVER = 2;
const STATUS_NEEDS_RESET = 64;

/**
 * The driver works with an older feature set than the host model in force would offer: only a reset by the
 * driver (a re-probe) brings them together.
 */
export function needsReprobe(model: LabModel): boolean {
  if (model.pendingOffers === null || model.offered === null || (model.status & STATUS_DRIVER) === 0) return false;
  return BigInt(model.pendingOffers) !== BigInt(model.offered);
}

export function foldAll(events: Iterable<StampedEvent>, from: LabModel = INITIAL_MODEL): LabModel {
  let model = from;
  for (const event of events) model = fold(model, event);
  return model;
}

export function fold(model: LabModel, stamped: StampedEvent): LabModel {
  const change = changeOf(model, stamped.event);
  return { ...model, ...change, ...logged(model, stamped), seq: stamped.seq + 1 };
}

function warmAfter({ warm }: LabModel, { outcome }: SnapshotEvent): boolean {
  if (outcome === 'found' || outcome === 'used') return true;
  return outcome !== 'refused' && outcome !== 'absent' && warm;
}

function changeOf(model: LabModel, event: TraceEvent): Partial<LabModel> {
  switch (event.type) {
    case 'boot':
      return {
        boot: { stage: event.stage, loadedBytes: event.loadedBytes, totalBytes: event.totalBytes },
        failure: null,
      };
    case 'snapshot':
      return { warm: warmAfter(model, event), snapshots: [...model.snapshots, event] };
    case 'machine-failed':
      return { failure: { message: event.message, mend: event.mend } };
    case 'machine-off':
      return {
        boot: null,
        failure: { message: 'The guest switched the machine off.', mend: 'Press Restart to boot it again.' },
      };
    case 'status-write':
      return { status: event.after };
    case 'device-reset':
      return {
        status: 0,
        epoch: event.epoch,
        offered: event.offered,
        accepted: null,
        negotiated: null,
        refusal: null,
        needsReset: null,
        queues: [],
        suspended: false,
      };
    case 'features-judged':
      return {
        offered: event.offered,
        accepted: event.accepted,
        negotiated: event.ok ? event.accepted : null,
        refusal: event.reason,
      };
    case 'queue-enabled': {
      const { queue, role, size, desc, driver, device } = event;
      const others = model.queues.filter((each) => each.queue !== queue);
      return { queues: [...others, { queue, role, size, desc, driver, device }].sort((a, b) => a.queue - b.queue) };
    }
    case 'queue-reset':
      return { queues: model.queues.filter((each) => each.queue !== event.queue) };
    case 'device-suspended':
      return { suspended: event.suspended };
    case 'personality':
      return { personality: { msix: event.msix, transitional: event.transitional } };
    case 'needs-reset':
      return { needsReset: event.reason, status: model.status | STATUS_NEEDS_RESET };
    case 'filter-state':
      return { rxMode: event.rxMode, tables: event.tables, vlans: event.vlans, generation: event.generation };
    case 'host-model':
      return { host: event.model };
    case 'offers-changed':
      return { pendingOffers: event.next };
    case 'link': {
      const { model: host, level, callbacks, generation } = event;
      return { link: { model: host, level, callbacks, generation } };
    }
    case 'faults':
      return { faults: event.faults };
    case 'shortage':
      return { shortage: event.waiting };
    case 'command-judged':
      return { acks: event.acks };
    case 'lost':
      return { lost: { ...model.lost, [event.what]: (model.lost[event.what] ?? 0) + event.count } };
    case 'trace-mode':
      return { traceMode: event.mode };
    case 'carrier':
    case 'machine-reset':
      return { warm: false };
    case 'config-write':
    case 'control':
    case 'guest-error':
    case 'ioctl':
    case 'migrated':
      return {};
  }
}

function logged(model: LabModel, stamped: StampedEvent): Partial<LabModel> {
  switch (stamped.event.type) {
    case 'ioctl':
      return { ioctls: append(model.ioctls, stamped as Logged<'ioctl'>) };
    case 'control':
    case 'command-judged':
      return { commands: append(model.commands, stamped as Logged<CommandType>) };
    case 'guest-error':
    case 'config-write':
      return { guestErrors: append(model.guestErrors, stamped as Logged<GuestErrorType>) };
    case 'status-write':
    case 'device-reset':
    case 'features-judged':
    case 'queue-enabled':
    case 'queue-reset':
    case 'needs-reset':
    case 'device-suspended':
    case 'personality':
    case 'carrier':
    case 'machine-reset':
    case 'migrated':
      return { negotiation: append(model.negotiation, stamped as Logged<NegotiationType>) };
    default:
      return {};
  }
}

function append<T>(log: BoundedLog<T>, entry: T): BoundedLog<T> {
  const full = log.entries.length >= LOG_LENGTH;
  return {
    entries: [...(full ? log.entries.slice(1) : log.entries), entry],
    dropped: log.dropped + (full ? 1 : 0),
  };
}
