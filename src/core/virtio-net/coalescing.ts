/**
 * Notification coalescing: how often the driver hears of used buffers.
 *
 * What was pushed is shown at once, so a driver that polls sees it; only the interrupt waits. It is owed from
 * the first packet on and raised when `max_packets` are together or `max_usecs` have passed, whichever
 * comes first. Whether the driver wants it at all is asked then and not before, because a driver that has
 * begun to poll meanwhile must not be disturbed. With either value zero, each batch interrupts by itself, unless the
 * device holds it: then the interrupt is owed until the device releases it, or until half the queue waits for it.
 *
 * Time belongs to the machine: it gives a timer, or there is no coalescing to offer.
 *
 * @spec 5.1.9.5.10
 */
import type { Transport } from '../virtio/device.ts';

export interface Timer {
  /** Calls `callback` once, after so many microseconds or later. */
  after(microseconds: number, callback: () => void): unknown;
  cancel(handle: unknown): void;
}

/** `struct virtio_net_ctrl_coal`. */
export interface Coalesce {
  readonly maxPackets: number;
  readonly maxUsecs: number;
}

export const NO_COALESCING: Coalesce = Object.freeze({ maxPackets: 0, maxUsecs: 0 });

export type CoalescedRole = 'rx' | 'tx';

/** Plain data. */
export interface CoalescingState {
  readonly defaults: Readonly<Record<CoalescedRole, Coalesce>>;
  /** By queue. */
  readonly queues: readonly Coalesce[];
}

interface QueueState {
  maxPackets: number;
  maxUsecs: number;
  /** Packets shown since the last interrupt. */
  pending: number;
  /** When the first of them was shown, in nanoseconds. */
  since: number;
  /** A timer runs. */
  armed: boolean;
  handle: unknown;
  readonly fire: () => void;
}

export class Coalescing {
  readonly #timer: Timer | null;
  readonly #now: () => number;
  readonly #queues: readonly QueueState[];
  #transport: Transport | null = null;
  #defaults: Record<CoalescedRole, Coalesce> = { rx: NO_COALESCING, tx: NO_COALESCING };

  constructor(queues: number, now: () => number, timer: Timer | null) {
    this.#timer = timer;
    this.#now = now;
    this.#queues = Array.from({ length: queues }, (_, index) => ({
      maxPackets: 0,
      maxUsecs: 0,
      pending: 0,
      since: 0,
      armed: false,
      handle: null,
      fire: () => this.#notify(index),
    }));
  }

  attach(transport: Transport): void {
    this.#transport = transport;
  }

  /** Shows what was pushed to the queue, `packets` of them, and interrupts: now, or when it is time. */
  complete(transport: Transport, queue: number, packets: number): void {
    const state = this.#show(transport, queue, packets);
    if (!state) return;
    // @spec 5.1.9.5.10.6 MAY notify more often (NET-COAL-07): a driver whose buffers are all used waits for us
    const enough = Math.min(state.maxPackets, transport.queue(queue).size);
    if (!coalesces(state) || state.pending >= enough) this.#notify(queue);
    else if (!state.armed) this.#arm(state, state.maxUsecs);
  }

  /**
   * As `complete`, by a device that expects to show more soon: without coalescing the interrupt waits for `release`. A
   * driver that adds buffers sees those that it gets back.
   */
  hold(transport: Transport, queue: number, packets: number): void {
    const state = this.#queues[queue];
    if (!state || coalesces(state)) this.complete(transport, queue, packets);
    else if (this.#show(transport, queue, packets) && 2 * state.pending >= transport.queue(queue).size)
      this.#notify(queue);
  }

  /** There is no more: what was held interrupts. */
  release(queue: number): void {
    const state = this.#queues[queue];
    if (state && !coalesces(state)) this.#notify(queue);
  }

  /** VIRTIO_NET_CTRL_NOTF_COAL_RX_SET and _TX_SET: what a queue of the role starts with when it is enabled. */
  setDefault(role: CoalescedRole, coalesce: Coalesce): void {
    this.#defaults = { ...this.#defaults, [role]: coalesce };
  }

  /** For one queue. @spec 5.1.9.5.10 the last command counts, whichever it was */
  setQueue(queue: number, { maxPackets, maxUsecs }: Coalesce): void {
    const state = this.#queues[queue];
    if (!state) return;
    state.maxPackets = maxPackets;
    state.maxUsecs = maxUsecs;
    // @spec 5.1.9.5.10.4 the new conditions may be met already (NET-COAL-11)
    if (state.pending === 0) return;
    const elapsed = Math.floor((this.#now() - state.since) / 1000);
    if (maxUsecs === 0 || state.pending >= maxPackets || elapsed >= maxUsecs) {
      this.#notify(queue);
    } else {
      this.#disarm(state);
      this.#arm(state, maxUsecs - elapsed);
    }
  }

  of(queue: number): Coalesce {
    const state = this.#queues[queue];
    return state ? { maxPackets: state.maxPackets, maxUsecs: state.maxUsecs } : NO_COALESCING;
  }

  defaults(): Readonly<Record<CoalescedRole, Coalesce>> {
    return this.#defaults;
  }

  /** @spec 5.1.9.5.10.6 MUST take the values of its role when it is enabled again (NET-COAL-05, -06) */
  queueEnabled(queue: number, role: CoalescedRole): void {
    this.queueReset(queue);
    this.setQueue(queue, this.#defaults[role]);
  }

  /** Its ring is gone: nothing is owed any more. */
  queueReset(queue: number): void {
    const state = this.#queues[queue];
    if (!state) return;
    this.#disarm(state);
    state.pending = 0;
    state.maxPackets = 0;
    state.maxUsecs = 0;
  }

  /** @spec 5.1.9.5.10.6 MUST set all parameters to 0 (NET-COAL-09) */
  reset(): void {
    this.#defaults = { rx: NO_COALESCING, tx: NO_COALESCING };
    for (let queue = 0; queue < this.#queues.length; queue++) this.queueReset(queue);
  }

  /** Interrupts at once if that is owed: before the queue stops, and before a snapshot, in which no timer runs. */
  settle(queue: number): void {
    this.#notify(queue);
  }

  save(): CoalescingState {
    return { defaults: { ...this.#defaults }, queues: this.#queues.map((_, queue) => this.of(queue)) };
  }

  /** Takes over checked values. */
  restore({ defaults, queues }: CoalescingState): void {
    this.reset();
    this.#defaults = defaults;
    for (const [queue, coalesce] of queues.entries()) this.setQueue(queue, coalesce);
  }

  /** Null if nothing was there to be shown. */
  #show(transport: Transport, queue: number, packets: number): QueueState | null {
    const state = this.#queues[queue];
    if (!state || !transport.queue(queue).publish()) return null;
    if (state.pending === 0) state.since = this.#now();
    state.pending += packets;
    return state;
  }

  #notify(index: number): void {
    const state = this.#queues[index];
    const transport = this.#transport;
    if (!state || !transport) return;
    this.#disarm(state);
    if (state.pending === 0) return;
    state.pending = 0;
    // @spec 5.1.9.5.10.6 SHOULD NOT notify while the driver does not want it (NET-COAL-08)
    if (!transport.broken && transport.queue(index).enabled) transport.notify(index);
  }

  #arm(state: QueueState, microseconds: number): void {
    state.armed = true;
    state.handle = this.#timer?.after(microseconds, state.fire) ?? null;
  }

  #disarm(state: QueueState): void {
    if (state.armed) this.#timer?.cancel(state.handle);
    state.armed = false;
    state.handle = null;
  }
}

function coalesces({ maxPackets, maxUsecs }: Coalesce): boolean {
  return maxPackets > 0 && maxUsecs > 0;
}
