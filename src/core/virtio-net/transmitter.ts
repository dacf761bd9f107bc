/**
 * From the driver's transmit buffers to the wire.
 *
 * A kick drains the queue: the guest does not run meanwhile, so at most one queue's worth of buffers is
 * there, and draining ends. All of them are shown as used together, with at most one interrupt.
 *
 * @spec 5.1.9.2
 */
import { ETHER_HEADER_SIZE } from '../net/ethernet.ts';
import type { FrameSender } from '../ring/frames.ts';
import type { PackedWriter } from '../trace/packed.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP } from '../virtio/queue.ts';
import type { Counters } from './counters.ts';
import * as L from './layout.ts';

export interface TransmitterParts {
  readonly memory: GuestMemory;
  readonly trace: PackedWriter;
  readonly counters: Counters;
  readonly wire: FrameSender;
}

export class Transmitter {
  readonly #memory: GuestMemory;
  readonly #trace: PackedWriter;
  readonly #counters: Counters;
  readonly #wire: FrameSender;
  readonly #chain = new DescriptorChain(L.NET_QUEUES[L.TX_QUEUE]?.maximumSize ?? 0);
  readonly #packet = new Uint8Array(L.NET_HEADER_SIZE + L.TX_FRAME_MAX);
  /** Odd: frames from the guest. Never restored, since ids name frames of this session's trace. */
  #nextId = 1;

  constructor(parts: TransmitterParts) {
    this.#memory = parts.memory;
    this.#trace = parts.trace;
    this.#counters = parts.counters;
    this.#wire = parts.wire;
  }

  drain(transport: Transport): void {
    const queue = transport.queue(L.TX_QUEUE);
    let found = queue.pop(this.#chain);
    if (found === POP.EMPTY) return; // @spec 2.7.10.2 MUST tolerate a kick without work (SPLIT-ASUP-05)
    for (; found === POP.CHAIN; found = queue.pop(this.#chain)) {
      this.#transmit(transport);
      queue.pushUsed(this.#chain.head, 0);
    }
    this.#wire.flush();
    transport.complete(L.TX_QUEUE);
    if (found === POP.BROKEN && queue.fault) {
      transport.guestError(queue.fault.code, L.TX_QUEUE, queue.fault.detail);
    }
  }

  #transmit(transport: Transport): void {
    const chain = this.#chain;
    const packet = this.#packet;
    const size = chain.readable;
    const length = size - L.NET_HEADER_SIZE;
    if (length < ETHER_HEADER_SIZE || length > L.TX_FRAME_MAX) {
      this.#counters.tx_drop_malformed++;
      transport.guestError('tx-chain-malformed', L.TX_QUEUE, `${size} readable bytes`);
      return;
    }
    chain.read(this.#memory, 0, packet, 0, size);
    const id = this.#nextId;
    this.#nextId = (id + 2) >>> 0;
    // @spec 5.1.9.2.2 MUST ignore unknown flags (NET-TX-01): no offload was negotiated, so none is known.
    const flags = packet[L.NET_HEADER_FLAGS] ?? 0;
    const gsoType = packet[L.NET_HEADER_GSO_TYPE] ?? 0;
    this.#trace.frameTx(id, packet, L.NET_HEADER_SIZE, length, L.TX_QUEUE, chain.head, flags, gsoType);
    if (this.#wire.send(id, packet, L.NET_HEADER_SIZE, length)) {
      this.#counters.tx_packets++;
      this.#counters.tx_bytes += length;
    } else {
      this.#counters.tx_drops++;
    }
  }
}
