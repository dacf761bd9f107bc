/** The contract of both frame channels, and of what differs between them. */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { FrameSender } from '../core/ring/frames.ts';
import { createRingStorage } from '../core/ring/record-ring.ts';
import {
  frameReceiver,
  frameSender,
  openFrameChannel,
  type ClosableFrameReceiver,
  type ClosableFrameSender,
  type FrameEnd,
} from './frame-channel.ts';
import {
  frameLength,
  frameOffset,
  receivingProgram,
  sourceByte,
  type ReceivingThread,
} from './frame-channel.test-kit.ts';
import { newPortPair, type Port, type PortPair } from './port.ts';

const MAX_FRAME = 65_568;
const BATCH_FRAMES = 512;

type Listener = (event: { readonly data: unknown }) => void;

/** Ports whose messages arrive when the test says so, one at a time: every schedule can be played. */
class HandPort implements Port {
  readonly #inbox: unknown[] = [];
  readonly #listeners: Listener[] = [];
  #started = false;
  peer: HandPort | undefined;

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    const { peer } = this;
    if (peer !== undefined) peer.#inbox.push(structuredClone(message, { transfer }));
  }
  addEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.push(listener);
  }
  start(): void {
    this.#started = true;
  }
  close(): void {
    this.#inbox.length = 0;
  }
  get waiting(): number {
    return this.#inbox.length;
  }
  deliver(): boolean {
    if (!this.#started || this.#inbox.length === 0) return false;
    const data = this.#inbox.shift();
    for (const listener of this.#listeners) listener({ data });
    return true;
  }
}

function handPorts(): PortPair<HandPort> {
  const pair = { port1: new HandPort(), port2: new HandPort() };
  pair.port1.peer = pair.port2;
  pair.port2.peer = pair.port1;
  return pair;
}

interface Implementation {
  readonly name: string;
  readonly shared: boolean;
  /** Ends of a channel so small that a few frames of up to 100 bytes fill it. */
  small<P extends Port>(ports: PortPair<P>): { sender: FrameEnd<P>; receiver: FrameEnd<P> };
}

const IMPLEMENTATIONS: readonly Implementation[] = [
  {
    name: 'ring channel',
    shared: true,
    small: ({ port1, port2 }) => {
      const storage = createRingStorage(512, 2 ** 32 - 1024);
      return {
        sender: { kind: 'ring', port: port1, storage },
        receiver: { kind: 'ring', port: port2, storage },
      };
    },
  },
  {
    name: 'transfer channel',
    shared: false,
    small: ({ port1, port2 }) => ({
      sender: { kind: 'transfer', port: port1, batches: 3, batchBytes: 256 },
      receiver: { kind: 'transfer', port: port2, batches: 3, batchBytes: 256 },
    }),
  },
];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function bodyOf(id: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (id * 31 + index * 7) & 0xff);
}

/** A channel in hand-driven time. */
function handDriven(implementation: Implementation, size: 'small' | 'default') {
  const ports = handPorts();
  const turn = handPorts();
  const ends =
    size === 'small' ? implementation.small(ports) : openFrameChannel(ports, { shared: implementation.shared });
  const sender = frameSender(ends.sender);
  const receiver = frameReceiver(ends.receiver, turn);
  const got: { id: number; body: Uint8Array }[] = [];
  const batches: number[] = [];
  const listen = () => {
    receiver.onFrames(
      (id, bytes, offset, length) => got.push({ id, body: bytes.slice(offset, offset + length) }),
      () => batches.push(got.length),
    );
  };
  const send = (id: number, length: number) => sender.send(id, bodyOf(id, length), 0, length);
  const step = {
    receiver: () => ports.port2.deliver(),
    sender: () => ports.port1.deliver(),
    turn: () => turn.port2.deliver(),
  };
  const settle = () => {
    while (step.turn() || step.receiver() || step.sender());
  };
  return { ports, sender, receiver, got, batches, listen, send, step, settle };
}

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
  test('frames arrive in order with id and bytes; afterBatch follows them', () => {
    const { sender, listen, send, settle, got, batches } = handDriven(implementation, 'default');
    listen();
    settle();
    const lengths = [0, 1, 14, 60, 64, 65, 1514, 9000];
    lengths.forEach((length, index) => expect(send(0xffff_fff0 + index, length)).toBe(true));
    sender.flush();
    settle();
    expect(got).toEqual(
      lengths.map((length, index) => ({ id: 0xffff_fff0 + index, body: bodyOf(0xffff_fff0 + index, length) })),
    );
    expect(batches).toEqual([lengths.length]);
  });

  test('a frame may be a range of a larger array', () => {
    const { sender, listen, settle, got } = handDriven(implementation, 'default');
    listen();
    const source = bodyOf(1, 3000);
    sender.send(1, source, 10, 20);
    sender.send(2, source, 100, 1514);
    sender.flush();
    settle();
    expect(got.map(({ body }) => body)).toEqual([source.slice(10, 30), source.slice(100, 1614)]);
  });

  test('nothing arrives within send, flush or onFrames', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    send(1, 60);
    sender.flush();
    listen();
    send(2, 60);
    sender.flush();
    expect(got).toEqual([]);
    settle();
    expect(got.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('frames sent and flushed before anybody listens are delivered', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    send(1, 60);
    sender.flush();
    settle();
    listen();
    settle();
    expect(got.map(({ id }) => id)).toEqual([1]);
  });

  test('a flush with nothing to send posts nothing', () => {
    const { sender, listen, settle, ports } = handDriven(implementation, 'default');
    listen();
    settle();
    sender.flush();
    expect(ports.port2.waiting).toBe(0);
  });

  test('the longest frame fits an empty channel wherever it stands, and is delivered whole', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    for (let id = 0; id < 80; id++) {
      expect(send(id, id % 2 === 0 ? MAX_FRAME : 1000 + 37 * id)).toBe(true);
      sender.flush();
      settle();
    }
    expect(got).toHaveLength(80);
    expect(got.every(({ id, body }) => Buffer.from(body).equals(bodyOf(id, body.length)))).toBe(true);
    expect(got.filter(({ body }) => body.length === MAX_FRAME)).toHaveLength(40);
  });

  test('a frame longer than any that exists is refused, and the next one is not', () => {
    const { send } = handDriven(implementation, 'default');
    expect(send(1, MAX_FRAME + 1)).toBe(false);
    expect(send(2, 60)).toBe(true);
  });

  test('a full channel refuses frames, keeps what it has, and takes more once it was emptied', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    settle();
    let sent = 0;
    while (send(sent, 1514)) sent++;
    expect(sent).toBeGreaterThan(1000);
    expect(send(sent, 1514)).toBe(false);
    settle(); // no flush: a refused frame has told the receiver
    expect(got.length).toBeGreaterThan(1000);
    expect(send(sent, 1514)).toBe(true);
    sender.flush();
    settle();
    expect(got.map(({ id }) => id)).toEqual(Array.from({ length: sent + 1 }, (_, id) => id));
  });

  test('a sender that flushes after every frame is not refused sooner', () => {
    const { sender, send } = handDriven(implementation, 'default');
    let sent = 0;
    while (sent < 5000 && send(sent, 60)) {
      sender.flush();
      sent++;
    }
    expect(sent).toBeGreaterThan(3000);
  });

  test('a long queue is drained in bounded batches, with turns of the event loop in between', () => {
    const { sender, listen, send, settle, got, batches, step } = handDriven(implementation, 'default');
    for (let id = 0; id < 2 * BATCH_FRAMES + 10; id++) send(id, 60);
    sender.flush();
    listen();
    while (batches.length === 0) expect(step.turn() || step.receiver()).toBe(true);
    expect(got.length).toBe(BATCH_FRAMES);
    settle();
    expect(batches).toEqual([BATCH_FRAMES, 2 * BATCH_FRAMES, 2 * BATCH_FRAMES + 10]);
  });

  test('large frames make shorter batches', () => {
    const { sender, listen, send, settle, batches } = handDriven(implementation, 'default');
    for (let id = 0; id < 20; id++) send(id, 65_000);
    sender.flush();
    listen();
    settle();
    expect(batches[0]).toBeLessThanOrEqual(5);
    expect(batches.at(-1)).toBe(20);
  });

  test('a sink that throws loses one frame, not the channel', () => {
    const { sender, receiver, send, settle } = handDriven(implementation, 'default');
    const got: number[] = [];
    receiver.onFrames(
      (id) => {
        if (id === 1) throw new Error('sink');
        got.push(id);
      },
      () => undefined,
    );
    for (let id = 0; id < 4; id++) send(id, 60);
    sender.flush();
    expect(settle).toThrow('sink');
    settle();
    expect(got).toEqual([0, 2, 3]);
  });

  test('a second sink is an error', () => {
    const { listen } = handDriven(implementation, 'default');
    listen();
    expect(listen).toThrow('one sink');
  });

  test('a channel too small for the longest frame cannot be opened', () => {
    expect(() => openFrameChannel(handPorts(), { shared: implementation.shared, bytes: 65_536 })).toThrow(RangeError);
  });

  test('under any schedule no accepted frame is lost, doubled or reordered, and no doorbell is missed', () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 100 }).map((length) => ({ do: 'send' as const, length })) },
      { weight: 2, arbitrary: fc.constant({ do: 'flush' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'listen' as const }) },
      {
        weight: 6,
        arbitrary: fc
          .constantFrom('receiver' as const, 'sender' as const, 'turn' as const)
          .map((port) => ({ do: port })),
      },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const { sender, listen, send, settle, got, batches, step } = handDriven(implementation, 'small');
        const accepted: { id: number; body: Uint8Array }[] = [];
        const state = { listening: false };
        actions.forEach((act, id) => {
          if ('length' in act) {
            if (send(id, act.length)) accepted.push({ id, body: bodyOf(id, act.length) });
          } else if (act.do === 'flush') {
            sender.flush();
          } else if (act.do === 'listen') {
            if (!state.listening) listen();
            state.listening = true;
          } else {
            step[act.do]();
          }
        });
        if (!state.listening) listen();
        sender.flush();
        settle();
        expect(got).toEqual(accepted);
        expect(batches.at(-1) ?? 0).toBe(got.length);
        // And the channel is as good as new.
        expect(send(1000, 100)).toBe(true);
        sender.flush();
        settle();
        expect(got.at(-1)?.id).toBe(1000);
      }),
      { numRuns: 300 },
    );
  });

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
      const ends = openFrameChannel(new MessageChannel(), { shared: implementation.shared });
      const reports = new MessageChannel();
      const worker = receivingThread({ end: ends.receiver, report: reports.port2, check: true }, [
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
      const frames = 60_000;
      await Promise.race([sendInBursts(sender, frames), failure]);
      expect(await Promise.race([report, failure])).toEqual({ frames, wrong: 0, batches: expect.any(Number) });
    },
  );
});

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

test('a ring sender posts no doorbell while the receiver is awake', () => {
  const [ring] = IMPLEMENTATIONS;
  if (ring === undefined) throw new Error('no ring');
  const { sender, listen, send, settle, step, ports, got } = handDriven(ring, 'default');
  listen();
  settle();
  for (let id = 0; id < 600; id++) {
    send(id, 60);
    sender.flush();
  }
  expect(ports.port2.waiting).toBe(1);
  step.receiver(); // a first batch: the receiver will go on by itself
  expect(got).toHaveLength(BATCH_FRAMES);
  send(600, 60);
  sender.flush();
  expect(ports.port2.waiting).toBe(0);
  settle();
  expect(got).toHaveLength(601);
});
