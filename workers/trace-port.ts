/** How a worker's trace reaches the page: one writer, its clock, and a port that carries the batches. */
import { PackedWriter, type TraceBatch } from '../src/core/trace/packed.ts';
import type { Emit } from '../src/core/trace/event.ts';
import { EventGate } from './event-gate.ts';

/** Records wait at most this long before they are sent, in milliseconds: one frame of a display. */
const FLUSH_INTERVAL = 16;

export interface WorkerTrace {
  readonly writer: PackedWriter;
  readonly emit: Emit;
  /** Nanoseconds since the lab was opened; the same clock in every thread. */
  readonly now: () => number;
  /** Ships what there is, and nothing more from now on. */
  readonly close: () => void;
}

/**
 * @param epoch milliseconds (`Date.now()` scale) at which the lab's clock reads 0
 * @param progress how far a busy thread has got, as `PackedWriter` wants it
 */
export function openTrace(port: MessagePort, epoch: number, progress?: () => number): WorkerTrace {
  const offset = performance.timeOrigin - epoch;
  const now = (): number => (performance.now() + offset) * 1e6;
  const ship = (batch: TraceBatch): void => {
    port.postMessage(batch, [batch.chunk]);
  };
  const writer = new PackedWriter(ship, now, undefined, progress);
  // The page gives back what it has let go.
  port.onmessage = (message: MessageEvent<ArrayBuffer>) => {
    writer.reuse(message.data);
  };
  const gate = new EventGate((event) => {
    writer.event(event);
  });
  const flush = (): void => {
    gate.next();
    writer.flush();
  };
  const timer = setInterval(flush, FLUSH_INTERVAL);
  return {
    writer,
    emit: (event) => {
      gate.emit(event);
    },
    now,
    close: () => {
      clearInterval(timer);
      flush();
      port.close();
    },
  };
}

/** A promise that nobody looks after must reach the page like any other failure: as an error of the worker. */
export function reportRejections(): void {
  addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => {
    reportError(event.reason);
  });
}
