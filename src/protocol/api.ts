/**
 * The typed interfaces that comlink carries between threads. Control rate only: frames travel in a
 * FrameChannel, trace records as TraceBatch messages on a plain port.
 */
import type { HostAnswer, HostModelId, RxEvent } from '../core/host/host-model.ts';
import type { LinkDescription as LinkInfo } from '../core/host/host-side-options.ts';
import type { SnapshotEvent } from '../core/trace/event.ts';
import type { FrameSpec } from '../core/net/frame-spec.ts';
import type { PortCounters } from '../core/net/learning-switch.ts';
import type { NetDescription as NicInfo } from '../core/virtio-net/virtio-net-pci.ts';
import type { Personality } from '../core/virtio-net/personality.ts';
import type { Fault as LinkFault, FaultKind as LinkFaultKind } from '../core/viona/faults.ts';
import type { IoctlRecord, LinkKind } from '../core/viona/link.ts';

/** What the machine worker calls in the viona worker. */
export interface HostApi {
  rxEvent(event: RxEvent): Promise<HostAnswer> | HostAnswer;
}

export type { FrameSpec, LinkInfo, LinkKind, NicInfo };

/** A personality on its way between threads: comlink's messages carry the feature set as hexadecimal text. */
export type PersonalityMessage = Omit<Personality, 'features'> & { readonly features: string };

/**
 * What can be made to go wrong: in the link of the model in force, or (`shortage`) in the device, where the next
 * packet that needs several receive buffers finds the ring dry in the middle.
 */
export type Fault = LinkFault | { readonly kind: 'shortage' };
export type FaultKind = Fault['kind'];

export interface TrafficSpec {
  readonly frames: readonly FrameSpec[];
  /** Frames per second. Infinity: as many as the guest takes. */
  readonly rate: number;
}

/** The network device to begin with. */
export interface MachineInit {
  readonly mac: number;
  readonly mtu: number;
  readonly personality: PersonalityMessage;
}

export interface ExecResult {
  /** Standard output and standard error, in the order written. */
  readonly output: string;
  readonly exitCode: number;
}

/** What the page calls in the machine worker. */
export interface MachineApi {
  /**
   * Starts the machine with its device, as soon as there is something to start it from: that is on its way since the
   * thread is there. The trace tells how it goes. Rejects with a message that says how to mend it.
   */
  start(init: MachineInit): Promise<void>;
  exec(command: string): Promise<ExecResult>;
  nic(): NicInfo;
  /** Features are offered from the next reset of the device on, the rest is so from the next reset of the machine on. */
  setPersonality(personality: PersonalityMessage): void;
  /** The link goes down or comes up; the driver is told. */
  setLinkUp(up: boolean): void;
  /** Instructions that the guest has executed, modulo 2^32: what its work costs, whatever else the computer does. */
  instructions(): number;
  /** Asks the driver to announce itself. Throws if it did not negotiate that it can be asked. */
  announce(): void;
  /** The next packet that needs several receive buffers finds the ring dry in the middle; or no longer does. */
  shortNextMerge(short: boolean): void;
  /** Whether frames are recorded from here on. */
  setRecording(on: boolean): void;
  /** Resets the machine as its reset button would. */
  restart(): void;
}

/**
 * What the snapshot worker calls in the machine worker, which it brings the booted guest to. `begin`, a `take` for each
 * piece and `end` make one source's snapshot; what was not right is followed by the next source's `begin`. All of it
 * ends with `settle`.
 */
export interface SnapshotSink {
  /** Bytes so far, bytes in all, as they come from the server. */
  progress(loaded: number, total: number): Promise<void> | void;
  /** Nothing has to come from the server, or everything has come. */
  restoring(): Promise<void> | void;
  emit(event: SnapshotEvent): Promise<void> | void;
  /** Whatever was taken before is void. */
  begin(): Promise<void> | void;
  /** Resolves with the same bytes when they were used. Rejects if they cannot belong to a snapshot. */
  take(piece: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** That was all, and the pieces were right. Rejects if it is no snapshot. */
  end(): Promise<void> | void;
  /** The last one that came to its end is to be used, or there is none. */
  settle(found: boolean): Promise<void> | void;
  /** Resolves when the guest no longer needs every moment: what costs time can be done. */
  idle(): Promise<void>;
}

/** What a guest's link begins with. */
export interface PortInit {
  /** For people: "Guest 1". */
  readonly name: string;
  readonly epoch: number;
  readonly mac: number;
  readonly mtu: number;
  readonly model: HostModelId;
}

/** One port of the switch, for people: plain data. */
export interface SwitchPortInfo extends PortCounters {
  readonly port: number;
  /** Who hangs there. */
  readonly name: string;
  /** MAC addresses that were learned there, oldest first. */
  readonly addresses: readonly string[];
}

/**
 * What the page calls in the viona worker: the switch that the guests are on.
 * @typeParam Ends this thread's ends of the wires to a guest, transferred; `control` among them answers as VionaApi
 */
export interface SwitchApi<Ends> {
  /** Gives a guest a link of its own on a port of the switch, and returns the port's number. */
  plug(init: PortInit, ends: Ends): number;
  /** The guest is gone, and its link with it. */
  unplug(port: number): void;
  ports(): SwitchPortInfo[];
}

/** What the page calls in the viona worker about one guest's link. */
export interface VionaApi {
  link(): LinkInfo;
  /** `arg` as the ioctl's own type, or as people write it. */
  ioctl(name: string, arg: unknown): IoctlRecord;
  /** Deletes the link and creates it again: every host model starts anew. */
  recreateLink(): void;
  /** What links are opened on; the link is created again. */
  setLinkKind(kind: LinkKind): void;
  /** Moves the machine to another host, under every model. Returns why it could not, or null. */
  migrate(): string | null;
  /** Throws with a sentence if the fault cannot be. */
  fault(fault: LinkFault): void;
  /** Takes faults back: all, or those of one kind. */
  clearFaults(kind?: LinkFaultKind): void;
  setHostModel(model: HostModelId): void;
  /** Whether frames are recorded from here on. Those of `inject` are always. */
  setRecording(on: boolean): void;
  /** Ids of the frames, in order. Throws on a frame that cannot be built, before any is sent. */
  inject(frames: readonly FrameSpec[], times?: number): number[];
  startTraffic(spec: TrafficSpec): void;
  stopTraffic(): void;
}
