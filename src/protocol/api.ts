/**
 * The typed interfaces that comlink carries between threads. Control rate only: frames travel in a
 * FrameChannel, trace records as TraceBatch messages on a plain port.
 */
import type { HostAnswer, HostModelId, RxEvent } from '../core/host/host-model.ts';
import type { LinkDescription as LinkInfo } from '../core/host/host-side-options.ts';
import type { FrameSpec } from '../core/net/frame-spec.ts';
import type { NetDescription as NicInfo } from '../core/virtio-net/virtio-net-pci.ts';
import type { IoctlRecord } from '../core/viona/link.ts';

/** What the machine worker calls in the viona worker. */
export interface HostApi {
  rxEvent(event: RxEvent): Promise<HostAnswer> | HostAnswer;
}

export type { FrameSpec, LinkInfo, NicInfo };

export interface TrafficSpec {
  readonly frames: readonly FrameSpec[];
  /** Frames per second. */
  readonly rate: number;
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
