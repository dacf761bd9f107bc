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
