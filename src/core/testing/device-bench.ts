/**
 * One device, one fake driver and recorders around them, all in one thread: what tests of the device and
 * benchmarks set up. The bench plays the machine: it keeps the copy of configuration space that answers
 * ordinary accesses, counts edges of the interrupt pin, and reads back the packed trace.
 */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { FATES, type Fate } from '../host/verdict.ts';
import type { FrameSender } from '../ring/frames.ts';
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

export interface DeviceBenchOptions {
  readonly memorySize?: number;
  /** Instead of memory of that size: one that watches what is done to it. */
  readonly memory?: ArrayMemory;
  readonly mtu?: number;
  readonly offers?: bigint;
  readonly mac?: number;
  readonly host?: (event: RxEvent) => HostAnswer | Promise<HostAnswer>;
  readonly send?: FrameSender['send'];
}

export const BENCH_MAC = 0x02_08_20_00_00_01;
/** VIRTIO_NET_F_CTRL_RX, bit 18. */
const CTRL_RX = 1n << 18n;

export const HOST_OK: HostAnswer = { ack: 'OK', reason: null, needsReset: false, generation: 1 };

export class DeviceBench {
  readonly memory: ArrayMemory;
  readonly device: VirtioNetPci;
  readonly ports: DriverPorts;
  readonly events: DeviceBenchEvent[] = [];
  /** What the device told the host. */
  readonly hostEvents: RxEvent[] = [];
  readonly sent: { readonly id: number; readonly frame: Uint8Array }[] = [];
  readonly pin = { high: false, raised: 0, lowered: 0 };
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
        },
        lower: () => {
          this.pin.high = false;
          this.pin.lowered++;
        },
      },
      host: {
        rxEvent: (event) => {
          this.hostEvents.push(event);
          return options.host?.(event) ?? HOST_OK;
        },
      },
      wire: {
        send: (id, bytes, offset, length) => {
          if (options.send && !options.send(id, bytes, offset, length)) return false;
          this.sent.push({ id, frame: bytes.slice(offset, offset + length) });
          return true;
        },
        flush: () => undefined,
      },
      trace: this.#trace,
      emit: (event) => this.events.push(event),
      now,
      mac: options.mac ?? BENCH_MAC,
      mtu: options.mtu ?? 1500,
      offers: options.offers ?? CTRL_RX,
    });
    this.#config = this.device.pciSpace.slice();
    this.ports = {
      configRead: (offset, width) => this.device.pciConfigRead(offset, width) ?? this.#ownConfig(offset, width),
      configWrite: (offset, width, value) => void this.device.pciConfigWrite(offset, width, value),
      barRead: (bar, offset, width) => this.device.barRead(bar, offset, width),
      barWrite: (bar, offset, width, value) => this.device.barWrite(bar, offset, width, value),
    };
  }

  /** A driver that is through with its initialisation, unless `initialise` is false. */
  driver(options: Partial<FakeDriverOptions> & { initialise?: boolean } = {}): FakeDriver {
    const driver = new FakeDriver({ ports: this.ports, memory: this.memory, ...options });
    if (options.initialise !== false && !driver.initialise()) throw new Error('the device refused the features');
    return driver;
  }

  receive(id: number, frame: Uint8Array): void {
    this.device.receive(id, frame, 0, frame.length);
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

  /** Queue indexes of the interrupts so far. */
  interrupts(): number[] {
    return this.#records(RECORD.INTERRUPT, (view, at) => view.getUint16(at + AT.queueIndex, true));
  }

  /** Queue indexes of the kicks so far. */
  kicks(): number[] {
    return this.#records(RECORD.NOTIFY, (view, at) => view.getUint16(at + AT.queueIndex, true));
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
