/**
 * virtio over PCI, modern interface.
 *
 * Theory. A driver sees five structures that the capability list points to. Three are registers (common
 * configuration, ISR, device configuration), one is the doorbell (notify), and the fifth is a window onto
 * the others. All lie in one I/O BAR:
 *
 *     0x000 common configuration    0x040 ISR    0x080 device configuration    0x100 doorbells
 *
 * An access comes in as (offset, width, value). It must lie within one structure; there it is decoded by
 * field (`field-map.ts`), so any width works at any offset. What is decoded ends in one of four owners:
 * feature registers, a bank of queue registers, the status machine, the device.
 *
 *     status 0 --ACKNOWLEDGE--DRIVER--FEATURES_OK--DRIVER_OK--> live
 *        ^                             judged       queues may be used
 *        +---- zero written, or machine reset ---- any state, also broken (NEEDS_RESET)
 *
 * A reset is synchronous: the write of zero returns when queues, features, ISR and device are as new, so
 * the zero a driver reads back is true. Each reset begins an epoch; whatever waits for somebody outside
 * (a control command waits for the host) compares epochs before it touches a queue again.
 *
 * @spec 4.1
 */
import type { ResetKind, Transport, VirtioDevice } from '../virtio/device.ts';
import { type FeatureSet, formatFeatures, hasFeature, VIRTIO_F_INDIRECT_DESC } from '../virtio/features.ts';
import { GUEST_ERRORS, type GuestErrorCode, type GuestErrorEvent } from '../virtio/guest-error.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import * as S from '../virtio/layout.ts';
import type { Queue } from '../virtio/queue.ts';
import { SplitQueue } from '../virtio/split-queue.ts';
import type { PackedWriter } from '../trace/packed.ts';
import { CommonConfig } from './common-config.ts';
import { nextStatus } from './device-status.ts';
import type { TransportEvent } from './events.ts';
import { FeatureRegisters } from './feature-registers.ts';
import { GuestErrorLog } from './guest-error-log.ts';
import { InterruptLine, type InterruptPin } from './interrupt-line.ts';
import * as P from './layout.ts';
import { ModernBar } from './modern-bar.ts';
import { QueueRegisters } from './queue-registers.ts';
import type { TransportState } from './transport-state.ts';

export interface TransportOptions {
  readonly memory: GuestMemory;
  readonly interrupt: InterruptPin;
  readonly device: VirtioDevice;
  readonly trace: PackedWriter;
  readonly emit: (event: TransportEvent | GuestErrorEvent) => void;
}

export class VirtioPciTransport implements Transport {
  readonly line: InterruptLine;
  readonly bar: ModernBar;
  /** By queue index, since the lab was opened. */
  readonly kicks: number[];
  readonly interrupts: number[];
  readonly #device: VirtioDevice;
  readonly #trace: PackedWriter;
  readonly #emit: TransportOptions['emit'];
  readonly #features = new FeatureRegisters();
  readonly #splitQueues: readonly SplitQueue[];
  readonly #queues: readonly QueueRegisters[];
  readonly #common: CommonConfig;
  readonly #errors: GuestErrorLog;
  /** By queue: was kicked since it was enabled. */
  readonly #kicked: boolean[] = [];
  #status = 0;
  #negotiated: FeatureSet = 0n;
  #epoch = 0;
  #generation = 0;
  /** Device configuration changed since the driver last read `config_generation`. */
  #configChanged = false;

  constructor(options: TransportOptions) {
    this.#device = options.device;
    this.#trace = options.trace;
    this.#emit = options.emit;
    this.#errors = new GuestErrorLog(options.emit);
    this.line = new InterruptLine(options.interrupt);
    const error: Transport['guestError'] = (code, queue, detail) => this.guestError(code, queue, detail);
    const specs = options.device.queueSpecs;
    this.kicks = specs.map(() => 0);
    this.interrupts = specs.map(() => 0);
    this.#splitQueues = specs.map((spec) => new SplitQueue(options.memory, spec.maximumSize));
    const enabled = (queue: number): void => this.#queueEnabled(queue);
    this.#queues = this.#splitQueues.map((queue, index) => new QueueRegisters(index, queue, { error, enabled }));
    const status = (): number => this.#status;
    this.#common = new CommonConfig({
      features: this.#features,
      queues: this.#queues,
      get status() {
        return status();
      },
      get featuresFinal() {
        return (status() & S.VIRTIO_CONFIG_S_FEATURES_OK) !== 0;
      },
      writeStatus: (value) => this.#writeStatus(value),
      readGeneration: () => this.#readGeneration(),
      error,
    });
    const kick = (queue: number, value: number): void => this.#kick(queue, value);
    const { device, emit } = options;
    this.bar = new ModernBar({ common: this.#common, line: this.line, device, emit, kick, error });
    this.#features.reset(this.#device.offers());
  }

  get epoch(): number {
    return this.#epoch;
  }
  get live(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }
  get broken(): boolean {
    return (this.#status & S.VIRTIO_CONFIG_S_NEEDS_RESET) !== 0;
  }
  get status(): number {
    return this.#status;
  }
  get offered(): FeatureSet {
    return this.#features.offered;
  }
  /** What the driver wrote, judged or not. */
  get accepted(): FeatureSet {
    return this.#features.driver;
  }
  get negotiated(): FeatureSet {
    return this.#negotiated;
  }
  get errorCount(): number {
    return this.#errors.total;
  }

  queue(index: number): Queue {
    const queue = this.#splitQueues[index];
    if (!queue) throw new RangeError(`queue ${index}`);
    return queue;
  }

  /** There is no legacy register block yet. */
  get legacy(): boolean {
    return false;
  }

  complete(index: number): void {
    if (this.publish(index)) this.interrupt(index);
  }

  publish(index: number): boolean {
    const queue = this.queue(index);
    return queue.publish() && queue.wantsInterrupt();
  }

  interrupt(index: number): void {
    // @spec 2.1.2 MUST NOT notify before DRIVER_OK (BASE-STATUS-02): nothing is pushed before it either.
    this.#trace.interrupt(index, this.queue(index).usedIdx);
    this.interrupts[index] = (this.interrupts[index] ?? 0) + 1;
    this.line.raise(P.VIRTIO_PCI_ISR_QUEUE);
  }

  guestError(code: GuestErrorCode, queue: number | null, detail: string): void {
    this.#errors.record(code, queue, detail);
    if (GUEST_ERRORS[code].response === 'needs-reset') this.needsReset(GUEST_ERRORS[code].text);
  }

  needsReset(reason: string): void {
    if (this.broken) return;
    // @spec 2.1.2 SHOULD raise it in a state that only a reset mends (BASE-STATUS-03)
    this.#status |= S.VIRTIO_CONFIG_S_NEEDS_RESET;
    this.#emit({ type: 'needs-reset', reason });
    // @spec 2.1.2 MUST notify of it once DRIVER_OK is set (BASE-STATUS-04)
    if (this.live) this.line.raise(P.VIRTIO_PCI_ISR_CONFIG);
  }

  configChanged(): void {
    this.#configChanged = true;
    if (this.live) this.line.raise(P.VIRTIO_PCI_ISR_CONFIG);
  }

  reset(kind: ResetKind): void {
    this.#epoch++;
    this.#status = 0;
    this.#negotiated = 0n;
    this.#common.reset();
    this.#features.reset(this.#device.offers());
    this.#errors.newEpoch();
    for (const queue of this.#queues) queue.reset();
    this.#kicked.length = 0;
    // Lowers the pin: @spec 2.4.1 MUST NOT notify after the reset (BASE-RESET-02)
    this.line.acknowledge();
    this.#emit({ type: 'device-reset', kind, epoch: this.#epoch, offered: formatFeatures(this.offered) });
    this.#device.reset(kind);
  }

  save(): TransportState {
    return {
      status: this.#status,
      negotiated: formatFeatures(this.#negotiated),
      features: this.#features.save(),
      queueSelect: this.#common.queueSelect,
      generation: this.#generation,
      configChanged: this.#configChanged,
      isr: this.line.isr,
      command: this.line.command,
      queues: this.#queues.map((registers) => ({ address: registers.save(), state: registers.queue.save() })),
      kicks: [...this.kicks],
      interrupts: [...this.interrupts],
    };
  }

  /** Takes over a checked state; a reason if a queue does not fit guest memory, with the device as after a reset. */
  restore(state: TransportState, offered: FeatureSet, negotiated: FeatureSet): string | null {
    this.#epoch++;
    this.#errors.newEpoch();
    for (const [index, registers] of this.#queues.entries()) {
      const saved = state.queues[index];
      const reason = saved ? registers.queue.restore(saved.state) : 'missing';
      if (saved) registers.restore(saved.address);
      if (reason !== null) {
        this.reset('machine');
        return `queue ${index}: ${reason}`;
      }
    }
    this.#status = state.status;
    this.#negotiated = negotiated;
    this.#applyFeatures();
    this.#features.restore(state.features, offered);
    this.#common.queueSelect = state.queueSelect;
    this.#generation = state.generation;
    this.#configChanged = state.configChanged;
    state.kicks.forEach((count, index) => (this.kicks[index] = count));
    state.interrupts.forEach((count, index) => (this.interrupts[index] = count));
    this.line.restore(state.isr, state.command);
    return null;
  }

  #writeStatus(value: number): void {
    const before = this.#status;
    if (value === 0) {
      // @spec 4.1.4.3.1 MUST reset, and read zero only when finished (PCI-COMMON-07): it is, when this returns.
      this.reset('driver');
    } else {
      const after = nextStatus(before, value, {
        acceptFeatures: () => this.#judgeFeatures(),
        error: (code, detail) => this.guestError(code, null, detail),
      });
      // What an error raised on the way stands.
      this.#status |= after;
      if (this.live && !(before & S.VIRTIO_CONFIG_S_DRIVER_OK)) {
        for (const queue of this.#splitQueues) queue.setNotify(true);
      }
    }
    this.#emit({ type: 'status-write', value, before, after: this.#status });
  }

  /** @spec 2.2.2 MUST refuse by leaving FEATURES_OK clear (BASE-FEAT-03) */
  #judgeFeatures(): boolean {
    const accepted = this.accepted;
    const fault = this.#features.judge() ?? this.#device.judge(accepted);
    const offered = formatFeatures(this.offered);
    const reason = fault?.reason ?? null;
    this.#emit({ type: 'features-judged', ok: !fault, offered, accepted: formatFeatures(accepted), reason });
    if (fault) {
      this.guestError(fault.code, null, fault.reason);
      return false;
    }
    this.#negotiated = accepted;
    this.#applyFeatures();
    this.#device.negotiated(accepted);
    return true;
  }

  #applyFeatures(): void {
    const indirect = hasFeature(this.#negotiated, VIRTIO_F_INDIRECT_DESC);
    for (const queue of this.#splitQueues) queue.indirect = indirect;
  }

  #queueEnabled(index: number): void {
    const state = this.queue(index).save();
    if (this.live) this.queue(index).setNotify(true);
    this.#device.queueChanged(index, 'enabled');
    this.#emit({
      type: 'queue-enabled',
      queue: index,
      role: this.#device.roleOf(index),
      size: state.size,
      desc: state.desc,
      driver: state.driver,
      device: state.device,
    });
  }

  #kick(index: number, value: number): void {
    const queue = this.#splitQueues[index];
    if (!this.live) {
      this.guestError('kick-before-driver-ok', index, `value ${value}`);
      return;
    }
    // @spec 4.1.5.2 the doorbell of a queue is written with that queue's index (NOTIF-01)
    const named = value % 0x1_0000;
    if (!queue?.enabled || named !== index) {
      this.guestError('kick-bad-queue', index, `doorbell of queue ${index}, value ${value}`);
      return;
    }
    this.kicks[index] = (this.kicks[index] ?? 0) + 1;
    if (!this.#kicked[index]) {
      this.#kicked[index] = true;
      this.#device.queueChanged(index, 'kicked');
    }
    this.#trace.notify(index, queue.shownIdx);
    this.#device.service(index);
  }

  #readGeneration(): number {
    // @spec 4.1.4.3.1 MUST show another value after a changed value could be read (PCI-COMMON-06). Counting on
    // read instead of on change means that 256 changes between two reads cannot look like none.
    if (this.#configChanged) this.#generation = (this.#generation + 1) & 0xff;
    this.#configChanged = false;
    return this.#generation;
  }
}
