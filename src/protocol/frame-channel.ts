/**
 * Opening a frame channel. Whoever spawns the workers opens it and hands each worker its end; the end is
 * plain data, to be posted with its port in the transfer list. The worker turns it into a sender or a
 * receiver and needs not know which of the two implementations it has.
 *
 *     const { sender, receiver } = openFrameChannel(new MessageChannel(), { shared: crossOriginIsolated });
 *     worker.postMessage({ toGuest: sender }, [sender.port]);
 *     ...
 *     const toGuest = frameSender(message.toGuest);
 */
import type { FrameReceiver, FrameSender } from '../core/ring/frames.ts';
import { createRingStorage, longestRecord } from '../core/ring/record-ring.ts';
import { MAX_CHANNEL_FRAME_BYTES, recordBytes } from '../core/ring/record.ts';
import { RingFrameReceiver, RingFrameSender } from './frame-ring-channel.ts';
import { TransferFrameReceiver, TransferFrameSender } from './frame-transfer-channel.ts';
import type { Port, PortPair } from './port.ts';

/** What a channel holds at most, if not said otherwise: some 1300 frames of 1514 bytes. */
export const DEFAULT_CHANNEL_BYTES = 2 * 1024 * 1024;

const BATCHES = 8;

export interface RingEnd<P extends Port = Port> {
  readonly kind: 'ring';
  readonly port: P;
  readonly storage: SharedArrayBuffer;
}

export interface TransferEnd<P extends Port = Port> {
  readonly kind: 'transfer';
  readonly port: P;
  readonly batches: number;
  readonly batchBytes: number;
}

/** One side of a channel on its way to the thread that will use it. */
export type FrameEnd<P extends Port = Port> = RingEnd<P> | TransferEnd<P>;

export interface FrameChannelOptions {
  /** True where a SharedArrayBuffer can be posted to a worker: on a cross-origin isolated page, or in Node. */
  readonly shared: boolean;
  /** A power of two, large enough that the longest frame always fits an empty channel. */
  readonly bytes?: number;
}

export function openFrameChannel<P extends Port>(
  ports: PortPair<P>,
  options: FrameChannelOptions,
): { readonly sender: FrameEnd<P>; readonly receiver: FrameEnd<P> } {
  const { shared, bytes = DEFAULT_CHANNEL_BYTES } = options;
  const longest = shared ? longestRecord(bytes) : bytes / BATCHES - recordBytes(0);
  if (longest < MAX_CHANNEL_FRAME_BYTES)
    throw new RangeError(`a channel of ${bytes} bytes is too small for the longest frame`);
  const ends = (end: (port: P) => FrameEnd<P>) => ({ sender: end(ports.port1), receiver: end(ports.port2) });
  if (!shared) return ends((port) => ({ kind: 'transfer', port, batches: BATCHES, batchBytes: bytes / BATCHES }));
  const storage = createRingStorage(bytes);
  return ends((port) => ({ kind: 'ring', port, storage }));
}

export interface ClosableFrameSender extends FrameSender {
  /** At least a quarter of the channel is free, as far as can be seen from here. */
  roomy(): boolean;
  close(): void;
}

export interface ClosableFrameReceiver extends FrameReceiver {
  close(): void;
}

export function frameSender(end: FrameEnd): ClosableFrameSender {
  return end.kind === 'ring'
    ? new RingFrameSender(end.storage, end.port)
    : new TransferFrameSender(end.port, end.batches, end.batchBytes);
}

/** @param turn see PacedDrain; tests give their own */
export function frameReceiver(end: FrameEnd, turn?: PortPair): ClosableFrameReceiver {
  return end.kind === 'ring'
    ? new RingFrameReceiver(end.storage, end.port, turn)
    : new TransferFrameReceiver(end.port, turn);
}
