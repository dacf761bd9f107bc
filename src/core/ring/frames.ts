/**
 * A one-way queue of frames, and its doorbell: what device and host side send to each other.
 *
 * Between threads there are two implementations (src/protocol): `RingChannel` over a SharedArrayBuffer when
 * the page is cross-origin isolated, `TransferChannel` with batched transferables and credits otherwise.
 * In one thread (tests, benchmarks) a plain function will do.
 * A full channel refuses the frame; the sender counts it. Nothing is lost in silence.
 */

/**
 * What travels with a frame, in the words of `struct virtio_net_hdr`. All zero and `NO_PAIR`: a complete frame
 * with nothing left to do. One object serves a channel for ever; copy what must outlive the call.
 */
export interface FrameMeta {
  /** VIRTIO_NET_HDR_F_*: NEEDS_CSUM 1, DATA_VALID 2. */
  flags: number;
  /** VIRTIO_NET_HDR_GSO_*: NONE 0, TCPV4 1, UDP 3, TCPV6 4, UDP_L4 5; ECN 0x80. */
  gsoType: number;
  hdrLen: number;
  /** Payload bytes of each segment. */
  gsoSize: number;
  csumStart: number;
  csumOffset: number;
  /**
   * Queue pair. Towards the guest: the one that the host chose, or NO_PAIR and the device chooses. From it: the one
   * that it was sent on; NO_PAIR says the first.
   */
  pair: number;
}

export const NO_PAIR = 0xffff;

export function newFrameMeta(): FrameMeta {
  return { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: NO_PAIR };
}

/** For frames with nothing to say. */
export const PLAIN_FRAME: Readonly<FrameMeta> = Object.freeze(newFrameMeta());

/**
 * Consumes one frame. Bytes and meta are only valid during the call. Must not throw. `false` says that the frame
 * cannot be taken now: it stays in the channel with those behind it, and is handed over again. Any other value is
 * without meaning.
 */
export type FrameSink = (
  id: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
) => unknown;

/**
 * Takes one frame from whoever sends it, as it is, with what is still to be done to it. Bytes and meta are only valid
 * during the call. Must not throw.
 */
export type Wire = (bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>) => void;

export interface FrameSender {
  /**
   * Queues a copy of `bytes[offset, offset + length)` and of `meta` (PLAIN_FRAME if absent). False if the channel
   * is full: nothing was queued.
   */
  send(id: number, bytes: Uint8Array, offset: number, length: number, meta?: Readonly<FrameMeta>): boolean;
  /** Makes everything sent so far visible and rings the doorbell if the receiver sleeps. */
  flush(): void;
}

export interface FrameReceiver {
  /** `sink` gets each frame in order; `afterBatch` runs when a drain pauses (interrupts, flushes go there). */
  onFrames(sink: FrameSink, afterBatch: () => void): void;
  /**
   * Hands over what is there, a batch at most, now and without being asked. From then on the sender need not ring:
   * whoever polls promises to go on, or to say `rest`.
   */
  poll(): void;
  /**
   * Whoever polls has nothing else to do for so many milliseconds: holds the thread until there is a frame, or that
   * long. False, at once, if that cannot be: there is one already, or this channel has nothing to wait at.
   */
  doze(milliseconds: number): boolean;
  /** Nobody polls any more: the sender has to ring again. */
  rest(): void;
}
