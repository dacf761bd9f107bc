/** What the page shows: the folds over the trace, and when they changed. */
import type { TraceEvent, TraceSource } from '../core/trace/event.ts';
import { LabTrace } from '../core/trace/lab-trace.ts';
import { PackedWriter, RECORD_HEADER_SIZE, type TraceBatch } from '../core/trace/packed.ts';
import { formatMac, type Mac } from '../core/net/mac.ts';
import type { TrafficSpec } from '../protocol/api.ts';
import { RedrawBudget } from '../ui/redraw-budget.ts';
import type { LabStore } from '../ui/store.ts';

/** How often listeners hear of counts that nobody has to see at once, in milliseconds. */
const COUNTS_MS = 1000;

export class PageStore implements LabStore {
  readonly #trace = new LabTrace({
    onFree: (source, chunk) => {
      this.onFree(source, chunk);
    },
  });
  readonly #writer = new PackedWriter(
    (batch) => {
      this.add('page', batch);
    },
    () => performance.now() * 1e6,
    RECORD_HEADER_SIZE,
  );
  readonly #listeners = new Set<() => void>();
  readonly #checks = new Set<() => boolean>();
  readonly #budget = new RedrawBudget();
  /** A message to ourselves that comes when a frame is drawn. */
  readonly #drawn = new MessageChannel();
  #drawingSince = 0;
  #frameRequested = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pulse = 0;
  /** Somebody wants to see what there is. */
  #wanted = false;
  #toldModel: LabStore['model'] | null = null;
  #toldAt = 0;
  #traffic: TrafficSpec | null = null;
  readonly mac: string;
  readonly isolated = crossOriginIsolated;
  /** Is given the memory of trace chunks that nobody reads any more. */
  onFree: (source: TraceSource, chunk: ArrayBuffer) => void = () => undefined;

  constructor(mac: Mac) {
    this.mac = formatMac(mac);
    this.#drawn.port1.onmessage = () => {
      const now = performance.now();
      this.#budget.spend(now, now - this.#drawingSince);
    };
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

  get pulse(): number {
    return this.#pulse;
  }

  get traffic(): TrafficSpec | null {
    return this.#traffic;
  }

  set traffic(spec: TrafficSpec | null) {
    this.#traffic = spec;
    this.show();
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
    this.show();
  }

  /** Draws all there is, also while the trace is only recorded. */
  show(): void {
    this.#wanted = true;
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

  /** Listeners hear of it at most once per animation frame, and of frames alone as often as drawing them may cost. */
  #changed(): void {
    if (this.#frameRequested) return;
    const wait = this.#wait(performance.now());
    if (wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#changed();
      }, wait);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#frameRequested = true;
    requestAnimationFrame(() => {
      this.#frameRequested = false;
      this.#tell();
    });
  }

  #wait(now: number): number {
    if (this.#wanted || this.model !== this.#toldModel) return 0;
    return this.#drawsFrames ? this.#budget.wait(now) : this.#toldAt + COUNTS_MS - now;
  }

  /** There is something at frame rate to draw. */
  get #drawsFrames(): boolean {
    return this.model.traceMode !== 'recorded' && this.frames.version !== this.#pulse;
  }

  #tell(): void {
    const now = performance.now();
    if (this.#wanted || (this.#drawsFrames && this.#budget.wait(now) <= 0)) {
      this.#pulse = this.frames.version;
      this.#drawingSince = now;
      this.#drawn.port2.postMessage(null);
    }
    this.#wanted = false;
    this.#toldModel = this.model;
    this.#toldAt = now;
    for (const listener of this.#listeners) listener();
  }
}
