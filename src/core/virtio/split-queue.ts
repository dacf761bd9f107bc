/**
 * The split virtqueue, device side.
 *
 * Three areas in guest RAM: the descriptor table and the available ring, which only the driver writes, and
 * the used ring, which only the device writes. Two positions of our own run freely over 16 bits: the next
 * available entry to take and the next used entry to fill; a ring slot is a position modulo the size.
 *
 * Trust: the areas are checked once when the queue is enabled, a descriptor when it is read. Whatever a
 * driver writes, `pop` ends: an index can be ahead by at most the size, a chain can visit a table at most
 * once, and a buffer holds at most as many segments as the device's largest queue. Each way to break
 * these rules has a name in the guest-error table and stops the queue until reset, because after it the
 * two sides no longer agree on who owns which descriptor.
 *
 * Read order matters to a real device with barriers; here the guest does not run while we do.
 *
 * @spec 2.7
 */
import { CHAIN_BYTES_MAX, type DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';
import type { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import { POP, type Pop, type Queue, type QueueAreas, type QueueFault, type QueueState } from './queue.ts';

const hex = (value: number): string => `0x${value.toString(16)}`;
const U16 = 0xffff;

export class SplitQueue implements Queue {
  readonly maximumSize: number;
  readonly #memory: GuestMemory;
  /** Whether VIRTIO_F_INDIRECT_DESC was negotiated. */
  indirect = false;
  #size: number;
  #enabled = false;
  #desc = 0;
  #avail = 0;
  #used = 0;
  #availIdx = 0;
  /** Next used entry to fill, and what the driver has been shown. */
  #usedNext = 0;
  #usedShown = 0;
  #notify = true;
  #fault: QueueFault | null = null;

  constructor(memory: GuestMemory, maximumSize: number) {
    this.#memory = memory;
    this.maximumSize = maximumSize;
    this.#size = maximumSize;
  }

  get size(): number {
    return this.#size;
  }
  get enabled(): boolean {
    return this.#enabled;
  }
  get availIdx(): number {
    return this.#availIdx;
  }
  get usedIdx(): number {
    return this.#usedShown;
  }
  get shownIdx(): number {
    return this.#enabled ? this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_IDX) : 0;
  }
  get fault(): QueueFault | null {
    return this.#fault;
  }

  setSize(size: number): boolean {
    if (!L.isQueueSize(size, this.maximumSize)) return false;
    this.#size = size;
    return true;
  }

  enable(areas: QueueAreas): QueueFault | null {
    const fault = this.#checkAreas(areas, this.#size);
    if (fault) return fault;
    this.#desc = areas.desc;
    this.#avail = areas.driver;
    this.#used = areas.device;
    this.#availIdx = 0;
    this.#usedNext = 0;
    this.#usedShown = 0;
    this.#fault = null;
    this.#enabled = true;
    return null;
  }

  reset(): void {
    this.#enabled = false;
    this.#size = this.maximumSize;
    this.#desc = 0;
    this.#avail = 0;
    this.#used = 0;
    this.#availIdx = 0;
    this.#usedNext = 0;
    this.#usedShown = 0;
    this.#notify = true;
    this.#fault = null;
    this.indirect = false;
  }

  pop(chain: DescriptorChain): Pop {
    if (!this.#enabled) return POP.EMPTY;
    if (this.#fault) return POP.BROKEN;
    const idx = this.shownIdx;
    const waiting = (idx - this.#availIdx) & U16;
    if (waiting === 0) return POP.EMPTY;
    if (waiting > this.#size) {
      return this.#break('avail-index-jump', `idx ${idx}, expected at most ${this.#size} past ${this.#availIdx}`);
    }
    const slot = this.#availIdx & (this.#size - 1);
    const head = this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_RING + 2 * slot);
    if (head >= this.#size) return this.#break('head-out-of-range', `head ${head} in slot ${slot}, size ${this.#size}`);
    chain.reset(head);
    if (!this.#walk(chain, this.#desc, this.#size, head, false)) return POP.BROKEN;
    this.#availIdx = (this.#availIdx + 1) & U16;
    return POP.CHAIN;
  }

  pushUsed(head: number, length: number): void {
    const at = this.#used + L.VIRTQ_USED_RING + L.VIRTQ_USED_ELEM_SIZE * (this.#usedNext & (this.#size - 1));
    this.#memory.writeU32(at, head);
    this.#memory.writeU32(at + 4, length);
    this.#usedNext = (this.#usedNext + 1) & U16;
  }

  publish(): boolean {
    if (!this.#enabled || this.#usedNext === this.#usedShown) return false;
    // @spec 2.7.8.2 MUST store the entry before advancing the index (SPLIT-USED-01): pushUsed came before.
    this.#memory.writeU16(this.#used + L.VIRTQ_USED_IDX, this.#usedNext);
    this.#usedShown = this.#usedNext;
    return true;
  }

  wantsInterrupt(): boolean {
    // @spec 2.7.7.2 MUST ignore used_event and honour the flag, without EVENT_IDX (SPLIT-USUP-01, -02, -03)
    return (this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_FLAGS) & L.VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  setNotify(wanted: boolean): void {
    this.#notify = wanted;
    // @spec 2.7.10.2 MUST keep the flags word at 0 or 1 (SPLIT-ASUP-01): it is written whole.
    if (this.#enabled) this.#memory.writeU16(this.#used + L.VIRTQ_USED_FLAGS, wanted ? 0 : L.VIRTQ_USED_F_NO_NOTIFY);
  }

  save(): QueueState {
    return {
      size: this.#size,
      enabled: this.#enabled,
      desc: this.#desc,
      driver: this.#avail,
      device: this.#used,
      availIdx: this.#availIdx,
      usedIdx: this.#usedNext,
      notify: this.#notify,
    };
  }

  restore(state: QueueState): string | null {
    if (!L.isQueueSize(state.size, this.maximumSize)) return `queue size ${state.size}`;
    const fault = state.enabled ? this.#checkAreas(state, state.size) : null;
    if (fault) return fault.detail;
    this.reset();
    this.#size = state.size;
    this.#enabled = state.enabled;
    this.#notify = state.notify;
    if (!state.enabled) return null;
    this.#desc = state.desc;
    this.#avail = state.driver;
    this.#used = state.device;
    this.#availIdx = state.availIdx & U16;
    this.#usedNext = state.usedIdx & U16;
    this.#usedShown = this.#usedNext;
    return null;
  }

  /** Adds the chain that starts at entry `first` of a table. False after breaking the queue. */
  #walk(chain: DescriptorChain, table: number, entries: number, first: number, inTable: boolean): boolean {
    const memory = this.#memory;
    let index = first;
    for (let visited = 1; ; visited++) {
      if (visited > entries) return this.#fail('descriptor-loop', `more than ${entries} descriptors from ${first}`);
      const at = table + L.VIRTQ_DESC_SIZE * index;
      const addr = memory.readU64(at + L.VIRTQ_DESC_ADDR);
      const length = memory.readU32(at + L.VIRTQ_DESC_LEN);
      const flags = memory.readU16(at + L.VIRTQ_DESC_FLAGS);
      if (flags & L.VIRTQ_DESC_F_INDIRECT) {
        if (inTable) return this.#fail('indirect-nested', `entry ${index} of the table at ${hex(table)}`);
        return this.#walkIndirect(chain, addr, length, flags, index);
      }
      if (!this.#addSegment(chain, addr, length, (flags & L.VIRTQ_DESC_F_WRITE) !== 0, index)) return false;
      if ((flags & L.VIRTQ_DESC_F_NEXT) === 0) return true;
      index = memory.readU16(at + L.VIRTQ_DESC_NEXT);
      if (index >= entries) return this.#fail('next-out-of-range', `next ${index} of ${entries}`);
    }
  }

  /** @spec 2.7.5.3.2 MUST handle ordinary descriptors that end in one indirect descriptor (SPLIT-IND-02) */
  #walkIndirect(chain: DescriptorChain, table: number, length: number, flags: number, index: number): boolean {
    // The WRITE flag of this descriptor is not looked at: @spec 2.7.5.3.2 MUST ignore it (SPLIT-IND-01)
    if (!this.indirect) return this.#fail('indirect-not-negotiated', `descriptor ${index}`);
    if (flags & L.VIRTQ_DESC_F_NEXT) return this.#fail('indirect-with-next', `descriptor ${index}`);
    if (length === 0 || length % L.VIRTQ_DESC_SIZE !== 0) {
      return this.#fail('indirect-bad-length', `descriptor ${index}, ${length} bytes`);
    }
    if (!this.#memory.contains(table, length)) return this.#fail('address-outside-ram', `table at ${hex(table)}`);
    return this.#walk(chain, table, length / L.VIRTQ_DESC_SIZE, 0, true);
  }

  #addSegment(chain: DescriptorChain, addr: number, length: number, writable: boolean, index: number): boolean {
    if (!writable && chain.inWritable) return this.#fail('readable-after-writable', `descriptor ${index}`);
    if (!this.#memory.contains(addr, length)) {
      return this.#fail('address-outside-ram', `descriptor ${index}: ${hex(addr)}, ${length} bytes`);
    }
    if (chain.readable + chain.writable + length > CHAIN_BYTES_MAX) {
      return this.#fail('chain-too-long', `more than 2^32 bytes at descriptor ${index}`);
    }
    // @spec 2.7.4.1 MAY cap the chain (SPLIT-FRAME-02). The cap is our largest queue, not the size the driver
    // chose: a small ring with large indirect tables is a fair thing to ask for.
    if (chain.count === chain.capacity) return this.#fail('chain-over-limit', `more than ${chain.capacity} segments`);
    chain.add(addr, length, writable);
    return true;
  }

  #checkAreas({ desc, driver, device }: QueueAreas, size: number): QueueFault | null {
    const text = `desc ${hex(desc)}, driver ${hex(driver)}, device ${hex(device)}, size ${size}`;
    if (desc % L.VIRTQ_DESC_ALIGN || driver % L.VIRTQ_AVAIL_ALIGN || device % L.VIRTQ_USED_ALIGN) {
      return { code: 'ring-misaligned', detail: text };
    }
    const inside =
      this.#memory.contains(desc, L.descAreaSize(size)) &&
      this.#memory.contains(driver, L.availAreaSize(size)) &&
      this.#memory.contains(device, L.usedAreaSize(size));
    return inside ? null : { code: 'ring-outside-ram', detail: text };
  }

  #fail(code: GuestErrorCode, detail: string): false {
    this.#fault = { code, detail };
    return false;
  }

  #break(code: GuestErrorCode, detail: string): Pop {
    this.#fault = { code, detail };
    return POP.BROKEN;
  }
}
