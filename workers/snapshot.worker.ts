/**
 * Brings a guest's snapshot to its machine, and ends when it is there and stored. A thread of its own, because what it
 * does to tens of megabytes (read, unpack, cut) would keep the machine's from preparing to receive them.
 */
import * as Comlink from 'comlink';
import type { SnapshotSink } from '../src/protocol/api.ts';
import { bringSnapshot } from './snapshot-store.ts';
import { reportRejections } from './trace-port.ts';

/** The page's first message. The port is transferred. */
export interface SnapshotPorts {
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly guestUrl: string;
  /** comlink endpoint of the machine: SnapshotSink. */
  readonly machine: MessagePort;
}

async function bring({ guestUrl, machine }: SnapshotPorts): Promise<void> {
  const sink = Comlink.wrap<SnapshotSink>(machine);
  const { caches: storage = null } = globalThis as { readonly caches?: CacheStorage };
  await bringSnapshot({
    baseUrl: guestUrl,
    sink: {
      progress: (loaded, total) => sink.progress(loaded, total),
      restoring: () => sink.restoring(),
      emit: (event) => sink.emit(event),
      begin: () => sink.begin(),
      take: (piece) => sink.take(Comlink.transfer(piece, [piece.buffer])),
      end: () => sink.end(),
      settle: (found) => sink.settle(found),
      idle: () => sink.idle(),
    },
    storage,
  });
  close();
}

reportRejections();

addEventListener(
  'message',
  (message: MessageEvent<SnapshotPorts>) => {
    void bring(message.data);
    // It is on its way.
    postMessage(null);
  },
  { once: true },
);
