/**
 * Starts the threads and wires them: one viona worker with the switch, and for each guest a machine worker, wired to
 * it for requests and frames, and both to the page for control and trace. Nothing here knows virtio; it only owns
 * threads and ports.
 */
import * as Comlink from 'comlink';
import type { TraceBatch } from '../core/trace/packed.ts';
import type { MachineApi, PortInit, SwitchApi, SwitchPortInfo, VionaApi } from '../protocol/api.ts';
import { openFrameChannel } from '../protocol/frame-channel.ts';
import type { MachinePorts } from '../../workers/machine.worker.ts';
import type { GuestEnds } from '../../workers/viona.worker.ts';
import { PendingCalls } from './pending-calls.ts';

type Thread = 'machine' | 'viona';

/** A guest's threads, as far as they are its own. */
export interface GuestEngine {
  readonly machine: Comlink.Remote<MachineApi>;
  /** Its link in the viona worker. Answers once `plug` was asked for. */
  readonly viona: Comlink.Remote<VionaApi>;
  /** Bytes of the guest's console, both ways. */
  readonly console: MessagePort;
  /** Opens the guest's link, on a port of the switch. */
  plug(init: PortInit): Promise<void>;
  /** Ends the machine and takes its link off the switch. Calls that are not answered yet are rejected. */
  remove(): Promise<void>;
}

export type OnTrace = (source: Thread, batch: TraceBatch) => void;

/** A thread died or never came up; `message` is what the browser says of it. */
export type OnCrash = (thread: Thread, message: string) => void;

export class Engine {
  readonly #viona: Comlink.Remote<SwitchApi<GuestEnds>>;
  readonly #calls = new PendingCalls();
  /** What ends when the viona worker does. */
  readonly #crashed = new Set<OnCrash>();

  constructor() {
    const worker = new Worker(new URL('../../workers/viona.worker.ts', import.meta.url), {
      type: 'module',
      name: 'viona',
    });
    reportCrashes(worker, 'viona', (thread, message) => {
      this.#calls.fail(crash(thread, message));
      for (const crashed of this.#crashed) crashed(thread, message);
    });
    this.#viona = this.#calls.follow(Comlink.wrap<SwitchApi<GuestEnds>>(worker));
  }

  /** The switch, as it is now. */
  ports(): Promise<SwitchPortInfo[]> {
    return this.#viona.ports();
  }

  /** Starts a machine worker. */
  addGuest(onTrace: OnTrace, onCrash: OnCrash): GuestEngine {
    const shared = crossOriginIsolated;
    const toGuest = openFrameChannel(new MessageChannel(), { shared });
    const fromGuest = openFrameChannel(new MessageChannel(), { shared });
    const device = new MessageChannel();
    const console = new MessageChannel();
    const control = new MessageChannel();
    const worker = new Worker(new URL('../../workers/machine.worker.ts', import.meta.url), {
      type: 'module',
      name: 'machine',
    });

    const calls = new PendingCalls();
    const crashed: OnCrash = (thread, message) => {
      onCrash(thread, message);
      calls.fail(crash(thread, message));
    };
    reportCrashes(worker, 'machine', crashed);
    this.#crashed.add(crashed);

    const machinePorts: MachinePorts = {
      trace: tracePort('machine', onTrace),
      console: console.port2,
      host: device.port1,
      toGuest: toGuest.receiver,
      fromGuest: fromGuest.sender,
    };
    worker.postMessage(machinePorts, [
      machinePorts.trace,
      machinePorts.console,
      machinePorts.host,
      machinePorts.toGuest.port,
      machinePorts.fromGuest.port,
    ]);
    const ends: GuestEnds = {
      control: control.port2,
      trace: tracePort('viona', onTrace),
      device: device.port2,
      toGuest: toGuest.sender,
      fromGuest: fromGuest.receiver,
    };
    let plugged: Promise<number> | null = null;
    return {
      machine: calls.follow(Comlink.wrap<MachineApi>(worker)),
      viona: calls.follow(Comlink.wrap<VionaApi>(control.port1)),
      console: console.port1,
      plug: async (init) => {
        const transferred = [ends.control, ends.trace, ends.device, ends.toGuest.port, ends.fromGuest.port];
        plugged = this.#viona.plug(init, Comlink.transfer(ends, transferred));
        await plugged;
      },
      remove: async () => {
        worker.terminate();
        this.#crashed.delete(crashed);
        calls.fail(new Error('The guest was removed.'));
        if (plugged) await this.#viona.unplug(await plugged);
      },
    };
  }
}

const crash = (thread: Thread, message: string): Error =>
  new Error(`The ${thread} thread failed: ${message}. Reload the page.`);

/** The page's end of a thread's trace stays here; the thread's end is returned. */
function tracePort(source: Thread, onTrace: OnTrace): MessagePort {
  const channel = new MessageChannel();
  channel.port1.onmessage = (message: MessageEvent<TraceBatch>) => {
    onTrace(source, message.data);
  };
  return channel.port2;
}

function reportCrashes(worker: Worker, thread: Thread, onCrash: OnCrash): void {
  worker.addEventListener('error', (event) => {
    // A script that could not be loaded has no message.
    onCrash(thread, event.message || 'its script could not be loaded');
  });
  worker.addEventListener('messageerror', () => {
    onCrash(thread, 'it was sent a message that could not be read');
  });
}
