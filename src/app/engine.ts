/**
 * Starts the two workers and wires them: to each other for requests and frames, to the page for control
 * and trace. Nothing here knows virtio; it only owns threads and ports.
 */
import * as Comlink from 'comlink';
import type { TraceSource } from '../core/trace/event.ts';
import type { TraceBatch } from '../core/trace/packed.ts';
import type { MachineApi, VionaApi } from '../protocol/api.ts';
import { openFrameChannel } from '../protocol/frame-channel.ts';
import type { MachinePorts } from '../../workers/machine.worker.ts';
import type { VionaPorts } from '../../workers/viona.worker.ts';
import { PendingCalls } from './pending-calls.ts';

/** Chunks below are not worth a message. */
const SMALL_CHUNK = 128 * 1024;

export interface Engine {
  readonly machine: Comlink.Remote<MachineApi>;
  readonly viona: Comlink.Remote<VionaApi>;
  /** Gives a chunk of the trace back to the thread that it came from. */
  reuse(source: TraceSource, chunk: ArrayBuffer): void;
  /** Bytes of the guest's console, both ways. */
  readonly console: MessagePort;
}

export type OnTrace = (source: 'machine' | 'viona', batch: TraceBatch) => void;

/** A thread died or never came up; `message` is what the browser says of it. */
export type OnCrash = (thread: 'machine' | 'viona', message: string) => void;

export function startEngine(onTrace: OnTrace, onCrash: OnCrash): Engine {
  const shared = crossOriginIsolated;
  const toGuest = openFrameChannel(new MessageChannel(), { shared });
  const fromGuest = openFrameChannel(new MessageChannel(), { shared });
  const control = new MessageChannel();
  const console = new MessageChannel();

  const machineWorker = new Worker(new URL('../../workers/machine.worker.ts', import.meta.url), {
    type: 'module',
    name: 'machine',
  });
  const traces = { machine: traceChannel('machine', onTrace), viona: traceChannel('viona', onTrace) };
  const machinePorts: MachinePorts = {
    trace: traces.machine.port2,
    console: console.port2,
    host: control.port1,
    toGuest: toGuest.receiver,
    fromGuest: fromGuest.sender,
  };
  const vionaWorker = new Worker(new URL('../../workers/viona.worker.ts', import.meta.url), {
    type: 'module',
    name: 'viona',
  });
  const vionaPorts: VionaPorts = {
    trace: traces.viona.port2,
    device: control.port2,
    toGuest: toGuest.sender,
    fromGuest: fromGuest.receiver,
  };
  const calls = new PendingCalls();
  const crashed: OnCrash = (thread, message) => {
    onCrash(thread, message);
    calls.fail(new Error(`The ${thread} thread failed: ${message}. Reload the page.`));
  };
  reportCrashes(machineWorker, 'machine', crashed);
  reportCrashes(vionaWorker, 'viona', crashed);
  machineWorker.postMessage(machinePorts, [
    machinePorts.trace,
    machinePorts.console,
    machinePorts.host,
    machinePorts.toGuest.port,
    machinePorts.fromGuest.port,
  ]);
  vionaWorker.postMessage(vionaPorts, [
    vionaPorts.trace,
    vionaPorts.device,
    vionaPorts.toGuest.port,
    vionaPorts.fromGuest.port,
  ]);
  return {
    machine: calls.follow(Comlink.wrap<MachineApi>(machineWorker)),
    viona: calls.follow(Comlink.wrap<VionaApi>(vionaWorker)),
    reuse: (source, chunk) => {
      // What small batches bring is cut to their size, and what the page itself records has no chunk worth it.
      if (source !== 'page' && chunk.byteLength >= SMALL_CHUNK) traces[source].port1.postMessage(chunk, [chunk]);
    },
    console: console.port1,
  };
}

/** Port 1 is the page's end of a thread's trace, port 2 the thread's. */
function traceChannel(source: 'machine' | 'viona', onTrace: OnTrace): MessageChannel {
  const channel = new MessageChannel();
  channel.port1.onmessage = (message: MessageEvent<TraceBatch>) => {
    onTrace(source, message.data);
  };
  return channel;
}

function reportCrashes(worker: Worker, thread: 'machine' | 'viona', onCrash: OnCrash): void {
  worker.addEventListener('error', (event) => {
    // A script that could not be loaded has no message.
    onCrash(thread, event.message || 'its script could not be loaded');
  });
  worker.addEventListener('messageerror', () => {
    onCrash(thread, 'it was sent a message that could not be read');
  });
}
