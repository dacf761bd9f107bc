/**
 * One packet into receive buffers: `struct virtio_net_hdr`, then the frame.
 *
 *     without MRG_RXBUF   one buffer; what does not fit is lost, and the buffer goes back empty
 *     with it             as many as it takes: all but the last one full, num_buffers in the header
 *
 * Buffers are pushed, not shown: all of a packet's become visible together when the queue is published. A ring
 * that runs dry in the middle gets its buffers back as if they had not been taken, so the driver never sees
 * half a packet. viona does hand it up; `shortNext` plays that.
 *
 * @spec 5.1.9.3.2, 5.1.9.4.1
 * @source viona_rx.c viona_recv_plain, viona_recv_merged
 */
import { type FrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP, type Queue } from '../virtio/queue.ts';
import type { DeviceDrop } from './counters.ts';
import * as L from './layout.ts';
import { type PacketFormat, writeLe16, writeRequest } from './packet-header.ts';
import type { Steering } from './steering.ts';

export type Placed = DeviceDrop | 'delivered';

/** Buffers that one packet may span. @source viona_rx.c VTNET_MAXSEGS */
const MERGE_MAX = 32;

export class Placer {
  readonly #memory: GuestMemory;
  readonly #format: PacketFormat;
  readonly #hash: Pick<Steering, 'hashValue' | 'hashReport'>;
  readonly #first = new DescriptorChain(L.CHAIN_CAPACITY);
  readonly #next = new DescriptorChain(L.CHAIN_CAPACITY);
  readonly #header = new Uint8Array(L.NET_HEADER_SIZE_HASH);
  readonly #heads = new Uint16Array(MERGE_MAX + 1);
  readonly #lengths = new Float64Array(MERGE_MAX + 1);
  #headerPlain = true;
  /** The next packet that needs more than one buffer finds no second one. */
  shortNext = false;

  // Of the packet that was placed last.

  /** First buffer, 0 if none was taken. */
  head = 0;
  /** Buffers that go back to the driver. */
  buffers = 0;
  /** Bytes in them, header included; 0 for buffers that go back empty. */
  used = 0;

  /** @param format is kept up to date by the caller */
  constructor(memory: GuestMemory, format: PacketFormat, hash: Pick<Steering, 'hashValue' | 'hashReport'>) {
    this.#memory = memory;
    this.#format = format;
    this.#hash = hash;
  }

  place(
    transport: Transport,
    index: number,
    frame: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): Placed {
    const queue = transport.queue(index);
    const first = this.#first;
    this.head = 0;
    this.buffers = 0;
    this.used = 0;
    const found = queue.pop(first);
    if (found === POP.EMPTY) return 'no_space';
    if (found === POP.BROKEN) return broken(transport, index, queue);
    this.head = first.head;
    this.#heads[0] = first.head;
    const headerSize = this.#format.size;
    const size = headerSize + length;
    // A buffer that is no use goes back with length 0. Left in the ring, it would hold up every frame behind it
    // for ever; returned, the driver counts a length error and posts another one.
    if (first.writable < headerSize) return this.#notWritable(transport, index, queue, 1, first.writable);
    if (first.writable < size && !this.#format.merge) {
      this.#giveBack(queue, 1);
      return 'too_short';
    }
    this.#prepareHeader(meta);
    if (first.writable < size) return this.#spread(transport, index, queue, frame, offset, size);
    // @spec 5.1.9.3.2 MUST use exactly one buffer without MRG_RXBUF (NET-RXBUF-02)
    first.write(this.#memory, headerSize, frame, offset, length);
    this.#lengths[0] = size;
    this.#push(queue, 1);
    return 'delivered';
  }

  /** Goes on from the first buffer, which is too small alone. @param size bytes of header and frame */
  #spread(transport: Transport, index: number, queue: Queue, frame: Uint8Array, offset: number, size: number): Placed {
    const headerSize = this.#format.size;
    const dry = this.shortNext;
    this.shortNext = false;
    const next = this.#next;
    let done = this.#first.writable;
    this.#first.write(this.#memory, headerSize, frame, offset, done - headerSize);
    this.#lengths[0] = done;
    for (let count = 1; done < size; count++) {
      if (dry) {
        this.#push(queue, count);
        return 'rx_merge_underrun';
      }
      if (count === MERGE_MAX) {
        queue.rewind(count);
        return 'rx_merge_overrun';
      }
      const found = queue.pop(next);
      if (found === POP.BROKEN) return broken(transport, index, queue);
      if (found === POP.EMPTY) {
        queue.rewind(count);
        return 'no_space';
      }
      this.#heads[count] = next.head;
      if (next.writable === 0) return this.#notWritable(transport, index, queue, count + 1, 0);
      // @spec 5.1.9.4.1 MUST fill every buffer but the last (NET-RX-03)
      const part = next.write(this.#memory, 0, frame, offset + done - headerSize, Math.min(next.writable, size - done));
      this.#lengths[count] = part;
      done += part;
      if (done === size) this.#push(queue, count + 1);
    }
    return 'delivered';
  }

  /** Writes the header into the first buffer and pushes the first `count` ones. */
  #push(queue: Queue, count: number): void {
    // @spec 5.1.9.4.1 MUST be the number of buffers, 1 without MRG_RXBUF (NET-RX-01, -02, NET-RXBUF-01)
    writeLe16(this.#header, L.NET_HEADER_NUM_BUFFERS, count);
    this.#first.write(this.#memory, 0, this.#header, 0, this.#format.size);
    for (let i = 0; i < count; i++) {
      const length = this.#lengths[i] ?? 0;
      queue.pushUsed(this.#heads[i] ?? 0, length);
      this.used += length;
    }
    this.buffers = count;
  }

  #giveBack(queue: Queue, count: number): void {
    for (let i = 0; i < count; i++) queue.pushUsed(this.#heads[i] ?? 0, 0);
    this.buffers = count;
  }

  #notWritable(transport: Transport, index: number, queue: Queue, count: number, writable: number): Placed {
    this.#giveBack(queue, count);
    transport.guestError('rx-chain-not-writable', index, `${writable} writable bytes`);
    return 'bad_rx_frame';
  }

  #prepareHeader(meta: Readonly<FrameMeta>): void {
    const header = this.#header;
    const plain = meta === PLAIN_FRAME;
    if (!plain || !this.#headerPlain) writeRequest(meta, header);
    this.#headerPlain = plain;
    if (!this.#format.hash) return;
    // @spec 5.1.9.4.5 value and type of the hash that was calculated, else type 0 (NET-HASH-06)
    const report = this.#hash.hashReport;
    const value = report === 0 ? 0 : this.#hash.hashValue;
    writeLe16(header, L.NET_HEADER_HASH_VALUE, value & 0xffff);
    writeLe16(header, L.NET_HEADER_HASH_VALUE + 2, value >>> 16);
    writeLe16(header, L.NET_HEADER_HASH_REPORT, report);
  }
}

function broken(transport: Transport, index: number, queue: Queue): Placed {
  if (queue.fault) transport.guestError(queue.fault.code, index, queue.fault.detail);
  return 'device_broken';
}
