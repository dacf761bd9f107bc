/**
 * The log: the packed chunks as they came, in order of arrival.
 *
 * A chunk that arrives is indexed once (the offset of each record) and then only read. Sequence numbers count
 * records of every kind over all sources, gapless from 0, so a number names a fact for good. Memory is
 * bounded: the oldest chunks go first, and how many records went with them is counted, never guessed.
 *
 * Control-rate events outlive their chunk. They are few, and the model is a fold over all of them.
 */
import type { StampedEvent, TraceEvent, TraceSource } from './event.ts';
import { AT, FRAME_RX_SIZE, FRAME_TX_SIZE, RECORD, RECORD_HEADER_SIZE } from './packed.ts';
import type { TraceBatch } from './packed.ts';

/** One arrived batch. Records are read in place at `offsets`: through `view`, or through the aligned arrays. */
export interface TraceChunk {
  readonly source: TraceSource;
  /** Sequence number of the first record. */
  readonly firstSeq: number;
  readonly records: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** The same bytes, for who reads every record. */
  readonly words: Uint32Array;
  readonly times: Float64Array;
  /** Byte offset of each record. */
  readonly offsets: Uint32Array;
  /** The events of the chunk's EVENT records, in order. */
  readonly events: readonly StampedEvent[];
  /** Byte offsets of the QUEUE records. */
  readonly queues: readonly number[];
}

export interface TraceLogOptions {
  /** Bytes of packed chunks to keep. */
  readonly retainBytes?: number;
  /** Control-rate events to keep; one with large tables counts as several. */
  readonly retainEvents?: number;
  /** Is given the memory of chunks that are gone, for the thread that they came from. */
  readonly onFree?: (source: TraceSource, chunk: ArrayBuffer) => void;
}

const DEFAULT_RETAIN_BYTES = 64 * 1024 * 1024;
const DEFAULT_RETAIN_EVENTS = 100_000;

export class TraceLog {
  readonly #retainBytes: number;
  readonly #retainEvents: number;
  readonly #onFree: TraceLogOptions['onFree'];
  /** Those before `#firstChunk` are gone. */
  readonly #chunks: (TraceChunk | undefined)[] = [];
  #firstChunk = 0;
  readonly #events: StampedEvent[] = [];
  #eventWeight = 0;
  #length = 0;
  #retainedBytes = 0;
  #evictedRecords = 0;
  #evictedEvents = 0;

  constructor(options: TraceLogOptions = {}) {
    this.#retainBytes = options.retainBytes ?? DEFAULT_RETAIN_BYTES;
    this.#retainEvents = options.retainEvents ?? DEFAULT_RETAIN_EVENTS;
    this.#onFree = options.onFree;
  }

  /** Records ever logged, which is the next sequence number. */
  get length(): number {
    return this.#length;
  }

  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  /** Records whose chunk is gone. Their events and table rows may still be there. */
  get evictedRecords(): number {
    return this.#evictedRecords;
  }

  get evictedEvents(): number {
    return this.#evictedEvents;
  }

  /** Retained control-rate events in order of sequence number. */
  get events(): readonly StampedEvent[] {
    return this.#events;
  }

  /** Takes a batch over. The returned chunk is what folds read. */
  add(source: TraceSource, batch: TraceBatch): TraceChunk {
    const chunk = indexChunk(source, batch, this.#length);
    if (chunk.bytes.buffer !== batch.chunk) this.#onFree?.(source, batch.chunk);
    this.#length += chunk.records;
    this.#chunks.push(chunk);
    this.#retainedBytes += chunk.bytes.buffer.byteLength;
    for (const event of chunk.events) {
      this.#events.push(event);
      this.#eventWeight += weightOf(event.event);
    }
    this.#evict();
    return chunk;
  }

  /** The event with that sequence number, or undefined if the record is another kind or was evicted. */
  event(seq: number): StampedEvent | undefined {
    const events = this.#events;
    const at = lowerBound(events.length, (i) => (events[i]?.seq ?? 0) < seq);
    const found = events[at];
    return found?.seq === seq ? found : undefined;
  }

  /** Captured bytes of a frame record, in place; null if there are none any more. */
  captured(seq: number): Uint8Array | null {
    const chunk = this.#chunkOf(seq);
    if (!chunk) return null;
    const at = chunk.offsets[seq - chunk.firstSeq] ?? 0;
    const kind = chunk.view.getUint16(at + AT.kind, true);
    const size = kind === RECORD.FRAME_RX ? FRAME_RX_SIZE : kind === RECORD.FRAME_TX ? FRAME_TX_SIZE : 0;
    if (size === 0) return null;
    const length = chunk.view.getUint16(at + AT.captured, true);
    return chunk.bytes.subarray(at + size, at + size + length);
  }

  /** Forgets the packed records so far; they count as evicted. Events stay. */
  dropRecords(): void {
    for (const chunk of this.#chunks) this.#evictedRecords += chunk?.records ?? 0;
    this.#chunks.length = 0;
    this.#firstChunk = 0;
    this.#retainedBytes = 0;
  }

  #chunkOf(seq: number): TraceChunk | undefined {
    const chunks = this.#chunks;
    const after = lowerBound(chunks.length, (i) => (chunks[i]?.firstSeq ?? -1) <= seq);
    const chunk = chunks[after - 1];
    return chunk && seq < chunk.firstSeq + chunk.records ? chunk : undefined;
  }

  #evict(): void {
    const chunks = this.#chunks;
    while (this.#retainedBytes > this.#retainBytes && this.#firstChunk < chunks.length - 1) {
      const oldest = chunks[this.#firstChunk];
      chunks[this.#firstChunk++] = undefined;
      if (!oldest) continue;
      this.#retainedBytes -= oldest.bytes.buffer.byteLength;
      this.#evictedRecords += oldest.records;
      this.#onFree?.(oldest.source, oldest.bytes.buffer);
    }
    if (this.#firstChunk > 64 && this.#firstChunk * 2 > chunks.length) {
      chunks.splice(0, this.#firstChunk);
      this.#firstChunk = 0;
    }
    // In steps of an eighth, so that a flood of events does not shift the array once per event.
    if (this.#eventWeight <= this.#retainEvents * 1.125) return;
    let over = 0;
    for (const { event } of this.#events) {
      if (this.#eventWeight <= this.#retainEvents) break;
      this.#eventWeight -= weightOf(event);
      over++;
    }
    this.#events.splice(0, over);
    this.#evictedEvents += over;
  }
}

/** MAC addresses that weigh as much as an event without any. */
const ADDRESSES_PER_EVENT = 16;

/** Most events weigh 1. A driver's tables may hold ten thousand addresses, and it may set them again and again. */
function weightOf(event: TraceEvent): number {
  if (event.type !== 'filter-state') return 1;
  return 1 + (event.tables.unicast.length + event.tables.multicast.length) / ADDRESSES_PER_EVENT;
}

function indexChunk(source: TraceSource, batch: TraceBatch, firstSeq: number): TraceChunk {
  // A flush that was due by time leaves most of its chunk empty. Retention counts buffers, so such a chunk
  // is cut to size once, here; full chunks are taken as they are.
  const buffer = batch.used * 2 < batch.chunk.byteLength ? batch.chunk.slice(0, batch.used) : batch.chunk;
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  const times = new Float64Array(buffer, 0, buffer.byteLength >>> 3);
  const offsets = new Uint32Array(batch.records);
  const events: StampedEvent[] = [];
  const queues: number[] = [];
  let at = 0;
  for (let record = 0; record < batch.records; record++) {
    const length = at + RECORD_HEADER_SIZE <= batch.used ? (words[(at + AT.length) >>> 2] ?? 0) : 0;
    if (length < RECORD_HEADER_SIZE || at + length > batch.used || (length & 7) !== 0) {
      throw new Error(`trace chunk from ${source}: record ${record} at ${at} does not fit`);
    }
    offsets[record] = at;
    const kind = (words[at >>> 2] ?? 0) & 0xffff;
    if (kind === RECORD.EVENT) {
      // Objects come in the order of their records.
      const event = batch.objects[events.length] as TraceEvent | undefined;
      if (!event) throw new Error(`trace chunk from ${source}: record ${record} names no object`);
      events.push({ seq: firstSeq + record, time: times[(at + AT.time) >>> 3] ?? 0, source, event });
    } else if (kind === RECORD.QUEUE) queues.push(at);
    at += length;
  }
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  return { source, firstSeq, records: batch.records, bytes, view, words, times, offsets, events, queues };
}

/** First index in `[0, length)` for which `before` is false; `before` is true up to there. */
export function lowerBound(length: number, before: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
