/** Kicks and interrupts per queue: how often, and where the ring stood at the last one. */
import type { TraceChunk } from './log.ts';
import { AT, RECORD } from './packed.ts';

export interface QueueActivity {
  readonly kicks: number;
  /** Available index seen at the last kick. */
  readonly availIdx: number;
  readonly interrupts: number;
  /** Used index published at the last interrupt. */
  readonly usedIdx: number;
}

const QUIET: QueueActivity = { kicks: 0, availIdx: 0, interrupts: 0, usedIdx: 0 };

export class QueueActivities {
  readonly #queues = new Map<number, { kicks: number; availIdx: number; interrupts: number; usedIdx: number }>();

  add(chunk: TraceChunk): void {
    const { view, offsets } = chunk;
    for (const at of offsets) {
      const kind = view.getUint16(at + AT.kind, true);
      if (kind !== RECORD.NOTIFY && kind !== RECORD.INTERRUPT) continue;
      const queue = view.getUint16(at + AT.queueIndex, true);
      const position = view.getUint16(at + AT.queuePosition, true);
      let activity = this.#queues.get(queue);
      if (!activity) this.#queues.set(queue, (activity = { ...QUIET }));
      if (kind === RECORD.NOTIFY) {
        activity.kicks++;
        activity.availIdx = position;
      } else {
        activity.interrupts++;
        activity.usedIdx = position;
      }
    }
  }

  of(queue: number): QueueActivity {
    return this.#queues.get(queue) ?? QUIET;
  }
}
