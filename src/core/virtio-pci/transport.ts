/**
 * virtio over PCI.
 *
 * Theory. A driver sees five structures that the capability list points to. Three are registers (common
 * configuration, ISR, device configuration), one is the doorbell (notify), and the fifth is a window onto
 * the others. All lie in one I/O BAR:
 *
 *     0x000 common configuration    0x040 ISR    0x080 device configuration    0x100 doorbells
 *
 * A transitional device has the legacy register block besides, in a BAR of its own (`legacy-bar.ts`). Whichever
 * interface a driver uses to say that it is a driver is the one in use until reset.
 *
 * An access comes in as (offset, width, value). It must lie within one structure; there it is decoded by
 * field (`field-map.ts`), so any width works at any offset. What is decoded ends in one of five owners:
 * feature registers, the bank of queues, interrupts, the driver's state, the device.
 *
 * A reset is synchronous: the write of zero returns when queues, features, ISR and device are as new, so
 * the zero a driver reads back is true. Each reset begins an epoch; whatever waits for somebody outside
 * (a control command waits for the host) compares epochs before it touches a queue again.
 *
 * PCI bus mastering is the driver's leave to access memory. Without it no buffer is taken and no message sent;
 * a buffer that is in work then still goes back, since the driver that took the leave away cannot know of it.
 * When it is given again, the queues are looked at, and messages that were held back go out.
 *
 * @spec 4.1
 */
import type { PackedWriter } from '../trace/packed.ts';
import type { ResetKind, Transport, VirtioDevice } from '../virtio/device.ts';
import { type FeatureSet, formatFeatures } from '../virtio/features.ts';
import { GUEST_ERRORS, type GuestErrorCode, type GuestErrorEvent } from '../virtio/guest-error.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { Queue } from '../virtio/queue.ts';
import { CommonConfig } from './common-config.ts';
import { DeviceConfig } from './device-config.ts';
import { DriverState } from './driver-state.ts';
import type { TransportEvent } from './events.ts';
import { FeatureRegisters } from './feature-registers.ts';
import { GuestErrorLog } from './guest-error-log.ts';
import { type InterruptController, Interrupts } from './interrupts.ts';
import * as P from './layout.ts';
import { LegacyBar } from './legacy-bar.ts';
import { ModernBar } from './modern-bar.ts';
import { QueueBank } from './queue-bank.ts';
import type { TransportState } from './transport-state.ts';

export interface TransportOptions {
  readonly memory: GuestMemory;
  readonly interrupt: InterruptController;
  readonly device: VirtioDevice;
  readonly trace: PackedWriter;
  readonly emit: (event: TransportEvent | GuestErrorEvent) => void;
}

export class VirtioPciTransport implements Transport {
  readonly signals: Interrupts;
  readonly modernBar: ModernBar;
  readonly legacyBar: LegacyBar;
  /** By queue index, since the lab was opened. */
  readonly interrupts: number[];
  readonly #device: VirtioDevice;
  readonly #trace: PackedWriter;
  readonly #emit: TransportOptions['emit'];
  readonly #features = new FeatureRegisters();
  readonly #queues: QueueBank;
  readonly #common: CommonConfig;
  readonly #config: DeviceConfig;
  readonly #driver: DriverState;
  readonly #errors: GuestErrorLog;
  #epoch = 0;
  /** PCI command register. */
  #command = 0;

  constructor(options: TransportOptions) {
    const { device, memory, trace, emit } = options;
    this.#device = device;
    this.#trace = trace;
    this.#emit = emit;
    this.#errors = new GuestErrorLog(emit);
    const features = this.#features;
    const error: Transport['guestError'] = (code, queue, detail) => this.guestError(code, queue, detail);
    const signals = new Interrupts(device.queueSpecs.length, options.interrupt);
    const unready = (): GuestErrorCode | null => this.#unready();
    const queues = new QueueBank({ memory, device, interrupts: signals, trace, emit, error, unready });
    const config = new DeviceConfig(device, emit, error);
    const reset = (): void => this.reset('driver');
    const resumed = (): void => this.#serviceAll();
    const driver = new DriverState({ device, features, queues, config, signals, emit, error, reset, resumed });
    this.signals = signals;
    this.interrupts = device.queueSpecs.map(() => 0);
    this.#queues = queues;
    this.#config = config;
    this.#driver = driver;
    this.#common = new CommonConfig({ features, queues, signals, config, driver, error });
    this.modernBar = new ModernBar({
      common: this.#common,
      line: signals.line,
      config,
      doorbells: device.queueSpecs.length,
      doorbell: (queue, width, value) => this.#doorbell(queue, width, value),
      error,
    });
    this.legacyBar = new LegacyBar({ features, queues, interrupts: signals, config, driver, error });
    features.reset(device.offers());
  }

  get epoch(): number {
    return this.#epoch;
  }
  get live(): boolean {
    return this.#unready() === null;
  }
  get broken(): boolean {
    return this.#driver.broken;
  }
  get status(): number {
    return this.#driver.status;
  }
  get offered(): FeatureSet {
    return this.#driver.offered;
  }
  /** What the driver wrote, judged or not. */
  get accepted(): FeatureSet {
    return this.#features.driver;
  }
  get negotiated(): FeatureSet {
    return this.#driver.negotiated;
  }
  /** @spec 2.2.3 MUST know a legacy driver by its not accepting VERSION_1, which it has no register for (LEG-01) */
  get legacy(): boolean {
    return this.#driver.legacy;
  }
  get kicks(): readonly number[] {
    return this.#queues.kicks;
  }
  /** A driver uses the function, or may: it has taken the device, or was given the bus. */
  get inUse(): boolean {
    return this.#driver.driven || (this.#command & P.PCI_COMMAND_BUS_MASTER) !== 0;
  }
  get errorCount(): number {
    return this.#errors.total;
  }
  get command(): number {
    return this.#command;
  }

  set command(value: number) {
    const before = this.#command;
    this.#putCommand(value & P.PCI_COMMAND_WRITABLE);
    if (this.#command & ~before & P.PCI_COMMAND_BUS_MASTER) this.#serviceAll();
  }

  queue(index: number): Queue {
    return this.#queues.queue(index);
  }

  running(index: number): boolean {
    return this.live && !this.broken && !this.#driver.suspending && this.#queues.runs(index);
  }

  settled(index: number): void {
    this.#queues.settle(index);
    this.#driver.settled();
  }

  complete(index: number): void {
    if (this.queue(index).publish()) this.notify(index);
  }

  notify(index: number): void {
    const queue = this.queue(index);
    const wanted = queue.wantsInterrupt();
    const warning = queue.takeWarning();
    if (warning) this.guestError(warning.code, index, warning.detail);
    if (!wanted) return;
    // @spec 2.1.2 MUST NOT notify before DRIVER_OK (BASE-STATUS-02): nothing is pushed before it either.
    if (!this.signals.queue(index)) return;
    this.#trace.interrupt(index, queue.usedIdx);
    this.interrupts[index] = (this.interrupts[index] ?? 0) + 1;
  }

  guestError(code: GuestErrorCode, queue: number | null, detail: string): void {
    this.#errors.record(code, queue, detail);
    if (GUEST_ERRORS[code].response === 'needs-reset') this.needsReset(GUEST_ERRORS[code].text);
  }

  needsReset(reason: string): void {
    this.#driver.needsReset(reason);
  }

  configChanged(quiet?: 'quiet'): void {
    this.#config.changed();
    if (!quiet) this.#driver.notifyConfig();
  }

  reset(kind: ResetKind): void {
    this.#epoch++;
    this.#driver.reset();
    this.#common.reset();
    this.legacyBar.reset();
    this.#features.reset(this.#device.offers());
    this.#config.thaw();
    this.#errors.newEpoch();
    this.#queues.reset();
    if (kind === 'machine') {
      this.signals.powerOn();
      this.#putCommand(0);
    } else {
      this.signals.reset();
    }
    this.#emit({ type: 'device-reset', kind, epoch: this.#epoch, offered: formatFeatures(this.offered) });
    this.#device.reset(kind);
  }

  save(): TransportState {
    return {
      ...this.#driver.save(),
      negotiated: formatFeatures(this.negotiated),
      features: this.#features.save(),
      queueSelect: this.#common.queueSelect,
      legacyQueueSelect: this.legacyBar.queueSelect,
      config: this.#config.save(this.#driver.suspending),
      command: this.#command,
      signals: this.signals.save(),
      queues: this.#queues.save(),
      kicks: [...this.#queues.kicks],
      interrupts: [...this.interrupts],
    };
  }

  /** Takes over a checked state; a reason if a queue does not fit guest memory, with the device as after a reset. */
  restore(state: TransportState, offered: FeatureSet, negotiated: FeatureSet): string | null {
    this.#epoch++;
    this.#errors.newEpoch();
    this.#queues.reset();
    const reason = this.#queues.restore(state.queues, negotiated);
    if (reason !== null) {
      this.reset('machine');
      return reason;
    }
    this.#driver.restore(state, negotiated);
    this.#features.restore(state.features, offered);
    this.#common.queueSelect = state.queueSelect;
    this.legacyBar.queueSelect = state.legacyQueueSelect;
    this.#config.restore(state.config);
    state.kicks.forEach((count, index) => (this.#queues.kicks[index] = count));
    state.interrupts.forEach((count, index) => (this.interrupts[index] = count));
    this.#putCommand(state.command);
    this.signals.restore(state.signals);
    return null;
  }

  /** Null if queues may be used; else what it is to kick one. */
  #unready(): GuestErrorCode | null {
    const unready = this.#driver.unready();
    return unready ?? (this.#command & P.PCI_COMMAND_BUS_MASTER ? null : 'kick-without-bus-master');
  }

  #putCommand(command: number): void {
    this.#command = command;
    this.signals.line.disabled = (command & P.PCI_COMMAND_INTX_DISABLE) !== 0;
    if (this.signals.msix) this.signals.msix.busMaster = (command & P.PCI_COMMAND_BUS_MASTER) !== 0;
  }

  #doorbell(queue: number, width: number, value: number): void {
    if (this.legacy) this.guestError('interface-mixed', queue, `doorbell = ${value}`);
    else this.#queues.doorbell(queue, width, value);
  }

  /** Looks for work that a kick announced when the device could not take it. */
  #serviceAll(): void {
    for (const { index } of this.#queues.registers) if (this.running(index)) this.#device.service(index);
  }
}
