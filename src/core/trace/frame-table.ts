/**
 * Every frame of the lab as a row: what was judged by the host thread (FRAME_RX), how it ended in the device
 * (FRAME_FATE), what the guest sent (FRAME_TX). Facts about one frame are joined by its id, and rows are
 * ordered by time and id, so the table is the same in whatever order the threads' chunks arrive.
 *
 * Rows are numbered from 0 as they stand in that order; `first` is the number of the oldest row still held.
 * A row that arrives late shifts the numbers behind it, which `watch()` reports. Ids never change.
 */
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { FATES } from '../host/verdict.ts';
import type { Fate } from '../host/verdict.ts';
import { FrameColumns } from './frame-columns.ts';
import { FrameCounters } from './frame-counters.ts';
import { readRow } from './frame-row.ts';
import type { FrameRow } from './frame-row.ts';
import type { TraceChunk } from './log.ts';
import { AT, MAX_MODELS, RECORD } from './packed.ts';

const DEFAULT_MAX_ROWS = 500_000;
/** Fates whose frame has not arrived: bounded by what can be under way between two threads. */
const MAX_EARLY_FATES = 1 << 17;
const NO_MODEL = 0xff;

interface EarlyFate {
  readonly chunk: TraceChunk;
  readonly at: number;
}

/** Where the table changed since last asked: lowest number of a changed row, or `Infinity`. */
export interface FrameWatch {
  take(): number;
  release(): void;
}

export class FrameTable {
  readonly #maxRows: number;
  readonly #columns = new FrameColumns();
  readonly #slotOf = new Map<number, number>();
  readonly #earlyFates = new Map<number, EarlyFate>();
  /** Frames that were pending when the table was cleared: their fates concern nobody. */
  readonly #forgotten = new Set<number>();
  /** Frames that were pending when their row was evicted: only their count is still to be settled. */
  readonly #rowless = new Set<number>();
  readonly #watches = new Set<{ from: number }>();
  readonly #waiting = new Map<number, ((fate: Fate) => void)[]>();
  #counters = new FrameCounters();
  #first = 0;
  /** Highest id of a frame towards the guest. */
  #newest = 0;
  #version = 0;

  constructor(maxRows = DEFAULT_MAX_ROWS) {
    this.#maxRows = maxRows;
  }

  /** Changes with every change of a row or count. */
  get version(): number {
    return this.#version;
  }

  get counters(): FrameCounters {
    return this.#counters;
  }

  /** Number of the oldest row held: so many rows were evicted. */
  get first(): number {
    return this.#first;
  }

  /** One past the number of the youngest row. */
  get end(): number {
    return this.#first + this.#columns.length;
  }

  get length(): number {
    return this.#columns.length;
  }

  /** Takes in the frame records of a chunk. */
  add(chunk: TraceChunk): void {
    const { view, offsets } = chunk;
    for (let record = 0; record < offsets.length; record++) {
      const at = offsets[record] ?? 0;
      switch (view.getUint16(at + AT.kind, true)) {
        case RECORD.FRAME_RX:
          this.#addRx(chunk, record, at);
          break;
        case RECORD.FRAME_FATE:
          this.#addFate(chunk, at);
          break;
        case RECORD.FRAME_TX:
          this.#addTx(chunk, record, at);
          break;
        case RECORD.UNRECORDED:
          this.#counters.unrecordedToGuest += view.getUint32(at + AT.id, true);
          this.#counters.unrecordedFromGuest += view.getUint32(at + AT.wire, true);
          this.#version++;
          break;
      }
    }
  }

  /** The row with that number, or undefined when there is none (any more). */
  row(number: number): FrameRow | undefined {
    const index = number - this.#first;
    if (index < 0 || index >= this.#columns.length) return undefined;
    return readRow(this.#columns, this.#columns.slotAt(index), number);
  }

  byId(id: number): FrameRow | undefined {
    const slot = this.#slotOf.get(id);
    if (slot === undefined) return undefined;
    return readRow(this.#columns, slot, this.#first + this.#columns.indexOf(slot));
  }

  /** Leaks and losses of that row as bits (`leakBit`, `lossBit`), without making the row: for filters over many rows. */
  judged(number: number): number {
    const index = number - this.#first;
    if (index < 0 || index >= this.#columns.length) return 0;
    return this.#columns.judged[this.#columns.slotAt(index)] ?? 0;
  }

  /** Number of the row of that frame, or -1. */
  numberOf(id: number): number {
    const slot = this.#slotOf.get(id);
    return slot === undefined ? -1 : this.#first + this.#columns.indexOf(slot);
  }

  /** Resolves with the final fate of a frame, at once if it is known; rejects if its row is gone already. */
  whenSettled(id: number): Promise<Fate> {
    const slot = this.#slotOf.get(id);
    const fate = slot === undefined ? undefined : FATES[this.#columns.fate[slot] ?? 0];
    if (fate !== undefined && fate !== 'pending') return Promise.resolve(fate);
    // The host numbers its frames upwards and records them in that order.
    const gone = slot === undefined && id <= this.#newest && !this.#forgotten.has(id) && !this.#rowless.has(id);
    if (gone) return Promise.reject(new Error(`Frame ${id} has left the list, and its fate with it.`));
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id);
      if (waiting) waiting.push(resolve);
      else this.#waiting.set(id, [resolve]);
    });
  }

  watch(): FrameWatch {
    const watch = { from: this.#first };
    this.#watches.add(watch);
    return {
      take: () => {
        const { from } = watch;
        watch.from = Infinity;
        return from;
      },
      release: () => void this.#watches.delete(watch),
    };
  }

  /** Drops all rows and counts. Frames on their way are forgotten. */
  clear(): void {
    const columns = this.#columns;
    for (let index = 0; index < columns.length; index++) {
      const slot = columns.slotAt(index);
      if (columns.toGuest[slot] && columns.fate[slot] === 0) this.#forgotten.add(columns.id[slot] ?? 0);
    }
    for (const id of this.#rowless) this.#forgotten.add(id);
    this.#rowless.clear();
    columns.clear();
    this.#slotOf.clear();
    this.#counters = new FrameCounters();
    this.#first = 0;
    this.#changed(0);
  }

  #addRx(chunk: TraceChunk, record: number, at: number): void {
    const { view } = chunk;
    const id = view.getUint32(at + AT.id, true);
    if (this.#slotOf.has(id)) {
      this.#counters.inconsistent++;
      return;
    }
    const judged = this.#counters.addRx(view, at);
    const columns = this.#columns;
    const slot = this.#take(chunk, record, at);
    columns.judged[slot] = judged;
    columns.toGuest[slot] = 1;
    columns.generation[slot] = view.getUint32(at + AT.rxGeneration, true);
    columns.active[slot] = view.getUint8(at + AT.rxActive);
    const models = Math.min(view.getUint8(at + AT.rxModels), HOST_MODEL_IDS.length);
    columns.models[slot] = models;
    columns.offload[slot] = view.getUint32(at + AT.rxFlags, true);
    const fate = view.getUint16(at + AT.rxFate, true);
    columns.fate[slot] = fate;
    for (let model = 0; model < models; model++) {
      columns.verdicts[slot * MAX_MODELS + model] = view.getUint16(at + AT.rxVerdicts + 2 * model, true);
    }
    if (fate !== 0) columns.fateTime[slot] = columns.time[slot] ?? 0;
    this.#insert(slot, id);
    this.#newest = Math.max(this.#newest, id);
    if (fate !== 0) this.#tell(id, fate);
    const early = this.#earlyFates.get(id);
    if (early) {
      this.#earlyFates.delete(id);
      this.#addFate(early.chunk, early.at);
    }
  }

  #addTx(chunk: TraceChunk, record: number, at: number): void {
    const { view } = chunk;
    const id = view.getUint32(at + AT.id, true);
    if (this.#slotOf.has(id)) {
      this.#counters.inconsistent++;
      return;
    }
    const columns = this.#columns;
    const slot = this.#take(chunk, record, at);
    this.#counters.addTx(columns.wire[slot] ?? 0);
    columns.toGuest[slot] = 0;
    columns.active[slot] = NO_MODEL;
    columns.models[slot] = 0;
    columns.fate[slot] = 0;
    columns.queue[slot] = view.getUint16(at + AT.txQueue, true);
    columns.head[slot] = view.getUint16(at + AT.txHead, true);
    columns.offload[slot] = view.getUint32(at + AT.txFlags, true);
    this.#insert(slot, id);
  }

  #addFate(chunk: TraceChunk, at: number): void {
    const { view } = chunk;
    const id = view.getUint32(at + AT.id, true);
    const fate = view.getUint16(at + AT.fateCode, true);
    const slot = this.#slotOf.get(id);
    if (slot === undefined) {
      if (this.#forgotten.delete(id)) this.#tell(id, fate);
      else if (this.#rowless.delete(id)) {
        this.#counters.settle(fate);
        this.#version++;
        this.#tell(id, fate);
      } else if (this.#earlyFates.size < MAX_EARLY_FATES) this.#earlyFates.set(id, { chunk, at });
      else this.#counters.inconsistent++;
      return;
    }
    const columns = this.#columns;
    if (columns.fate[slot] !== 0 || fate === 0 || fate >= FATES.length || !columns.toGuest[slot]) {
      this.#counters.inconsistent++;
      return;
    }
    this.#counters.settle(fate);
    columns.fate[slot] = fate;
    columns.fateTime[slot] = view.getFloat64(at + AT.time, true);
    columns.queue[slot] = view.getUint16(at + AT.fateQueue, true);
    columns.head[slot] = view.getUint16(at + AT.fateHead, true);
    columns.buffers[slot] = view.getUint16(at + AT.fateBuffers, true);
    columns.used[slot] = view.getUint32(at + AT.fateUsed, true);
    this.#changed(this.#first + columns.indexOf(slot));
    this.#tell(id, fate);
  }

  #take(chunk: TraceChunk, record: number, at: number): number {
    const columns = this.#columns;
    const slot = columns.take();
    columns.time[slot] = chunk.view.getFloat64(at + AT.time, true);
    columns.seq[slot] = chunk.firstSeq + record;
    columns.id[slot] = chunk.view.getUint32(at + AT.id, true);
    columns.wire[slot] = chunk.view.getUint32(at + AT.wire, true);
    columns.fateTime[slot] = NaN;
    columns.used[slot] = 0;
    columns.queue[slot] = 0;
    columns.head[slot] = 0;
    columns.buffers[slot] = 0;
    columns.generation[slot] = 0;
    columns.judged[slot] = 0;
    return slot;
  }

  #insert(slot: number, id: number): void {
    const columns = this.#columns;
    this.#slotOf.set(id, slot);
    this.#changed(this.#first + columns.insert(slot));
    while (columns.length > this.#maxRows) this.#evictFirst();
  }

  #evictFirst(): void {
    const columns = this.#columns;
    const slot = columns.removeFirst();
    const id = columns.id[slot] ?? 0;
    if (columns.toGuest[slot] && columns.fate[slot] === 0) this.#rowless.add(id);
    this.#slotOf.delete(id);
    this.#first++;
  }

  #tell(id: number, fate: number): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    for (const resolve of waiting) resolve(FATES[fate] ?? 'pending');
  }

  #changed(from: number): void {
    this.#version++;
    for (const watch of this.#watches) if (from < watch.from) watch.from = from;
  }
}
