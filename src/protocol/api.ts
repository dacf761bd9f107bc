/**
 * The typed interfaces that comlink carries between threads. Control rate only: frames travel in a
 * FrameChannel, trace records as TraceBatch messages on a plain port.
 */
import type { HostAnswer, HostModelId, RxEvent } from '../core/host/host-model.ts';
import type { LinkCallbacks, PromiscLevel, IoctlRecord } from '../core/viona/link.ts';
import type { RxFlag } from '../core/virtio-net/rx-mode.ts';

/** What the machine worker calls in the viona worker. */
export interface HostApi {
  rxEvent(event: RxEvent): Promise<HostAnswer> | HostAnswer;
}

/** A frame to inject, as people write it. Hex may contain spaces and colons. */
export type FrameSpec =
  | {
      readonly dst: string;
      readonly src?: string;
      /** VID 0..4095. */
      readonly vlan?: number;
      /** Default 0x88b5 (local experimental). */
      readonly etherType?: number;
      /** Hex. */
      readonly payload?: string;
    }
  | { readonly raw: string };

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
