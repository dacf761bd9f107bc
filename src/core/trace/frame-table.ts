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
import { FrameColumns, VERDICT_WORDS } from './frame-columns.ts';
import { FrameCounters } from './frame-counters.ts';
import { readRow } from './frame-row.ts';
import type { FrameRow } from './frame-row.ts';
import { EarlyFates } from './early-fates.ts';
import { IdIndex } from './id-index.ts';
import type { TraceChunk } from './log.ts';
import { AT, RECORD } from './packed.ts';

const DEFAULT_MAX_ROWS = 500_000;
const NO_MODEL = 0xff;

/** Where the table changed since last asked: lowest number of a changed row, or `Infinity`. */
export interface FrameWatch {
  take(): number;
  release(): void;
}

export class FrameTable {
  readonly #maxRows: number;
  readonly #columns = new FrameColumns();
  readonly #index = new IdIndex(this.#columns.id);
  readonly #early = new EarlyFates();
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
  /** Slots of the rows that the chunk in hand brings, and the first of all rows that it changes; -1 if none. */
  #incoming = new Uint32Array(1024);
  #arrived = 0;
  #lowest = -1;

  constructor(maxRows = DEFAULT_MAX_ROWS) {
    this.#maxRows = maxRows;
  }

  /** Changes with every change of a row or count, but for that of unrecorded frames. */
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
    const { words, offsets } = chunk;
    if (this.#incoming.length < offsets.length) this.#incoming = new Uint32Array(2 * offsets.length);
    this.#arrived = 0;
    this.#lowest = -1;
    for (let record = 0; record < offsets.length; record++) {
      const word = (offsets[record] ?? 0) >>> 2;
      switch ((words[word] ?? 0) & 0xffff) {
        case RECORD.FRAME_RX:
          this.#addRx(chunk, record, word);
          break;
        case RECORD.FRAME_FATE:
          this.#addFate(chunk, word);
          break;
        case RECORD.FRAME_TX:
          this.#addTx(chunk, record, word);
          break;
        case RECORD.UNRECORDED:
          this.#counters.unrecordedToGuest += words[word + AT.id / 4] ?? 0;
          this.#counters.unrecordedFromGuest += words[word + AT.wire / 4] ?? 0;
          break;
      }
    }
    const columns = this.#columns;
    columns.insert(this.#incoming, this.#arrived);
    if (this.#lowest >= 0) this.#changed(this.#first + columns.indexOf(this.#lowest));
    while (columns.length > this.#maxRows) this.#evictFirst();
  }

  /** The row with that number, or undefined when there is none (any more). */
  row(number: number): FrameRow | undefined {
    const index = number - this.#first;
    if (index < 0 || index >= this.#columns.length) return undefined;
    return readRow(this.#columns, this.#columns.slotAt(index), number);
  }

  byId(id: number): FrameRow | undefined {
    const slot = this.#index.find(id);
    if (slot < 0) return undefined;
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
    const slot = this.#index.find(id);
    return slot < 0 ? -1 : this.#first + this.#columns.indexOf(slot);
  }

  /** Resolves with the final fate of a frame, at once if it is known; rejects if its row is gone already. */
  whenSettled(id: number): Promise<Fate> {
    const slot = this.#index.find(id);
    const fate = slot < 0 ? undefined : FATES[this.#columns.fate[slot] ?? 0];
    if (fate !== undefined && fate !== 'pending') return Promise.resolve(fate);
    // The host numbers its frames upwards and records them in that order.
    const gone = slot < 0 && id <= this.#newest && !this.#forgotten.has(id) && !this.#rowless.has(id);
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
    this.#index.clear();
    this.#counters = new FrameCounters();
    this.#first = 0;
    this.#changed(0);
  }

  #addRx(chunk: TraceChunk, record: number, word: number): void {
    const { words } = chunk;
    const id = words[word + AT.id / 4] ?? 0;
    if (this.#index.find(id) >= 0) {
      this.#counters.inconsistent++;
      return;
    }
    const slot = this.#take(chunk, record, word);
    const columns = this.#columns;
    columns.judged[slot] = this.#counters.addRx(words, word, columns.time[slot] ?? 0);
    columns.toGuest[slot] = 1;
    columns.generation[slot] = words[word + AT.rxGeneration / 4] ?? 0;
    const head = words[word + AT.rxActive / 4] ?? 0;
    const fate = head >>> 16;
    columns.active[slot] = head & 0xff;
    columns.models[slot] = Math.min((head >>> 8) & 0xff, HOST_MODEL_IDS.length);
    columns.fate[slot] = fate;
    columns.offload[slot] = words[word + AT.rxFlags / 4] ?? 0;
    for (let i = 0; i < VERDICT_WORDS; i++) {
      columns.verdictPairs[slot * VERDICT_WORDS + i] = words[word + AT.rxVerdicts / 4 + i] ?? 0;
    }
    this.#newest = Math.max(this.#newest, id);
    if (fate !== 0) {
      columns.fateTime[slot] = columns.time[slot] ?? 0;
      this.#tell(id, fate);
    }
    const early = this.#early.take(id);
    if (early < 0) return;
    const { time, code, place, used } = this.#early;
    this.#settle(id, slot, time[early] ?? 0, code[early] ?? 0, place[early] ?? 0, used[early] ?? 0);
  }

  #addTx(chunk: TraceChunk, record: number, word: number): void {
    const { words } = chunk;
    if (this.#index.find(words[word + AT.id / 4] ?? 0) >= 0) {
      this.#counters.inconsistent++;
      return;
    }
    const slot = this.#take(chunk, record, word);
    const columns = this.#columns;
    this.#counters.addTx(columns.wire[slot] ?? 0);
    columns.toGuest[slot] = 0;
    columns.active[slot] = NO_MODEL;
    columns.models[slot] = 0;
    columns.fate[slot] = 0;
    columns.judged[slot] = 0;
    columns.place[slot] = words[word + AT.txQueue / 4] ?? 0;
    columns.offload[slot] = words[word + AT.txFlags / 4] ?? 0;
  }

  #addFate({ words, times }: TraceChunk, word: number): void {
    const id = words[word + AT.id / 4] ?? 0;
    const slot = this.#index.find(id);
    const time = times[(word + AT.time / 4) >>> 1] ?? 0;
    const code = words[word + AT.fateCode / 4] ?? 0;
    const place = words[word + AT.fateHead / 4] ?? 0;
    const used = words[word + AT.fateUsed / 4] ?? 0;
    if (slot >= 0) this.#settle(id, slot, time, code, place, used);
    else if (this.#forgotten.delete(id)) this.#tell(id, code & 0xffff);
    else if (this.#rowless.delete(id)) {
      this.#counters.settle(code & 0xffff);
      this.#version++;
      this.#tell(id, code & 0xffff);
    } else if (!this.#early.add(id, time, used, code, place)) this.#counters.inconsistent++;
  }

  /** @param code, place words of the FRAME_FATE record: code and queue, head and buffers */
  #settle(id: number, slot: number, time: number, code: number, place: number, used: number): void {
    const columns = this.#columns;
    const fate = code & 0xffff;
    if (columns.fate[slot] !== 0 || fate === 0 || fate >= FATES.length || !columns.toGuest[slot]) {
      this.#counters.inconsistent++;
      return;
    }
    this.#counters.settle(fate);
    columns.fate[slot] = fate;
    columns.fateTime[slot] = time;
    columns.place[slot] = (code >>> 16) | (place << 16);
    columns.buffers[slot] = place >>> 16;
    columns.used[slot] = used;
    this.#touch(slot);
    this.#tell(id, fate);
  }

  #take({ words, times, firstSeq }: TraceChunk, record: number, word: number): number {
    const columns = this.#columns;
    const { capacity } = columns;
    const slot = columns.take();
    if (columns.capacity > capacity) this.#index.grow(columns.id);
    const id = words[word + AT.id / 4] ?? 0;
    columns.time[slot] = times[(word + AT.time / 4) >>> 1] ?? 0;
    columns.seq[slot] = firstSeq + record;
    columns.id[slot] = id;
    columns.wire[slot] = words[word + AT.wire / 4] ?? 0;
    columns.fateTime[slot] = NaN;
    columns.place[slot] = 0;
    columns.used[slot] = 0;
    columns.buffers[slot] = 0;
    columns.generation[slot] = 0;
    this.#index.add(id, slot);
    this.#incoming[this.#arrived++] = slot;
    this.#touch(slot);
    return slot;
  }

  #touch(slot: number): void {
    if (this.#lowest < 0 || this.#columns.before(slot, this.#lowest)) this.#lowest = slot;
  }

  #evictFirst(): void {
    const columns = this.#columns;
    const slot = columns.removeFirst();
    const id = columns.id[slot] ?? 0;
    if (columns.toGuest[slot] && columns.fate[slot] === 0) this.#rowless.add(id);
    this.#index.remove(id);
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
