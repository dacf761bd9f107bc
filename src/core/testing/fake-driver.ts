/**
 * A network driver that knows the device only through registers and memory.
 *
 * It is an oracle, so it shares no constant with the device: what it expects was read in the
 * specification. Shipped code: unit and property tests, scenarios and benchmarks use this one driver.
 * Where a scenario also runs against Linux, the verbs here are the verbs there.
 */
import type { ChainLayout, Segment, UsedBuffer } from './fake-ring.ts';
import { QueueDriver, type QueueDriverOptions } from './queue-driver.ts';

export const RX = 0;
export const TX = 1;
export const CTRL = 2;

const MRG_RXBUF = 1n << 15n;
const MQ = 1n << 22n;
const HASH_REPORT = 1n << 57n;
const RSS = 1n << 60n;

const HEADER = 12;
/** Without num_buffers: of a legacy driver that does not merge. */
const HEADER_SHORT = 10;
const HEADER_WITH_HASH = 20;
const RX_BUFFER = 1526;
const ACK_UNWRITTEN = 0xaa;

export interface FakeDriverOptions extends QueueDriverOptions {
  /** Requests that do not say how they are cut into descriptors use an indirect table. */
  readonly indirect?: boolean;
  /** Lets the device's answer arrive. Default: one microtask turn. */
  readonly pause?: () => Promise<void>;
}

/** How one request is cut into descriptors: lengths of the first segments, the rest is the last. */
export interface Framing {
  readonly split?: readonly number[];
  readonly layout?: ChainLayout;
  /** Queue pair, from 0, for data. */
  readonly pair?: number;
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

/** Everything a device wrote into the buffer of a command. */
export interface CommandReply {
  readonly bytes: Uint8Array;
  /** Length in the used ring. */
  readonly used: number;
}

export class FakeDriver extends QueueDriver {
  readonly #options: FakeDriverOptions;
  readonly #rxBuffers = new Map<number, { readonly cut: string; readonly segments: Segment[] }>();
  /** Receive buffers that came back, by how they are cut: posted again before new ones are made. */
  readonly #rxSpare = new Map<string, Segment[][]>();
  readonly #answered = new Map<number, UsedBuffer>();

  constructor(options: FakeDriverOptions) {
    super(options);
    this.#options = options;
  }

  override reset(): void {
    super.reset();
    this.#rxBuffers.clear();
    this.#rxSpare.clear();
    this.#answered.clear();
  }

  #add(queue: number, segments: readonly Segment[], framing: Framing): number {
    return this.ring(queue).add(segments, framing.layout ?? (this.#options.indirect ? 'indirect' : 'direct'));
  }

  /** Pairs that there are, 5.1.2. */
  get pairs(): number {
    return this.features & (MQ | RSS) ? this.device.read(8, 2) : 1;
  }

  /** The control queue is behind the last pair, 5.1.2. */
  get ctrl(): number {
    return 2 * this.pairs;
  }

  protected override queueCount(): number {
    return Math.min(super.queueCount(), this.ctrl + 1);
  }

  get #headerSize(): number {
    if (this.legacy && !(this.features & MRG_RXBUF)) return HEADER_SHORT;
    return this.features & HASH_REPORT ? HEADER_WITH_HASH : HEADER;
  }

  // Receive

  /** Posts `count` receive buffers of `size` bytes, header included, and kicks. Returns how many fitted. */
  postReceive(count: number, size: number = RX_BUFFER, framing: Framing = {}): number {
    const cut = [size, ...(framing.split ?? [])].join();
    const queue = RX + 2 * (framing.pair ?? 0);
    let posted = 0;
    for (; posted < count; posted++) {
      let segments = this.#rxSpare.get(cut)?.pop();
      if (!segments) {
        segments = this.buffers.place(new Uint8Array(size), true, framing.split);
        this.heap.keep();
      }
      const head = this.#add(queue, segments, framing);
      if (head < 0) {
        this.#spare(cut, segments);
        break;
      }
      this.#rxBuffers.set(bufferKey(queue, head), { cut, segments });
    }
    if (posted > 0) this.notify(queue);
    return posted;
  }

  /** Receive buffers of a pair that were posted and not collected. */
  posted(pair = 0): number {
    const first = bufferKey(RX + 2 * pair, 0);
    let count = 0;
    for (const key of this.#rxBuffers.keys()) if (key >= first && key < first + 0x1_0000) count++;
    return count;
  }

  /** Takes every received frame out of the ring. */
  collect(pair = 0): ReceivedFrame[] {
    const queue = RX + 2 * pair;
    const header = this.#headerSize;
    const frames: ReceivedFrame[] = [];
    for (let used = this.ring(queue).poll(); used; used = this.ring(queue).poll()) {
      const key = bufferKey(queue, used.head);
      const buffer = this.#rxBuffers.get(key);
      if (!buffer) throw new Error(`receive buffer ${used.head} was never posted`);
      const bytes = this.buffers.read(buffer.segments, used.length);
      this.#rxBuffers.delete(key);
      this.#spare(buffer.cut, buffer.segments);
      frames.push({ header: bytes.slice(0, header), frame: bytes.slice(header), used });
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
  queueFrame(frame: Uint8Array, framing: Framing = {}, header: Uint8Array = new Uint8Array(this.#headerSize)): number {
    const packet = new Uint8Array(header.length + frame.length);
    packet.set(header);
    packet.set(frame, header.length);
    return this.#add(TX + 2 * (framing.pair ?? 0), this.buffers.place(packet, false, framing.split), framing);
  }

  transmit(frame: Uint8Array, framing: Framing = {}): number {
    const head = this.queueFrame(frame, framing);
    this.notify(TX + 2 * (framing.pair ?? 0));
    return head;
  }

  /** Takes back transmitted buffers. */
  reapTransmitted(pair = 0): UsedBuffer[] {
    const ring = this.ring(TX + 2 * pair);
    const used: UsedBuffer[] = [];
    for (let next = ring.poll(); next; next = ring.poll()) used.push(next);
    return used;
  }

  // Control

  /** Sends a command (class, command, data) and kicks; the ack is awaited with `ack`. */
  sendCommand(message: Uint8Array, framing: Framing = {}): SentCommand {
    const sent = this.queueCommand(message, framing);
    this.notify(this.ctrl);
    return sent;
  }

  queueCommand(message: Uint8Array, framing: Framing = {}): SentCommand {
    const ackAddr = this.heap.allocate(1);
    this.memory.write(ackAddr, Uint8Array.of(ACK_UNWRITTEN), 0, 1);
    const segments = [...this.buffers.place(message, false, framing.split), { addr: ackAddr, length: 1, write: true }];
    return { head: this.#add(this.ctrl, segments, framing), ackAddr };
  }

  /** The ack byte if the command was answered, else null. Does not wait. */
  ackNow(sent: SentCommand): number | null {
    const ring = this.ring(this.ctrl);
    for (let used = ring.poll(); used; used = ring.poll()) this.#answered.set(used.head, used);
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

  /**
   * Sends a command with room for `room` bytes of answer, cut as `cut` says, that the device executes by itself:
   * the answer is there when the kick returns.
   */
  ask(message: Uint8Array, room: number, framing: Framing = {}, cut: readonly number[] = []): CommandReply {
    const answer = this.buffers.place(new Uint8Array(room).fill(ACK_UNWRITTEN), true, cut);
    const segments = [...this.buffers.place(message, false, framing.split), ...answer];
    const head = this.#add(this.ctrl, segments, framing);
    this.notify(this.ctrl);
    const used = this.ring(this.ctrl).poll();
    if (used?.head !== head) throw new Error('the device did not answer the command');
    return { bytes: this.buffers.read(answer, room), used: used.length };
  }
}

/** Heads are unique in their queue only. */
function bufferKey(queue: number, head: number): number {
  return 0x1_0000 * queue + head;
}
