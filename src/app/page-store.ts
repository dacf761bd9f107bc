/** What the page shows: the folds over the trace, and when they changed. */
import type { TraceEvent, TraceSource } from '../core/trace/event.ts';
import { LabTrace } from '../core/trace/lab-trace.ts';
import { PackedWriter, RECORD_HEADER_SIZE, type TraceBatch } from '../core/trace/packed.ts';
import { formatMac, type Mac } from '../core/net/mac.ts';
import type { TrafficSpec } from '../protocol/api.ts';
import type { LabStore } from '../ui/store.ts';

export class PageStore implements LabStore {
  readonly #trace = new LabTrace();
  readonly #writer = new PackedWriter(
    (batch) => {
      this.add('page', batch);
    },
    () => performance.now() * 1e6,
    RECORD_HEADER_SIZE,
  );
  readonly #listeners = new Set<() => void>();
  readonly #checks = new Set<() => boolean>();
  #frameRequested = false;
  #traffic: TrafficSpec | null = null;
  readonly mac: string;
  readonly isolated = crossOriginIsolated;

  constructor(mac: Mac) {
    this.mac = formatMac(mac);
  }

  get log(): LabStore['log'] {
    return this.#trace.log;
  }

  get frames(): LabStore['frames'] {
    return this.#trace.frames;
  }

  get queues(): LabStore['queues'] {
    return this.#trace.queues;
  }

  get model(): LabStore['model'] {
    return this.#trace.model;
  }

  get traffic(): TrafficSpec | null {
    return this.#traffic;
  }

  set traffic(spec: TrafficSpec | null) {
    this.#traffic = spec;
    this.#changed();
  }

  /** Records a fact that the page itself observed. */
  emit(event: TraceEvent): void {
    this.#writer.event(event);
    this.#writer.flush();
  }

  add(source: TraceSource, batch: TraceBatch): void {
    this.#trace.add(source, batch);
    for (const check of this.#checks) check();
    this.#changed();
  }

  clearFrames(): void {
    this.#trace.clearFrames();
    this.#changed();
  }

  /** Resolves as soon as the model is so; unlike `subscribe` it does not wait for a display frame, so it works in a hidden tab. */
  when(predicate: (model: LabStore['model']) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): boolean => {
        if (!predicate(this.model)) return false;
        this.#checks.delete(check);
        resolve();
        return true;
      };
      if (!check()) this.#checks.add(check);
    });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Listeners hear of it at most once per animation frame. */
  #changed(): void {
    if (this.#frameRequested) return;
    this.#frameRequested = true;
    requestAnimationFrame(() => {
      this.#frameRequested = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
