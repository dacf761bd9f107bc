/**
 * From the wire into the driver's receive buffers: one buffer, one frame.
 *
 * Each frame gets exactly one fate, whatever happens to it. Nothing is kept or allocated for a frame here;
 * guest memory makes one short-lived view to copy a long one.
 *
 * @spec 5.1.9.3, 5.1.9.4
 */
import { fateCode, type Fate } from '../host/verdict.ts';
import { ETHER_HEADER_SIZE, ETHERTYPE_VLAN, u16At, VLAN_TAG_SIZE } from '../net/ethernet.ts';
import type { PackedWriter } from '../trace/packed.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP } from '../virtio/queue.ts';
import type { Counters, DeviceDrop } from './counters.ts';
import * as L from './layout.ts';

/** Codes by name, looked up once: `fateCode` searches. */
const CODE: Readonly<Record<DeviceDrop | 'delivered', number>> = {
  delivered: fateCode('delivered'),
  rx_drop_over_mtu: fateCode('rx_drop_over_mtu'),
  device_not_ready: fateCode('device_not_ready'),
  ring_not_running: fateCode('ring_not_running'),
  no_space: fateCode('no_space'),
  too_short: fateCode('too_short'),
  bad_rx_frame: fateCode('bad_rx_frame'),
  device_broken: fateCode('device_broken'),
} satisfies Partial<Record<Fate, number>>;

export interface ReceiverParts {
  readonly memory: GuestMemory;
  readonly trace: PackedWriter;
  readonly counters: Counters;
  readonly mtu: number;
}

export class Receiver {
  readonly #memory: GuestMemory;
  readonly #trace: PackedWriter;
  readonly #counters: Counters;
  readonly #mtu: number;
  readonly #chain = new DescriptorChain(L.NET_QUEUES[L.RX_QUEUE]?.maximumSize ?? 0);
  readonly #header = new Uint8Array(L.NET_HEADER_SIZE);
  #dirty = false;

  constructor(parts: ReceiverParts) {
    this.#memory = parts.memory;
    this.#trace = parts.trace;
    this.#counters = parts.counters;
    this.#mtu = parts.mtu;
    // @spec 5.1.9.4.1 MUST be flags 0, gso_type NONE, num_buffers 1 (NET-RX-01, -05, -26): no offload, no merging.
    this.#header[L.NET_HEADER_NUM_BUFFERS] = 1;
  }

  receive(transport: Transport, id: number, frame: Uint8Array, offset: number, length: number): void {
    // @spec 2.1.2 MUST NOT take a buffer before DRIVER_OK (BASE-STATUS-01)
    if (transport.broken) {
      this.#drop('device_broken', id, 0);
      return;
    }
    if (!transport.live) {
      this.#drop('device_not_ready', id, 0);
      return;
    }
    const queue = transport.queue(L.RX_QUEUE);
    if (!queue.enabled) {
      this.#drop('ring_not_running', id, 0);
      return;
    }
    if (length > this.#longest(frame, offset, length)) {
      this.#drop('rx_drop_over_mtu', id, 0);
      return;
    }

    const chain = this.#chain;
    const found = queue.pop(chain);
    if (found === POP.EMPTY) {
      this.#drop('no_space', id, 0);
      return;
    }
    if (found === POP.BROKEN) {
      if (queue.fault) transport.guestError(queue.fault.code, L.RX_QUEUE, queue.fault.detail);
      this.#drop('device_broken', id, 0);
      return;
    }
    this.#dirty = true;
    const used = L.NET_HEADER_SIZE + length;
    if (chain.writable < used) {
      // The buffer goes back with length 0. Left in the ring, it would hold up every frame of this size behind
      // it for ever; returned, the driver counts a length error and posts another one.
      queue.pushUsed(chain.head, 0);
      if (chain.writable >= L.NET_HEADER_SIZE) {
        this.#drop('too_short', id, chain.head);
        return;
      }
      transport.guestError('rx-chain-not-writable', L.RX_QUEUE, `${chain.writable} writable bytes`);
      this.#drop('bad_rx_frame', id, chain.head);
      return;
    }
    // @spec 5.1.9.3.2 MUST use exactly one buffer (NET-RXBUF-02)
    chain.write(this.#memory, 0, this.#header, 0, L.NET_HEADER_SIZE);
    chain.write(this.#memory, L.NET_HEADER_SIZE, frame, offset, length);
    queue.pushUsed(chain.head, used);
    this.#counters.rx_packets++;
    this.#counters.rx_bytes += length;
    this.#trace.frameFate(id, CODE.delivered, L.RX_QUEUE, chain.head, 1, used);
  }

  /** Shows the driver what was received since the last flush. */
  flush(transport: Transport): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    transport.complete(L.RX_QUEUE);
  }

  /** Forgets what was not flushed: its ring is gone. */
  reset(): void {
    this.#dirty = false;
  }

  /** @spec 5.1.4.1 MUST NOT hand up a frame longer than MTU and layer-2 header (NET-CFG-05) */
  #longest(frame: Uint8Array, offset: number, length: number): number {
    const plain = this.#mtu + ETHER_HEADER_SIZE;
    if (length < ETHER_HEADER_SIZE) return plain;
    return u16At(frame, offset + 12) === ETHERTYPE_VLAN ? plain + VLAN_TAG_SIZE : plain;
  }

  #drop(fate: DeviceDrop, id: number, head: number): void {
    this.#counters[fate]++;
    this.#trace.frameFate(id, CODE[fate], L.RX_QUEUE, head, 0, 0);
  }
}
