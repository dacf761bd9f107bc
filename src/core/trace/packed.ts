/**
 * Packed records: the facts that happen at frame rate.
 *
 * Little-endian, 8-byte aligned, self-delimiting. A thread appends records to a chunk; when the chunk is
 * full or a flush is due, the chunk is transferred to the page, where the chunks themselves are the log.
 * So a fact is written once, never copied, and costs no allocation but one chunk per some thousand facts.
 * Transfer needs no shared memory, hence one mechanism serves pages with and without cross-origin isolation.
 *
 *     every record:   kind u16 | captured u16 | length u32 | time f64 | id u32 | wire u32           24 bytes
 *     FRAME_RX     +  generation u32 | active u8 | models u8 | fate u16 | verdict u16 x 8
 *                     | flags u8 | gso_type u8 | gso_size u16 | 0 u32                             32
 *     FRAME_FATE   +  fate u16 | queue u16 | head u16 | buffers u16 | used u32 | 0 u32              16
 *     FRAME_TX     +  queue u16 | head u16 | flags u8 | gso_type u8 | gso_size u16                  8
 *     NOTIFY       +  queue u16 | avail idx u16 | 0 u32                                              8
 *     INTERRUPT    +  queue u16 | used idx u16 | 0 u32                                               8
 *     EVENT           id = index into the batch's objects
 *
 * `captured` frame bytes follow FRAME_RX and FRAME_TX, padded to 8; `wire` is the frame's length in bytes. Flags,
 * gso_type and gso_size are those of `struct virtio_net_hdr`: what was left to do with the frame at that point.
 * Frame ids are unique over both directions: even towards the guest, odd from it.
 */
import { type FrameMeta, PLAIN_FRAME } from '../ring/frames.ts';

export const RECORD = {
  EVENT: 0,
  FRAME_RX: 1,
  FRAME_FATE: 2,
  FRAME_TX: 3,
  NOTIFY: 4,
  INTERRUPT: 5,
} as const;

export const RECORD_HEADER_SIZE = 24;
export const FRAME_RX_SIZE = 56;
export const FRAME_FATE_SIZE = 40;
export const FRAME_TX_SIZE = 32;
export const QUEUE_RECORD_SIZE = 32;
export const MAX_MODELS = 8;

/** Field offsets within a record, in bytes. */
export const AT = {
  kind: 0,
  captured: 2,
  length: 4,
  time: 8,
  id: 16,
  wire: 20,
  rxGeneration: 24,
  rxActive: 28,
  rxModels: 29,
  rxFate: 30,
  rxVerdicts: 32,
  rxFlags: 48,
  rxGso: 49,
  rxGsoSize: 50,
  fateCode: 24,
  fateQueue: 26,
  fateHead: 28,
  fateBuffers: 30,
  fateUsed: 32,
  txQueue: 24,
  txHead: 26,
  txFlags: 28,
  txGso: 29,
  txGsoSize: 30,
  queueIndex: 24,
  queuePosition: 26,
} as const;

/** One transfer from a thread to the page. */
export interface TraceBatch {
  /** Records lie in `[0, used)`. The buffer is transferred. */
  readonly chunk: ArrayBuffer;
  readonly used: number;
  readonly records: number;
  /** Objects named by EVENT records, in order. */
  readonly objects: readonly unknown[];
}

const DEFAULT_CHUNK_BYTES = 256 * 1024;

/**
 * Writer of one thread. Not shared, not re-entrant. `ship` receives each full or flushed chunk and must
 * transfer or keep it; the writer never touches it again.
 */
export class PackedWriter {
  readonly #ship: (batch: TraceBatch) => void;
  readonly #now: () => number;
  readonly #chunkBytes: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #used = 0;
  #records = 0;
  #objects: unknown[] = [];
  /** Bytes of each frame that are kept in the record; 0 keeps none. */
  snapLength = 256;

  /** @param now nanoseconds since the lab was opened */
  constructor(ship: (batch: TraceBatch) => void, now: () => number, chunkBytes = DEFAULT_CHUNK_BYTES) {
    this.#ship = ship;
    this.#now = now;
    this.#chunkBytes = chunkBytes;
    this.#bytes = new Uint8Array(chunkBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Sends what is there. Cheap when there is nothing. */
  flush(): void {
    if (this.#records === 0) return;
    const full = this.#used > this.#chunkBytes / 4;
    const batch: TraceBatch = {
      // A page at rest flushes a few records at a time: those are cut out, and the chunk is used again.
      chunk: full ? this.#bytes.buffer : this.#bytes.buffer.slice(0, this.#used),
      used: this.#used,
      records: this.#records,
      objects: this.#objects,
    };
    if (full) {
      this.#bytes = new Uint8Array(this.#chunkBytes);
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#used = 0;
    this.#records = 0;
    this.#objects = [];
    this.#ship(batch);
  }

  /** Appends a control-rate object. */
  event(object: unknown): void {
    // A full chunk leaves with its objects when the record begins, so the index is only known after it.
    const at = this.#begin(RECORD.EVENT, RECORD_HEADER_SIZE, 0, 0);
    this.#view.setUint32(at + AT.id, this.#objects.length, true);
    this.#objects.push(object);
  }

  /**
   * A frame towards the guest was judged. `verdicts` holds one code per model in HOST_MODEL_IDS order;
   * `fate` is 0 (pending) if it goes on to the device, else the code of its final fate.
   */
  frameRx(
    id: number,
    frame: Uint8Array,
    offset: number,
    length: number,
    generation: number,
    active: number,
    verdicts: Uint16Array,
    models: number,
    fate: number,
    meta: Readonly<FrameMeta> = PLAIN_FRAME,
  ): void {
    const captured = Math.min(length, this.snapLength);
    const at = this.#begin(RECORD.FRAME_RX, FRAME_RX_SIZE, id, length, captured);
    const view = this.#view;
    view.setUint32(at + AT.rxGeneration, generation, true);
    view.setUint8(at + AT.rxActive, active);
    view.setUint8(at + AT.rxModels, models);
    view.setUint16(at + AT.rxFate, fate, true);
    for (let model = 0; model < models; model++) {
      view.setUint16(at + AT.rxVerdicts + 2 * model, verdicts[model] ?? 0, true);
    }
    view.setUint8(at + AT.rxFlags, meta.flags);
    view.setUint8(at + AT.rxGso, meta.gsoType);
    view.setUint16(at + AT.rxGsoSize, meta.gsoSize, true);
    view.setUint32(at + AT.rxGsoSize + 2, 0, true);
    this.#capture(at + FRAME_RX_SIZE, frame, offset, captured);
  }

  /** The final fate of a frame that was pending. `used` is the length in the used ring, bytes. */
  frameFate(id: number, fate: number, queue: number, head: number, buffers: number, used: number): void {
    const at = this.#begin(RECORD.FRAME_FATE, FRAME_FATE_SIZE, id, 0);
    const view = this.#view;
    view.setUint16(at + AT.fateCode, fate, true);
    view.setUint16(at + AT.fateQueue, queue, true);
    view.setUint16(at + AT.fateHead, head, true);
    view.setUint16(at + AT.fateBuffers, buffers, true);
    view.setUint32(at + AT.fateUsed, used, true);
    view.setUint32(at + AT.fateUsed + 4, 0, true);
  }

  /** A frame from the guest left the device. */
  frameTx(
    id: number,
    frame: Uint8Array,
    offset: number,
    length: number,
    queue: number,
    head: number,
    flags: number,
    gsoType: number,
    gsoSize = 0,
  ): void {
    const captured = Math.min(length, this.snapLength);
    const at = this.#begin(RECORD.FRAME_TX, FRAME_TX_SIZE, id, length, captured);
    const view = this.#view;
    view.setUint16(at + AT.txQueue, queue, true);
    view.setUint16(at + AT.txHead, head, true);
    view.setUint8(at + AT.txFlags, flags);
    view.setUint8(at + AT.txGso, gsoType);
    view.setUint16(at + AT.txGsoSize, gsoSize, true);
    this.#capture(at + FRAME_TX_SIZE, frame, offset, captured);
  }

  /** The driver kicked a queue; `position` is the available index seen. */
  notify(queue: number, position: number): void {
    this.#queueRecord(RECORD.NOTIFY, queue, position);
  }

  /** The device interrupted for a queue; `position` is the used index published. */
  interrupt(queue: number, position: number): void {
    this.#queueRecord(RECORD.INTERRUPT, queue, position);
  }

  #queueRecord(kind: number, queue: number, position: number): void {
    const at = this.#begin(kind, QUEUE_RECORD_SIZE, 0, 0);
    this.#view.setUint16(at + AT.queueIndex, queue, true);
    this.#view.setUint16(at + AT.queuePosition, position, true);
    this.#view.setUint32(at + AT.queuePosition + 2, 0, true);
  }

  #begin(kind: number, size: number, id: number, wire: number, captured = 0): number {
    const length = (size + captured + 7) & ~7;
    if (this.#used + length > this.#chunkBytes) this.flush();
    const at = this.#used;
    const view = this.#view;
    view.setUint16(at + AT.kind, kind, true);
    view.setUint16(at + AT.captured, captured, true);
    view.setUint32(at + AT.length, length, true);
    view.setFloat64(at + AT.time, this.#now(), true);
    view.setUint32(at + AT.id, id, true);
    view.setUint32(at + AT.wire, wire, true);
    this.#used += length;
    this.#records++;
    return at;
  }

  #capture(at: number, frame: Uint8Array, offset: number, captured: number): void {
    // Small frames are most frames: a loop beats the subarray object that `set` would need.
    const bytes = this.#bytes;
    if (captured <= 128) {
      for (let i = 0; i < captured; i++) bytes[at + i] = frame[offset + i] ?? 0;
    } else {
      bytes.set(frame.subarray(offset, offset + captured), at);
    }
  }
}
