/**
 * Who writes packed records (`packed-format.ts`): one per thread. What it costs is bounded by what a frame may cost, so
 * records are written with aligned stores, the clock is read once for many, and what happens more often than frames do
 * (kicks, interrupts) is only counted.
 */
import { type FrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import {
  AT,
  FRAME_FATE_SIZE,
  FRAME_RX_SIZE,
  FRAME_TX_SIZE,
  MAX_MODELS,
  QUEUE_SIZE,
  RECORD,
  RECORD_HEADER_SIZE,
  type TraceBatch,
} from './packed-format.ts';

/** Readers and writers take the format from here. */
export {
  AT,
  FRAME_FATE_SIZE,
  FRAME_RX_SIZE,
  FRAME_TX_SIZE,
  MAX_MODELS,
  QUEUE_SIZE,
  RECORD,
  RECORD_HEADER_SIZE,
  type TraceBatch,
} from './packed-format.ts';

const DEFAULT_CHUNK_BYTES = 256 * 1024;
/**
 * A clock that browsers keep honest is dear: half a microsecond is usual on virtual machines, as much as three records.
 * So it is read once for so many records, and at the first one after `endBatch`.
 */
const RECORDS_PER_READING = 16;
/** ... and when the thread has got so far since. For v86 these are instructions: some 50 microseconds. */
const PROGRESS_STEP = 8192;
/** Numbers of queues are below. */
const MAX_QUEUES = 256;
/** Flushes that find nothing but counts, and put them off: a quarter of a second, if they come every 16 ms. */
const FLUSHES_PUT_OFF = 16;

/** Chunks kept for reuse: more than are under way to the page and back. */
const MOST_SPARE = 16;

const NO_PROGRESS = (): number => 0;

/**
 * Writer of one thread. Not shared, not re-entrant. `ship` receives each full or flushed chunk and must
 * transfer or keep it; the writer never touches it again.
 */
export class PackedWriter {
  readonly #ship: (batch: TraceBatch) => void;
  readonly #now: () => number;
  readonly #progress: () => number;
  readonly #chunkBytes: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes. Aligned stores into typed arrays cost half of what a DataView's do. */
  #words: Uint32Array<ArrayBuffer>;
  #times: Float64Array<ArrayBuffer>;
  readonly #spare: ArrayBuffer[] = [];
  #used = 0;
  #records = 0;
  #objects: unknown[] = [];

  #time = 0;
  #recordsToReading = 0;
  #progressAtReading = 0;

  /** Frames that were not recorded since this was last told. */
  #unrecordedToGuest = 0;
  #unrecordedFromGuest = 0;
  /** Of each queue since its last record: kicks, available index, interrupts, used index. */
  readonly #queues = new Uint32Array(4 * MAX_QUEUES);
  /** Numbers of the queues that have something to tell. */
  readonly #busy = new Uint8Array(MAX_QUEUES);
  #busyEnd = 0;
  #flushesPutOff = 0;

  /** Whose bytes `#source` shows, and whose were captured last. */
  #sourceOf: Uint8Array | null = null;
  #source: DataView = new DataView(new ArrayBuffer(0));
  #lastFrame: Uint8Array | null = null;

  /** Frames are recorded. Otherwise they are only counted; events, fates and queues are recorded all the same. */
  recording = true;
  /** Bytes of each frame that are kept in the record; 0 keeps none. */
  snapLength = 256;

  /**
   * @param now nanoseconds since the lab was opened; never goes back
   * @param chunkBytes a multiple of 8
   * @param progress how far the thread has got, 32 bits: cheap to read, and grows while time passes. For a thread that
   * does not call `endBatch` whenever it has been busy with something else.
   */
  constructor(
    ship: (batch: TraceBatch) => void,
    now: () => number,
    chunkBytes = DEFAULT_CHUNK_BYTES,
    progress: () => number = NO_PROGRESS,
  ) {
    this.#ship = ship;
    this.#now = now;
    this.#progress = progress;
    this.#chunkBytes = chunkBytes;
    this.#bytes = new Uint8Array(chunkBytes);
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#times = new Float64Array(this.#bytes.buffer);
  }

  /** Records the frames of `action`, whatever is the rule otherwise. */
  always<T>(action: () => T): T {
    const before = this.recording;
    this.recording = true;
    try {
      return action();
    } finally {
      this.recording = before;
    }
  }

  /**
   * What belongs together has been recorded: the next record reads the clock. Whoever does not call it where a thread goes to rest
   * gets times that may be late by the rest.
   */
  endBatch(): void {
    this.#recordsToReading = 0;
  }

  /** Sends what is there. Cheap when there is nothing; counts alone may wait for some flushes. */
  flush(): void {
    this.endBatch();
    const counts = this.#busyEnd + this.#unrecordedToGuest + this.#unrecordedFromGuest > 0;
    if (counts && (this.#records > 0 || this.recording || ++this.#flushesPutOff > FLUSHES_PUT_OFF)) {
      this.#flushesPutOff = 0;
      this.#tellCounts();
    }
    this.#send();
  }

  /**
   * Takes a chunk back that nobody reads any more. Memory that is new has to be mapped and cleared by the system page by
   * page, which costs several times what writing the records does.
   */
  reuse(chunk: ArrayBuffer): void {
    if (chunk.byteLength === this.#chunkBytes && this.#spare.length < MOST_SPARE) this.#spare.push(chunk);
  }

  /** Appends a control-rate object. */
  event(object: unknown): void {
    this.endBatch();
    // A full chunk leaves with its objects when the record begins, so the index is only known after it.
    const at = this.#begin(RECORD.EVENT, RECORD_HEADER_SIZE, 0, 0, 0);
    this.#words[(at + AT.id) >>> 2] = this.#objects.length;
    this.#objects.push(object);
  }

  /**
   * A frame towards the guest was judged. `verdicts` holds one code per model in HOST_MODEL_IDS order;
   * `fate` is 0 (pending) if it goes on to the device, else the code of its final fate. Of id 0 it is only counted
   * that it was.
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
    if (id === 0) {
      this.#unrecordedToGuest++;
      return;
    }
    const captured = Math.min(length, this.snapLength);
    const at = this.#begin(RECORD.FRAME_RX, FRAME_RX_SIZE, id, length, captured);
    const words = this.#words;
    const word = at >>> 2;
    words[word + AT.rxGeneration / 4] = generation;
    words[word + AT.rxActive / 4] = active | (models << 8) | (fate << 16);
    for (let pair = 0; pair < MAX_MODELS / 2; pair++) {
      const model = 2 * pair;
      const low = model < models ? (verdicts[model] ?? 0) : 0;
      const high = model + 1 < models ? (verdicts[model + 1] ?? 0) : 0;
      words[word + AT.rxVerdicts / 4 + pair] = low | (high << 16);
    }
    words[word + AT.rxFlags / 4] = meta.flags | (meta.gsoType << 8) | (meta.gsoSize << 16);
    words[word + AT.rxFlags / 4 + 1] = 0;
    this.#capture(at + FRAME_RX_SIZE, frame, offset, captured);
  }

  /** The final fate of a frame that was pending. `used` is the length in the used ring, bytes. */
  frameFate(id: number, fate: number, queue: number, head: number, buffers: number, used: number): void {
    if (id === 0) return;
    const at = this.#begin(RECORD.FRAME_FATE, FRAME_FATE_SIZE, id, used, 0);
    const word = at >>> 2;
    this.#words[word + AT.fateCode / 4] = fate | (queue << 16);
    this.#words[word + AT.fateHead / 4] = head | (buffers << 16);
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
    if (!this.recording) {
      this.#unrecordedFromGuest++;
      return;
    }
    const captured = Math.min(length, this.snapLength);
    const at = this.#begin(RECORD.FRAME_TX, FRAME_TX_SIZE, id, length, captured);
    const word = at >>> 2;
    this.#words[word + AT.txQueue / 4] = queue | (head << 16);
    this.#words[word + AT.txFlags / 4] = flags | (gsoType << 8) | (gsoSize << 16);
    this.#capture(at + FRAME_TX_SIZE, frame, offset, captured);
  }

  /** The driver kicked a queue; `position` is the available index seen. */
  notify(queue: number, position: number): void {
    this.#count(queue, 0, position);
  }

  /** The device interrupted for a queue; `position` is the used index published. */
  interrupt(queue: number, position: number): void {
    this.#count(queue, 2, position);
  }

  #count(queue: number, at: 0 | 2, position: number): void {
    const queues = this.#queues;
    const first = 4 * queue;
    if (queues[first] === 0 && queues[first + 2] === 0) this.#busy[this.#busyEnd++] = queue;
    queues[first + at] = (queues[first + at] ?? 0) + 1;
    queues[first + at + 1] = position;
  }

  #tellCounts(): void {
    const queues = this.#queues;
    for (let index = 0; index < this.#busyEnd; index++) {
      const queue = this.#busy[index] ?? 0;
      const first = 4 * queue;
      const at = this.#begin(RECORD.QUEUE, QUEUE_SIZE, queue, 0, 0);
      const word = at >>> 2;
      const words = this.#words;
      words[word + AT.queueKicks / 4] = queues[first] ?? 0;
      words[word + AT.queueInterrupts / 4] = queues[first + 2] ?? 0;
      words[word + AT.queueAvail / 4] = ((queues[first + 1] ?? 0) & 0xffff) | ((queues[first + 3] ?? 0) << 16);
      words[word + AT.queueAvail / 4 + 1] = 0;
      queues[first] = 0;
      queues[first + 2] = 0;
    }
    this.#busyEnd = 0;
    if (this.#unrecordedToGuest + this.#unrecordedFromGuest === 0) return;
    this.#begin(RECORD.UNRECORDED, RECORD_HEADER_SIZE, this.#unrecordedToGuest, this.#unrecordedFromGuest, 0);
    this.#unrecordedToGuest = 0;
    this.#unrecordedFromGuest = 0;
  }

  #begin(kind: number, size: number, id: number, wire: number, captured: number): number {
    const length = (size + captured + 7) & ~7;
    if (this.#used + length > this.#chunkBytes) this.#send();
    const at = this.#used;
    const words = this.#words;
    const word = at >>> 2;
    words[word] = kind | (captured << 16);
    words[word + AT.length / 4] = length;
    this.#times[(at + AT.time) >>> 3] = this.#clock();
    words[word + AT.id / 4] = id;
    words[word + AT.wire / 4] = wire;
    this.#used = at + length;
    this.#records++;
    return at;
  }

  #clock(): number {
    const progress = this.#progress();
    if (--this.#recordsToReading < 0 || (progress - this.#progressAtReading) >>> 0 > PROGRESS_STEP) {
      this.#recordsToReading = RECORDS_PER_READING - 1;
      this.#progressAtReading = progress;
      this.#time = this.#now();
    }
    return this.#time;
  }

  #send(): void {
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
      this.#bytes = new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(this.#chunkBytes));
      this.#words = new Uint32Array(this.#bytes.buffer);
      this.#times = new Float64Array(this.#bytes.buffer);
    }
    this.#used = 0;
    this.#records = 0;
    this.#objects = [];
    this.#ship(batch);
  }

  #capture(at: number, frame: Uint8Array, offset: number, captured: number): void {
    const words = this.#words;
    const whole = captured & ~3;
    let word = at >>> 2;
    let from = offset;
    const end = offset + whole;
    if (this.#showsSource(frame)) {
      const source = this.#source;
      for (; from < end; from += 4) words[word++] = source.getUint32(from, true);
    } else {
      for (; from < end; from += 4) {
        words[word++] =
          (frame[from] ?? 0) |
          ((frame[from + 1] ?? 0) << 8) |
          ((frame[from + 2] ?? 0) << 16) |
          ((frame[from + 3] ?? 0) << 24);
      }
    }
    const bytes = this.#bytes;
    for (let i = whole; i < captured; i++) bytes[at + i] = frame[offset + i] ?? 0;
  }

  /**
   * Most frames lie in one buffer, that of a channel or of the device: a view of it is made when a second frame in a row comes from
   * there, and lasts. Frames that each lie in an array of their own get none, since it would be one each.
   */
  #showsSource(frame: Uint8Array): boolean {
    if (frame === this.#sourceOf) return true;
    if (frame !== this.#lastFrame) {
      this.#lastFrame = frame;
      return false;
    }
    this.#sourceOf = frame;
    this.#source = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    return true;
  }
}
