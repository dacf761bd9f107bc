/**
 * The rows that pass the filter, kept up to date at little cost: only what changed since last time is looked at
 * again, and never for longer than a slice of a display frame.
 */
import type { FrameTable, FrameWatch } from '../core/trace/frame-table.ts';
import type { TraceLog } from '../core/trace/log.ts';
import { lowerBound } from '../core/trace/log.ts';
import { summarize } from '../core/trace/summary.ts';
import type { FrameSummary } from '../core/trace/summary.ts';
import { parseFilter } from './packet-filter.ts';
import type { RowTest } from './packet-filter.ts';

const SLICE_MS = 6;
const NO_BYTES = new Uint8Array(0);

export class PacketView {
  readonly #frames: FrameTable;
  readonly #log: TraceLog;
  readonly #watch: FrameWatch;
  #test: RowTest | null = null;
  /** Bits of `FrameTable.judged` of which a row must have one; 0 for every row. */
  #mask = 0;
  /** Numbers of rows that pass, ascending; entries before `#start` were evicted. */
  #passed: number[] = [];
  #start = 0;
  /** First row not looked at. */
  #next = 0;

  constructor(frames: FrameTable, log: TraceLog) {
    this.#frames = frames;
    this.#log = log;
    this.#watch = frames.watch();
  }

  release(): void {
    this.#watch.release();
  }

  /** @param mask as `judgedMask` makes it */
  setFilter(text: string, mask = 0): void {
    this.#test = parseFilter(text);
    this.#mask = mask;
    this.#passed = [];
    this.#start = 0;
    this.#next = this.#frames.first;
  }

  /** Every row passes. */
  get #open(): boolean {
    return this.#test === null && this.#mask === 0;
  }

  /** Catches up with the table. False if there is more to do: call again in the next frame. */
  update(): boolean {
    const from = this.#watch.take();
    if (this.#open) return true;
    if (from < this.#next) this.#rewind(from);
    const { first } = this.#frames;
    while ((this.#passed[this.#start] ?? Infinity) < first) this.#start++;
    if (this.#start > 4096 && this.#start * 2 > this.#passed.length) {
      this.#passed.splice(0, this.#start);
      this.#start = 0;
    }
    this.#next = Math.max(this.#next, first);
    const deadline = performance.now() + SLICE_MS;
    while (this.#next < this.#frames.end) {
      if (this.#passes(this.#next)) this.#passed.push(this.#next);
      this.#next++;
      if (this.#next % 64 === 0 && performance.now() > deadline) return false;
    }
    return true;
  }

  /** Rows that pass, as far as looked at. */
  get length(): number {
    return this.#open ? this.#frames.length : this.#passed.length - this.#start;
  }

  /** Part of the table that was looked at, 0 to 1. */
  get progress(): number {
    if (this.#open || this.#frames.length === 0) return 1;
    return Math.min(1, Math.max(0, (this.#next - this.#frames.first) / this.#frames.length));
  }

  /** Row number at that index of the view. */
  numberAt(index: number): number {
    return this.#open ? this.#frames.first + index : (this.#passed[this.#start + index] ?? -1);
  }

  /** Index of that row in the view, or of the next one that is in it. */
  indexOf(number: number): number {
    if (this.#open) return number - this.#frames.first;
    return lowerBound(this.length, (i) => this.numberAt(i) < number);
  }

  summary(seq: number): FrameSummary {
    return summarize(this.#log.captured(seq) ?? NO_BYTES);
  }

  #passes(number: number): boolean {
    if (this.#mask !== 0 && (this.#frames.judged(number) & this.#mask) === 0) return false;
    if (!this.#test) return true;
    const row = this.#frames.row(number);
    return row !== undefined && this.#test(row, () => this.summary(row.seq));
  }

  #rewind(from: number): void {
    const keep = lowerBound(this.#passed.length, (i) => (this.#passed[i] ?? 0) < from);
    this.#passed.length = Math.max(keep, 0);
    this.#start = Math.min(this.#start, this.#passed.length);
    this.#next = Math.max(from, this.#frames.first);
  }
}
