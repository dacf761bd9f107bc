/**
 * One guest of the lab, with its link and its trace: all that tests, scripts and the page's elements do to it, they do
 * through this.
 */
import { HOST_MODEL_IDS, type HostModelId } from '../core/host/host-model.ts';
import { formatMac, type Mac } from '../core/net/mac.ts';
import type { PathId, RuleId, Fate, Judgement, Cost } from '../core/host/verdict.ts';
import { type GuestAddresses, GUESTS } from '../core/net/guests.ts';
import {
  TRACE_MODES,
  type StampedEvent,
  type TraceEventType,
  type TraceMode,
  type TraceSource,
} from '../core/trace/event.ts';
import type {
  ExecResult,
  Fault,
  FaultKind,
  FrameSpec,
  LinkInfo,
  LinkKind,
  NicInfo,
  PersonalityMessage,
  TrafficSpec,
} from '../protocol/api.ts';
import type { IoctlRecord } from '../core/viona/link.ts';
import { hostModel } from '../core/host/models.ts';
import { formatFeatures } from '../core/virtio/features.ts';
import type { Engine, GuestEngine } from './engine.ts';
import { GuestConsole } from './guest-console.ts';
import { PageStore } from './page-store.ts';
import {
  choosePersonality,
  type ChosenPersonality,
  type PersonalityRequest,
} from '../core/virtio-net/personality-request.ts';

const MTU = 1500;
const FIRST_MODEL: HostModelId = 'propolis-372a574';

/** What a model said of a frame, and whether that is more or less than the specification asks for. */
export interface ModelOpinion {
  readonly accept: boolean;
  readonly rule: RuleId;
  readonly path: PathId;
  readonly cost: Cost;
  /** `leak`: accepted although nobody asked for it (legal). `loss`: dropped although it was asked for (the bug). */
  readonly judgement: Judgement | null;
}

export interface InjectResult {
  readonly id: number;
  readonly fate: 'delivered' | 'dropped';
  /** Why it was dropped: the deciding rule of the filter, or the place on the way where it ended; null if delivered. */
  readonly reason: string | null;
  /** The rule of the model in force. */
  readonly rule: RuleId | null;
  readonly byModel: Partial<Record<HostModelId, ModelOpinion>>;
}

export interface TraceQuery {
  readonly type?: TraceEventType;
  readonly source?: TraceSource;
  /** Only events with a sequence number from here on. */
  readonly since?: number;
}

export interface GuestOptions {
  /** From power-on, even if there is a snapshot of the booted guest. */
  readonly cold?: boolean;
}

export class GuestLab {
  /** From 1 on. */
  readonly number: number;
  readonly store: PageStore;
  readonly console: GuestConsole;
  /** Resolves when the guest is at its shell; rejects with what went wrong and how to mend it. */
  readonly ready: Promise<void>;
  readonly #engine: GuestEngine;
  readonly #addresses: GuestAddresses;
  readonly #epoch: number;
  #consoleSize: string | null = null;
  #model: HostModelId = FIRST_MODEL;
  #request: PersonalityRequest = {};

  /** Starts the guest. @param number its place in GUESTS, from 1 on: it says which addresses it has */
  constructor(engine: Engine, number: number, options: GuestOptions = {}) {
    const addresses = GUESTS[number - 1];
    if (!addresses) throw new RangeError(`There is no guest ${number}.`);
    this.number = number;
    this.#addresses = addresses;
    this.store = new PageStore(addresses.mac);
    this.#epoch = performance.timeOrigin;
    this.#engine = engine.addGuest(
      { cold: options.cold === true, epoch: this.#epoch },
      (source, batch) => {
        const wasReady = this.#atShell();
        this.store.add(source, batch);
        if (!wasReady && this.#atShell()) this.#applyConsoleSize();
      },
      (thread, message) => {
        this.store.emit({
          type: 'machine-failed',
          message: `The ${thread} thread failed: ${message}.`,
          mend: 'Reload the page; if that does not help, please report it with the browser’s console output.',
        });
      },
    );
    this.store.onFree = (source, chunk) => {
      this.#engine.reuse(source, chunk);
    };
    this.console = new GuestConsole(this.#engine.console);
    this.ready = Promise.race([this.#start(), this.#failure()]);
    // The page shows a failure from the trace; whoever awaits `ready` gets it as a rejection.
    this.ready.catch(() => undefined);
  }

  /** Its thread runs and loads the guest, or has failed to. */
  get begun(): Promise<void> {
    return this.#engine.begun;
  }

  /** For people. */
  get name(): string {
    return `Guest ${this.number}`;
  }

  get mac(): Mac {
    return this.#addresses.mac;
  }

  /** As text: its MAC address, and the IP addresses that it gives itself. */
  get addresses(): { readonly mac: string; readonly ipv4: string; readonly ipv6: string } {
    const { mac, ipv4, ipv6 } = this.#addresses;
    return { mac: formatMac(mac), ipv4, ipv6 };
  }

  /** Runs a shell command in the guest, after those already asked for. Takes as long as it takes. */
  exec(command: string): Promise<ExecResult> {
    return this.#engine.machine.exec(command);
  }

  /** The device as the driver has set it up. */
  nic(): Promise<NicInfo> {
    return this.#engine.machine.nic();
  }

  /** The link of the host model in force. */
  link(): Promise<LinkInfo> {
    return this.#engine.viona.link();
  }

  /** Puts frames on the link, in order, and resolves when each has its final fate. */
  async inject(frames: FrameSpec | readonly FrameSpec[], times = 1): Promise<InjectResult[]> {
    const specs = Array.isArray(frames) ? (frames as readonly FrameSpec[]) : [frames as FrameSpec];
    const ids = await this.#engine.viona.inject(specs, times);
    const results = await Promise.all(ids.map(async (id) => this.#result(id, await this.store.frames.whenSettled(id))));
    this.store.show();
    return results;
  }

  /**
   * A link ioctl, past the VMM: `ioctl('VNA_IOC_SET_PROMISC', 'MULTI')`, or with an object where the ioctl takes a
   * structure. Rejects with a sentence if the argument is none.
   */
  ioctl(name: string, arg: unknown = null): Promise<IoctlRecord> {
    return this.#engine.viona.ioctl(name, arg);
  }

  /** Deletes the link and creates it again, as a restarted VMM would: every host model starts anew. Re-probe after it. */
  recreateLink(): Promise<void> {
    return this.#engine.viona.recreateLink();
  }

  /** What the link is opened on: `physical`, the NIC itself, or `vnic`. The link is created again. */
  setLinkKind(kind: LinkKind): Promise<void> {
    return this.#engine.viona.setLinkKind(kind);
  }

  /** Moves the guest to another host, under every model as its VMM does it. Rejects if the model in force cannot. */
  async migrate(): Promise<void> {
    const refusal = await this.#engine.viona.migrate();
    if (refusal !== null) throw new Error(refusal);
  }

  /** Makes something go wrong: `fault({ kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'ENOMEM' })`. */
  fault(fault: Fault): Promise<void> {
    return fault.kind === 'shortage' ? this.#engine.machine.shortNextMerge(true) : this.#engine.viona.fault(fault);
  }

  /** Takes back what waits and what is in force: all faults, or those of one kind. */
  async clearFaults(kind?: FaultKind): Promise<void> {
    if (kind === undefined || kind === 'shortage') await this.#engine.machine.shortNextMerge(false);
    if (kind !== 'shortage') await this.#engine.viona.clearFaults(kind);
  }

  /** Control-rate events of the trace, oldest first. */
  trace(query: TraceQuery = {}): StampedEvent[] {
    const { type, source, since = 0 } = query;
    return this.store.log.events.filter(
      (stamped) =>
        stamped.seq >= since &&
        (type === undefined || stamped.event.type === type) &&
        (source === undefined || stamped.source === source),
    );
  }

  /**
   * What becomes of frames in the trace: `live` (recorded and drawn), `recorded` (drawn when asked for) or `off` (only
   * counted). Resolves when both threads do so. Injected frames are recorded always.
   */
  async setTrace(mode: TraceMode): Promise<void> {
    if (!TRACE_MODES.includes(mode)) {
      throw new Error(`There is no trace mode “${mode as string}”; there are ${TRACE_MODES.join(', ')}.`);
    }
    const recording = mode !== 'off';
    await Promise.all([this.#engine.machine.setRecording(recording), this.#engine.viona.setRecording(recording)]);
    this.store.emit({ type: 'trace-mode', mode });
  }

  /** Puts a host model in force. Its filter acts at once; what it offers is negotiated at the next re-probe. */
  async setHostModel(id: HostModelId): Promise<void> {
    if (!HOST_MODEL_IDS.includes(id)) {
      throw new Error(`There is no host model “${id as string}”; there are ${HOST_MODEL_IDS.join(', ')}.`);
    }
    await this.#engine.viona.setHostModel(id);
    this.#model = id;
    await this.#applyPersonality(this.#request);
  }

  /**
   * What the device is to be, on top of what the host model offers; replaces what was asked for before, so `{}` is
   * the model's own. Features are negotiated at the next re-probe; `transitional` and `msix` want a restart.
   */
  async setPersonality(request: PersonalityRequest): Promise<ChosenPersonality> {
    const chosen = await this.#applyPersonality(request);
    this.#request = request;
    return chosen;
  }

  /** What was asked for, and what came of it. */
  get personality(): ChosenPersonality & { readonly request: PersonalityRequest } {
    return { ...choosePersonality(hostModel(this.#model).offers, this.#request), request: this.#request };
  }

  /** The link goes down or comes up, and the guest is told. */
  setLinkUp(up: boolean): Promise<void> {
    return this.#engine.machine.setLinkUp(up);
  }

  /**
   * Instructions that the guest has executed so far, modulo 2^32. Differences tell what something costs the guest, whatever
   * else the computer does meanwhile.
   */
  instructions(): Promise<number> {
    return this.#engine.machine.instructions();
  }

  /** Asks the guest to announce itself to the network. Rejects if its driver cannot be asked. */
  announce(): Promise<void> {
    return this.#engine.machine.announce();
  }

  /** Unbinds and binds the guest's driver, so that it negotiates anew; addresses and link state are put back. */
  async reprobe(): Promise<void> {
    const { output, exitCode } = await this.exec('lab-reprobe');
    if (exitCode !== 0) {
      throw new Error(`The guest could not re-probe its driver (exit ${exitCode}): ${output.trim()}`);
    }
  }

  async startTraffic(spec: TrafficSpec): Promise<void> {
    await this.#engine.viona.startTraffic(spec);
    this.store.traffic = spec;
  }

  async stopTraffic(): Promise<void> {
    await this.#engine.viona.stopTraffic();
    this.store.traffic = null;
  }

  /** Presses the machine's reset button. */
  restart(): Promise<void> {
    return this.#engine.machine.restart();
  }

  /** Ends the machine, and takes its link off the switch: nothing of this guest moves any more. See Lab.removeGuest. */
  end(): Promise<void> {
    this.store.emit({ type: 'machine-failed', message: `${this.name} was removed.`, mend: 'Add it again.' });
    return this.#engine.remove();
  }

  /** Tells the guest's terminal its size: a serial line cannot. Sizes that come before the shell are kept for it. */
  resizeConsole(columns: number, rows: number): void {
    this.#consoleSize = `cols ${columns} rows ${rows}`;
    if (this.#atShell()) this.#applyConsoleSize();
  }

  #atShell(): boolean {
    return this.store.model.boot?.stage === 'ready';
  }

  #applyConsoleSize(): void {
    const size = this.#consoleSize;
    if (size === null) return;
    // A guest that resets meanwhile is told again when it is ready.
    this.exec(`stty -F /dev/ttyS0 ${size}`).catch(() => undefined);
  }

  async #applyPersonality(request: PersonalityRequest): Promise<ChosenPersonality> {
    const chosen = choosePersonality(hostModel(this.#model).offers, request);
    await this.#engine.machine.setPersonality(message(chosen));
    return chosen;
  }

  async #start(): Promise<void> {
    const epoch = this.#epoch;
    const ready = this.store.when((model) => model.boot?.stage === 'ready');
    const { mac } = this.#addresses;
    const personality = message(this.personality);
    await Promise.all([
      this.#engine.plug({ name: this.name, epoch, mac, mtu: MTU, model: FIRST_MODEL }),
      this.#engine.machine.start({ mac, mtu: MTU, personality }),
    ]);
    await ready;
  }

  /** Rejects as soon as the trace tells of a failure: a thread that died answers no call any more. */
  async #failure(): Promise<never> {
    await this.store.when((model) => model.failure !== null);
    const { failure } = this.store.model;
    throw new Error(failure ? `${failure.message} ${failure.mend}` : 'The lab could not start.');
  }

  #result(id: number, fate: Fate): InjectResult {
    const row = this.store.frames.byId(id);
    const byModel: Partial<Record<HostModelId, ModelOpinion>> = {};
    let rule: RuleId | null = null;
    if (row?.toGuest) {
      for (const { model, verdict, judgement } of row.verdicts) {
        const { accept, path, cost } = verdict;
        byModel[model] = { accept, rule: verdict.rule, path, cost, judgement };
      }
      rule = row.ruling?.verdict.rule ?? null;
    }
    if (fate === 'delivered') return { id, fate, reason: null, rule, byModel };
    return { id, fate: 'dropped', reason: fate === 'filtered' ? rule : fate, rule, byModel };
  }
}

const message = ({ personality }: ChosenPersonality): PersonalityMessage => ({
  ...personality,
  features: formatFeatures(personality.features),
});
