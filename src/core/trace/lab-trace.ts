/** The folds of one lab over its one stream: what a page or a test holds. */
import type { TraceSource } from './event.ts';
import { FrameTable } from './frame-table.ts';
import { TraceLog } from './log.ts';
import type { TraceLogOptions } from './log.ts';
import { fold, INITIAL_MODEL } from './model.ts';
import type { LabModel } from './model.ts';
import type { TraceBatch } from './packed.ts';
import { QueueActivities } from './queue-activity.ts';

export interface LabTraceOptions extends TraceLogOptions {
  /** Rows of the frame table to keep. */
  readonly maxRows?: number;
}

export class LabTrace {
  readonly log: TraceLog;
  readonly frames: FrameTable;
  readonly queues = new QueueActivities();
  #model: LabModel = INITIAL_MODEL;

  constructor(options: LabTraceOptions = {}) {
    this.log = new TraceLog(options);
    this.frames = new FrameTable(options.maxRows);
  }

  get model(): LabModel {
    return this.#model;
  }

  add(source: TraceSource, batch: TraceBatch): void {
    const chunk = this.log.add(source, batch);
    this.frames.add(chunk);
    for (const at of chunk.queues) this.queues.add(chunk.view, at);
    for (const event of chunk.events) this.#model = fold(this.#model, event);
  }

  /** Starts the packet list and its counters anew. What the device and the host are like stays. */
  clearFrames(): void {
    this.frames.clear();
    this.log.dropRecords();
  }
}
