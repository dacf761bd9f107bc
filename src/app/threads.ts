/**
 * The two workers and the channels between them and the page. They are started before anything else of the page, and
 * load the guest while the page's own script is still on its way: so nothing here may need more than a few lines.
 */
import { openFrameChannel } from '../protocol/frame-channel.ts';
import type { MachinePorts } from '../../workers/machine.worker.ts';
import type { VionaPorts } from '../../workers/viona.worker.ts';

export type Thread = 'machine' | 'viona';

/** A thread died or never came up; `message` is what the browser says of it. */
export type OnCrash = (thread: Thread, message: string) => void;

export interface Threads {
  /** `Date.now()`-scale milliseconds at which the lab's clock reads 0. */
  readonly epoch: number;
  readonly machine: Worker;
  readonly viona: Worker;
  /** The page's ends. What comes waits in them until somebody listens. */
  readonly trace: Readonly<Record<Thread, MessagePort>>;
  /** Bytes of the guest's console, both ways. */
  readonly console: MessagePort;
  /**
   * The machine has its first message, or never will. A browser delivers that by way of the page's own thread: whoever
   * keeps it busy before keeps the guest from coming.
   */
  readonly begun: Promise<void>;
  /** Tells of crashes, those before the call too. */
  onCrash(listener: OnCrash): void;
}

/** @param cold from power-on, even if there is a snapshot of the booted guest */
export function startThreads(cold: boolean): Threads {
  const epoch = performance.timeOrigin;
  const shared = crossOriginIsolated;
  const toGuest = openFrameChannel(new MessageChannel(), { shared });
  const fromGuest = openFrameChannel(new MessageChannel(), { shared });
  const control = new MessageChannel();
  const console = new MessageChannel();
  const machineTrace = new MessageChannel();
  const vionaTrace = new MessageChannel();

  const machine = new Worker(new URL('../../workers/machine.worker.ts', import.meta.url), {
    type: 'module',
    name: 'machine',
  });
  const machinePorts: MachinePorts = {
    epoch,
    guestUrl: new URL('guest/', document.baseURI).href,
    cold,
    trace: machineTrace.port2,
    console: console.port2,
    host: control.port1,
    toGuest: toGuest.receiver,
    fromGuest: fromGuest.sender,
  };
  const viona = new Worker(new URL('../../workers/viona.worker.ts', import.meta.url), {
    type: 'module',
    name: 'viona',
  });
  const vionaPorts: VionaPorts = {
    epoch,
    trace: vionaTrace.port2,
    device: control.port2,
    toGuest: toGuest.sender,
    fromGuest: fromGuest.receiver,
  };
  const crashes = crashesOf({ machine, viona });
  const begun = new Promise<void>((resolve) => {
    for (const event of ['message', 'error'])
      machine.addEventListener(
        event,
        () => {
          resolve();
        },
        { once: true },
      );
  });
  machine.postMessage(machinePorts, [
    machinePorts.trace,
    machinePorts.console,
    machinePorts.host,
    machinePorts.toGuest.port,
    machinePorts.fromGuest.port,
  ]);
  viona.postMessage(vionaPorts, [
    vionaPorts.trace,
    vionaPorts.device,
    vionaPorts.toGuest.port,
    vionaPorts.fromGuest.port,
  ]);
  return {
    epoch,
    machine,
    viona,
    trace: { machine: machineTrace.port1, viona: vionaTrace.port1 },
    console: console.port1,
    begun,
    onCrash: crashes,
  };
}

/** Remembers them for a listener that comes late. */
function crashesOf(workers: Readonly<Record<Thread, Worker>>): Threads['onCrash'] {
  const early: Parameters<OnCrash>[] = [];
  let listener: OnCrash = (...crash) => {
    early.push(crash);
  };
  for (const thread of ['machine', 'viona'] as const) {
    workers[thread].addEventListener('error', (event) => {
      // A script that could not be loaded has no message.
      listener(thread, event.message || 'its script could not be loaded');
    });
    workers[thread].addEventListener('messageerror', () => {
      listener(thread, 'it was sent a message that could not be read');
    });
  }
  return (late) => {
    listener = late;
    for (const crash of early.splice(0)) late(...crash);
  };
}
