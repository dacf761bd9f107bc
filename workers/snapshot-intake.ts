/** The machine's end of the snapshot's thread: fills memory with what comes, as soon as there is memory. */
import * as Comlink from 'comlink';
import type { SnapshotEvent } from '../src/core/trace/event.ts';
import type { SnapshotSink } from '../src/protocol/api.ts';
import { SnapshotReader, type BlankMemory, type Snapshot } from './v86/snapshot.ts';

/** Who hears of it in this thread. */
export type SnapshotListener = Pick<SnapshotSink, 'progress' | 'restoring' | 'emit' | 'idle'>;

export class SnapshotIntake implements SnapshotSink {
  readonly #listener: SnapshotListener;
  readonly #memory: Promise<BlankMemory>;
  readonly #snapshot: Promise<Snapshot | null>;
  #give!: (memory: BlankMemory) => void;
  #resolve!: (snapshot: Snapshot | null) => void;
  #reader: Promise<SnapshotReader> | null = null;
  #ended: Snapshot | null = null;

  constructor(listener: SnapshotListener) {
    this.#listener = listener;
    this.#memory = new Promise((resolve) => (this.#give = resolve));
    this.#snapshot = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Fills the memory; the rest is what it resolves with. Null if no snapshot is right: the memory is good for nothing then. */
  restore(memory: BlankMemory): Promise<Snapshot | null> {
    this.#give(memory);
    return this.#snapshot;
  }

  progress(loaded: number, total: number): void {
    void this.#listener.progress(loaded, total);
  }

  restoring(): void {
    void this.#listener.restoring();
  }

  emit(event: SnapshotEvent): void {
    void this.#listener.emit(event);
  }

  begin(): void {
    this.#reader = this.#read(this.#reader !== null);
  }

  async take(piece: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const reader = await this.#reader;
    reader?.push(piece);
    return Comlink.transfer(piece, [piece.buffer]);
  }

  async end(): Promise<void> {
    const reader = await this.#reader;
    this.#ended = reader?.finish() ?? null;
  }

  settle(found: boolean): void {
    this.#reader = null;
    this.#resolve(found ? this.#ended : null);
  }

  idle(): Promise<void> {
    return this.#listener.idle();
  }

  async #read(used: boolean): Promise<SnapshotReader> {
    const memory = await this.#memory;
    if (used) memory.clear();
    return new SnapshotReader((at, bytes) => {
      memory.write(at, bytes);
    });
  }
}
