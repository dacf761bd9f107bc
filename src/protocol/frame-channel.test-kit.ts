/** The receiving thread of tests and benchmarks. */
import { frameReceiver, type FrameEnd } from './frame-channel.ts';
import type { Port } from './port.ts';

export interface ReceivingThread {
  readonly end: FrameEnd;
  readonly report: Port;
  /** Whether to look into the frames. */
  readonly check: boolean;
  /** Whether the thread polls, and dozes in between. */
  readonly dozes?: boolean;
}

export interface Received {
  readonly frames: number;
  /** Frames out of order, of the wrong length or with a wrong byte. */
  readonly wrong: number;
  readonly batches: number;
}

/** Byte `index` of what the frames are cut from. */
export function sourceByte(index: number): number {
  return (index * 7) & 0xff;
}

/** Where frame `id` starts in the source. */
export function frameOffset(id: number): number {
  return id % 256;
}

/** Length of frame `id` in bytes. */
export function frameLength(id: number): number {
  return 14 + (id % 1500);
}

/** In milliseconds: longer than a test takes. */
const FOREVER = 600_000;

/** Reports each time an empty frame comes, and counts from zero again. */
export function receive({ end, report, check, dozes = false }: ReceivingThread): void {
  let counted = { frames: 0, wrong: 0, batches: 0 };
  let finished = false;
  const receiver = frameReceiver(end);
  receiver.onFrames(
    (id, bytes, offset, length) => {
      if (length === 0) {
        finished = true;
        return;
      }
      if (check && !isRight(id, counted.frames, bytes, offset, length)) counted.wrong++;
      counted.frames++;
    },
    () => {
      counted.batches++;
      if (!finished) return;
      const received: Received = counted;
      report.postMessage(received, []);
      counted = { frames: 0, wrong: 0, batches: 0 };
      finished = false;
    },
  );
  // Until it is terminated.
  while (dozes) {
    receiver.poll();
    receiver.doze(FOREVER);
  }
}

/**
 * The program of a Node thread that receives: `receive` with the thread's workerData. Node 20 cannot load
 * TypeScript by itself.
 * @param kit the address of this file
 */
export function receivingProgram(kit: string): string {
  return `import('tsx/esm/api')
    .then(({ tsImport }) => tsImport('${kit}', '${kit}'))
    .then(({ receive }) => receive(require('node:worker_threads').workerData));`;
}

function isRight(id: number, expected: number, bytes: Uint8Array, offset: number, length: number): boolean {
  if (id !== expected || length !== frameLength(id)) return false;
  for (let index = 0; index < length; index += 97) {
    if (bytes[offset + index] !== sourceByte(frameOffset(id) + index)) return false;
  }
  return true;
}
