/**
 * What the host side tells the trace at control rate, and the history of ioctls that it keeps for people: always of
 * the model in force.
 */
import type { Emit } from '../trace/event.ts';
import { formatFeatures } from '../virtio/features.ts';
import { faultsOf } from '../viona/faults.ts';
import type { IoctlRecord, LinkState } from '../viona/link.ts';
import type { Ack, HostModel, HostModelId } from './host-model.ts';

/** The history that `describe` shows; the trace has all of it. */
export const MAX_IOCTL_HISTORY = 512;

/** When and of whom something is told. */
export interface Moment {
  readonly model: HostModelId;
  readonly generation: number;
}

export class HostLog {
  readonly #emit: Emit;
  ioctls: IoctlRecord[] = [];

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  ioctl(record: IoctlRecord, by: 'vmm' | 'user', moment: Moment): void {
    this.ioctls.push(record);
    if (this.ioctls.length > MAX_IOCTL_HISTORY) {
      const count = MAX_IOCTL_HISTORY / 2;
      this.ioctls.splice(0, count);
      this.#emit({ type: 'lost', what: 'ioctl history of the link', count });
    }
    const { name, arg, errno } = record;
    this.#emit({ type: 'ioctl', name, arg, errno, by, ...moment });
  }

  /** Another model is in force, or its link is another one: all is told anew. */
  model({ id, offers }: HostModel, link: LinkState | null, generation: number): void {
    this.#emit({ type: 'host-model', model: id, offers: formatFeatures(offers), generation });
    this.#link(link, { model: id, generation });
  }

  /** The same model's link after something happened: what is different is told. */
  link(before: LinkState | null, after: LinkState | null, moment: Moment): void {
    if (before === after) return;
    if (after?.level !== before?.level || after?.callbacks !== before?.callbacks) this.#link(after, moment);
    this.faults(before, after, moment);
  }

  faults(before: LinkState | null, after: LinkState | null, moment: Moment): void {
    const faults = after === null ? [] : faultsOf(after);
    if (JSON.stringify(faults) === JSON.stringify(before === null ? [] : faultsOf(before))) return;
    this.#emit({ type: 'faults', faults, ...moment });
  }

  judged(acks: Readonly<Partial<Record<HostModelId, Ack>>>, generation: number): void {
    this.#emit({ type: 'command-judged', acks, generation });
  }

  migrated(acks: Readonly<Partial<Record<HostModelId, Ack>>>, reason: string | null, generation: number): void {
    this.#emit({ type: 'migrated', acks, reason, generation });
  }

  #link(link: LinkState | null, moment: Moment): void {
    this.#emit({ type: 'link', level: link?.level ?? null, callbacks: link?.callbacks ?? null, ...moment });
  }
}
