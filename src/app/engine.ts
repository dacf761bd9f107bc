/** The page's end of the two workers: calls into them, their traces, and the guest's console. */
import * as Comlink from 'comlink';
import type { TraceBatch } from '../core/trace/packed.ts';
import type { MachineApi, VionaApi } from '../protocol/api.ts';
import { PendingCalls } from './pending-calls.ts';
import type { OnCrash, Thread, Threads } from './threads.ts';

export interface Engine {
  readonly machine: Comlink.Remote<MachineApi>;
  readonly viona: Comlink.Remote<VionaApi>;
  /** Bytes of the guest's console, both ways. */
  readonly console: MessagePort;
}

export type OnTrace = (source: Thread, batch: TraceBatch) => void;

export function attachEngine(threads: Threads, onTrace: OnTrace, onCrash: OnCrash): Engine {
  for (const source of ['machine', 'viona'] as const) {
    threads.trace[source].onmessage = (message: MessageEvent<TraceBatch>) => {
      onTrace(source, message.data);
    };
  }
  const calls = new PendingCalls();
  threads.onCrash((thread, message) => {
    onCrash(thread, message);
    calls.fail(new Error(`The ${thread} thread failed: ${message}. Reload the page.`));
  });
  return {
    machine: calls.follow(Comlink.wrap<MachineApi>(threads.machine)),
    viona: calls.follow(Comlink.wrap<VionaApi>(threads.viona)),
    console: threads.console,
  };
}
