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
 *     FRAME_FATE   +  fate u16 | queue u16 | head u16 | buffers u16                                  8
 *     FRAME_TX     +  queue u16 | head u16 | flags u8 | gso_type u8 | gso_size u16                  8
 *     QUEUE        +  kicks u32 | interrupts u32 | avail idx u16 | used idx u16 | 0 u32              16
 *     EVENT           id = index into the batch's objects
 *     UNRECORDED      id = frames towards the guest, wire = frames from it
 *
 * `captured` frame bytes follow FRAME_RX and FRAME_TX, padded to 8; `wire` is the frame's length in bytes, and of
 * FRAME_FATE the length in the used ring. Flags, gso_type and gso_size are those of `struct virtio_net_hdr`: what
 * was left to do with the frame at that point. Of QUEUE the id is the queue: so many kicks and interrupts since
 * the queue's last record, and where the ring stood at the last of each.
 *
 * Frame ids are unique over both directions: even towards the guest, odd from it. Id 0 is a frame that nobody
 * recorded, so that its fate is not recorded either.
 */
import { type FrameMeta, PLAIN_FRAME } from '../ring/frames.ts';

export const RECORD = {
  EVENT: 0,
  FRAME_RX: 1,
  FRAME_FATE: 2,
  FRAME_TX: 3,
  QUEUE: 4,
  UNRECORDED: 5,
} as const;

export const RECORD_HEADER_SIZE = 24;
export const FRAME_RX_SIZE = 56;
export const FRAME_FATE_SIZE = 32;
export const FRAME_TX_SIZE = 32;
export const QUEUE_SIZE = 40;
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
  fateUsed: 20,
  fateCode: 24,
  fateQueue: 26,
  fateHead: 28,
  fateBuffers: 30,
  txQueue: 24,
  txHead: 26,
  txFlags: 28,
  txGso: 29,
  txGsoSize: 30,
  queueKicks: 24,
  queueInterrupts: 28,
  queueAvail: 32,
  queueUsed: 34,
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
      this.#bytes = new Uint8Array(this.#chunkBytes);
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
