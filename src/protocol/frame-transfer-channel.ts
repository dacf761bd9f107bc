/**
 * The frame channel of a page without cross-origin isolation: batches of records in transferred buffers.
 *
 * The sender owns a fixed number of buffers; one that the receiver has emptied comes back and is the credit
 * for another batch. So memory is bounded, nothing is allocated per batch, and a receiver that falls behind
 * makes the channel full. A flush sends what there is, unless that would give away the last buffer: then it
 * waits for the next one to come back and meanwhile more is added to it. So a sender that flushes often
 * gets short batches while the receiver keeps up and long ones when it does not, and is never refused
 * because of small batches.
 *
 * Messages: a Batch to the receiver, the bare ArrayBuffer back. A buffer comes back only in a turn of the
 * sender's event loop; a thread that never yields finds the channel full in the end.
 */
import {
  type FrameMeta,
  type FrameReceiver,
  type FrameSender,
  type FrameSink,
  newFrameMeta,
  PLAIN_FRAME,
} from '../core/ring/frames.ts';
import {
  copyBytes,
  MAX_CHANNEL_FRAME_BYTES,
  readMeta,
  RECORD_HEADER_BYTES,
  recordBytes,
  writeMeta,
} from '../core/ring/record.ts';
import { PacedDrain, type DrainSource } from './paced-drain.ts';
import { newPortPair, type Port, type PortPair } from './port.ts';

/** Records lie in `[0, used)` of the buffer. */
interface Batch {
  readonly buffer: ArrayBuffer;
  readonly used: number;
}

export class TransferFrameSender implements FrameSender {
  readonly #port: Port;
  readonly #batches: number;
  readonly #batchBytes: number;
  /** Buffers at home, besides the one being filled. */
  readonly #spare: ArrayBuffer[];
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Uint32Array;
  #used = 0;
  #flushDue = false;

  /** @param batches number of buffers, at least 2  @param batchBytes size of each, a multiple of 8 */
  constructor(port: Port, batches: number, batchBytes: number) {
    if (batches < 2 || batchBytes % 8 !== 0) throw new RangeError(`no channel of ${batches} x ${batchBytes} bytes`);
    this.#port = port;
    this.#batches = batches;
    this.#batchBytes = batchBytes;
    this.#spare = Array.from({ length: batches - 1 }, () => new ArrayBuffer(batchBytes));
    this.#bytes = new Uint8Array(batchBytes);
    this.#words = new Uint32Array(this.#bytes.buffer);
    port.addEventListener('message', (event) => {
      this.#spare.push(event.data as ArrayBuffer);
      if (this.#flushDue) this.flush();
    });
    port.start();
  }

  send(
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta> = PLAIN_FRAME,
  ): boolean {
    const size = recordBytes(length);
    if (length > MAX_CHANNEL_FRAME_BYTES || size > this.#batchBytes) return false;
    if (this.#used + size > this.#batchBytes) {
      this.flush();
      if (this.#used > 0) return false;
    }
    const at = this.#used;
    this.#words[at >>> 2] = length;
    this.#words[(at >>> 2) + 1] = id;
    writeMeta(this.#words, at >>> 2, meta);
    copyBytes(bytes, offset, length, this.#bytes, at + RECORD_HEADER_BYTES);
    this.#used = at + size;
    return true;
  }

  flush(): void {
    if (this.#used === 0) return;
    const next = this.#spare.pop();
    this.#flushDue = next === undefined;
    if (next === undefined) return;
    const { buffer } = this.#bytes;
    const batch: Batch = { buffer, used: this.#used };
    this.#port.postMessage(batch, [buffer]);
    this.#bytes = new Uint8Array(next);
    this.#words = new Uint32Array(next);
    this.#used = 0;
  }

  roomy(): boolean {
    return 4 * this.#spare.length >= this.#batches;
  }

  close(): void {
    this.#port.close();
  }
}

/** Batches that have arrived, oldest first, and the place in the oldest. */
class ArrivedBatches implements DrainSource {
  readonly #giveBack: (buffer: ArrayBuffer) => void;
  readonly #batches: Batch[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  #words = new Uint32Array(0);
  #at = 0;
  readonly #meta = newFrameMeta();

  constructor(giveBack: (buffer: ArrayBuffer) => void) {
    this.#giveBack = giveBack;
  }

  add(batch: Batch): void {
    this.#batches.push(batch);
    if (this.#batches.length === 1) this.#open(batch);
  }

  read(sink: FrameSink, maxFrames: number, maxBytes: number): number {
    let frames = 0;
    let bytes = 0;
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#next()) {
      while (this.#at < batch.used) {
        if (frames >= maxFrames || bytes >= maxBytes) return frames;
        const at = this.#at;
        const length = this.#words[at >>> 2] as number;
        // Past the record before the sink sees it: should the sink throw, the channel goes on behind it.
        this.#at = at + recordBytes(length);
        const id = this.#words[(at >>> 2) + 1] as number;
        const meta = readMeta(this.#words, at >>> 2, this.#meta);
        if (sink(id, this.#bytes, at + RECORD_HEADER_BYTES, length, meta) === false) {
          this.#at = at;
          return frames;
        }
        frames++;
        bytes += length;
      }
    }
    return frames;
  }

  /** No doorbell is needed: a batch announces itself. */
  sleep(): boolean {
    return this.#batches.length === 0;
  }

  #next(): Batch | undefined {
    const done = this.#batches.shift();
    if (done !== undefined) this.#giveBack(done.buffer);
    const [batch] = this.#batches;
    if (batch !== undefined) this.#open(batch);
    return batch;
  }

  #open(batch: Batch): void {
    this.#bytes = new Uint8Array(batch.buffer);
    this.#words = new Uint32Array(batch.buffer);
    this.#at = 0;
  }
}

export class TransferFrameReceiver implements FrameReceiver {
  readonly #port: Port;
  readonly #turn: PortPair;
  #drain: PacedDrain | undefined;

  /** @param turn carries this thread's messages to itself */
  constructor(port: Port, turn: PortPair = newPortPair()) {
    this.#port = port;
    this.#turn = turn;
  }

  /** To be called once. Frames that were sent before are delivered too, never within this call. */
  onFrames(sink: FrameSink, afterBatch: () => void): void {
    if (this.#drain !== undefined) throw new Error('a frame channel has one sink');
    const arrived = new ArrivedBatches((buffer) => {
      this.#port.postMessage(buffer, [buffer]);
    });
    const drain = new PacedDrain(arrived, this.#turn, sink, afterBatch);
    this.#drain = drain;
    this.#port.addEventListener('message', (event) => {
      arrived.add(event.data as Batch);
      drain.wake();
    });
    this.#port.start();
  }

  poll(): void {
    this.#drain?.poll();
  }

  /** Batches are messages: a thread that waits takes none. */
  doze(): boolean {
    return false;
  }

  rest(): void {
    this.#drain?.rest();
  }

  close(): void {
    this.#drain?.close();
    this.#port.close();
  }
}
