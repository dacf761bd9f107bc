/**
 * The network device: pairs of data queues, the control queue, and what they share.
 *
 * Theory. The device moves bytes and keeps promises about buffers; it decides nothing about filtering.
 * What a driver asks of the filter goes to the host, whose answer is the ack. The device keeps a copy of what
 * was acknowledged, for people and for snapshots: it never looks at it when a frame arrives, because frames
 * were judged by the host before they came here. Which pair a frame goes to, which offloads are on and when
 * to interrupt are its own matters, each in a file of its own.
 *
 *     driver --control--> ControlQueue --RxEvent--> host --HostAnswer--> ack, filter-state
 *                              +--> Steering, OffloadState, Coalescing, NetConfig, statistics
 *     driver <--buffers-- Receiver    <--Steering-- frames that the host let in
 *     driver --buffers--> Transmitter ------------> wire
 *
 * @spec 5.1
 */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import type { Mac } from '../net/mac.ts';
import { type FrameMeta, NO_PAIR, type FrameSender, PLAIN_FRAME } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { FeatureFault, QueueRole, QueueSpec, ResetKind, Transport, VirtioDevice } from '../virtio/device.ts';
import {
  type FeatureSet,
  formatFeatures,
  hasFeature,
  parseFeatures,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
} from '../virtio/features.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { Coalescing, type Timer } from './coalescing.ts';
import { ControlQueue } from './control-queue.ts';
import type { HostCommand } from './control.ts';
import { assignCounters, copyCounters, type Counters, newCounters } from './counters.ts';
import type { DeviceEvent } from './events.ts';
import { judgeDependencies } from './feature-rules.ts';
import { type DeviceHost, tellHost } from './host-link.ts';
import * as L from './layout.ts';
import { type CommandContext, execute, judgeHostCommand } from './local-commands.ts';
import { NetConfig } from './net-config.ts';
import { OffloadState } from './offload-state.ts';
import { Receiver } from './receiver.ts';
import { copyFilter, FILTER_UNSET, filterAfter, type FilterCopy } from './rx-mode.ts';
import type { NetSnapshot } from './snapshot.ts';
import { Steering } from './steering.ts';
import { Transmitter } from './transmitter.ts';

export interface NetDeviceOptions {
  readonly memory: GuestMemory;
  readonly host: DeviceHost;
  readonly wire: FrameSender;
  readonly trace: PackedWriter;
  readonly emit: (event: DeviceEvent) => void;
  /** Nanoseconds. */
  readonly now: () => number;
  readonly mac: Mac;
  readonly mtu: number;
  /** Default: 11. */
  readonly queuePairs?: number;
  /** Mbit/s. Default: unknown. */
  readonly speed?: number;
  readonly duplex?: keyof typeof L.DUPLEX;
  /** For notification coalescing, which cannot be offered without. */
  readonly timer?: Timer;
  /**
   * The machine calls `turn` whenever the guest pauses: often while it runs, and at once when it halts. Then kicks
   * are needed less. Default: false.
   */
  readonly turns?: boolean;
}

export class NetDevice implements VirtioDevice, CommandContext {
  readonly queueSpecs: readonly QueueSpec[];
  readonly configSize = L.CONFIG_SIZE;
  readonly counters: Counters;
  readonly config: NetConfig;
  readonly steering: Steering;
  readonly offloads = new OffloadState();
  readonly coalescing: Coalescing;
  readonly #host: DeviceHost;
  readonly #emit: NetDeviceOptions['emit'];
  readonly #receiver: Receiver;
  readonly #transmitter: Transmitter;
  readonly #control: ControlQueue;
  readonly #turns: boolean;
  #transport: Transport | null = null;
  #offers: FeatureSet;
  #ctrlQueue = L.ctrlQueue(0n, 0);
  #filter: FilterCopy = FILTER_UNSET;
  /** Waits, as the trace has it. */
  #shortage = false;

  /** @param offers what to offer from the start */
  constructor(options: NetDeviceOptions, offers: FeatureSet) {
    const { memory, host, wire, trace, emit, now, mac, mtu } = options;
    const { queuePairs = L.DEFAULT_QUEUE_PAIRS, speed = L.SPEED_UNKNOWN, duplex = 'unknown' } = options;
    const { turns = false } = options;
    this.#turns = turns;
    this.#host = host;
    this.#emit = emit;
    this.#offers = offers;
    this.config = new NetConfig({ mac, mtu, queuePairs, speed, duplex }, offers);
    this.queueSpecs = L.netQueues(queuePairs);
    this.counters = newCounters(queuePairs);
    this.steering = new Steering(queuePairs);
    this.coalescing = new Coalescing(this.queueSpecs.length, now, options.timer ?? null);
    const { counters, steering, offloads, coalescing } = this;
    this.#receiver = new Receiver({ memory, trace, counters, mtu, offloads, steering, coalescing, now });
    this.#transmitter = new Transmitter({ memory, trace, counters, wire, steering, coalescing, turns });
    this.#control = new ControlQueue({
      memory,
      counters: counters.ctrl,
      emit,
      now,
      host,
      judge: (command) => judgeHostCommand(command, this),
      applied: (command, generation) => this.#apply(command, generation),
      execute: (command) => execute(command, this),
    });
  }

  /** Device and transport need each other: the device is made first and told of its transport here. */
  attach(transport: Transport): void {
    this.#transport = transport;
    this.coalescing.attach(transport);
  }

  get transport(): Transport {
    if (!this.#transport) throw new Error('NetDevice without transport');
    return this.#transport;
  }
  /** What the driver asked of the filter since reset, and was acknowledged. */
  get filter(): FilterCopy {
    return this.#filter;
  }
  /** Index of the control queue under the features negotiated now. */
  get ctrlQueue(): number {
    return this.#ctrlQueue;
  }

  /** Takes effect at the next reset. The caller has made sure that the set can be offered. */
  setOffers(features: FeatureSet): void {
    this.#offers = features;
  }

  /** @spec 5.1.4 the driver learns of it through a configuration change notification */
  setLinkUp(up: boolean): void {
    if (up === this.config.linkUp) return;
    this.config.linkUp = up;
    this.#carrierChanged();
  }

  /** Asks the driver to announce itself to the network. False if it did not negotiate that it can be asked. */
  announce(): boolean {
    if (!hasFeature(this.transport.negotiated, VIRTIO_NET_F_GUEST_ANNOUNCE)) return false;
    this.config.announce = true;
    this.#carrierChanged();
    return true;
  }

  #carrierChanged(): void {
    const { linkUp: up, announce } = this.config;
    this.#emit({ type: 'carrier', up, announce });
    this.transport.configChanged();
  }

  receive(
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta> = PLAIN_FRAME,
  ): void {
    this.#take(id, bytes, offset, length, meta, false);
  }

  /**
   * As `receive`, for a frame that can wait: false if the driver has no buffer for it now but is about to have.
   * Then nothing has happened, and the frame is to be offered again.
   */
  offer(id: number, bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): boolean {
    return this.#take(id, bytes, offset, length, meta, true);
  }

  #take(
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
    patient: boolean,
  ): boolean {
    const transport = this.transport;
    const pair = this.steering.pick(transport, bytes, offset, length, meta.pair);
    const queue = L.rxQueue(pair);
    // A host may name a pair that this driver has no queue for; where the queue is, there may be another.
    const absent = meta.pair !== NO_PAIR && queue >= this.#ctrlQueue && transport.live && !transport.broken;
    if (absent) this.#receiver.refuse(queue, id);
    else if (!this.#receiver.receive(transport, queue, id, bytes, offset, length, meta, patient)) return false;
    this.#tellShortage();
    return true;
  }

  /** The next packet that needs several receive buffers finds the ring dry in the middle, as viona would have it. */
  shortNextMerge(short: boolean): void {
    this.#receiver.shortNext = short;
    this.#tellShortage();
  }

  #tellShortage(): void {
    const waiting = this.#receiver.shortNext;
    if (waiting === this.#shortage) return;
    this.#shortage = waiting;
    this.#emit({ type: 'shortage', waiting });
  }

  flush(): void {
    this.#receiver.flush(this.transport);
  }

  /** The guest pauses. */
  turn(): void {
    this.#transmitter.turn(this.transport);
  }

  /** The guest waits for something to wake it. */
  rest(): void {
    this.#transmitter.rest(this.transport);
  }

  offers(): FeatureSet {
    return this.#offers;
  }

  judge(features: FeatureSet): FeatureFault | null {
    return judgeDependencies(features);
  }

  negotiated(features: FeatureSet): void {
    this.#agree(features);
    this.#tellHost({ type: 'negotiated', features });
  }

  roleOf(queue: number): QueueRole {
    if (queue === this.#ctrlQueue) return 'ctrl';
    return queue % 2 === 0 ? 'rx' : 'tx';
  }

  queueChanged(queue: number, to: 'enabled' | 'kicked' | 'reset'): void {
    const role = this.roleOf(queue);
    if (to === 'reset') {
      if (role === 'ctrl') this.#control.reset();
      else this.#queueGone(queue, role);
    } else if (to === 'enabled' && role !== 'ctrl') {
      this.coalescing.queueEnabled(queue, role);
    }
    this.#tellHost({ type: 'queue', queue, to, size: this.transport.queue(queue).size });
  }

  quiesce(queue: number): boolean {
    if (this.roleOf(queue) === 'ctrl') return !this.#control.waiting;
    this.#settle(queue);
    return true;
  }

  /** Shows what was not shown, and interrupts if that is owed. */
  #settle(queue: number): void {
    if (this.roleOf(queue) === 'tx') this.#transmitter.settle(this.transport, queue);
    else this.flush();
    this.coalescing.settle(queue);
  }

  #queueGone(queue: number, role: 'rx' | 'tx'): void {
    this.coalescing.queueReset(queue);
    if (role === 'tx') this.#transmitter.reset(queue);
    else this.#receiver.reset(queue);
  }

  readConfig(offset: number): number {
    return this.config.read(offset);
  }

  service(queue: number): void {
    const transport = this.transport;
    // Behind the control queue there are no queues, though their registers exist for who negotiates more.
    if (queue > this.#ctrlQueue || !transport.running(queue)) return;
    const role = this.roleOf(queue);
    if (role === 'tx') this.#transmitter.service(transport, queue);
    // Buffers are looked for when a frame arrives: a kick of a receive queue is in vain.
    else if (role === 'rx' && this.#turns) transport.queue(queue).setNotify(false);
    else if (role === 'ctrl') this.#control.service(transport, queue);
  }

  reset(kind: ResetKind): void {
    this.#forget();
    if (this.config.reset(this.#offers)) this.transport.configChanged('quiet');
    // @spec 5.1.9.5.2.1 MUST have an empty table after reset (NET-MAC-01). Of the flags it says nothing: unset.
    this.#filter = FILTER_UNSET;
    this.#tellHost({ type: 'reset', kind }, (answer) => this.#emitFilterState(answer.generation));
  }

  /** Plain data. Nothing is owed to the driver then: what coalescing held back is raised first. */
  save(): NetSnapshot {
    for (let queue = 0; queue < this.#ctrlQueue; queue++) this.#settle(queue);
    const { config, steering, offloads, coalescing, counters } = this;
    return {
      filter: copyFilter(this.#filter),
      mac: config.mac,
      linkUp: config.linkUp,
      announce: config.announce,
      steering: steering.save(),
      offloads: formatFeatures(offloads.bits),
      coalescing: coalescing.save(),
      shortage: this.#receiver.shortNext,
      counters: copyCounters(counters),
    };
  }

  /** Takes over a checked snapshot; the host keeps and restores its own state. The transport is restored already. */
  restore(state: NetSnapshot, offered: FeatureSet, negotiated: FeatureSet): void {
    this.#forget();
    this.config.reset(offered);
    this.config.mac = state.mac;
    this.config.linkUp = state.linkUp;
    this.config.announce = state.announce;
    this.#filter = state.filter;
    this.#agree(negotiated);
    this.offloads.set(parseFeatures(state.offloads));
    this.steering.restore(state.steering);
    this.coalescing.restore(state.coalescing);
    this.shortNextMerge(state.shortage);
    assignCounters(this.counters, state.counters);
  }

  /** Everything that lives no longer than a negotiation. */
  #forget(): void {
    this.#control.reset();
    for (const [queue] of this.queueSpecs.entries()) {
      this.#receiver.reset(queue);
      this.#transmitter.reset(queue);
    }
    this.coalescing.reset();
    this.steering.reset();
    this.#agree(0n);
  }

  #agree(features: FeatureSet): void {
    this.#ctrlQueue = L.ctrlQueue(features, this.steering.pairs);
    this.offloads.negotiated(features);
  }

  #apply(command: HostCommand, generation: number): void {
    if (command.type === 'mac-addr-set') {
      // @spec 5.1.9.5.2.1 MUST be in the configuration before the buffer is returned (NET-MAC-03)
      this.config.mac = command.mac;
      this.transport.configChanged('quiet');
    } else if (command.type === 'mq-pairs') {
      this.steering.setPairs(command.pairs);
    } else {
      this.#filter = filterAfter(this.#filter, command);
      this.#emitFilterState(generation);
    }
  }

  #emitFilterState(generation: number): void {
    this.#emit({ type: 'filter-state', ...this.#filter, generation });
  }

  #tellHost(event: RxEvent, done?: (answer: HostAnswer) => void): void {
    tellHost(this.#host, this.transport, event, done);
  }
}
