/**
 * The host under the guest: every model sees every request and every frame, one of them rules.
 *
 *     frame from a source -> header read once -> each model decides -> verdicts and fate into the trace
 *                         -> the ruling model's verdict: dropped here, or strip/pad and on to the device
 *     request of the guest -> each model's `next` -> the ruling model's ioctls and ack count
 *
 * Frames are the hot path: one header object, one array of verdict codes and one scratch buffer serve all
 * of them, and verdicts are interned. Requests are control rate and may allocate.
 *
 * `generation` numbers the states of the filter. It grows whenever any model's state changes, so that a
 * frame's record can be joined with what was asked for when it was judged, across threads.
 */
import { type FrameHeader, newFrameHeader, readHeader } from '../net/ethernet.ts';
import type { Station } from '../net/echo-station.ts';
import { MAX_FRAME_BYTES } from '../net/frame-spec.ts';
import type { FrameSender } from '../ring/frames.ts';
import type { Emit } from '../trace/event.ts';
import type { PackedWriter } from '../trace/packed.ts';
import { formatFeatures } from '../virtio/features.ts';
import { ioctlArgument, ioctlName } from '../viona/ioctl.ts';
import { newKstats } from '../viona/kstat.ts';
import type { IoctlRecord, LinkConfig, LinkState } from '../viona/link.ts';
import { countsAsShort, overMtu, stripAndPad, unchanged } from '../viona/rx-common.ts';
import { type Ack, HOST_MODEL_IDS, type HostAnswer, type HostModelId, type RxEvent } from './host-model.ts';
import type { HostSideOptions, LinkDescription } from './host-side-options.ts';
import type { HostSnapshot } from './host-snapshot.ts';
import { HOST_SNAPSHOT_VERSION, MAX_IOCTL_HISTORY, readHostSnapshot } from './host-snapshot.ts';
import { HOST_MODELS, hostModel } from './models.ts';
import { fateCode, type Verdict } from './verdict.ts';

const FATE_PENDING = fateCode('pending');
const FATE_FILTERED = fateCode('filtered');
const FATE_OVER_MTU = fateCode('rx_drop_over_mtu');
const FATE_CHANNEL_FULL = fateCode('channel_full');
const TX_MIN = 14;
const TX_MAX = 65535;

export class HostSide {
  readonly #config: LinkConfig;
  readonly #trace: PackedWriter;
  readonly #emit: Emit;
  readonly #deliver: FrameSender;
  readonly #header: FrameHeader = newFrameHeader();
  readonly #codes = new Uint16Array(HOST_MODELS.length);
  /** Zero padding included, no frame that passes the MTU check is longer. */
  readonly #scratch = new Uint8Array(MAX_FRAME_BYTES + 64);
  readonly #stations: Station[] = [];
  readonly #reply = (bytes: Uint8Array, offset: number, length: number): void => {
    this.input(bytes, offset, length);
  };
  #states: unknown[];
  #active: number;
  #generation = 0;
  #nextId = 2;
  #kstats = newKstats();
  #ioctls: IoctlRecord[] = [];

  constructor(options: HostSideOptions) {
    this.#config = { mac: options.mac, mtu: options.mtu };
    this.#trace = options.trace;
    this.#emit = options.emit;
    this.#deliver = options.deliver;
    this.#states = HOST_MODELS.map((model) => model.init(this.#config));
    this.#active = HOST_MODEL_IDS.indexOf(options.model);
    this.#announce();
  }

  get model(): HostModelId {
    return HOST_MODEL_IDS[this.#active] as HostModelId;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Hangs a station on the link: it sees what the guest sends, and what it replies comes in as frames. */
  attach(station: Station): void {
    this.#stations.push(station);
  }

  /** A frame arrives from the wire. Returns its id: even, never 0. */
  input(bytes: Uint8Array, offset: number, length: number): number {
    const id = this.#nextId;
    this.#nextId = (id + 2) >>> 0 || 2;
    const header = this.#header;
    readHeader(bytes, offset, length, header);

    const codes = this.#codes;
    const ruling = this.#decide(this.#active, header);
    for (let index = 0; index < HOST_MODELS.length; index++) {
      const verdict = index === this.#active ? ruling : this.#decide(index, header);
      codes[index] = verdict.code;
    }

    const fate = this.#ruling(ruling, id, bytes, offset, length);
    this.#trace.frameRx(id, bytes, offset, length, this.#generation, this.#active, codes, codes.length, fate);
    return id;
  }

  /** Makes what was sent visible to the device. */
  flush(): void {
    this.#deliver.flush();
  }

  /** A request of the guest, or a change of the device's state. */
  rxEvent(event: RxEvent): HostAnswer {
    const linkBefore = this.#link();
    const acks: Partial<Record<HostModelId, Ack>> = {};
    let changed = false;
    let ack: Ack = 'OK';
    let reason: string | null = null;
    let needsReset = false;
    let ioctls: readonly IoctlRecord[] = [];
    for (const [index, model] of HOST_MODELS.entries()) {
      const transition = model.next(this.#states[index], event);
      if (transition.state !== this.#states[index]) changed = true;
      this.#states[index] = transition.state;
      acks[model.id] = transition.ack;
      if (index === this.#active) ({ ack, reason, needsReset, ioctls } = transition);
    }
    if (changed) this.#nextGeneration();
    for (const record of ioctls) this.#record(record, 'vmm');
    this.#announceLink(linkBefore);
    if (event.type === 'command') this.#emit({ type: 'command-judged', acks, generation: this.#generation });
    return { ack, reason, needsReset, generation: this.#generation };
  }

  /** Puts another model in force. It goes on from its own shadow state: it has seen everything. */
  setModel(id: HostModelId): void {
    const index = HOST_MODEL_IDS.indexOf(id);
    if (index < 0 || index === this.#active) return;
    this.#active = index;
    this.#ioctls = [];
    this.#nextGeneration();
    this.#announce();
  }

  /** Issues a link ioctl past the VMM. `arg` as people write it: `MULTI`, 1500; the prefix VNA_IOC_ may be left away. */
  ioctl(name: string, arg: string | number = 0): IoctlRecord {
    const full = ioctlName(name);
    const linkBefore = this.#link();
    const before = this.#states[this.#active];
    const { state, record } = hostModel(this.model).ioctl(before, full, ioctlArgument(full, arg));
    this.#states[this.#active] = state;
    if (state !== before) this.#nextGeneration();
    this.#record(record, 'user');
    this.#announceLink(linkBefore);
    return record;
  }

  /** The link is deleted and created again: every model starts anew. Frame ids and generation go on. */
  recreateLink(): void {
    this.#states = HOST_MODELS.map((model) => model.init(this.#config));
    this.#kstats = newKstats();
    this.#ioctls = [];
    this.#nextGeneration();
    this.#announce();
  }

  /** Makes the next ioctl of that name fail. Returns a sentence that says why not, or null. */
  injectFault(name: string, errno: string): string | null {
    const { state, error } = hostModel(this.model).fault(this.#states[this.#active], ioctlName(name), errno);
    this.#states[this.#active] = state;
    return error;
  }

  /** A frame from the guest: counted as viona does, then shown to every station. */
  transmit(bytes: Uint8Array, offset: number, length: number): void {
    const kstats = this.#kstats;
    if (length < TX_MIN || length > TX_MAX) {
      kstats.tx_errors++;
      kstats.tx_drops++;
      return;
    }
    kstats.tx_packets++;
    kstats.tx_bytes += length;
    // NO_TX_LOOP: the sender's own listener is skipped, so nothing comes back to the guest by itself.
    for (const station of this.#stations) station.onFrame(bytes, offset, length, this.#reply);
  }

  describe(): LinkDescription {
    const link = this.#link();
    return {
      model: this.model,
      level: link?.level ?? null,
      callbacks: link?.callbacks ?? null,
      kstats: { ...this.#kstats },
      ioctls: [...this.#ioctls],
    };
  }

  /** Plain data, safe for structured clone and JSON. Frames on their way are not part of it. */
  snapshot(): HostSnapshot {
    return {
      version: HOST_SNAPSHOT_VERSION,
      model: this.model,
      generation: this.#generation,
      nextId: this.#nextId,
      states: Object.fromEntries(HOST_MODEL_IDS.map((id, index) => [id, this.#states[index]])),
      kstats: { ...this.#kstats },
      ioctls: [...this.#ioctls],
    };
  }

  /** Untrusted: on bad data nothing changes and the sentence says what is wrong. Null when restored. */
  restore(data: unknown): string | null {
    const read = readHostSnapshot(data, this.#config.mac);
    if (!read.ok) return read.error;
    const { snapshot, states } = read;
    this.#states = states;
    this.#active = HOST_MODEL_IDS.indexOf(snapshot.model);
    this.#generation = snapshot.generation;
    this.#nextId = snapshot.nextId;
    this.#kstats = { ...newKstats(), ...snapshot.kstats };
    this.#ioctls = [...snapshot.ioctls];
    this.#announce();
    return null;
  }

  #decide(index: number, header: FrameHeader): Verdict {
    return (HOST_MODELS[index] as (typeof HOST_MODELS)[number]).decide(this.#states[index], header);
  }

  /** Carries the ruling verdict out and returns the fate for the record: pending if the frame went on. */
  #ruling(verdict: Verdict, id: number, bytes: Uint8Array, offset: number, length: number): number {
    if (!verdict.accept) return FATE_FILTERED;
    const kstats = this.#kstats;
    const link = this.#link();
    if (overMtu(this.#header, link?.config.mtu ?? this.#config.mtu)) {
      kstats.rx_drop_over_mtu++;
      kstats.rx_errors++;
      kstats.rx_drops++;
      return FATE_OVER_MTU;
    }
    // Only viona strips and pads; without it a frame goes on as it came.
    const asIs = link === null || unchanged(length, verdict.stripTag);
    const size = asIs ? length : stripAndPad(bytes, offset, length, verdict.stripTag, this.#scratch);
    if (!asIs && countsAsShort(length, verdict.stripTag)) kstats.rx_pad_short++;
    const sent = asIs ? this.#deliver.send(id, bytes, offset, size) : this.#deliver.send(id, this.#scratch, 0, size);
    if (!sent) {
      kstats.rx_drops++;
      return FATE_CHANNEL_FULL;
    }
    kstats.rx_packets++;
    kstats.rx_bytes += size;
    return FATE_PENDING;
  }

  #link(): LinkState | null {
    return hostModel(this.model).link(this.#states[this.#active]);
  }

  #nextGeneration(): void {
    this.#generation = (this.#generation + 1) >>> 0;
  }

  #record(record: IoctlRecord, by: 'vmm' | 'user'): void {
    this.#ioctls.push(record);
    if (this.#ioctls.length > MAX_IOCTL_HISTORY) {
      const count = MAX_IOCTL_HISTORY / 2;
      this.#ioctls.splice(0, count);
      this.#emit({ type: 'lost', what: 'ioctl history of the link', count });
    }
    const { name, arg, errno } = record;
    this.#emit({ type: 'ioctl', name, arg, errno, by, model: this.model, generation: this.#generation });
  }

  #announce(): void {
    const offers = formatFeatures(hostModel(this.model).offers);
    this.#emit({ type: 'host-model', model: this.model, offers, generation: this.#generation });
    this.#announceLink(undefined);
  }

  /** @param before the link before something happened; undefined announces in any case */
  #announceLink(before: LinkState | null | undefined): void {
    const link = this.#link();
    if (before === null && link === null) return;
    if (before && link?.level === before.level && link.callbacks === before.callbacks) return;
    const level = link?.level ?? null;
    const callbacks = link?.callbacks ?? null;
    this.#emit({ type: 'link', model: this.model, level, callbacks, generation: this.#generation });
  }
}
