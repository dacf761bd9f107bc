/**
 * Starts the threads and wires them: one viona worker with the switch, and for each guest a machine worker, wired to
 * it for requests and frames, and both to the page for control and trace; and for as long as it takes a snapshot worker,
 * wired to the machine's. Nothing here knows virtio; it only owns threads and ports.
 */
import * as Comlink from 'comlink';
import type { TraceSource } from '../core/trace/event.ts';
import type { TraceBatch } from '../core/trace/packed.ts';
import type { MachineApi, PortInit, SwitchApi, SwitchPortInfo, VionaApi } from '../protocol/api.ts';
import { openFrameChannel } from '../protocol/frame-channel.ts';
import type { MachinePorts } from '../../workers/machine.worker.ts';
import type { SnapshotPorts } from '../../workers/snapshot.worker.ts';
import type { GuestEnds } from '../../workers/viona.worker.ts';
import { PendingCalls } from './pending-calls.ts';

type Thread = 'machine' | 'viona' | 'snapshot';

/** Chunks below are not worth a message. */
const SMALL_CHUNK = 128 * 1024;

/** A guest's threads, as far as they are its own. */
export interface GuestEngine {
  readonly machine: Comlink.Remote<MachineApi>;
  /** Its link in the viona worker. Answers once `plug` was asked for. */
  readonly viona: Comlink.Remote<VionaApi>;
  /** Gives a chunk of the trace back to the thread that it came from. */
  reuse(source: TraceSource, chunk: ArrayBuffer): void;
  /** Bytes of the guest's console, both ways. */
  readonly console: MessagePort;
  /**
   * The threads have their first messages, or never will. A browser delivers that by way of the page's own thread: whoever
   * keeps it busy before keeps the guest from coming.
   */
  readonly begun: Promise<void>;
  /** Opens the guest's link, on a port of the switch. */
  plug(init: PortInit): Promise<void>;
  /** Ends the machine and takes its link off the switch. Calls that are not answered yet are rejected. */
  remove(): Promise<void>;
}

export interface GuestStart {
  /** From power-on, even if there is a snapshot of the booted guest. */
  readonly cold: boolean;
  /** `Date.now()`-scale milliseconds at which the lab's clock reads 0. */
  readonly epoch: number;
}

export type OnTrace = (source: Exclude<TraceSource, 'page'>, batch: TraceBatch) => void;

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

  /** Starts a machine worker, which begins to load its guest at once. */
  addGuest({ cold, epoch }: GuestStart, onTrace: OnTrace, onCrash: OnCrash): GuestEngine {
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

    const guestUrl = new URL('guest/', document.baseURI).href;
    const snapshot = cold ? null : startSnapshot(guestUrl, crashed);
    const traces = { machine: traceChannel('machine', onTrace), viona: traceChannel('viona', onTrace) };
    const machinePorts: MachinePorts = {
      epoch,
      guestUrl,
      snapshot: snapshot?.machine ?? null,
      trace: traces.machine.port2,
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
      ...(snapshot ? [snapshot.machine] : []),
    ]);
    const ends: GuestEnds = {
      control: control.port2,
      trace: traces.viona.port2,
      device: device.port2,
      toGuest: toGuest.sender,
      fromGuest: fromGuest.receiver,
    };
    let plugged: Promise<number> | null = null;
    return {
      machine: calls.follow(Comlink.wrap<MachineApi>(worker)),
      viona: calls.follow(Comlink.wrap<VionaApi>(control.port1)),
      reuse: (source, chunk) => {
        // What small batches bring is cut to their size, and what the page itself records has no chunk worth it.
        if (source !== 'page' && chunk.byteLength >= SMALL_CHUNK) traces[source].port1.postMessage(chunk, [chunk]);
      },
      console: console.port1,
      begun: Promise.all([hasBegun(worker), snapshot && hasBegun(snapshot.worker)]).then(() => undefined),
      plug: async (init) => {
        const transferred = [ends.control, ends.trace, ends.device, ends.toGuest.port, ends.fromGuest.port];
        plugged = this.#viona.plug(init, Comlink.transfer(ends, transferred));
        await plugged;
      },
      remove: async () => {
        worker.terminate();
        snapshot?.worker.terminate();
        this.#crashed.delete(crashed);
        calls.fail(new Error('The guest was removed.'));
        if (plugged) await this.#viona.unplug(await plugged);
      },
    };
  }
}

const crash = (thread: Thread, message: string): Error =>
  new Error(`The ${thread} thread failed: ${message}. Reload the page.`);

/** Port 1 is the page's end of a thread's trace, port 2 the thread's. */
function traceChannel(source: Exclude<TraceSource, 'page'>, onTrace: OnTrace): MessageChannel {
  const channel = new MessageChannel();
  channel.port1.onmessage = (message: MessageEvent<TraceBatch>) => {
    onTrace(source, message.data);
  };
  return channel;
}

/** Begins to bring the snapshot. @returns the thread, and the machine's end of its wire to it */
function startSnapshot(guestUrl: string, onCrash: OnCrash): { readonly worker: Worker; readonly machine: MessagePort } {
  const worker = new Worker(new URL('../../workers/snapshot.worker.ts', import.meta.url), {
    type: 'module',
    name: 'snapshot',
  });
  reportCrashes(worker, 'snapshot', onCrash);
  const channel = new MessageChannel();
  const ports: SnapshotPorts = { guestUrl, machine: channel.port1 };
  worker.postMessage(ports, [ports.machine]);
  return { worker, machine: channel.port2 };
}

/** It had its first message, or cannot. */
function hasBegun(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve();
    };
    for (const event of ['message', 'error']) worker.addEventListener(event, done, { once: true });
  });
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
