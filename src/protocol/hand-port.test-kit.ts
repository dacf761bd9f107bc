/** Frame channels in hand-driven time: each message arrives when the test says so. */
import type { FrameMeta } from '../core/ring/frames.ts';
import { createRingStorage } from '../core/ring/record-ring.ts';
import { frameReceiver, frameSender, openFrameChannel, type FrameEnd } from './frame-channel.ts';
import type { Port, PortPair } from './port.ts';

/** Every host has it; the types that this folder sees do not name it. */
const { structuredClone: clone } = globalThis as unknown as {
  readonly structuredClone: (value: unknown, options: { readonly transfer: ArrayBuffer[] }) => unknown;
};

type Listener = (event: { readonly data: unknown }) => void;

/** Ports whose messages arrive when the test says so, one at a time: every schedule can be played. */
export class HandPort implements Port {
  readonly #inbox: unknown[] = [];
  readonly #listeners: Listener[] = [];
  #started = false;
  peer: HandPort | undefined;

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    const { peer } = this;
    if (peer !== undefined) peer.#inbox.push(clone(message, { transfer }));
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

export function handPorts(): PortPair<HandPort> {
  const pair = { port1: new HandPort(), port2: new HandPort() };
  pair.port1.peer = pair.port2;
  pair.port2.peer = pair.port1;
  return pair;
}

export interface Implementation {
  readonly name: string;
  readonly shared: boolean;
  /** Ends of a channel so small that a few frames of up to 100 bytes fill it. */
  small<P extends Port>(ports: PortPair<P>): { sender: FrameEnd<P>; receiver: FrameEnd<P> };
}

export const IMPLEMENTATIONS: readonly Implementation[] = [
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

export function bodyOf(id: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (id * 31 + index * 7) & 0xff);
}

/** A channel in hand-driven time. */
export function handDriven(implementation: Implementation, size: 'small' | 'default') {
  const ports = handPorts();
  const turn = handPorts();
  const ends =
    size === 'small' ? implementation.small(ports) : openFrameChannel(ports, { shared: implementation.shared });
  const sender = frameSender(ends.sender);
  const receiver = frameReceiver(ends.receiver, turn);
  const got: { id: number; body: Uint8Array }[] = [];
  const metas: Readonly<FrameMeta>[] = [];
  const batches: number[] = [];
  const listen = () => {
    receiver.onFrames(
      (id, bytes, offset, length, meta) => {
        got.push({ id, body: bytes.slice(offset, offset + length) });
        metas.push({ ...meta });
      },
      () => batches.push(got.length),
    );
  };
  const send = (id: number, length: number, meta?: Readonly<FrameMeta>) =>
    sender.send(id, bodyOf(id, length), 0, length, meta);
  const step = {
    receiver: () => ports.port2.deliver(),
    sender: () => ports.port1.deliver(),
    turn: () => turn.port2.deliver(),
  };
  const settle = () => {
    while (step.turn() || step.receiver() || step.sender());
  };
  return { ports, sender, receiver, got, metas, batches, listen, send, step, settle };
}
