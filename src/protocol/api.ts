/**
 * The typed interfaces that comlink carries between threads. Control rate only: frames travel in a
 * FrameChannel, trace records as TraceBatch messages on a plain port.
 */
import type { HostAnswer, HostModelId, RxEvent } from '../core/host/host-model.ts';
import type { FrameSpec } from '../core/net/frame-spec.ts';
import type { IoctlRecord, LinkCallbacks, PromiscLevel } from '../core/viona/link.ts';
import type { RxFlag } from '../core/virtio-net/rx-mode.ts';

/** What the machine worker calls in the viona worker. */
export interface HostApi {
  rxEvent(event: RxEvent): Promise<HostAnswer> | HostAnswer;
}

export type { FrameSpec };

export interface LinkInfo {
  readonly model: HostModelId;
  readonly level: PromiscLevel | null;
  readonly callbacks: LinkCallbacks | null;
  /** viona's own counters, by its names. */
  readonly kstats: Readonly<Record<string, number>>;
  /** Of the model in force, oldest first, since the lab was opened or the model was chosen. */
  readonly ioctls: readonly IoctlRecord[];
}

export interface TrafficSpec {
  readonly frames: readonly FrameSpec[];
  /** Frames per second. */
  readonly rate: number;
}

export interface NicQueueInfo {
  readonly index: number;
  readonly role: 'rx' | 'tx' | 'ctrl';
  readonly size: number;
  readonly enabled: boolean;
  /** Device-side positions, 16 bit. */
  readonly availIdx: number;
  readonly usedIdx: number;
  readonly kicks: number;
  readonly interrupts: number;
}

export interface NicInfo {
  readonly features: { readonly offered: string; readonly acked: string; readonly negotiated: string };
  readonly status: number;
  readonly mac: string;
  readonly rxMode: Readonly<Record<RxFlag, boolean | null>>;
  readonly tables: { readonly unicast: string[]; readonly multicast: string[]; readonly vlans: number[] };
  readonly queues: readonly NicQueueInfo[];
  readonly counters: Readonly<Record<string, number>>;
}

/** What the machine worker needs to begin. Ports and channel ends are transferred. */
export interface MachineInit {
  /** `Date.now()`-scale milliseconds at which the lab's clock reads 0. */
  readonly epoch: number;
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly guestUrl: string;
  readonly mac: number;
  readonly mtu: number;
  /** Net features of the host model in force (hex). */
  readonly offers: string;
}

export interface ExecResult {
  /** Standard output and standard error, in the order written. */
  readonly output: string;
  readonly exitCode: number;
}

/** What the page calls in the machine worker. */
export interface MachineApi {
  /** Downloads the image and starts the machine; the trace tells how it goes. Rejects with a message that says how to mend it. */
  start(init: MachineInit): Promise<void>;
  exec(command: string): Promise<ExecResult>;
  nic(): NicInfo;
  /** The net features to offer from the next reset on (hex). */
  setOffers(offers: string): void;
  /** Resets the machine as its reset button would. */
  restart(): void;
}

/** What the page calls in the viona worker. */
export interface VionaApi {
  /** Returns the net features that the model offers (hex), as `setHostModel` does. */
  start(init: {
    readonly epoch: number;
    readonly mac: number;
    readonly mtu: number;
    readonly model: HostModelId;
  }): string;
  link(): LinkInfo;
  ioctl(name: string, arg: string | number): IoctlRecord;
  /** Deletes the link and creates it again: every host model starts anew. */
  recreateLink(): void;
  /** The next ioctl of that name fails with that errno. */
  injectFault(name: string, errno: string): void;
  setHostModel(model: HostModelId): string;
  /** Ids of the frames, in order. Throws on a frame that cannot be built, before any is sent. */
  inject(frames: readonly FrameSpec[], times?: number): number[];
  startTraffic(spec: TrafficSpec): void;
  stopTraffic(): void;
}
