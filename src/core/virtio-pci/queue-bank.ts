/**
 * All queues of the device: their registers, their kicks, and what stops one.
 *
 * A queue stops when it is reset by itself and when the device is suspended. Both wait until the device has
 * given back what it took, so `stopping` is a state of its own: nothing more is taken, what is in work ends.
 *
 * @spec 2.6, 4.1.5.2
 */
import type { PackedWriter } from '../trace/packed.ts';
import type { VirtioDevice } from '../virtio/device.ts';
import {
  type FeatureSet,
  hasFeature,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_RESET,
} from '../virtio/features.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { Queue, QueueState } from '../virtio/queue.ts';
import { queueFeatures, Virtqueue } from '../virtio/virtqueue.ts';
import type { TransportEvent } from './events.ts';
import type { Interrupts } from './interrupts.ts';
import { VIRTIO_MSI_NO_VECTOR } from './layout.ts';
import { QueueRegisters } from './queue-registers.ts';

export interface QueueBankParts {
  readonly memory: GuestMemory;
  readonly device: VirtioDevice;
  readonly interrupts: Interrupts;
  readonly trace: PackedWriter;
  readonly emit: (event: TransportEvent) => void;
  readonly error: (code: GuestErrorCode, queue: number | null, detail: string) => void;
  /** Null if queues may be used; else what it is to kick one. */
  readonly unready: () => GuestErrorCode | null;
}

export interface BankedQueueState {
  readonly address: readonly number[];
  readonly state: QueueState;
}

export class QueueBank {
  readonly registers: readonly QueueRegisters[];
  /** By queue index, since the lab was opened. */
  readonly kicks: number[];
  readonly #parts: QueueBankParts;
  readonly #queues: readonly Virtqueue[];
  /** By queue: was kicked since it was enabled. */
  readonly #kicked: boolean[];
  #ringReset = false;
  #notificationData = false;
  #notifConfigData = false;

  constructor(parts: QueueBankParts) {
    const { device, memory, interrupts } = parts;
    this.#parts = parts;
    this.#queues = device.queueSpecs.map(({ maximumSize }) => new Virtqueue(memory, maximumSize));
    this.kicks = this.#queues.map(() => 0);
    this.#kicked = this.#queues.map(() => false);
    const host = {
      ringReset: () => this.#ringReset,
      notifConfigData: () => this.#notifConfigData,
      error: (code: GuestErrorCode, queue: number, detail: string) => parts.error(code, queue, detail),
      enabled: (queue: number) => this.#enabled(queue),
      reset: (queue: number) => this.#beginReset(queue),
      vector: (queue: number) => interrupts.vector(queue),
      setVector: (queue: number, vector: number) => this.map(queue, vector),
    };
    this.registers = this.#queues.map((queue, index) => new QueueRegisters(index, queue, host));
  }

  queue(index: number): Queue {
    const queue = this.#queues[index];
    if (!queue) throw new RangeError(`queue ${index}`);
    return queue;
  }

  /** The queue may be taken from, as far as the queue is concerned. */
  runs(index: number): boolean {
    const registers = this.registers[index];
    return registers !== undefined && registers.queue.enabled && !registers.resetting;
  }

  /** Puts negotiated features in force; all none after a reset. */
  configure(negotiated: FeatureSet): void {
    this.#ringReset = hasFeature(negotiated, VIRTIO_F_RING_RESET);
    this.#notificationData = hasFeature(negotiated, VIRTIO_F_NOTIFICATION_DATA);
    this.#notifConfigData = hasFeature(negotiated, VIRTIO_F_NOTIF_CONFIG_DATA);
    const features = queueFeatures(negotiated);
    this.#queues.forEach((queue, index) => {
      const fault = queue.configure(features);
      if (fault) this.#parts.error(fault.code, index, fault.detail);
    });
  }

  /** The device is live: it wants to hear of buffers. */
  wantKicks(): void {
    for (const queue of this.#queues) queue.setNotify(true);
  }

  /** Maps an event to a vector. */
  map(event: number, vector: number): void {
    if (this.#parts.interrupts.map(event, vector)) return;
    this.#parts.error('bad-vector', event === this.#parts.interrupts.configEvent ? null : event, `vector ${vector}`);
  }

  /** A doorbell of the modern interface was written. */
  doorbell(index: number, width: number, value: number): void {
    const unready = this.#parts.unready();
    const registers = this.registers[index];
    if (unready || !registers) {
      this.#parts.error(unready ?? 'kick-bad-queue', index, `value ${value}`);
      return;
    }
    // @spec 4.1.5.2 the low half is the queue's index, or the number that the device gave it (NOTIF-01, NOTIF-02)
    if (value % 0x1_0000 !== registers.notifyId || !this.runs(index)) {
      this.#parts.error('kick-bad-queue', index, `doorbell of queue ${index}, value ${value}`);
      return;
    }
    if (this.#notificationData) this.#checkPosition(registers, width, Math.floor(value / 0x1_0000));
    this.#kick(index);
  }

  /** The one doorbell of the legacy interface was written. */
  legacyDoorbell(index: number): void {
    const unready = this.#parts.unready();
    if (unready || !this.runs(index)) this.#parts.error(unready ?? 'kick-bad-queue', index, 'legacy doorbell');
    else this.#kick(index);
  }

  /** A queue that waited for the device to give back a buffer: its reset is done now. */
  settle(index: number): void {
    if (this.registers[index]?.resetting) this.endReset(index);
  }

  /** True if the device has nothing of any queue in work. */
  quiesce(): boolean {
    let quiet = true;
    for (const { index, queue } of this.registers) {
      if (queue.enabled && !this.#parts.device.quiesce(index)) quiet = false;
    }
    return quiet;
  }

  /**
   * Resets one queue, whatever is in work.
   *
   * @spec 2.6.1.1.1 MUST be as new, positions included (VQ-RESET-03), and never be notified for again (VQ-RESET-02)
   */
  endReset(index: number): void {
    this.registers[index]?.reset();
    this.#parts.interrupts.map(index, VIRTIO_MSI_NO_VECTOR);
    this.#kicked[index] = false;
    this.#parts.device.queueChanged(index, 'reset');
    this.#parts.emit({ type: 'queue-reset', queue: index });
  }

  reset(): void {
    for (const registers of this.registers) registers.reset();
    this.#kicked.fill(false);
    this.configure(0n);
  }

  /** Plain data. A reset that waits for a buffer is saved as done: the buffer is nobody's any more. */
  save(): BankedQueueState[] {
    return this.registers.map((registers) => {
      const { queue } = registers;
      if (!registers.resetting) return { address: registers.save(), state: queue.save() };
      const nothing = { desc: 0, driver: 0, device: 0, position: 0 };
      const state = { ...nothing, size: queue.maximumSize, enabled: false, notify: true };
      return { address: registers.save().map(() => 0), state };
    });
  }

  /** Takes over checked state of a device that is reset; a reason if a queue does not fit guest memory. */
  restore(states: readonly BankedQueueState[], negotiated: FeatureSet): string | null {
    this.configure(negotiated);
    for (const registers of this.registers) {
      const saved = states[registers.index];
      const reason = saved ? registers.queue.restore(saved.state) : 'missing';
      if (reason !== null) return `queue ${registers.index}: ${reason}`;
      if (saved) registers.restore(saved.address);
    }
    return null;
  }

  #enabled(index: number): void {
    const { device, emit, unready } = this.#parts;
    const state = this.queue(index).save();
    if (unready() === null) this.queue(index).setNotify(true);
    this.#kicked[index] = false;
    device.queueChanged(index, 'enabled');
    emit({
      type: 'queue-enabled',
      queue: index,
      role: device.roleOf(index),
      size: state.size,
      desc: state.desc,
      driver: state.driver,
      device: state.device,
    });
  }

  #beginReset(index: number): void {
    const registers = this.registers[index];
    if (!registers) return;
    registers.resetting = true;
    // @spec 2.6.1.1.1 MUST NOT execute anything of the queue when it was reset (VQ-RESET-01): what is in work ends
    // first, and so long the driver is shown that the reset is under way (PCI-COMMON-12).
    if (!registers.queue.enabled || this.#parts.device.quiesce(index)) this.endReset(index);
  }

  #kick(index: number): void {
    const { device, trace } = this.#parts;
    this.kicks[index] = (this.kicks[index] ?? 0) + 1;
    if (!this.#kicked[index]) {
      this.#kicked[index] = true;
      device.queueChanged(index, 'kicked');
    }
    trace.notify(index, this.queue(index).shownIdx);
    device.service(index);
  }

  /**
   * The driver says up to where it made buffers available. More may have followed since it looked, so an older
   * position is right; one beyond what is there is not.
   */
  #checkPosition({ index, queue }: QueueRegisters, width: number, position: number): void {
    const shown = queue.shownIdx;
    const right = queue.features.packed
      ? position % 0x8000 < queue.size && lag(shown, position, queue.size) <= queue.size
      : ((shown - position) & 0xffff) <= queue.size;
    if (width === 4 && right) return;
    this.#parts.error('notification-data-wrong', index, `${8 * width} bits, position ${position}, shown ${shown}`);
  }
}

/** How many slots one packed position lies behind another: wrap counter in bit 15, 1 in the first lap. */
function lag(shown: number, position: number, size: number): number {
  const at = (value: number): number => (value % 0x8000) + (value >= 0x8000 ? 0 : size);
  return (at(shown) - at(position) + 2 * size) % (2 * size);
}
