/** A thread with v86, the lab's guest and v86's own NIC. */
import * as Comlink from 'comlink';
import wasm from 'v86/build/v86.wasm?url';
import type { ExecResult } from '../../src/protocol/api.ts';
import type { Flood, FloodResult, NicApi, NicStart } from './api.ts';
import { nicMachine, type NicMachine } from './machine.ts';

/** The receive queue inside v86, to see how many buffers the guest has posted; and the way in for frames. */
interface Inside {
  readonly bus: { send(name: 'net0-receive', frame: Uint8Array): void };
  readonly v86: {
    readonly cpu: {
      readonly devices: {
        readonly virtio_net: { readonly virtio: { readonly queues: readonly { count_requests(): number }[] } };
      };
    };
  };
}

/** Turns of the event loop that no timer holds back. */
function turns(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  let next: () => void = () => undefined;
  port2.onmessage = () => {
    next();
  };
  return () =>
    new Promise((resolve) => {
      next = resolve;
      port1.postMessage(0);
    });
}

class NicWorker implements NicApi {
  readonly #turn = turns();
  #machine: NicMachine | null = null;
  #sent = 0;

  async start({ state, network }: NicStart): Promise<void> {
    const response = await fetch(state);
    if (!response.ok) throw new Error(`the saved state could not be loaded (HTTP ${response.status})`);
    const buffer = await response.arrayBuffer();
    const machine = await nicMachine({ wasm, media: { initial_state: { buffer } }, network });
    machine.emulator.add_listener('net0-send', () => {
      this.#sent++;
    });
    await machine.emulator.run();
    // The guest's agent has reported for work before it was saved.
    for (const byte of new TextEncoder().encode('#ready restored\n')) machine.agent.receive(byte);
    this.#machine = machine;
  }

  exec(command: string): Promise<ExecResult> {
    return this.#started.agent.exec(command);
  }

  sent(): number {
    return this.#sent;
  }

  async flood({ frame, batch, milliseconds }: Flood): Promise<FloodResult> {
    const { bus, v86 } = this.#started.emulator as unknown as Inside;
    const [queue] = v86.cpu.devices.virtio_net.virtio.queues;
    if (!queue) throw new Error('v86 has no receive queue where one is expected');
    const start = performance.now();
    let frames = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      const room = Math.min(batch, queue.count_requests());
      for (let i = 0; i < room; i++) bus.send('net0-receive', frame);
      frames += room;
      await this.#turn();
      elapsed = performance.now() - start;
    }
    return { frames, milliseconds: elapsed };
  }

  get #started(): NicMachine {
    if (!this.#machine) throw new Error('the machine has not started yet');
    return this.#machine;
  }
}

Comlink.expose(new NicWorker());
