/**
 * What the page is given: a store to read and actions to call. `src/app` implements both; elements find them
 * through context and know nothing of workers.
 */
import { ContextConsumer, createContext } from '@lit/context';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { HostModelId } from '../core/host/host-model.ts';
import type { TraceMode } from '../core/trace/event.ts';
import type { FrameTable } from '../core/trace/frame-table.ts';
import type { TraceLog } from '../core/trace/log.ts';
import type { LabModel } from '../core/trace/model.ts';
import type { QueueActivities } from '../core/trace/queue-activity.ts';
import type { IoctlRecord } from '../core/viona/link.ts';
import type { FeatureSet } from '../core/virtio/features.ts';
import type { Personality } from '../core/virtio-net/personality.ts';
import type { PersonalityRequest } from '../core/virtio-net/personality-request.ts';
import type {
  Fault,
  FaultKind,
  FrameSpec,
  LinkInfo,
  LinkKind,
  NicInfo,
  SwitchPortInfo,
  TrafficSpec,
} from '../protocol/api.ts';

/** A `LabTrace` and what else the page shows. */
export interface LabStore {
  readonly log: TraceLog;
  readonly frames: FrameTable;
  /**
   * Another number when what happens at frame rate is to be drawn again: at once after a rest, in a flood as often as
   * drawing may cost, and while the trace is only recorded not at all.
   */
  readonly pulse: number;
  readonly queues: QueueActivities;
  /** A new object whenever something changed. */
  readonly model: LabModel;
  /** The device's own address as text, once known. */
  readonly mac: string | null;
  /** Cross-origin isolated: frames travel in shared memory. */
  readonly isolated: boolean;
  /** The traffic that runs now. */
  readonly traffic: TrafficSpec | null;
  /** `listener` is called after changes, at most once per animation frame. Returns the way to stop it. */
  subscribe(listener: () => void): () => void;
}

export interface HostModelInfo {
  readonly id: HostModelId;
  readonly title: string;
  readonly source: string;
  readonly summary: string;
  /** What this VMM offers as it is usually configured. */
  readonly offers: FeatureSet;
  /** What surprises about it. */
  readonly traps: readonly { readonly id: string; readonly title: string; readonly text: string }[];
}

/** A frame worth sending, by name. */
export interface TrafficPreset {
  readonly id: string;
  readonly title: string;
  readonly frame: FrameSpec;
}

/** What public/guest/manifest.json says; the part the page shows. */
export interface PackageManifest {
  readonly suite: string;
  readonly built: string;
  readonly kernel: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly sha256: string;
    readonly licence: string;
  }[];
}

export interface InjectedFrame {
  readonly id: number;
  readonly fate: 'delivered' | 'dropped';
  /** Why it was dropped; null if it was not. */
  readonly reason: string | null;
}

/** Everything a user can do. A rejected promise carries a message for the user: what failed and what to do. */
export interface LabActions {
  readonly hostModels: readonly HostModelInfo[];
  readonly trafficPresets: readonly TrafficPreset[];
  /** Null until it is loaded. */
  readonly manifest: PackageManifest | null;

  setHostModel(id: HostModelId): Promise<void>;
  /** Unbinds and binds the driver in the guest, so that it negotiates anew. */
  reprobe(): Promise<void>;
  restartGuest(): Promise<void>;
  /** Injects each frame `times` times; settles when every frame has its final fate. */
  inject(frames: readonly FrameSpec[], times?: number): Promise<readonly InjectedFrame[]>;
  startTraffic(spec: TrafficSpec): Promise<void>;
  stopTraffic(): Promise<void>;
  /** The link of the model in force, as it is now. */
  link(): Promise<LinkInfo>;
  /** The device, as it is now. */
  nic(): Promise<NicInfo>;
  /** The switch between the guests, as it is now. */
  switchPorts(): Promise<readonly SwitchPortInfo[]>;
  /** A link ioctl of the model in force, past the VMM: `('VNA_IOC_SET_PROMISC', 'MULTI')`. `arg` as people write it. */
  ioctl(name: string, arg: unknown): Promise<IoctlRecord>;
  /** Deletes the link and creates it again: every model starts anew. */
  recreateLink(): Promise<void>;
  /** The link is created again on a NIC itself, or on a VNIC. */
  setLinkKind(kind: LinkKind): Promise<void>;
  /** Moves the guest to another host, under every model. */
  migrate(): Promise<void>;
  /** Makes something go wrong, in the link of the model in force or in the device. */
  fault(fault: Fault): Promise<void>;
  /** Takes back what was injected: all, or one kind. */
  clearFaults(kind?: FaultKind): Promise<void>;
  /** What was asked of the device, and what came of it. */
  readonly personality: { readonly request: PersonalityRequest; readonly personality: Personality };
  /** Replaces what was asked for before. Features count from the next re-probe on, the rest from the next restart. */
  setPersonality(request: PersonalityRequest): Promise<unknown>;
  /** The link goes down or comes up, and the guest is told. */
  setLinkUp(up: boolean): Promise<void>;
  /** Asks the guest to announce itself to the network. */
  announce(): Promise<void>;
  /** Runs a shell command in the guest, outside the console; resolves with its output. */
  exec(command: string): Promise<{ readonly output: string; readonly exitCode: number }>;
  consoleWrite(bytes: Uint8Array): void;
  /** Console output. A new listener first gets what was written before it came. */
  onConsole(listener: (bytes: Uint8Array) => void): () => void;
  consoleResize(columns: number, rows: number): void;
  /** What becomes of frames in the trace from here on. */
  setTrace(mode: TraceMode): Promise<void>;
  clearTrace(): void;
}

/** One guest, as the page shows it. */
export interface GuestView {
  /** From 1 on. */
  readonly number: number;
  readonly name: string;
  /** As text. */
  readonly addresses: { readonly mac: string; readonly ipv4: string; readonly ipv6: string };
  readonly store: LabStore;
  readonly actions: LabActions;
}

/** The guests that there are. */
export interface LabGuests {
  /** In order, at least one. Another array whenever something changed. */
  readonly list: readonly GuestView[];
  /** Starts another one; the list has it at once. Rejects if there is no room. */
  add(): Promise<void>;
  /** Switches it off for good. Rejects for the first one. */
  remove(guest: GuestView): Promise<void>;
  /** `listener` is called after changes of the list. Returns the way to stop it. */
  subscribe(listener: () => void): () => void;
}

export const storeContext = createContext<LabStore | null>(Symbol('lab store'));
export const actionsContext = createContext<LabActions | null>(Symbol('lab actions'));

type Host = ReactiveControllerHost & HTMLElement;

/** For numbers that change faster than anybody reads: calm, and cheap. */
export const CALM_MS = 200;

/**
 * Gives its host the store and re-renders it when the part that it reads has changed: `select` returns a value
 * that differs after a change (the model, a version). With `interval`, at most once per so many milliseconds.
 */
export class StoreController implements ReactiveController {
  readonly #host: Host;
  readonly #select: (store: LabStore) => unknown;
  readonly #interval: number;
  #last = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** As of the host's last rendering. */
  #selected: unknown;
  #store: LabStore | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(host: Host, select: (store: LabStore) => unknown, interval = 0) {
    this.#host = host;
    this.#select = select;
    this.#interval = interval;
    host.addController(this);
    new ContextConsumer(host, {
      context: storeContext,
      subscribe: true,
      callback: (store) => {
        this.#leave();
        this.#store = store;
        this.#join();
        host.requestUpdate();
      },
    });
  }

  /** Null before the page is wired. */
  get store(): LabStore | null {
    return this.#store;
  }

  hostConnected(): void {
    this.#join();
  }

  hostDisconnected(): void {
    this.#leave();
  }

  /** Whatever it renders for: what it reads of the store is from now. */
  hostUpdate(): void {
    this.#selected = this.#store ? this.#select(this.#store) : undefined;
  }

  #join(): void {
    const store = this.#store;
    if (!store || this.#unsubscribe || !this.#host.isConnected) return;
    this.#unsubscribe = store.subscribe(() => {
      if (!Object.is(this.#select(store), this.#selected)) this.#update();
    });
  }

  #update(): void {
    const wait = this.#last + this.#interval - performance.now();
    if (wait <= 0) {
      this.#last = performance.now();
      this.#host.requestUpdate();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#update();
      }, wait);
    }
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}

/** Gives its host the actions. */
export class ActionsController {
  #actions: LabActions | null = null;

  constructor(host: Host) {
    new ContextConsumer(host, {
      context: actionsContext,
      subscribe: true,
      callback: (actions) => {
        this.#actions = actions;
        host.requestUpdate();
      },
    });
  }

  get actions(): LabActions | null {
    return this.#actions;
  }
}
