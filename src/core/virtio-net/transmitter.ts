/**
 * From the driver's transmit buffers to the wire.
 *
 * A kick drains the queue: the guest does not run meanwhile, so at most one queue's worth of buffers is
 * there, and draining ends. All of them are shown as used together, with at most one interrupt.
 *
 * On a machine that gives the device turns, a kick begins a time of polling. Its buffers go to the wire at
 * once, and the driver is told that further kicks are not wanted: the queue is drained at every turn, and what
 * was sent since the last one is shown then. While there is more at each turn, the interrupt waits, for the driver looks at
 * what came back whenever it adds a buffer; and the wire is told at every few turns only, for that wakes another thread.
 * A turn that finds nothing, or the guest's rest, settles both. A queue that had nothing for some turns asks for kicks
 * again. So a driver that sends much writes no doorbell and takes few interrupts, and one that sends a frame and
 * waits has lost nothing: a processor that halts is a turn, and then a rest.
 *
 * Nothing is cut or summed here. A large segment, or a packet whose checksum is only begun, goes to the wire
 * as it is, with what its header says of it; but only if that was negotiated and fits the packet's own
 * headers, so that whoever finishes it can rely on it. Otherwise it is a guest error, and the packet is lost.
 *
 * @spec 5.1.9.2
 */
import { ETHER_HEADER_SIZE } from '../net/ethernet.ts';
import * as G from '../net/gso.ts';
import { type FrameMeta, type FrameSender, newFrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP, type Queue } from '../virtio/queue.ts';
import type { Coalescing } from './coalescing.ts';
import type { Counters, TxCounters } from './counters.ts';
import * as L from './layout.ts';
import { PacketFormat, readRequest } from './packet-header.ts';
import type { Steering } from './steering.ts';

export interface TransmitterParts {
  readonly memory: GuestMemory;
  readonly trace: PackedWriter;
  readonly counters: Counters;
  readonly wire: FrameSender;
  /** Learns from each frame on which pair its flow is sent. */
  readonly steering: Steering;
  readonly coalescing: Coalescing;
  /** The machine calls `turn` again and again. */
  readonly turns: boolean;
}

/** Turns without a buffer after which a queue asks for kicks again. */
const IDLE_TURNS = 8;

/** Turns with frames after which the wire is told of them. */
const FLUSH_TURNS = 4;

/** How a transmit queue is served on a machine with turns. */
interface Polling {
  /** Kicks are switched off. */
  on: boolean;
  /** Turns in a row that found nothing. */
  idle: number;
  /** Packets that were pushed and not shown. */
  unshown: number;
  /** Drains whose frames the wire has not been told of. */
  unflushed: number;
}

export class Transmitter {
  readonly #memory: GuestMemory;
  readonly #trace: PackedWriter;
  readonly #counters: Counters;
  readonly #wire: FrameSender;
  readonly #steering: Steering;
  readonly #coalescing: Coalescing;
  readonly #format = new PacketFormat();
  readonly #chain = new DescriptorChain(L.CHAIN_CAPACITY);
  readonly #header = new Uint8Array(L.NET_HEADER_SIZE_HASH);
  /** Of a frame whose parts lie apart. */
  readonly #gathered = new Uint8Array(L.TX_FRAME_MAX);
  readonly #meta: FrameMeta = newFrameMeta();
  readonly #plainMeta: FrameMeta = newFrameMeta();
  readonly #headers = G.newGsoHeaders();
  readonly #turns: boolean;
  /** By pair. */
  readonly #polling: readonly Polling[];
  /** Odd: frames from the guest. Never restored, since ids name frames of this session's trace. */
  #nextId = 1;

  constructor(parts: TransmitterParts) {
    this.#memory = parts.memory;
    this.#trace = parts.trace;
    this.#counters = parts.counters;
    this.#wire = parts.wire;
    this.#steering = parts.steering;
    this.#coalescing = parts.coalescing;
    this.#turns = parts.turns;
    this.#polling = parts.counters.tx.map(() => ({ on: false, idle: 0, unshown: 0, unflushed: 0 }));
  }

  /** The queue was kicked, or may be looked at again. It runs. */
  service(transport: Transport, index: number): void {
    const polling = this.#polling[L.pairOf(index)];
    if (!polling) return;
    if (this.#drain(transport, index, polling) > 0) this.#flush(polling);
    if (!this.#turns) {
      this.#show(transport, index, polling);
    } else if (!polling.on) {
      polling.on = true;
      polling.idle = 0;
      transport.queue(index).setNotify(false);
    }
  }

  /** The guest pauses: takes what there is in the queues that are polled. */
  turn(transport: Transport): void {
    for (let pair = 0; pair < this.#polling.length; pair++) {
      const polling = this.#polling[pair];
      if (!polling?.on) continue;
      const index = L.txQueue(pair);
      if (transport.running(index)) this.#poll(transport, index, polling);
    }
  }

  /** There will be no turn before the guest is woken. */
  rest(transport: Transport): void {
    for (let pair = 0; pair < this.#polling.length; pair++) {
      const polling = this.#polling[pair];
      if (polling?.on) this.#settle(transport, L.txQueue(pair), polling);
    }
  }

  /** Shows what was sent, and asks for kicks again: before the queue stops, and before a snapshot. */
  settle(transport: Transport, index: number): void {
    const polling = this.#polling[L.pairOf(index)];
    if (!polling) return;
    if (polling.on) this.#wantKicks(transport, index, polling);
    this.#settle(transport, index, polling);
  }

  /** The ring is gone, and with it what was not shown. */
  reset(index: number): void {
    const polling = this.#polling[L.pairOf(index)];
    if (!polling) return;
    polling.on = false;
    polling.unshown = 0;
    if (polling.unflushed > 0) this.#flush(polling);
  }

  #poll(transport: Transport, index: number, polling: Polling): void {
    const packets = this.#drain(transport, index, polling);
    if (packets > 0) {
      polling.idle = 0;
      this.#hold(transport, index, polling);
      return;
    }
    if (++polling.idle === IDLE_TURNS) this.#wantKicks(transport, index, polling);
    this.#settle(transport, index, polling);
  }

  /** There is likely to be more soon. */
  #hold(transport: Transport, index: number, polling: Polling): void {
    if (polling.unflushed >= FLUSH_TURNS) this.#flush(polling);
    const packets = polling.unshown;
    polling.unshown = 0;
    this.#coalescing.hold(transport, index, packets);
  }

  #settle(transport: Transport, index: number, polling: Polling): void {
    if (polling.unflushed > 0) this.#flush(polling);
    this.#show(transport, index, polling);
    this.#coalescing.release(index);
  }

  #flush(polling: Polling): void {
    polling.unflushed = 0;
    this.#wire.flush();
  }

  #wantKicks(transport: Transport, index: number, polling: Polling): void {
    const queue = transport.queue(index);
    polling.on = false;
    if (!queue.enabled) return;
    // For what came in between there will be no kick.
    while (queue.fault === null && queue.setNotify(true)) this.#drain(transport, index, polling);
  }

  #show(transport: Transport, index: number, polling: Polling): void {
    if (polling.unshown === 0) return;
    const packets = polling.unshown;
    polling.unshown = 0;
    this.#coalescing.complete(transport, index, packets);
  }

  /** Sends what is there. Returns how many packets were pushed; they are not shown, unless the queue broke. */
  #drain(transport: Transport, index: number, polling: Polling): number {
    const queue = transport.queue(index);
    const chain = this.#chain;
    this.#format.follow(transport);
    let found = queue.pop(chain);
    if (found === POP.EMPTY) return 0; // @spec 2.7.10.2 MUST tolerate a kick without work (SPLIT-ASUP-05)
    let packets = 0;
    let unreturned = 0;
    for (; found === POP.CHAIN; found = queue.pop(chain)) {
      this.#transmit(transport, index);
      packets++;
      unreturned++;
      if (chain.writable > 0) unreturned = this.#returnWritable(queue, unreturned);
    }
    if (unreturned > 0) queue.pushUsedBatch(unreturned);
    polling.unshown += packets;
    if (packets > 0) polling.unflushed++;
    if (found === POP.BROKEN && queue.fault) {
      this.#show(transport, index, polling);
      transport.guestError(queue.fault.code, index, queue.fault.detail);
    }
    return packets;
  }

  /** A part that we could write has no place in a transmit buffer, and a length of its own in the used ring: 0. */
  #returnWritable(queue: Queue, unreturned: number): 0 {
    if (unreturned > 1) queue.pushUsedBatch(unreturned - 1);
    queue.pushUsed(this.#chain.head, 0);
    return 0;
  }

  #transmit(transport: Transport, index: number): void {
    const pair = L.pairOf(index);
    const counters = this.#counters.tx[pair];
    if (!counters) return;
    const chain = this.#chain;
    const memory = this.#memory;
    const header = this.#header;
    const start = this.#format.size;
    const size = chain.readable;
    const length = size - start;
    if (length < ETHER_HEADER_SIZE || length > L.TX_FRAME_MAX) {
      counters.tx_drop_malformed++;
      transport.guestError('tx-chain-malformed', index, `${size} readable bytes`);
      return;
    }
    chain.read(memory, 0, header, 0, start);
    // Most frames lie in one piece and go to the wire from where they lie: the guest does not run meanwhile.
    const at = chain.readableAt(start);
    const frame = at < 0 ? this.#gathered : memory.bytes;
    const offset = at < 0 ? 0 : at;
    if (at < 0) chain.read(memory, start, frame, 0, length);
    const flags = header[L.NET_HEADER_FLAGS] ?? 0;
    const gsoType = header[L.NET_HEADER_GSO_TYPE] ?? 0;
    const asksNothing = (flags & ~G.VIRTIO_NET_HDR_F_DATA_VALID) === 0 && gsoType === G.VIRTIO_NET_HDR_GSO_NONE;
    const meta = asksNothing ? this.#plain(pair) : this.#request(transport, index, frame, offset, length);
    if (meta === null) {
      counters.tx_drop_malformed++;
      return;
    }

    const id = this.#nextId;
    this.#nextId = (id + 2) >>> 0;
    this.#trace.frameTx(id, frame, offset, length, index, chain.head, flags, gsoType, meta.gsoSize);
    this.#steering.learn(pair, frame, offset, length);
    if (this.#wire.send(id, frame, offset, length, meta)) count(counters, length, meta);
    else counters.tx_drop_channel_full++;
  }

  /** A frame with nothing left to do. On the first pair, which most drivers use alone, there is nothing to say. */
  #plain(pair: number): Readonly<FrameMeta> {
    if (pair === 0) return PLAIN_FRAME;
    const plain = this.#plainMeta;
    plain.pair = pair;
    return plain;
  }

  /** What the header asks for, or null after a guest error. @spec 5.1.9.2.2 */
  #request(
    transport: Transport,
    index: number,
    frame: Uint8Array,
    offset: number,
    length: number,
  ): Readonly<FrameMeta> | null {
    const header = this.#header;
    const flags = header[L.NET_HEADER_FLAGS] ?? 0;
    const gsoType = header[L.NET_HEADER_GSO_TYPE] ?? 0;
    const refused = this.#format.refuse(flags, gsoType);
    if (refused) {
      transport.guestError(refused, index, asked(flags, gsoType));
      return null;
    }
    // @spec 5.1.9.2.2 MUST NOT use csum_start and csum_offset without NEEDS_CSUM (NET-TX-02)
    if ((flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) return this.#plain(L.pairOf(index));
    const meta = this.#meta;
    readRequest(header, meta);
    meta.pair = L.pairOf(index);
    const fault =
      gsoType === G.VIRTIO_NET_HDR_GSO_NONE
        ? G.checkChecksumRequest(length, meta)
        : G.readGso(frame, offset, length, meta, this.#headers);
    if (fault) {
      transport.guestError('tx-bad-offload', index, `${asked(flags, gsoType)}: ${G.OFFLOAD_FAULTS[fault]}`);
      return null;
    }
    // What was asked for without a gso_type is one packet. hdr_len is what was found, whatever the driver says.
    if (gsoType === G.VIRTIO_NET_HDR_GSO_NONE) meta.gsoSize = 0;
    else meta.hdrLen = this.#headers.payload - offset;
    return meta;
  }
}

function asked(flags: number, gsoType: number): string {
  return `flags 0x${flags.toString(16)}, gso_type 0x${gsoType.toString(16)}`;
}

function count(counters: TxCounters, length: number, meta: Readonly<FrameMeta>): void {
  counters.tx_packets++;
  counters.tx_bytes += length;
  if (meta.flags === 0) {
    counters.tx_csum_none++;
    return;
  }
  counters.tx_needs_csum++;
  if (meta.gsoType === G.VIRTIO_NET_HDR_GSO_NONE) return;
  counters.tx_gso_packets++;
  counters.tx_gso_bytes += length;
  counters.tx_gso_packets_noseg++;
  counters.tx_gso_bytes_noseg += length;
}
