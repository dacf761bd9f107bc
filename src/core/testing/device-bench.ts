/**
 * One device, one fake driver and recorders around them, all in one thread: what tests of the device and
 * benchmarks set up. The bench plays the machine: it keeps the copy of configuration space that answers
 * ordinary accesses, counts edges of the interrupt pin, and reads back the packed trace.
 */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { FATES, type Fate } from '../host/verdict.ts';
import { type FrameMeta, type FrameSender, PLAIN_FRAME } from '../ring/frames.ts';
import { AT, PackedWriter, RECORD, type TraceBatch } from '../trace/packed.ts';
import { VirtioNetPci, type VirtioNetPciOptions } from '../virtio-net/virtio-net-pci.ts';
import { ArrayMemory } from './array-memory.ts';
import type { DriverPorts } from './driver-ports.ts';
import { FakeDriver, type FakeDriverOptions } from './fake-driver.ts';

export type DeviceBenchEvent = Parameters<VirtioNetPciOptions['emit']>[0];

export interface FrameFateRecord {
  readonly id: number;
  readonly fate: Fate;
  readonly head: number;
  readonly buffers: number;
  readonly used: number;
}

export interface FrameTxRecord {
  readonly id: number;
  readonly queue: number;
  readonly length: number;
  readonly flags: number;
  readonly gsoType: number;
  readonly gsoSize: number;
}

export interface DeviceBenchOptions {
  readonly memorySize?: number;
  /** Instead of memory of that size: one that watches what is done to it. */
  readonly memory?: ArrayMemory;
  readonly mtu?: number;
  /** Offered besides BASICS. */
  readonly offers?: bigint;
  /** Offered instead of everything else. */
  readonly onlyOffers?: bigint;
  /** The device has the ids and the registers of a legacy device too. */
  readonly transitional?: boolean;
  /** The function has MSI-X. Default: true. */
  readonly msix?: boolean;
  /** The machine carries messages. Default: true. */
  readonly messages?: boolean;
  /** Default: 1. */
  readonly queuePairs?: number;
  readonly speed?: number;
  readonly duplex?: 'full' | 'half';
  readonly mac?: number;
  readonly host?: (event: RxEvent) => HostAnswer | Promise<HostAnswer>;
  readonly send?: FrameSender['send'];
  /** The test calls `device.turn`. Default: false. */
  readonly turns?: boolean;
}

export const BENCH_MAC = 0x02_08_20_00_00_01;
/** MTU 3, MAC 5, STATUS 16, CTRL_VQ 17, INDIRECT_DESC 28, VERSION_1 32. */
export const BASICS = 0x1_1003_0028n;
/** VIRTIO_NET_F_CTRL_RX, bit 18. */
const CTRL_RX = 1n << 18n;
const CHANNEL_OFFSET = 40;

/** Time that passes when told to. */
export class BenchTimer {
  readonly #waiting: { readonly at: number; readonly callback: () => void }[] = [];
  #now = 0;

  after(microseconds: number, callback: () => void): unknown {
    const entry = { at: this.#now + microseconds, callback };
    this.#waiting.push(entry);
    return entry;
  }

  cancel(handle: unknown): void {
    const index = this.#waiting.findIndex((entry) => entry === handle);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  get running(): number {
    return this.#waiting.length;
  }

  pass(microseconds: number): void {
    this.#now += microseconds;
    for (const entry of [...this.#waiting].filter(({ at }) => at <= this.#now)) {
      this.cancel(entry);
      entry.callback();
    }
  }
}

export const HOST_OK: HostAnswer = { ack: 'OK', reason: null, needsReset: false, generation: 1 };

export class DeviceBench {
  readonly memory: ArrayMemory;
  readonly device: VirtioNetPci;
  readonly ports: DriverPorts;
  readonly events: DeviceBenchEvent[] = [];
  /** What the device told the host. */
  readonly hostEvents: RxEvent[] = [];
  readonly sent: { readonly id: number; readonly frame: Uint8Array; readonly meta: FrameMeta }[] = [];
  /** Of these, how many the wire was told of. */
  told = 0;
  readonly pin = { high: false, raised: 0, lowered: 0 };
  /** Message-signalled interrupts so far. */
  readonly messages: { readonly address: number; readonly data: number }[] = [];
  /** Called when the pin goes up or a message comes: what the driver would see then. */
  onInterrupt: () => void = () => undefined;
  readonly timer = new BenchTimer();
  /** Nanoseconds; advances with each look. */
  time = 0;
  readonly #trace: PackedWriter;
  readonly #batches: TraceBatch[] = [];
  readonly #config: Uint8Array;

  constructor(options: DeviceBenchOptions = {}) {
    this.memory = options.memory ?? new ArrayMemory(options.memorySize ?? 0x10_0000);
    const now = (): number => (this.time += 1000);
    this.#trace = new PackedWriter((batch) => this.#batches.push(batch), now, 0x1_0000);
    this.device = new VirtioNetPci({
      memory: this.memory,
      interrupt: {
        raise: () => {
          this.pin.high = true;
          this.pin.raised++;
          this.onInterrupt();
        },
        lower: () => {
          this.pin.high = false;
          this.pin.lowered++;
        },
        ...(options.messages === false ? {} : { msi: (address, data) => this.#message(address, data) }),
      },
      host: {
        rxEvent: (event) => {
          this.hostEvents.push(event);
          return options.host?.(event) ?? HOST_OK;
        },
      },
      wire: {
        send: (id, bytes, offset, length, meta = PLAIN_FRAME) => {
          if (options.send && !options.send(id, bytes, offset, length, meta)) return false;
          this.sent.push({ id, frame: bytes.slice(offset, offset + length), meta: { ...meta } });
          return true;
        },
        flush: () => {
          this.told = this.sent.length;
        },
      },
      trace: this.#trace,
      emit: (event) => this.events.push(event),
      now,
      mac: options.mac ?? BENCH_MAC,
      mtu: options.mtu ?? 1500,
      offers: options.onlyOffers ?? BASICS | (options.offers ?? CTRL_RX),
      queuePairs: options.queuePairs ?? 1,
      ...(options.speed === undefined ? {} : { speed: options.speed }),
      ...(options.duplex === undefined ? {} : { duplex: options.duplex }),
      timer: this.timer,
      turns: options.turns ?? false,
    });
    const { transitional = false, msix = true } = options;
    if (transitional || !msix) this.#become(transitional, msix);
    this.#config = this.device.pciSpace.slice();
    this.ports = {
      configRead: (offset, width) => this.device.pciConfigRead(offset, width) ?? this.#ownConfig(offset, width),
      configWrite: (offset, width, value) => void this.device.pciConfigWrite(offset, width, value),
      barRead: (bar, offset, width) => this.device.barRead(bar, offset, width),
      barWrite: (bar, offset, width, value) => this.device.barWrite(bar, offset, width, value),
    };
  }

  #message(address: number, data: number): void {
    this.messages.push({ address, data });
    this.onInterrupt();
  }

  #become(transitional: boolean, msix: boolean): void {
    const { features, ctrlMacAddr } = this.device.describe().personality;
    const result = this.device.setPersonality({ features, transitional, msix, ctrlMacAddr });
    if (!result.ok) throw new Error(result.reason);
  }

  /** A driver that is through with its initialisation, unless `initialise` is false. */
  driver(options: Partial<FakeDriverOptions> & { initialise?: boolean } = {}): FakeDriver {
    const driver = new FakeDriver({ ports: this.ports, memory: this.memory, ...options });
    if (options.initialise !== false && !driver.initialise()) throw new Error('the device refused the features');
    return driver;
  }

  /** The frame stands somewhere in a channel, as it would in the lab, and the device has to leave it as it is. */
  receive(id: number, frame: Uint8Array, meta?: Readonly<FrameMeta>): void {
    const channel = new Uint8Array(CHANNEL_OFFSET + frame.length + CHANNEL_OFFSET).fill(0x5a);
    channel.set(frame, CHANNEL_OFFSET);
    const before = channel.slice();
    this.device.receive(id, channel, CHANNEL_OFFSET, frame.length, meta);
    if (channel.some((byte, at) => byte !== before[at])) throw new Error('the device wrote into the channel');
  }

  eventsOf<T extends DeviceBenchEvent['type']>(type: T): Extract<DeviceBenchEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<DeviceBenchEvent, { type: T }> => event.type === type);
  }

  /** Codes of the guest errors so far. */
  errors(): string[] {
    return this.eventsOf('guest-error').map((event) => event.code);
  }

  fates(): FrameFateRecord[] {
    return this.#records(RECORD.FRAME_FATE, (view, at) => ({
      id: view.getUint32(at + AT.id, true),
      fate: FATES[view.getUint16(at + AT.fateCode, true)] ?? 'pending',
      head: view.getUint16(at + AT.fateHead, true),
      buffers: view.getUint16(at + AT.fateBuffers, true),
      used: view.getUint32(at + AT.fateUsed, true),
    }));
  }

  transmitted(): FrameTxRecord[] {
    return this.#records(RECORD.FRAME_TX, (view, at) => ({
      id: view.getUint32(at + AT.id, true),
      queue: view.getUint16(at + AT.txQueue, true),
      length: view.getUint32(at + AT.wire, true),
      flags: view.getUint8(at + AT.txFlags),
      gsoType: view.getUint8(at + AT.txGso),
      gsoSize: view.getUint16(at + AT.txGsoSize, true),
    }));
  }

  /** Queue indexes of the interrupts so far; those between two looks are told queue by queue. */
  interrupts(): number[] {
    return this.#queueRecords(AT.queueInterrupts);
  }

  /** Queue indexes of the kicks so far, in the same way. */
  kicks(): number[] {
    return this.#queueRecords(AT.queueKicks);
  }

  #queueRecords(count: number): number[] {
    return this.#records(RECORD.QUEUE, (view, at) =>
      Array<number>(view.getUint32(at + count, true)).fill(view.getUint32(at + AT.id, true)),
    ).flat();
  }

  #records<T>(kind: number, decode: (view: DataView, at: number) => T): T[] {
    this.#trace.flush();
    const found: T[] = [];
    for (const { chunk, used } of this.#batches) {
      const view = new DataView(chunk);
      for (let at = 0; at < used; at += view.getUint32(at + AT.length, true)) {
        if (view.getUint16(at + AT.kind, true) === kind) found.push(decode(view, at));
      }
    }
    return found;
  }

  #ownConfig(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#config[offset + i] ?? 0);
    return value;
  }
}
