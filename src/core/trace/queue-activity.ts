/** Kicks and interrupts per queue: how often, and where the ring stood at the last one. */
import { AT } from './packed.ts';

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
  #version = 0;
  readonly #queues = new Map<number, { kicks: number; availIdx: number; interrupts: number; usedIdx: number }>();

  /** Changes with every record. */
  get version(): number {
    return this.#version;
  }

  /** @param at offset of a QUEUE record */
  add(view: DataView, at: number): void {
    const queue = view.getUint32(at + AT.id, true);
    let activity = this.#queues.get(queue);
    if (!activity) this.#queues.set(queue, (activity = { ...QUIET }));
    this.#version++;
    activity.kicks += view.getUint32(at + AT.queueKicks, true);
    activity.interrupts += view.getUint32(at + AT.queueInterrupts, true);
    activity.availIdx = view.getUint16(at + AT.queueAvail, true);
    activity.usedIdx = view.getUint16(at + AT.queueUsed, true);
  }

  of(queue: number): QueueActivity {
    return this.#queues.get(queue) ?? QUIET;
  }
}
