/**
 * The network device: queues 0 (receive), 1 (transmit), 2 (control), and what they share.
 *
 * Theory. The device moves bytes and keeps promises about buffers; it decides nothing about filtering.
 * What a driver asks for on the control queue goes to the host, whose answer is the ack. The device keeps a
 * copy of what was acknowledged, for people and for snapshots: it never looks at it when a frame arrives,
 * because frames were judged by the host before they came here.
 *
 *     driver --control--> ControlQueue --RxEvent--> host --HostAnswer--> ack, filter-state
 *     driver <--buffers-- Receiver    <------------ frames that the host let in
 *     driver --buffers--> Transmitter ------------> wire
 *
 * @spec 5.1
 */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { type Mac, writeMac } from '../net/mac.ts';
import type { FrameSender } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { FeatureFault, QueueRole, ResetKind, Transport, VirtioDevice } from '../virtio/device.ts';
import type { FeatureSet } from '../virtio/features.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { ControlQueue, type DeviceHost, isPromise } from './control-queue.ts';
import type { ControlCommand } from './control.ts';
import { newCounters } from './counters.ts';
import type { DeviceEvent } from './events.ts';
import { judgeDependencies, offerable } from './feature-rules.ts';
import * as L from './layout.ts';
import { Receiver } from './receiver.ts';
import { type MacTables, NO_TABLES, RX_MODE_UNSET, type RxMode } from './rx-mode.ts';
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
  /** What the host model lets the device offer beyond its own features. */
  readonly offers: FeatureSet;
}

/** The other thread failed: host and device no longer agree on what the driver was promised. */
const NO_ANSWER: HostAnswer = { ack: 'ERR', reason: 'The host did not answer.', needsReset: true, generation: 0 };

export class NetDevice implements VirtioDevice {
  readonly queueSpecs = L.NET_QUEUES;
  readonly configSize = L.CONFIG_SIZE;
  readonly counters = newCounters();
  readonly mac: Mac;
  readonly #host: DeviceHost;
  readonly #emit: NetDeviceOptions['emit'];
  readonly #receiver: Receiver;
  readonly #transmitter: Transmitter;
  readonly #control: ControlQueue;
  readonly #config = new Uint8Array(L.CONFIG_SIZE);
  #transport: Transport | null = null;
  #offers: FeatureSet;
  #rxMode: RxMode = RX_MODE_UNSET;
  #tables: MacTables = NO_TABLES;

  constructor(options: NetDeviceOptions) {
    const { memory, host, wire, trace, emit, now, mac, mtu } = options;
    if (!Number.isInteger(mtu) || mtu < L.MTU_MIN || mtu > L.MTU_MAX) throw new RangeError(`MTU ${mtu}`);
    this.mac = mac;
    this.#host = host;
    this.#emit = emit;
    this.#offers = offerable(options.offers);
    const { counters } = this;
    this.#receiver = new Receiver({ memory, trace, counters, mtu });
    this.#transmitter = new Transmitter({ memory, trace, counters, wire });
    const applied = (command: ControlCommand, generation: number): void => this.#apply(command, generation);
    this.#control = new ControlQueue({ memory, counters, emit, now, host, applied });
    // @spec 5.1.4 all little-endian; fields of features that are never offered stay zero
    writeMac(mac, this.#config, L.CONFIG_MAC);
    this.#config[L.CONFIG_STATUS] = L.VIRTIO_NET_S_LINK_UP;
    this.#config[L.CONFIG_MAX_VIRTQUEUE_PAIRS] = 1;
    this.#config[L.CONFIG_MTU] = mtu & 0xff;
    this.#config[L.CONFIG_MTU + 1] = mtu >>> 8;
  }

  /** Device and transport need each other: the device is made first and told of its transport here. */
  attach(transport: Transport): void {
    this.#transport = transport;
  }

  get rxMode(): RxMode {
    return this.#rxMode;
  }
  get tables(): MacTables {
    return this.#tables;
  }
  /** A control command was taken and is not answered yet. */
  get commandPending(): boolean {
    return this.#control.waiting;
  }
  get linkUp(): boolean {
    return (this.#config[L.CONFIG_STATUS] ?? 0) === L.VIRTIO_NET_S_LINK_UP;
  }

  /** Takes effect at the next reset. */
  setOffers(features: FeatureSet): void {
    this.#offers = offerable(features);
  }

  /** @spec 5.1.4 the driver learns of it through a configuration change notification */
  setLinkUp(up: boolean): void {
    if (up === this.linkUp) return;
    this.#config[L.CONFIG_STATUS] = up ? L.VIRTIO_NET_S_LINK_UP : 0;
    this.#attached.configChanged();
  }

  receive(id: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#receiver.receive(this.#attached, id, bytes, offset, length);
  }

  flush(): void {
    this.#receiver.flush(this.#attached);
  }

  offers(): FeatureSet {
    return this.#offers;
  }

  judge(features: FeatureSet): FeatureFault | null {
    return judgeDependencies(features);
  }

  negotiated(features: FeatureSet): void {
    this.#tellHost({ type: 'negotiated', features }, () => undefined);
  }

  roleOf(queue: number): QueueRole {
    return queue === L.CTRL_QUEUE ? 'ctrl' : queue === L.TX_QUEUE ? 'tx' : 'rx';
  }

  queueChanged(queue: number, to: 'enabled' | 'kicked' | 'reset'): void {
    this.#tellHost({ type: 'queue', queue, to, size: this.#attached.queue(queue).size }, () => undefined);
  }

  readConfig(offset: number): number {
    return this.#config[offset] ?? 0;
  }

  service(queue: number): void {
    const transport = this.#attached;
    if (!transport.live || transport.broken || !transport.queue(queue).enabled) return;
    // A kick of the receive queue needs no work: buffers are looked for when a frame arrives.
    if (queue === L.TX_QUEUE) this.#transmitter.drain(transport);
    else if (queue === L.CTRL_QUEUE) this.#control.service(transport);
  }

  reset(kind: ResetKind): void {
    this.#control.reset();
    this.#receiver.reset();
    // @spec 5.1.9.5.2.1 MUST have an empty table after reset (NET-MAC-01). Of the flags it says nothing: unset.
    this.#rxMode = RX_MODE_UNSET;
    this.#tables = NO_TABLES;
    this.#tellHost({ type: 'reset', kind }, (answer) => this.#emitFilterState(answer.generation));
  }

  /** Takes over the copy of a checked snapshot; the host keeps and restores its own state. */
  restore(rxMode: RxMode, tables: MacTables, linkUp: boolean): void {
    this.#control.reset();
    this.#receiver.reset();
    this.#rxMode = rxMode;
    this.#tables = tables;
    this.#config[L.CONFIG_STATUS] = linkUp ? L.VIRTIO_NET_S_LINK_UP : 0;
  }

  get #attached(): Transport {
    if (!this.#transport) throw new Error('NetDevice without transport');
    return this.#transport;
  }

  #apply(command: ControlCommand, generation: number): void {
    if (command.type === 'rx') this.#rxMode = { ...this.#rxMode, [command.flag]: command.value === 1 };
    else if (command.type === 'mac-table-set') {
      this.#tables = { unicast: command.unicast, multicast: command.multicast };
    }
    this.#emitFilterState(generation);
  }

  #emitFilterState(generation: number): void {
    this.#emit({ type: 'filter-state', rxMode: this.#rxMode, tables: this.#tables, generation });
  }

  /** Tells the host a fact that it cannot refuse, though it can give up. */
  #tellHost(event: RxEvent, done: (answer: HostAnswer) => void): void {
    const transport = this.#attached;
    const { epoch } = transport;
    const answered = (answer: HostAnswer): void => {
      if (transport.epoch !== epoch) return;
      done(answer);
      if (answer.needsReset) transport.needsReset(answer.reason ?? 'The host gave up.');
    };
    const answer = this.#host.rxEvent(event);
    if (isPromise(answer)) answer.then(answered, () => answered(NO_ANSWER));
    else answered(answer);
  }
}
