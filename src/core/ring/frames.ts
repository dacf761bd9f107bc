/**
 * A one-way queue of frames, and its doorbell: what device and host side send to each other.
 *
 * Between threads there are two implementations (src/protocol): `RingChannel` over a SharedArrayBuffer when
 * the page is cross-origin isolated, `TransferChannel` with batched transferables and credits otherwise.
 * In one thread (tests, benchmarks) a plain function will do.
 * A full channel refuses the frame; the sender counts it. Nothing is lost in silence.
 */

/** Consumes one frame. The bytes are only valid during the call. Must not throw. */
export type FrameSink = (id: number, bytes: Uint8Array, offset: number, length: number) => void;

export interface FrameSender {
  /** Queues a copy of `bytes[offset, offset + length)`. False if the channel is full: nothing was queued. */
  send(id: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Makes everything sent so far visible and rings the doorbell if the receiver sleeps. */
  flush(): void;
}

export interface FrameReceiver {
  /** `sink` gets each frame in order; `afterBatch` runs when a drain pauses (interrupts, flushes go there). */
  onFrames(sink: FrameSink, afterBatch: () => void): void;
}
