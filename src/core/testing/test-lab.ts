/**
 * The whole lab in one thread: guest memory, device, host side and echo station.
 *
 * What are channels between workers in the browser are queues here, drained by `pump`, so that device and
 * host never call each other back in the middle of something, just as in the browser.
 *
 * `roundTrip` takes device and host apart and puts new ones together from their snapshots, through JSON and
 * over wiped memory: a scenario must not notice. `migrate` is something else: the machine moves to another
 * host, and the models do what their VMMs do then.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import { HostSide } from '../host/host-side.ts';
import type { LinkDescription } from '../host/host-side-options.ts';
import { hostModel } from '../host/models.ts';
import { EchoStation } from '../net/echo-station.ts';
import type { FrameSpec } from '../net/frame-spec.ts';
import { frameFromSpec } from '../net/frame-spec.ts';
import { StationPort } from '../net/station-port.ts';
import type { PresetId } from '../net/traffic.ts';
import { GUEST_MAC, trafficPresets } from '../net/traffic.ts';
import { type FrameMeta, type FrameSender, PLAIN_FRAME } from '../ring/frames.ts';
import type { TraceEvent } from '../trace/event.ts';
import { PackedWriter } from '../trace/packed.ts';
import type { FaultKind } from '../viona/faults.ts';
import type { IoctlRecord, LinkKind } from '../viona/link.ts';
import { choosePersonality, type PersonalityRequest } from '../virtio-net/personality-request.ts';
import { type NetDescription, VirtioNetPci } from '../virtio-net/virtio-net-pci.ts';
import { ArrayMemory } from './array-memory.ts';
import { BenchTimer } from './device-bench.ts';
import type { DriverPorts } from './driver-ports.ts';
import { FrameLedger } from './frame-ledger.ts';
import type { FrameOutcome, ScenarioFault, ScenarioHost } from './scenarios-types.ts';
import { type Variant, variantPersonality } from './variants.ts';

const MTU = 1500;
const MEMORY_SIZE = 0x10_0000;
const CHANNEL_FRAMES = 1024;
const PRESETS = new Map(trafficPresets(GUEST_MAC, MTU).map(({ id, frame }) => [id, frame]));

interface Queued {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly meta: FrameMeta;
}

export class TestLab implements ScenarioHost {
  readonly memory = new ArrayMemory(MEMORY_SIZE);
  readonly events: TraceEvent[] = [];
  readonly frames = new FrameLedger();
  /** What a driver sees of the device: goes on working when the device is replaced. */
  readonly ports: DriverPorts;
  /** Frames that find so many on their way are refused. */
  channelFrames = CHANNEL_FRAMES;
  readonly #variant: Variant | undefined;
  readonly #toDevice: Queued[] = [];
  readonly #toHost: Queued[] = [];
  readonly #trace: PackedWriter;
  readonly #now: () => number;
  #time = 0;
  #request: PersonalityRequest = {};
  #host: HostSide;
  #device: VirtioNetPci;
  #config: Uint8Array;

  /** @param variant what the device must be able to offer */
  constructor(model: HostModelId, variant?: Variant) {
    this.#variant = variant;
    this.#now = (): number => (this.#time += 1000);
    this.#trace = new PackedWriter(({ chunk, used }) => this.frames.read(chunk, used), this.#now);
    this.#host = this.#newHost(model);
    this.#device = this.#newDevice();
    this.#applyPersonality();
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
  onMachineReset: () => void = () => undefined;

  /** Carries frames over until none is on its way. */
  pump(): void {
    while (this.#toHost.length + this.#toDevice.length > 0) {
      for (const { bytes, meta } of this.#toHost.splice(0)) this.#host.transmit(bytes, 0, bytes.length, meta);
      this.#host.flush();
      for (const { id, bytes, meta } of this.#toDevice.splice(0)) {
        this.#device.receive(id, bytes, 0, bytes.length, meta);
      }
      this.#device.flush();
      this.onDelivered();
    }
    this.#trace.flush();
  }

  /** Sends any bytes towards the guest. The fate is known when this returns. */
  inject(bytes: Uint8Array, meta: Readonly<FrameMeta> = PLAIN_FRAME): number {
    const id = this.#host.input(bytes, 0, bytes.length, meta);
    this.pump();
    return id;
  }

  /** Device and host anew from their snapshots. Throws if a snapshot is refused. */
  roundTrip(): void {
    this.pump();
    const device: unknown = JSON.parse(JSON.stringify(this.#device.snapshot()));
    const host: unknown = JSON.parse(JSON.stringify(this.#host.snapshot()));
    const image = this.memory.bytes.slice();
    this.memory.bytes.fill(0xdb);
    this.#host = this.#newHost('exact');
    this.#device = this.#newDevice();
    const refused = this.#host.restore(host);
    if (refused !== null) throw new Error(refused);
    this.memory.bytes.set(image);
    const result = this.#device.restore(device);
    if (!result.ok) throw new Error(result.reason);
    this.#applyPersonality();
    this.#device.resume();
    this.pump();
  }

  // ScenarioHost

  setModel(model: HostModelId): void {
    this.#host.setModel(model);
    this.#applyPersonality();
  }

  setPersonality(request: PersonalityRequest): void {
    this.#request = request;
    this.#applyPersonality();
  }

  setLinkKind(kind: LinkKind): void {
    this.#host.setLinkKind(kind);
  }

  ioctl(name: string, arg: unknown): IoctlRecord {
    return this.#host.ioctl(name, arg);
  }

  fault(fault: ScenarioFault): string | null {
    if (fault.kind !== 'shortage') return this.#host.fault(fault);
    this.#device.shortNextMerge(true);
    return null;
  }

  clearFaults(kind?: FaultKind): void {
    this.#host.clearFaults(kind);
  }

  migrate(): Ack {
    return this.#host.migrate().ack;
  }

  /** Resets the device; `onMachineReset` lets the guest boot again. */
  machineReset(): void {
    this.#device.machineReset();
    this.onMachineReset();
  }

  link(): LinkDescription {
    return this.#host.describe();
  }

  nic(): NetDescription {
    return this.#device.describe();
  }

  ioctls(): readonly Pick<IoctlRecord, 'name' | 'arg' | 'errno'>[] {
    return this.events.flatMap((event) => (event.type === 'ioctl' && event.by === 'vmm' ? [event] : []));
  }

  lastAck(name: string): Ack | null {
    const last = this.events.findLast((event) => event.type === 'control' && event.name === name);
    return last?.type === 'control' ? last.ack : null;
  }

  lastAcks(): Readonly<Partial<Record<HostModelId, Ack>>> {
    const last = this.events.findLast((event) => event.type === 'command-judged');
    return last?.type === 'command-judged' ? last.acks : {};
  }

  send(frame: PresetId | FrameSpec): FrameOutcome {
    const spec = typeof frame === 'string' ? PRESETS.get(frame) : frame;
    if (!spec) throw new Error('there is no such preset');
    const made = frameFromSpec(spec);
    if (!made.ok) throw new Error(made.error);
    return this.frames.outcome(this.inject(made.bytes, made.meta));
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
    const station = new StationPort(new EchoStation(), (bytes, offset, length) => host.input(bytes, offset, length));
    host.connect((bytes, offset, length, meta) => station.take(bytes, offset, length, meta));
    return host;
  }

  #newDevice(): VirtioNetPci {
    return new VirtioNetPci({
      memory: this.memory,
      interrupt: { raise: () => undefined, lower: () => undefined, msi: () => undefined },
      host: { rxEvent: (event) => this.#host.rxEvent(event) },
      wire: this.#channel(this.#toHost),
      trace: this.#trace,
      emit: (event) => this.events.push(event),
      now: this.#now,
      mac: GUEST_MAC,
      mtu: MTU,
      offers: hostModel(this.#host.model).offers,
      timer: new BenchTimer(),
    });
  }

  /** What the model in force offers, what was asked for, and what this kind of driver needs. */
  #applyPersonality(): void {
    const { add = [], transitional = false } = variantPersonality(this.#variant);
    const request = { ...this.#request, add: [...(this.#request.add ?? []), ...add], transitional };
    const { personality } = choosePersonality(hostModel(this.#host.model).offers, request);
    const result = this.#device.setPersonality(personality);
    if (!result.ok) throw new Error(result.reason);
  }

  #channel(queue: Queued[]): FrameSender {
    return {
      send: (id, bytes, offset, length, meta = PLAIN_FRAME): boolean => {
        if (queue.length >= this.channelFrames) return false;
        queue.push({ id, bytes: bytes.slice(offset, offset + length), meta: { ...meta } });
        return true;
      },
      flush: () => undefined,
    };
  }

  #ownConfig(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#config[offset + i] ?? 0);
    return value;
  }
}
