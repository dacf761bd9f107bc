/** Both frame channels over the ports and threads that there are. */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import type { FrameSender } from '../core/ring/frames.ts';
import {
  frameReceiver,
  frameSender,
  openFrameChannel,
  type ClosableFrameReceiver,
  type ClosableFrameSender,
} from './frame-channel.ts';
import {
  frameLength,
  frameOffset,
  receivingProgram,
  sourceByte,
  type Received,
  type ReceivingThread,
} from './frame-channel.test-kit.ts';
import { bodyOf, IMPLEMENTATIONS } from './hand-port.test-kit.ts';
import { newPortPair } from './port.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A channel over real ports, in this thread. */
function real(shared: boolean): { sender: ClosableFrameSender; receiver: ClosableFrameReceiver } {
  const ends = openFrameChannel(newPortPair(), { shared });
  const sender = frameSender(ends.sender);
  const receiver = frameReceiver(ends.receiver);
  closers.push(() => {
    sender.close();
    receiver.close();
  });
  return { sender, receiver };
}

describe.each(IMPLEMENTATIONS)('$name', (implementation) => {
  test('over real ports, both directions at once', async () => {
    const there = real(implementation.shared);
    const back = real(implementation.shared);
    const frames = 3000;
    // The far side echoes; what its own channel refuses it would have to count.
    let refused = 0;
    there.receiver.onFrames(
      (id, bytes, offset, length) => {
        if (!back.sender.send(id, bytes, offset, length)) refused++;
      },
      () => {
        back.sender.flush();
      },
    );
    const echoed: number[] = [];
    const done = new Promise<void>((resolve) => {
      back.receiver.onFrames(
        (id, _bytes, _offset, length) => {
          expect(length).toBe(60 + (id % 300));
          echoed.push(id);
        },
        () => {
          if (echoed.length + refused === frames) resolve();
        },
      );
    });
    const body = bodyOf(1, 400);
    for (let id = 0; id < frames; id++) {
      while (!there.sender.send(id, body, 0, 60 + (id % 300))) await nextTurn();
      if (id % 7 === 0) there.sender.flush();
    }
    there.sender.flush();
    await done;
    expect(refused).toBe(0);
    expect(echoed).toEqual(Array.from({ length: frames }, (_, id) => id));
  });

  test(
    'between two threads, in bursts: every frame arrives intact, whoever sleeps when',
    { timeout: 60_000 },
    async () => {
      expect(await received({ shared: implementation.shared, dozes: false })).toEqual(ALL_OF_THEM);
    },
  );
});

test('to a thread that dozes: every frame arrives intact, and each wakes it', { timeout: 60_000 }, async () => {
  expect(await received({ shared: true, dozes: true })).toEqual(ALL_OF_THEM);
});

const FRAMES = 60_000;
const ALL_OF_THEM: Received = { frames: FRAMES, wrong: 0, batches: expect.any(Number) as number };

/** What another thread has to say of that many frames. */
async function received({ shared, dozes }: { readonly shared: boolean; readonly dozes: boolean }): Promise<unknown> {
  const ends = openFrameChannel(new MessageChannel(), { shared });
  const reports = new MessageChannel();
  const worker = receivingThread({ end: ends.receiver, report: reports.port2, check: true, dozes }, [
    ends.receiver.port,
    reports.port2,
  ]);
  const sender = frameSender(ends.sender);
  closers.push(() => {
    sender.close();
    reports.port1.close();
    return worker.terminate();
  });
  const failure = new Promise<never>((_, reject) => worker.once('error', reject));
  const report = new Promise((resolve) => {
    reports.port1.onmessage = (event) => {
      resolve(event.data);
    };
  });
  await Promise.race([sendInBursts(sender, FRAMES), failure]);
  return Promise.race([report, failure]);
}

/** A worker thread that runs `receive` of the test kit. */
function receivingThread(data: ReceivingThread, transfer: readonly MessagePort[]): Worker {
  const program = receivingProgram(new URL('./frame-channel.test-kit.ts', import.meta.url).href);
  return new Worker(program, { eval: true, workerData: data, transferList: transfer as never });
}

/** Frames in bursts with pauses: the receiver falls asleep after some and is left behind by others. */
async function sendInBursts(sender: FrameSender, frames: number): Promise<void> {
  const source = Uint8Array.from({ length: 2048 }, (_, index) => sourceByte(index));
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let id = 0; id < frames;) {
    for (let burst = 1 + random(300); burst > 0 && id < frames; burst--, id++) {
      while (!sender.send(id, source, frameOffset(id), frameLength(id))) await nextTurn();
      if (random(20) === 0) sender.flush();
    }
    sender.flush();
    if (random(3) === 0) await nextTurn();
    else for (let spin = random(2000); spin > 0; spin--) random(2);
  }
  // The empty frame asks for the report. If its doorbell were lost, none would come.
  while (!sender.send(frames, source, 0, 0)) await nextTurn();
  sender.flush();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
