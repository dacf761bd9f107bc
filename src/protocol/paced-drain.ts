/**
 * How a receiver empties its channel without holding its thread: a bounded batch per turn of the event
 * loop, and between two batches a message to itself. Timers would not do: browsers hold nested ones back
 * for 4 ms. What else the thread has to do (a kick, a request, a timer) gets its turn between batches.
 *
 * A thread that has moments of its own for this polls instead: then nothing is posted, neither by the sender nor
 * to itself, until it says that it rests.
 */
import type { FrameSink } from '../core/ring/frames.ts';
import type { PortPair } from './port.ts';

/** A batch ends at whichever is reached first; the frame that reaches the limit in bytes is still in it. */
export const BATCH_FRAMES = 512;
export const BATCH_BYTES = 256 * 1024;

export interface DrainSource {
  /** Hands over at most so much, or up to the frame that the sink refuses; returns the number of frames taken. */
  read(sink: FrameSink, maxFrames: number, maxBytes: number): number;
  /** True: empty, and a `wake` will follow when that changes. False: there is more to read. */
  sleep(): boolean;
}

export class PacedDrain {
  readonly #source: DrainSource;
  readonly #turn: PortPair;
  readonly #sink: FrameSink;
  readonly #afterBatch: () => void;
  #resuming = false;
  #polled = false;

  constructor(source: DrainSource, turn: PortPair, sink: FrameSink, afterBatch: () => void) {
    this.#source = source;
    this.#turn = turn;
    this.#sink = sink;
    this.#afterBatch = afterBatch;
    turn.port2.addEventListener('message', () => {
      this.#resuming = false;
      this.#batch();
    });
    turn.port2.start();
  }

  /** Lets a batch run in the next turn: the first one, for what was sent before anybody listened, or another. */
  resume(): void {
    this.#resuming = true;
    this.#turn.port1.postMessage(0, []);
  }

  /** There may be something to read. While the next batch is due anyway, this is nothing new. */
  wake(): void {
    if (!this.#resuming) this.#batch();
  }

  poll(): void {
    this.#polled = true;
    this.#batch();
  }

  rest(): void {
    this.#polled = false;
    this.#sleep();
  }

  close(): void {
    this.#turn.port1.close();
    this.#turn.port2.close();
  }

  #batch(): void {
    try {
      if (this.#source.read(this.#sink, BATCH_FRAMES, BATCH_BYTES) > 0) this.#afterBatch();
    } finally {
      // Also after a sink that threw, against its contract: one frame is lost then, not the channel.
      this.#sleep();
    }
  }

  /** Until there is more to read: then another batch is due, or the sender will ring. */
  #sleep(): void {
    if (!this.#polled && !this.#resuming && !this.#source.sleep()) this.resume();
  }
}
