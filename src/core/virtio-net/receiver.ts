/**
 * From the wire into the driver's receive buffers.
 *
 *     plain frame                       header of zeros, frame
 *     unfinished, and the driver may    header says what is left to do, frame as it is
 *     finish it
 *     unfinished otherwise              finished here: checksum completed, or cut into packets
 *
 * Where packets lie in buffers is `Placer`'s business. Each frame gets exactly one fate, whatever happens to it:
 * a frame that was cut is delivered if all its pieces are, and otherwise has the fate of the first lost one.
 * Nothing is kept or allocated for a frame here; guest memory makes one short-lived view to copy a long one.
 *
 * @spec 5.1.9.3, 5.1.9.4
 */
import { fateCode, type Fate } from '../host/verdict.ts';
import { ETHER_HEADER_SIZE, ETHERTYPE_VLAN, u16At, VLAN_TAG_SIZE } from '../net/ethernet.ts';
import * as G from '../net/gso.ts';
import { segment } from '../net/segmentation.ts';
import { type FrameMeta, newFrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { Transport } from '../virtio/device.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import type { Coalescing } from './coalescing.ts';
import { type Counters, DEVICE_DROPS, type DeviceDrop, type RxCounters } from './counters.ts';
import * as L from './layout.ts';
import type { OffloadState } from './offload-state.ts';
import { PacketFormat } from './packet-header.ts';
import { type Placed, Placer } from './placer.ts';
import type { Steering } from './steering.ts';

/** Codes by name, looked up once: `fateCode` searches. */
const CODE = Object.fromEntries(
  (['delivered', ...DEVICE_DROPS] satisfies Fate[]).map((fate) => [fate, fateCode(fate)]),
) as Readonly<Record<DeviceDrop | 'delivered', number>>;

/** Longest frame that a channel carries, and more than any IP packet with its tagged header. */
const SCRATCH = 0x1_0000 + 64;

export interface ReceiverParts {
  readonly memory: GuestMemory;
  readonly trace: PackedWriter;
  readonly counters: Counters;
  readonly mtu: number;
  /** Which GUEST_* offloads are in force. */
  readonly offloads: OffloadState;
  /** Holds the hash of the frame that is being received: `hashValue`, `hashReport`. */
  readonly steering: Steering;
  /** Shows what was pushed, and interrupts when it is time. */
  readonly coalescing: Coalescing;
  /** Nanoseconds. */
  readonly now: () => number;
}

/** How long a driver may take to refill a ring that ran dry before a frame that can wait is lost, in nanoseconds. */
const REFILL_TIME = 100e6;

/** What is known of a receive ring. */
interface RingState {
  /** Frames that were pushed and not shown. */
  pushed: number;
  /** Buffers were taken: the driver will want to replace them. */
  used: boolean;
  /** Up to where the driver had made buffers available when the ring was last found dry; -1 never. */
  dryAt: number;
  /** When that is no excuse any more. */
  dryUntil: number;
}

export class Receiver {
  readonly #trace: PackedWriter;
  readonly #counters: Counters;
  readonly #mtu: number;
  readonly #offloads: OffloadState;
  readonly #coalescing: Coalescing;
  readonly #format = new PacketFormat();
  readonly #placer: Placer;
  readonly #headers = G.newGsoHeaders();
  readonly #meta: FrameMeta = newFrameMeta();
  readonly #scratch = new Uint8Array(SCRATCH);
  readonly #now: () => number;
  /** By pair. */
  readonly #rings: readonly RingState[];
  /** Of the frame that is being received. */
  #transport: Transport | null = null;
  #index = 0;
  #fate: Placed = 'delivered';
  #patient = false;
  #waits = false;
  #head = 0;
  #buffers = 0;
  #used = 0;

  constructor(parts: ReceiverParts) {
    this.#trace = parts.trace;
    this.#counters = parts.counters;
    this.#mtu = parts.mtu;
    this.#offloads = parts.offloads;
    this.#coalescing = parts.coalescing;
    this.#placer = new Placer(parts.memory, this.#format, parts.steering);
    this.#now = parts.now;
    this.#rings = parts.counters.rx.map(() => ({ pushed: 0, used: false, dryAt: -1, dryUntil: 0 }));
  }

  /**
   * @param index the receive queue that the frame was steered to
   * @param meta what is left to do with the frame, and PLAIN_FRAME if nothing
   * @param patient the frame can wait for a buffer
   * @returns false if it has to wait: then nothing has happened
   */
  receive(
    transport: Transport,
    index: number,
    id: number,
    frame: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta> = PLAIN_FRAME,
    patient = false,
  ): boolean {
    this.#transport = transport;
    this.#begin(index);
    this.#patient = patient;
    // @spec 2.1.2 MUST NOT take a buffer before DRIVER_OK (BASE-STATUS-01)
    if (transport.broken) this.#lose('device_broken');
    else if (!transport.live) this.#lose('device_not_ready');
    else if (!transport.running(index)) this.#lose('ring_not_running');
    else {
      this.#format.follow(transport);
      if (meta.flags === 0 && meta.gsoType === 0) this.#hand(frame, offset, length, PLAIN_FRAME);
      else if (meta.gsoType === 0) this.#receiveUnsummed(frame, offset, length, meta);
      else this.#receiveLarge(frame, offset, length, meta);
    }
    if (this.#waits) return false;
    this.#end(id);
    return true;
  }

  /** The frame was meant for a ring that no receive queue is behind. */
  refuse(index: number, id: number): void {
    this.#begin(index);
    this.#lose('ring_not_running');
    this.#end(id);
  }

  /** Shows the driver what was received since the last flush. */
  flush(transport: Transport): void {
    for (let pair = 0; pair < this.#rings.length; pair++) {
      const ring = this.#rings[pair];
      if (!ring || ring.pushed === 0) continue;
      const packets = ring.pushed;
      ring.pushed = 0;
      this.#coalescing.complete(transport, L.rxQueue(pair), packets);
    }
  }

  /** The ring is gone, and with it what was not flushed. */
  reset(index: number): void {
    const ring = this.#rings[L.pairOf(index)];
    if (!ring) return;
    ring.pushed = 0;
    ring.used = false;
    ring.dryAt = -1;
  }

  /** The next packet that needs several buffers finds the ring dry in the middle, and is treated as viona does. */
  get shortNext(): boolean {
    return this.#placer.shortNext;
  }

  set shortNext(short: boolean) {
    this.#placer.shortNext = short;
  }

  #begin(index: number): void {
    this.#index = index;
    this.#fate = 'delivered';
    this.#patient = false;
    this.#waits = false;
    this.#head = 0;
    this.#buffers = 0;
    this.#used = 0;
  }

  #end(id: number): void {
    this.#trace.frameFate(id, CODE[this.#fate], this.#index, this.#head, this.#buffers, this.#used);
  }

  /** One packet, with at most its checksum to be finished. */
  #receiveUnsummed(frame: Uint8Array, offset: number, length: number, from: Readonly<FrameMeta>): void {
    const meta = this.#meta;
    meta.gsoType = 0;
    meta.hdrLen = 0;
    meta.gsoSize = 0;
    meta.csumStart = 0;
    meta.csumOffset = 0;
    if ((from.flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) {
      // @spec 5.1.9.4.1 MAY set DATA_VALID with GUEST_CSUM (NET-RX-34): the host has looked (NET-RX-35).
      meta.flags = this.#offloads.csum ? from.flags & G.VIRTIO_NET_HDR_F_DATA_VALID : 0;
      this.#hand(frame, offset, length, meta);
      return;
    }
    if (G.checkChecksumRequest(length, from) !== null || length > SCRATCH) {
      this.#lose('csum_malformed');
    } else if (this.#offloads.csum) {
      // @spec 5.1.9.4.1 MAY set NEEDS_CSUM, then with the place of the sum (NET-RX-17, -19, -20)
      meta.flags = G.VIRTIO_NET_HDR_F_NEEDS_CSUM;
      meta.csumStart = from.csumStart;
      meta.csumOffset = from.csumOffset;
      this.#hand(frame, offset, length, meta);
    } else {
      // @spec 5.1.9.4.1 MUST set no flags and SHOULD hand up complete sums without GUEST_CSUM (NET-RX-05, -06)
      this.#scratch.set(frame.subarray(offset, offset + length));
      G.completeChecksum(this.#scratch, 0, length, from);
      this.#hand(this.#scratch, 0, length, PLAIN_FRAME);
    }
  }

  /** A large segment: as it is if the driver takes those of its kind now, and else in pieces. */
  #receiveLarge(frame: Uint8Array, offset: number, length: number, from: Readonly<FrameMeta>): void {
    const headers = this.#headers;
    if (G.readGso(frame, offset, length, from, headers) !== null || length > SCRATCH) {
      this.#lose('rx_gro_malformed');
      return;
    }
    const congestion = G.carriesCwr(frame, headers) || (from.gsoType & G.VIRTIO_NET_HDR_GSO_ECN) !== 0;
    const type = G.gsoTypeOf(headers.flow);
    if (!this.#takes(type, headers.flow.version, congestion)) {
      // In pieces it cannot be given back.
      this.#patient = false;
      const counters = this.#counters.rx[L.pairOf(this.#index)];
      if (counters) counters.rx_gro_fallback++;
      segment(frame, offset, length, from, this.#piece);
      return;
    }
    const meta = this.#meta;
    // @spec 5.1.9.4.1 MUST set NEEDS_CSUM with a gso_type, and gso_size (NET-RX-27, -28); SHOULD cover all headers
    // with hdr_len (NET-RX-33); MUST say ECN of segments that carry it (NET-RX-14). Of RSC_EXT there is nothing.
    meta.flags = G.VIRTIO_NET_HDR_F_NEEDS_CSUM;
    meta.gsoType = type | (congestion ? G.VIRTIO_NET_HDR_GSO_ECN : 0);
    meta.hdrLen = headers.payload - offset;
    meta.gsoSize = from.gsoSize;
    meta.csumStart = headers.transport - offset;
    meta.csumOffset = headers.checksum - headers.transport;
    if (from.flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) {
      this.#hand(frame, offset, length, meta);
      return;
    }
    // viona says nothing of a segment's checksum; the driver must find the pseudo header's sum (NET-RX-19).
    this.#scratch.set(frame.subarray(offset, offset + length));
    G.readGso(this.#scratch, 0, length, from, headers);
    G.beginChecksum(this.#scratch, headers);
    this.#hand(this.#scratch, 0, length, meta);
  }

  /** @spec 5.1.9.4.1 MUST NOT use a gso_type without its feature (NET-RX-07 to -10, -13, -26) */
  #takes(type: number, version: number, congestion: boolean): boolean {
    const offloads = this.#offloads;
    if (type === G.VIRTIO_NET_HDR_GSO_UDP_L4) return version === 4 ? offloads.uso4 : offloads.uso6;
    if (congestion && !offloads.ecn) return false;
    return type === G.VIRTIO_NET_HDR_GSO_TCPV4 ? offloads.tso4 : offloads.tso6;
  }

  /** Bound once: no closure is made for a segment. */
  readonly #piece = (bytes: Uint8Array, offset: number, length: number): void => {
    // Behind a piece that found no buffer, the others are lost as well.
    if (this.#fate === 'delivered' || this.#fate === 'too_short') this.#hand(bytes, offset, length, PLAIN_FRAME);
  };

  /** One packet into the ring. */
  #hand(bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): void {
    const transport = this.#transport;
    const pair = L.pairOf(this.#index);
    const counters = this.#counters.rx[pair];
    const ring = this.#rings[pair];
    if (!transport || !counters || !ring) return;
    if (meta.gsoType === 0 && length > this.#longest(bytes, offset, length)) {
      this.#lose('rx_drop_over_mtu');
      return;
    }
    const placer = this.#placer;
    const placed = placer.place(transport, this.#index, bytes, offset, length, meta);
    if (placer.buffers > 0) {
      if (this.#buffers === 0) this.#head = placer.head;
      ring.pushed++;
      ring.used = true;
    }
    if (placer.used > 0) {
      this.#buffers += placer.buffers;
      this.#used += placer.used;
    }
    if (placed === 'delivered') countDelivered(counters, bytes, offset, length, meta);
    else if (placed === 'no_space' && this.#patient && this.#refillDue(transport, ring)) this.#waits = true;
    else this.#lose(placed);
  }

  /**
   * The ring is dry. A driver that has used buffers posts them anew as soon as it comes to it, and the guest does not
   * run while we fill its ring. One that never posted any, or has posted none for a while, is not waited for.
   */
  #refillDue(transport: Transport, ring: RingState): boolean {
    if (!ring.used) return false;
    const shown = transport.queue(this.#index).shownIdx;
    if (shown !== ring.dryAt) {
      ring.dryAt = shown;
      ring.dryUntil = this.#now() + REFILL_TIME;
    }
    return this.#now() < ring.dryUntil;
  }

  /** @spec 5.1.4.1 MUST NOT hand up a frame longer than MTU and layer-2 header (NET-CFG-05) */
  #longest(frame: Uint8Array, offset: number, length: number): number {
    const plain = this.#mtu + ETHER_HEADER_SIZE;
    if (length < ETHER_HEADER_SIZE) return plain;
    return u16At(frame, offset + 12) === ETHERTYPE_VLAN ? plain + VLAN_TAG_SIZE : plain;
  }

  /** The first loss is the frame's fate. */
  #lose(fate: DeviceDrop): void {
    if (this.#fate !== 'delivered') return;
    this.#fate = fate;
    const counters = this.#counters.rx[L.pairOf(this.#index)];
    if (counters) counters[fate]++;
  }
}

function countDelivered(
  counters: RxCounters,
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
): void {
  counters.rx_packets++;
  counters.rx_bytes += length;
  if (meta.flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) counters.rx_needs_csum++;
  else if (meta.flags & G.VIRTIO_NET_HDR_F_DATA_VALID) counters.rx_csum_valid++;
  else if (!G.holdsTransport(bytes, offset, length)) counters.rx_csum_none++;
  if (meta.gsoType === 0) return;
  counters.rx_gso_packets++;
  counters.rx_gso_bytes += length;
}
