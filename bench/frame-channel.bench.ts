/**
 * The two frame channels against each other: frames from this thread to another, until the last one has
 * arrived. Only the ratio says something, both being measured in one run on one machine.
 */
import { Worker } from 'node:worker_threads';
import { bench, describe } from 'vitest';
import { receivingProgram, type ReceivingThread } from '../src/protocol/frame-channel.test-kit.ts';
import { frameSender, openFrameChannel } from '../src/protocol/frame-channel.ts';

const KIT = new URL('../src/protocol/frame-channel.test-kit.ts', import.meta.url).href;
const source = new Uint8Array(65_568).fill(7);

/** Sends so many frames, with a flush after each `perFlush`, and resolves when the receiver has all. */
function openLine(shared: boolean): (frames: number, length: number, perFlush: number) => Promise<void> {
  const { sender: end, receiver } = openFrameChannel(new MessageChannel(), { shared });
  const reports = new MessageChannel();
  const workerData: ReceivingThread = { end: receiver, report: reports.port2, check: false };
  const transferList = [receiver.port, reports.port2] as never;
  // The benchmark's process ends with them: nobody waits for these.
  new Worker(receivingProgram(KIT), { eval: true, workerData, transferList }).unref();
  const sender = frameSender(end);
  let arrived: () => void = () => undefined;
  reports.port1.onmessage = () => {
    arrived();
  };
  return async (frames, length, perFlush) => {
    const done = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    for (let id = 0; id < frames; id++) {
      while (!sender.send(id, source, 1, length)) await nextTurn();
      if (id % perFlush === 0) sender.flush();
    }
    while (!sender.send(frames, source, 0, 0)) await nextTurn();
    sender.flush();
    await done;
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const ring = openLine(true);
const transfer = openLine(false);

describe.each([
  { what: 'small frames, 32 to a flush', frames: 4000, length: 60, perFlush: 32 },
  { what: 'small frames, each flushed', frames: 4000, length: 60, perFlush: 1 },
  { what: 'full frames, 32 to a flush', frames: 2000, length: 1514, perFlush: 32 },
  { what: 'large segments, each flushed', frames: 100, length: 65_550, perFlush: 1 },
  { what: 'one frame and its arrival', frames: 1, length: 60, perFlush: 1 },
])('$what', ({ frames, length, perFlush }) => {
  bench('ring channel', () => ring(frames, length, perFlush), { time: 600, warmupTime: 200 });
  bench('transfer channel', () => transfer(frames, length, perFlush), { time: 600, warmupTime: 200 });
});
