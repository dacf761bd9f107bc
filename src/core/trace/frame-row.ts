/** One row of the frame table as an object: made when somebody looks at it, never stored. */
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import type { HostModelId } from '../host/host-model.ts';
import { FATES, judge } from '../host/verdict.ts';
import type { Fate, Judgement, Verdict } from '../host/verdict.ts';
import { verdictOf } from '../host/verdicts.ts';
import type { FrameColumns } from './frame-columns.ts';
import { MAX_MODELS } from './packed.ts';

const EXACT = HOST_MODEL_IDS.indexOf('exact');

/** What one model said of a frame. */
export interface ModelVerdict {
  readonly model: HostModelId;
  readonly active: boolean;
  readonly verdict: Verdict;
  /** Against the literal reading; null if that model was not asked. */
  readonly judgement: Judgement | null;
}

interface AnyRow {
  /** Position in the table's order, from 0. */
  readonly number: number;
  readonly id: number;
  /** Nanoseconds since the lab was opened. */
  readonly time: number;
  /** Length of the frame in bytes. */
  readonly wire: number;
  /** Sequence number of the record that holds the captured bytes. */
  readonly seq: number;
  /**
   * What was left to do with the frame, in the words of `struct virtio_net_hdr`. Towards the guest: as it came
   * to the host, whatever was then handed up.
   */
  readonly flags: number;
  readonly gsoType: number;
  readonly gsoSize: number;
}

/** A frame towards the guest. */
export interface ReceivedRow extends AnyRow {
  readonly toGuest: true;
  /** Filter generation that was in force. */
  readonly generation: number;
  readonly verdicts: readonly ModelVerdict[];
  /** Of the model in force. */
  readonly ruling: ModelVerdict | undefined;
  readonly fate: Fate;
  /** When the fate was settled; null while pending. */
  readonly fateTime: number | null;
  /** Where the device put it; null unless the device had it. */
  readonly placed: {
    readonly queue: number;
    readonly head: number;
    readonly buffers: number;
    readonly used: number;
  } | null;
}

/** A frame from the guest. */
export interface SentRow extends AnyRow {
  readonly toGuest: false;
  readonly queue: number;
  readonly head: number;
}

export type FrameRow = ReceivedRow | SentRow;

export function readRow(columns: FrameColumns, slot: number, number: number): FrameRow {
  const offload = columns.offload[slot] ?? 0;
  const common = {
    number,
    id: columns.id[slot] ?? 0,
    time: columns.time[slot] ?? 0,
    wire: columns.wire[slot] ?? 0,
    seq: columns.seq[slot] ?? 0,
    flags: offload & 0xff,
    gsoType: (offload >> 8) & 0xff,
    gsoSize: offload >>> 16,
  };
  const place = columns.place[slot] ?? 0;
  const queue = place & 0xffff;
  const head = place >>> 16;
  if (!columns.toGuest[slot]) return { ...common, toGuest: false, queue, head };
  const verdicts = readVerdicts(columns, slot);
  const fate = FATES[columns.fate[slot] ?? 0] ?? 'pending';
  const fateTime = columns.fateTime[slot] ?? NaN;
  return {
    ...common,
    toGuest: true,
    generation: columns.generation[slot] ?? 0,
    verdicts,
    ruling: verdicts.find((each) => each.active),
    fate,
    fateTime: Number.isNaN(fateTime) ? null : fateTime,
    placed:
      fate === 'delivered' ? { queue, head, buffers: columns.buffers[slot] ?? 0, used: columns.used[slot] ?? 0 } : null,
  };
}

function readVerdicts(columns: FrameColumns, slot: number): ModelVerdict[] {
  const models = columns.models[slot] ?? 0;
  const codeOf = (model: number): number => columns.verdicts[slot * MAX_MODELS + model] ?? 0;
  const exact = EXACT < models ? verdictOf(codeOf(EXACT)) : undefined;
  const verdicts: ModelVerdict[] = [];
  for (let index = 0; index < models; index++) {
    const model = HOST_MODEL_IDS[index];
    const verdict = verdictOf(codeOf(index));
    if (!model || !verdict) continue;
    const judgement = exact ? judge(verdict, exact) : null;
    verdicts.push({ model, active: index === columns.active[slot], verdict, judgement });
  }
  return verdicts;
}
