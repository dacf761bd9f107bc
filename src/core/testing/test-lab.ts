/**
 * The whole lab in one thread: guest memory, device, host side and echo station, and a guest that behaves
 * as Linux does towards its device.
 *
 * What are channels between workers in the browser are queues here, drained by `pump`, so that device and
 * host never call each other back in the middle of something, just as in the browser.
 *
 * `migrate` takes device and host apart and puts new ones together from their snapshots, through JSON and
 * over wiped memory: a scenario must not notice.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { HostSide } from '../host/host-side.ts';
import { hostModel } from '../host/models.ts';
import type { Fate, Verdict } from '../host/verdict.ts';
import { FATES, verdictOf } from '../host/verdict.ts';
import { EchoStation } from '../net/echo-station.ts';
import type { FrameSpec } from '../net/frame-spec.ts';
import { frameFromSpec } from '../net/frame-spec.ts';
import type { PresetId } from '../net/traffic.ts';
import { GUEST_MAC, trafficPresets } from '../net/traffic.ts';
import type { TraceEvent } from '../trace/event.ts';
import { AT, PackedWriter, RECORD } from '../trace/packed.ts';
import type { IoctlRecord } from '../viona/link.ts';
import { VirtioNetPci } from '../virtio-net/virtio-net-pci.ts';
import { ArrayMemory } from './array-memory.ts';
import type { DriverPorts } from './driver-ports.ts';
import type { FrameOutcome, ScenarioHost } from './scenarios-types.ts';

const MTU = 1500;
const MEMORY_SIZE = 0x40_0000;
const CHANNEL_FRAMES = 1024;
const STATUS_NEEDS_RESET = 64;

interface Queued {
  readonly id: number;
  readonly bytes: Uint8Array;
}

interface Judged {
  readonly active: HostModelId;
  readonly verdicts: Record<HostModelId, Verdict>;
}

export class TestLab implements ScenarioHost {
  readonly memory = new ArrayMemory(MEMORY_SIZE);
  readonly events: TraceEvent[] = [];
  /** Fates of all frames towards the guest, by id: exactly one each. */
  readonly fates = new Map<number, Fate>();
  /** What a driver sees of the device: goes on working when the device is replaced. */
  readonly ports: DriverPorts;
  /** Frames that find so many on their way are refused. */
  channelFrames = CHANNEL_FRAMES;
  readonly #judged = new Map<number, Judged>();
  readonly #toDevice: Queued[] = [];
  readonly #toHost: Queued[] = [];
  readonly #trace: PackedWriter;
  #time = 0;
  #host: HostSide;
  #device: VirtioNetPci;
  #config: Uint8Array;

  constructor(model: HostModelId) {
    const now = (): number => (this.#time += 1000);
    this.#trace = new PackedWriter(({ chunk, used }) => this.#read(chunk, used), now);
    this.#host = this.#newHost(model);
    this.#device = this.#newDevice(now);
    this.#config = this.#device.pciSpace.slice();
    this.ports = {
      configRead: (offset, width) => this.#device.pciConfigRead(offset, width) ?? this.#ownConfig(offset, width),
      configWrite: (offset, width, value) => void this.#device.pciConfigWrite(offset, width, value),
      barRead: (bar, offset, width) => this.#device.barRead(bar, offset, width),
      barWrite: (bar, offset, width, value) => this.#device.barWrite(bar, offset, width, value),
    };
  }

  get host(): HostSide {
    return this.#host;
  }

  get device(): VirtioNetPci {
    return this.#device;
  }

  /** Called after every batch of received frames: the guest takes them and posts buffers again. */
  onDelivered: () => void = () => undefined;

  /** Carries frames over until none is on its way. */
  pump(): void {
    while (this.#toHost.length + this.#toDevice.length > 0) {
      for (const { bytes } of this.#toHost.splice(0)) this.#host.transmit(bytes, 0, bytes.length);
      this.#host.flush();
      for (const { id, bytes } of this.#toDevice.splice(0)) this.#device.receive(id, bytes, 0, bytes.length);
      this.#device.flush();
      this.onDelivered();
    }
    this.#trace.flush();
  }

  /** Sends any bytes towards the guest. The fate is known when this returns. */
  inject(bytes: Uint8Array): number {
    const id = this.#host.input(bytes, 0, bytes.length);
    this.pump();
    return id;
  }

  /** Device and host anew from their snapshots. Throws if a snapshot is refused. */
  migrate(): void {
    this.pump();
    const device: unknown = JSON.parse(JSON.stringify(this.#device.snapshot()));
    const host: unknown = JSON.parse(JSON.stringify(this.#host.snapshot()));
    const model = this.#host.model;
    const offers = hostModel(model).offers;
    const image = this.memory.bytes.slice();
    this.memory.bytes.fill(0xdb);
    this.#host = this.#newHost('exact');
    this.#device = this.#newDevice(() => (this.#time += 1000));
    const refused = this.#host.restore(host);
    if (refused !== null) throw new Error(refused);
    this.memory.bytes.set(image);
    const result = this.#device.restore(device);
    if (!result.ok) throw new Error(result.reason);
    this.#device.setOffers(offers);
    this.#device.resume();
    this.pump();
  }

  // ScenarioHost

  setModel(model: HostModelId): void {
    this.#host.setModel(model);
    this.#device.setOffers(hostModel(model).offers);
  }

  ioctl(name: string, arg: string | number): IoctlRecord {
    return this.#host.ioctl(name, arg);
  }

  fault(name: string, errno: string): string | null {
    return this.#host.injectFault(name, errno);
  }

  /** Resets the device; `onMachineReset` lets the guest boot again. */
  machineReset(): void {
    this.#device.machineReset();
    this.onMachineReset();
  }

  onMachineReset: () => void = () => undefined;

  link(): Pick<ReturnType<HostSide['describe']>, 'level' | 'callbacks'> {
    return this.#host.describe();
  }

  ioctls(): readonly IoctlRecord[] {
    return this.events.flatMap((event) => (event.type === 'ioctl' && event.by === 'vmm' ? [event] : []));
  }

  rxMode(): { promisc: boolean | null; allmulti: boolean | null } {
    const { promisc, allmulti } = this.#device.describe().rxMode;
    return { promisc, allmulti };
  }

  tables(): { unicast: readonly string[]; multicast: readonly string[] } {
    return this.#device.describe().tables;
  }

  lastAck(name: string): Ack | null {
    const last = this.events.findLast((event) => event.type === 'control' && event.name === name);
    return last?.type === 'control' ? last.ack : null;
  }

  needsReset(): boolean {
    return (this.#device.describe().status & STATUS_NEEDS_RESET) !== 0;
  }

  send(frame: PresetId | FrameSpec): FrameOutcome {
    const spec =
      typeof frame === 'string' ? trafficPresets(GUEST_MAC, MTU).find(({ id }) => id === frame)?.frame : frame;
    if (!spec) throw new Error('there is no such preset');
    const made = frameFromSpec(spec);
    if (!made.ok) throw new Error(made.error);
    return this.outcome(this.inject(made.bytes));
  }

  outcome(id: number): FrameOutcome {
    const judged = this.#judged.get(id);
    const fate = this.fates.get(id);
    if (!judged || !fate) throw new Error(`frame ${id} has no fate`);
    return { fate, ...judged };
  }

  #newHost(model: HostModelId): HostSide {
    const host = new HostSide({
      mac: GUEST_MAC,
      mtu: MTU,
      trace: this.#trace,
      emit: (event) => this.events.push(event),
      deliver: this.#channel(this.#toDevice),
      model,
    });
    host.attach(new EchoStation());
    return host;
  }

  #newDevice(now: () => number): VirtioNetPci {
    return new VirtioNetPci({
      memory: this.memory,
      interrupt: { raise: () => undefined, lower: () => undefined },
      host: { rxEvent: (event) => this.#host.rxEvent(event) },
      wire: this.#channel(this.#toHost),
      trace: this.#trace,
      emit: (event) => this.events.push(event),
      now,
      mac: GUEST_MAC,
      mtu: MTU,
      offers: hostModel(this.#host.model).offers,
    });
  }

  #channel(queue: Queued[]) {
    return {
      send: (id: number, bytes: Uint8Array, offset: number, length: number): boolean => {
        if (queue.length >= this.channelFrames) return false;
        queue.push({ id, bytes: bytes.slice(offset, offset + length) });
        return true;
      },
      flush: () => undefined,
    };
  }

  /** Folds packed records into judgements and fates, and insists on one fate per frame. */
  #read(chunk: ArrayBuffer, used: number): void {
    const view = new DataView(chunk);
    for (let at = 0; at < used; at += view.getUint32(at + AT.length, true)) {
      const kind = view.getUint16(at + AT.kind, true);
      const id = view.getUint32(at + AT.id, true);
      if (kind === RECORD.FRAME_RX) {
        const active = HOST_MODEL_IDS[view.getUint8(at + AT.rxActive)] as HostModelId;
        const verdicts = HOST_MODEL_IDS.map((model, index) => {
          return [model, verdictOf(view.getUint16(at + AT.rxVerdicts + 2 * index, true))] as const;
        });
        this.#judged.set(id, { active, verdicts: Object.fromEntries(verdicts) as Judged['verdicts'] });
        this.#setFate(id, view.getUint16(at + AT.rxFate, true));
      } else if (kind === RECORD.FRAME_FATE) {
        this.#setFate(id, view.getUint16(at + AT.fateCode, true));
      }
    }
  }

  #setFate(id: number, code: number): void {
    const fate = FATES[code];
    if (fate === undefined || fate === 'pending') return;
    if (this.fates.has(id)) throw new Error(`frame ${id} has a second fate ${fate}`);
    this.fates.set(id, fate);
  }

  #ownConfig(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#config[offset + i] ?? 0);
    return value;
  }
}
