/**
 * The host under the guest: every model sees every request and every frame, one of them rules.
 *
 *     frame from a source -> header read once -> each model decides -> verdicts and fate into the trace
 *                         -> the ruling model's verdict is carried out (host-side-receive.ts)
 *     request of the guest -> each model's `next` -> the ruling model's ioctls and ack count
 *     frame of the guest  -> the link, then the wire, with what is still to be done (host-side-transmit.ts)
 *
 * Frames are the hot path: one header object, one array of verdict codes and a few buffers serve all of them,
 * and verdicts are interned. Requests are control rate and may allocate.
 *
 * `generation` numbers the states of the filter. It grows whenever any model's state changes, so that a
 * frame's record can be joined with what was asked for when it was judged, across threads.
 */
import { type FrameHeader, newFrameHeader, readHeader } from '../net/ethernet.ts';
import { flowNumber, newFlow, readFlow } from '../net/flow.ts';
import type { FrameMeta, FrameSender, Wire } from '../ring/frames.ts';
import { PLAIN_FRAME } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { Fault, FaultKind } from '../viona/faults.ts';
import { ioctlName } from '../viona/ioctl-table.ts';
import type { IoctlRecord, LinkConfig, LinkKind, LinkState } from '../viona/link.ts';
import type { Ack, HostAnswer, HostModelId, RxEvent, Transition } from './host-model.ts';
import { HOST_MODEL_IDS } from './host-model.ts';
import { HostLog, type Moment } from './host-side-log.ts';
import { ModelStates, type Step } from './host-side-models.ts';
import { describeLink, type HostSideOptions, type LinkDescription } from './host-side-options.ts';
import { FATE_GRO_FALLBACK, LinkReceiver } from './host-side-receive.ts';
import { LinkTransmitter } from './host-side-transmit.ts';
import type { HostSnapshot } from './host-snapshot.ts';
import { HOST_SNAPSHOT_VERSION, readHostSnapshot } from './host-snapshot.ts';
import { HOST_MODELS } from './models.ts';

/** Pieces of a split frame were judged with their parent. */
const NO_VERDICTS = new Uint16Array(0);

export class HostSide {
  #config: LinkConfig & { readonly kind: LinkKind };
  readonly #trace: PackedWriter;
  readonly #deliver: FrameSender;
  readonly #header: FrameHeader = newFrameHeader();
  readonly #flow = newFlow();
  readonly #codes = new Uint16Array(HOST_MODELS.length);
  readonly #models: ModelStates;
  readonly #receiver: LinkReceiver;
  readonly #transmitter: LinkTransmitter;
  readonly #log: HostLog;
  #wire: Wire | null = null;
  #generation = 0;
  #nextId = 2;

  constructor(options: HostSideOptions) {
    this.#config = { mac: options.mac, mtu: options.mtu, kind: options.linkKind ?? 'physical' };
    this.#trace = options.trace;
    this.#log = new HostLog(options.emit);
    this.#deliver = options.deliver;
    this.#models = new ModelStates(this.#config, HOST_MODEL_IDS.indexOf(options.model));
    this.#receiver = new LinkReceiver(options.deliver, options.mtu, this.#models.counters, {
      nextId: () => this.#takeId(),
      piece: (id, bytes, offset, length, fate) => {
        this.#record(id, bytes, offset, length, NO_VERDICTS, fate, PLAIN_FRAME);
      },
    });
    this.#transmitter = new LinkTransmitter(
      (bytes, offset, length, meta) => {
        this.#wire?.(bytes, offset, length, meta);
      },
      (bytes, offset, length) => {
        this.input(bytes, offset, length);
      },
    );
    this.#announce(null, []);
  }

  get model(): HostModelId {
    return this.#models.model.id;
  }

  get generation(): number {
    return this.#generation;
  }

  get linkKind(): LinkKind {
    return this.#config.kind;
  }

  /** What the guest sends goes there from now on. Without a wire the NIC sends it to nobody. */
  connect(wire: Wire): void {
    this.#wire = wire;
  }

  /**
   * A frame arrives from the wire, with what is still to be done to it. Returns its id: even, and 0 of a frame that is
   * not recorded. The pieces of a frame that the link has to split have ids of their own, which follow.
   */
  input(bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta> = PLAIN_FRAME): number {
    const id = this.#takeId();
    const header = this.#header;
    readHeader(bytes, offset, length, header);
    if (this.#models.spreads) {
      readFlow(bytes, offset, length, this.#flow);
      // 30 bits: what engines keep without a box.
      header.flow = flowNumber(bytes, this.#flow) >>> 2;
    }
    const verdict = this.#models.decide(header, this.#codes);
    const fate = this.#receiver.receive(verdict, header, id, bytes, offset, length, meta);
    this.#record(id, bytes, offset, length, this.#codes, fate, meta);
    if (fate === FATE_GRO_FALLBACK) this.#receiver.split(verdict, header, bytes, offset, length, meta);
    return id;
  }

  /** Makes what was sent visible to the device. */
  flush(): void {
    this.#deliver.flush();
    this.#trace.endBatch();
  }

  /** A request of the guest, or a change of the device's state. */
  rxEvent(event: RxEvent): HostAnswer {
    const { acks, answer } = this.#step((model, state) => model.next(state, event));
    if (event.type === 'command') this.#log.judged(acks, this.#generation);
    return answer;
  }

  /**
   * The machine moves to another host, under every model as its VMM does it. ERR if the model in force could not:
   * then the guest stays where it is.
   */
  migrate(): HostAnswer {
    const { acks, answer } = this.#step((model, state) => model.migrate(state));
    this.#log.migrated(acks, answer.reason, this.#generation);
    return answer;
  }

  /** Puts another model in force. It goes on from its own shadow state: it has seen everything. */
  setModel(id: HostModelId): void {
    const index = HOST_MODEL_IDS.indexOf(id);
    if (index < 0 || index === this.#models.active) return;
    const before = this.#models.link;
    this.#models.active = index;
    this.#begin(before);
  }

  /** Issues a link ioctl past the VMM. `arg` as its type, or as people write it; VNA_IOC_ may be left away. */
  ioctl(name: string, arg: unknown = null): IoctlRecord {
    const before = this.#models.link;
    const { state, record } = this.#models.model.ioctl(this.#models.state, ioctlName(name), arg);
    this.#set(state);
    this.#log.ioctl(record, 'user', this.#moment);
    this.#log.link(before, this.#models.link, this.#moment);
    return record;
  }

  /** The link is deleted and created again: every model starts anew. Frame ids and generation go on. */
  recreateLink(): void {
    const before = this.#models.link;
    this.#models.begin(this.#config);
    this.#begin(before);
  }

  /** What links are opened on: a NIC itself, or a VNIC on top of it. The link is created again. */
  setLinkKind(kind: LinkKind): void {
    if (kind === this.#config.kind) return;
    this.#config = { ...this.#config, kind };
    this.recreateLink();
  }

  /** Injects a fault into the link of the model in force. Returns a sentence that says why not, or null. */
  fault(fault: Fault): string | null {
    const before = this.#models.link;
    const { state, error } = this.#models.model.fault(this.#models.state, fault);
    this.#set(state);
    this.#log.link(before, this.#models.link, this.#moment);
    return error;
  }

  /** Takes faults back, all of them or those of one kind. Stalled rings do what has waited for them. */
  clearFaults(kind?: FaultKind): void {
    const before = this.#models.link;
    this.#set(this.#models.model.clearFaults(this.#models.state, kind));
    this.#log.link(before, this.#models.link, this.#moment);
  }

  /** A frame from the guest, with what is still to be done to it. */
  transmit(bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta> = PLAIN_FRAME): void {
    this.#transmitter.transmit(this.#models.link, this.#models.counters, bytes, offset, length, meta);
  }

  describe(): LinkDescription {
    const { link, counters } = this.#models;
    return describeLink(this.model, this.#config.kind, link, counters, this.#log.ioctls);
  }

  /** Plain data, safe for structured clone and JSON. Frames on their way are not part of it. */
  snapshot(): HostSnapshot {
    const byModel = <T>(values: readonly T[]): Record<string, T> =>
      Object.fromEntries(HOST_MODEL_IDS.map((id, index) => [id, values[index] as T]));
    return {
      version: HOST_SNAPSHOT_VERSION,
      model: this.model,
      linkKind: this.#config.kind,
      generation: this.#generation,
      nextId: this.#nextId,
      states: byModel(this.#models.states),
      counters: byModel(this.#models.saveCounters()),
      ioctls: [...this.#log.ioctls],
    };
  }

  /** Untrusted: on bad data nothing changes and the sentence says what is wrong. Null when restored. */
  restore(data: unknown): string | null {
    const read = readHostSnapshot(data, this.#config.mac);
    if (!read.ok) return read.error;
    const { snapshot, states, counters } = read;
    const before = this.#models.link;
    this.#config = { ...this.#config, kind: snapshot.linkKind };
    this.#models.active = HOST_MODEL_IDS.indexOf(snapshot.model);
    this.#models.replace(states, counters);
    this.#generation = snapshot.generation;
    this.#nextId = snapshot.nextId;
    this.#announce(before, snapshot.ioctls);
    return null;
  }

  get #moment(): Moment {
    return { model: this.model, generation: this.#generation };
  }

  #takeId(): number {
    if (!this.#trace.recording) return 0;
    const id = this.#nextId;
    this.#nextId = (id + 2) >>> 0 || 2;
    return id;
  }

  #record(
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    codes: Uint16Array,
    fate: number,
    meta: Readonly<FrameMeta>,
  ): void {
    const { active } = this.#models;
    this.#trace.frameRx(id, bytes, offset, length, this.#generation, active, codes, codes.length, fate, meta);
  }

  /** Every model makes a step; what the one in force did is told and answered. */
  #step(make: Step): { acks: Partial<Record<HostModelId, Ack>>; answer: HostAnswer } {
    const before = this.#models.link;
    const acks: Partial<Record<HostModelId, Ack>> = {};
    let ruling: Transition<unknown> | undefined;
    const changed = this.#models.step(make, (model, transition, active) => {
      acks[model.id] = transition.ack;
      if (active) ruling = transition;
    });
    this.#changed(changed);
    const { ack, reason, needsReset, ioctls } = ruling as unknown as Transition<unknown>;
    for (const record of ioctls) this.#log.ioctl(record, 'vmm', this.#moment);
    this.#log.link(before, this.#models.link, this.#moment);
    return { acks, answer: { ack, reason, needsReset, generation: this.#generation } };
  }

  /** Another state for the model in force, past its VMM. */
  #set(state: unknown): void {
    this.#changed(this.#models.set(state));
  }

  #changed(changed: boolean): void {
    if (!changed) return;
    this.#generation = (this.#generation + 1) >>> 0;
    this.#receiver.follow(this.#models.link, this.#models.counters);
  }

  /** A model, or a link, is in force that was not there before. */
  #begin(before: LinkState | null): void {
    this.#changed(true);
    this.#announce(before, []);
  }

  #announce(before: LinkState | null, ioctls: readonly IoctlRecord[]): void {
    const { model, link, counters } = this.#models;
    this.#log.ioctls = [...ioctls];
    this.#receiver.follow(link, counters);
    this.#log.model(model, link, this.#generation);
    this.#log.faults(before, link, this.#moment);
  }
}
