/** What a HostSide is made of, and how it describes itself. */
import type { Mac } from '../net/mac.ts';
import type { FrameSender } from '../ring/frames.ts';
import type { Emit } from '../trace/event.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { IoctlRecord, LinkCallbacks, PromiscLevel } from '../viona/link.ts';
import type { HostModelId } from './host-model.ts';

export interface HostSideOptions {
  readonly mac: Mac;
  readonly mtu: number;
  /** Where frame records go. */
  readonly trace: PackedWriter;
  readonly emit: Emit;
  /** Towards the device. */
  readonly deliver: FrameSender;
  readonly model: HostModelId;
}

/** The link of the model in force, for people: plain data. */
export interface LinkDescription {
  readonly model: HostModelId;
  readonly level: PromiscLevel | null;
  readonly callbacks: LinkCallbacks | null;
  /** viona's own counters, by its names. */
  readonly kstats: Readonly<Record<string, number>>;
  /** Of the model in force, oldest first, since the link was created or the model was chosen. */
  readonly ioctls: readonly IoctlRecord[];
}
