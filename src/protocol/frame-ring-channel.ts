/**
 * The frame channel of a cross-origin isolated page: records in shared memory, and a port for the doorbell.
 *
 * One copy in, none out. A message is posted only when the receiver sleeps (see src/core/ring/record-ring.ts),
 * so a receiver that is busy, or dozes, costs its sender no message at all.
 */
import type { FrameMeta, FrameReceiver, FrameSender, FrameSink } from '../core/ring/frames.ts';
import { RingConsumer, RingProducer } from '../core/ring/record-ring.ts';
import { MAX_CHANNEL_FRAME_BYTES } from '../core/ring/record.ts';
import { PacedDrain } from './paced-drain.ts';
import { newPortPair, type Port, type PortPair } from './port.ts';

export class RingFrameSender implements FrameSender {
  readonly #ring: RingProducer;
  readonly #port: Port;

  constructor(storage: SharedArrayBuffer, port: Port) {
    this.#ring = new RingProducer(storage);
    this.#port = port;
  }

  send(id: number, bytes: Uint8Array, offset: number, length: number, meta?: Readonly<FrameMeta>): boolean {
    if (length <= MAX_CHANNEL_FRAME_BYTES && this.#ring.push(id, bytes, offset, length, meta)) return true;
    // A sender that flushes only at the end must not wait for a receiver that was told of nothing.
    this.flush();
    return false;
  }

  flush(): void {
    if (this.#ring.publish()) this.#port.postMessage(0, []);
  }

  roomy(): boolean {
    return this.#ring.roomy();
  }

  close(): void {
    this.#port.close();
  }
}

export class RingFrameReceiver implements FrameReceiver {
  readonly #ring: RingConsumer;
  readonly #port: Port;
  readonly #turn: PortPair;
  #drain: PacedDrain | undefined;

  /** @param turn carries this thread's messages to itself */
  constructor(storage: SharedArrayBuffer, port: Port, turn: PortPair = newPortPair()) {
    this.#ring = new RingConsumer(storage);
    this.#port = port;
    this.#turn = turn;
  }

  /** To be called once. Frames that were sent before are delivered too, never within this call. */
  onFrames(sink: FrameSink, afterBatch: () => void): void {
    if (this.#drain !== undefined) throw new Error('a frame channel has one sink');
    const drain = new PacedDrain(this.#ring, this.#turn, sink, afterBatch);
    this.#drain = drain;
    this.#port.addEventListener('message', () => {
      drain.wake();
    });
    this.#port.start();
    drain.resume();
  }

  poll(): void {
    this.#drain?.poll();
  }

  doze(milliseconds: number): boolean {
    return this.#ring.doze(milliseconds);
  }

  rest(): void {
    this.#drain?.rest();
  }

  close(): void {
    this.#drain?.close();
    this.#port.close();
  }
}
