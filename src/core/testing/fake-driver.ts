/**
 * A network driver that knows the device only through registers and memory.
 *
 * It is an oracle, so it shares no constant with the device: what it expects was read in the
 * specification. Shipped code: unit and property tests, scenarios and benchmarks use this one driver.
 * Where a scenario also runs against Linux, the verbs here are the verbs there.
 */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { type DriverPorts, REG, STATUS } from './driver-ports.ts';
import { type ChainLayout, FakeRing, type Segment, type UsedBuffer } from './fake-ring.ts';
import { GuestHeap, Random } from './guest-heap.ts';
import { DriverMemory } from './driver-memory.ts';
import { RegisterDriver } from './register-driver.ts';

export const RX = 0;
export const TX = 1;
export const CTRL = 2;

const HEADER = 12;
const RX_BUFFER = 1526;
const ACK_UNWRITTEN = 0xaa;

export interface FakeDriverOptions {
  readonly ports: DriverPorts;
  readonly memory: GuestMemory;
  readonly seed?: number;
  /** Accepted as far as offered. Default: everything offered. */
  readonly features?: bigint;
  /** By queue; 0 or missing takes the device's. */
  readonly queueSizes?: readonly number[];
  readonly heapStart?: number;
  /** Lets the device's answer arrive. Default: one microtask turn. */
  readonly pause?: () => Promise<void>;
}

/** How one request is cut into descriptors: lengths of the first segments, the rest is the last. */
export interface Framing {
  readonly split?: readonly number[];
  readonly layout?: ChainLayout;
}

export interface ReceivedFrame {
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
  readonly used: UsedBuffer;
}

export interface SentCommand {
  readonly head: number;
  readonly ackAddr: number;
}

export class FakeDriver extends RegisterDriver {
  readonly memory: GuestMemory;
  readonly rings: FakeRing[] = [];
  /** What was agreed on. */
  features = 0n;
  readonly #options: FakeDriverOptions;
  /** Memory for rings and buffers. */
  readonly heap: GuestHeap;
  readonly buffers: DriverMemory;
  readonly #random: Random;
  readonly #rxBuffers = new Map<number, { readonly cut: string; readonly segments: Segment[] }>();
  /** Receive buffers that came back, by how they are cut: posted again before new ones are made. */
  readonly #rxSpare = new Map<string, Segment[][]>();
  readonly #answered = new Map<number, UsedBuffer>();

  constructor(options: FakeDriverOptions) {
    super(options.ports);
    this.#options = options;
    this.memory = options.memory;
    this.#random = new Random(options.seed ?? 1);
    this.heap = new GuestHeap(options.memory, this.#random, options.heapStart ?? 0x1000);
    this.buffers = new DriverMemory(options.memory, this.heap);
  }

  /** Initialisation, 3.1.1. False if the device refused our features. */
  initialise(): boolean {
    this.reset();
    this.acknowledge();
    if (!this.negotiate()) return false;
    this.setUpQueues();
    this.driverOk();
    return true;
  }

  /** Step 1: bring the device into a known state. It is reset when status reads zero again. */
  reset(): void {
    this.common.write(REG.device_status, 1, 0);
    if (this.status !== 0) throw new Error('the device did not finish its reset');
    this.rings.length = 0;
    this.#rxBuffers.clear();
    this.#rxSpare.clear();
    this.#answered.clear();
    this.heap.release();
    this.features = 0n;
  }

  /** Steps 2 and 3: say that the device was seen, then that we know how to drive it. */
  acknowledge(): void {
    this.addStatus(STATUS.ACKNOWLEDGE);
    this.addStatus(STATUS.DRIVER);
  }

  /** Steps 4 to 6: read what is offered, write the subset we want, fix it, and see whether it stuck. */
  negotiate(wanted: bigint = this.#options.features ?? this.offered()): boolean {
    this.features = wanted & this.offered();
    this.writeFeatures(this.features);
    this.addStatus(STATUS.FEATURES_OK);
    return (this.status & STATUS.FEATURES_OK) !== 0;
  }

  /** Step 7: find the queues, place their rings, hand them over. */
  setUpQueues(): void {
    const count = this.common.read(REG.num_queues, 2);
    for (let index = 0; index < count; index++) {
      this.select(index);
      const maximum = this.common.read(REG.queue_size, 2);
      const wanted = this.#options.queueSizes?.[index] ?? 0;
      const size = wanted > 0 ? wanted : maximum;
      const ring = new FakeRing(this.memory, this.heap, this.#random, size);
      this.rings[index] = ring;
      this.notifyOff[index] = this.common.read(REG.queue_notify_off, 2);
      this.common.write(REG.queue_size, 2, size);
      this.writeAddress(REG.queue_desc, ring.desc);
      this.writeAddress(REG.queue_driver, ring.avail);
      this.writeAddress(REG.queue_device, ring.used);
      this.common.write(REG.queue_enable, 2, 1);
    }
    this.heap.keep();
  }

  /** Step 8: the device is live. */
  driverOk(): void {
    this.addStatus(STATUS.DRIVER_OK);
  }

  ring(queue: number): FakeRing {
    const ring = this.rings[queue];
    if (!ring) throw new Error(`queue ${queue} is not set up`);
    return ring;
  }

  // Receive

  /** Posts `count` receive buffers of `size` bytes, header included, and kicks. Returns how many fitted. */
  postReceive(count: number, size: number = RX_BUFFER, framing: Framing = {}): number {
    const cut = [size, ...(framing.split ?? [])].join();
    let posted = 0;
    for (; posted < count; posted++) {
      let segments = this.#rxSpare.get(cut)?.pop();
      if (!segments) {
        segments = this.buffers.place(new Uint8Array(size), true, framing.split);
        this.heap.keep();
      }
      const head = this.ring(RX).add(segments, framing.layout);
      if (head < 0) {
        this.#spare(cut, segments);
        break;
      }
      this.#rxBuffers.set(head, { cut, segments });
    }
    if (posted > 0) this.kick(RX);
    return posted;
  }

  /** Takes every received frame out of the ring. */
  collect(): ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    for (let used = this.ring(RX).poll(); used; used = this.ring(RX).poll()) {
      const buffer = this.#rxBuffers.get(used.head);
      if (!buffer) throw new Error(`receive buffer ${used.head} was never posted`);
      const bytes = this.buffers.read(buffer.segments, used.length);
      this.#rxBuffers.delete(used.head);
      this.#spare(buffer.cut, buffer.segments);
      frames.push({ header: bytes.slice(0, HEADER), frame: bytes.slice(HEADER), used });
    }
    return frames;
  }

  #spare(cut: string, segments: Segment[]): void {
    const spare = this.#rxSpare.get(cut);
    if (spare) spare.push(segments);
    else this.#rxSpare.set(cut, [segments]);
  }

  // Transmit

  /** Queues a frame behind an empty header without kicking. Head, or -1 if the ring is full. */
  queueFrame(frame: Uint8Array, framing: Framing = {}, header: Uint8Array = new Uint8Array(HEADER)): number {
    const packet = new Uint8Array(header.length + frame.length);
    packet.set(header);
    packet.set(frame, header.length);
    return this.ring(TX).add(this.buffers.place(packet, false, framing.split), framing.layout);
  }

  transmit(frame: Uint8Array, framing: Framing = {}): number {
    const head = this.queueFrame(frame, framing);
    this.kick(TX);
    return head;
  }

  /** Takes back transmitted buffers. */
  reapTransmitted(): UsedBuffer[] {
    const used: UsedBuffer[] = [];
    for (let next = this.ring(TX).poll(); next; next = this.ring(TX).poll()) used.push(next);
    return used;
  }

  // Control

  /** Sends a command (class, command, data) and kicks; the ack is awaited with `ack`. */
  sendCommand(message: Uint8Array, framing: Framing = {}): SentCommand {
    const sent = this.queueCommand(message, framing);
    this.kick(CTRL);
    return sent;
  }

  queueCommand(message: Uint8Array, framing: Framing = {}): SentCommand {
    const ackAddr = this.heap.allocate(1);
    this.memory.write(ackAddr, Uint8Array.of(ACK_UNWRITTEN), 0, 1);
    const segments = [...this.buffers.place(message, false, framing.split), { addr: ackAddr, length: 1, write: true }];
    return { head: this.ring(CTRL).add(segments, framing.layout), ackAddr };
  }

  /** The ack byte if the command was answered, else null. Does not wait. */
  ackNow(sent: SentCommand): number | null {
    for (let used = this.ring(CTRL).poll(); used; used = this.ring(CTRL).poll()) this.#answered.set(used.head, used);
    if (!this.#answered.delete(sent.head)) return null;
    return this.buffers.readByte(sent.ackAddr);
  }

  /** Busy-polls for the ack, as Linux does. */
  async ack(sent: SentCommand, turns = 100): Promise<number> {
    for (let turn = 0; turn < turns; turn++) {
      const ack = this.ackNow(sent);
      if (ack !== null) return ack;
      await (this.#options.pause ?? (() => Promise.resolve()))();
    }
    throw new Error('the device did not answer the command');
  }

  async command(message: Uint8Array, framing: Framing = {}): Promise<number> {
    return this.ack(this.sendCommand(message, framing));
  }
}
