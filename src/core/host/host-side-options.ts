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

/** What the page shows of the link; the shape of LinkInfo in src/protocol/api.ts. */
export interface LinkDescription {
  readonly model: HostModelId;
  readonly level: PromiscLevel | null;
  readonly callbacks: LinkCallbacks | null;
  readonly kstats: Readonly<Record<string, number>>;
  readonly ioctls: readonly IoctlRecord[];
}
