/**
 * The split virtqueue, device side.
 *
 * Three areas in guest RAM: the descriptor table and the available ring, which only the driver writes, and
 * the used ring, which only the device writes. Two positions of our own run freely over 16 bits: the next
 * available entry to take and the next used entry to fill; a ring slot is a position modulo the size.
 *
 * Events. Without EVENT_IDX each side has a flag that stops the other's notifications. With it, each side
 * writes the index at which it wants the next one: the driver `used_event` behind the available ring, the
 * device `avail_event` behind the used ring. An event is due when the index has just gone past it.
 *
 * Trust: the areas are checked once when the queue is enabled, a descriptor when it is read. Whatever a
 * driver writes, `pop` ends: an index can be ahead by at most what is free, a chain can visit a table at most
 * once, and a buffer holds at most as many segments as the device's largest queue. Each way to break
 * these rules has a name in the guest-error table and stops the queue until reset, because after it the
 * two sides no longer agree on who owns which descriptor.
 *
 * Read order matters to a real device with barriers; here the guest does not run while we do.
 *
 * @spec 2.7
 */
import type { DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';
import type { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import type { QueueAreas, QueueFault, QueueFeatures } from './queue.ts';
import { checkTable, hex, type Ring } from './ring.ts';

const U16 = 0xffff;

export class SplitRing implements Ring {
  features: QueueFeatures;
  readonly areas: QueueAreas;
  fault: QueueFault | null = null;
  readonly #memory: GuestMemory;
  readonly #size: number;
  readonly #mask: number;
  readonly #desc: number;
  readonly #avail: number;
  readonly #used: number;
  #availIdx = 0;
  /** Next used entry to fill, what the driver has been shown, and what it was asked about. */
  #usedNext = 0;
  #usedShown = 0;
  #usedAsked = 0;

  /** At areas that were checked. */
  constructor(memory: GuestMemory, areas: QueueAreas, size: number, features: QueueFeatures) {
    this.#memory = memory;
    this.areas = areas;
    this.features = features;
    this.#size = size;
    this.#mask = size - 1;
    this.#desc = areas.desc;
    this.#avail = areas.driver;
    this.#used = areas.device;
  }

  static checkAreas(memory: GuestMemory, { desc, driver, device }: QueueAreas, size: number): GuestErrorCode | null {
    if (desc % L.VIRTQ_DESC_ALIGN || driver % L.VIRTQ_AVAIL_ALIGN || device % L.VIRTQ_USED_ALIGN) {
      return 'ring-misaligned';
    }
    const inside =
      memory.contains(desc, L.descAreaSize(size)) &&
      memory.contains(driver, L.availAreaSize(size)) &&
      memory.contains(device, L.usedAreaSize(size));
    return inside ? null : 'ring-outside-ram';
  }

  get availIdx(): number {
    return this.#availIdx;
  }
  get usedIdx(): number {
    return this.#usedShown;
  }

  shownIdx(): number {
    return this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_IDX);
  }

  pop(chain: DescriptorChain, free: number): number {
    const shown = this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_IDX);
    const waiting = (shown - this.#availIdx) & U16;
    if (waiting === 0) return 0;
    if (waiting > free) {
      return this.#fail('avail-index-jump', `idx ${shown}, at most ${free} past ${this.#availIdx} are free`);
    }
    const slot = this.#availIdx & this.#mask;
    const head = this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_RING + 2 * slot);
    if (head >= this.#size) return this.#fail('head-out-of-range', `head ${head} in slot ${slot}, size ${this.#size}`);
    chain.reset(head);
    if (!this.#walk(chain, this.#desc, this.#size, head, false)) return -1;
    this.#availIdx = (this.#availIdx + 1) & U16;
    return 1;
  }

  available(limit: number): number {
    return Math.min((this.shownIdx() - this.#availIdx) & U16, limit);
  }

  untake(slots: number): void {
    this.#availIdx = (this.#availIdx - slots) & U16;
  }

  push(head: number, length: number, slots: number): void {
    const at = this.#used + L.VIRTQ_USED_RING + L.VIRTQ_USED_ELEM_SIZE * (this.#usedNext & this.#mask);
    this.#memory.writeU32(at, head);
    this.#memory.writeU32(at + 4, length);
    // @spec 2.7.9 MAY retire a batch with the entry of its last buffer (SPLIT-INORD-01): the next entry lies
    // behind as many as it stands for.
    this.#usedNext = (this.#usedNext + slots) & U16;
  }

  publish(): void {
    // @spec 2.7.8.2 MUST store the entry before advancing the index (SPLIT-USED-01): push came before.
    this.#memory.writeU16(this.#used + L.VIRTQ_USED_IDX, this.#usedNext);
    this.#usedShown = this.#usedNext;
  }

  wantsInterrupt(): boolean {
    const old = this.#usedAsked;
    const now = this.#usedShown;
    this.#usedAsked = now;
    // @spec 6.3 MUST interrupt when it runs out of available descriptors, suppressed or not (LEG-24)
    if (this.features.notifyOnEmpty && this.shownIdx() === this.#availIdx) return true;
    if (this.features.eventIdx) {
      // @spec 2.7.7.2 MUST ignore the flag, notify when used_event was passed, SHOULD NOT otherwise
      // (SPLIT-USUP-04, -05, -06)
      const event = this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_RING + 2 * this.#size);
      return ((now - event - 1) & U16) < ((now - old) & U16);
    }
    // @spec 2.7.7.2 MUST ignore used_event and honour the flag, without EVENT_IDX (SPLIT-USUP-01, -02, -03)
    return (this.#memory.readU16(this.#avail + L.VIRTQ_AVAIL_FLAGS) & L.VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  setNotify(wanted: boolean): void {
    const { eventIdx } = this.features;
    // @spec 2.7.10.2 MUST keep the flags word at 0 or 1 (SPLIT-ASUP-01), at 0 with EVENT_IDX (SPLIT-ASUP-03):
    // it is written whole.
    this.#memory.writeU16(this.#used + L.VIRTQ_USED_FLAGS, wanted || eventIdx ? 0 : L.VIRTQ_USED_F_NO_NOTIFY);
    if (!eventIdx) return;
    if (wanted) this.arm();
    // An index that the driver cannot reach before it has gone half around; if it does, one kick is in vain.
    else this.#writeAvailEvent(this.#availIdx + 0x8000);
  }

  arm(): void {
    // @spec 2.7.10.2 MAY use avail_event (SPLIT-ASUP-04)
    this.#writeAvailEvent(this.#availIdx);
  }

  /** Every word that a driver can write into this ring for the device has a meaning. */
  takeWarning(): null {
    return null;
  }

  moveTo(position: number): boolean {
    this.#availIdx = position;
    this.#usedNext = position;
    this.#usedShown = position;
    this.#usedAsked = position;
    return true;
  }

  #writeAvailEvent(index: number): void {
    const at = this.#used + L.VIRTQ_USED_RING + L.VIRTQ_USED_ELEM_SIZE * this.#size;
    this.#memory.writeU16(at, index & U16);
  }

  /** Adds the chain that starts at entry `first` of a table. False after breaking the queue. */
  #walk(chain: DescriptorChain, table: number, entries: number, first: number, inTable: boolean): boolean {
    const memory = this.#memory;
    let index = first;
    for (let visited = 1; ; visited++) {
      if (visited > entries) return this.#refuse('descriptor-loop', `more than ${entries} descriptors from ${first}`);
      const at = table + L.VIRTQ_DESC_SIZE * index;
      const addr = memory.readU64(at + L.VIRTQ_DESC_ADDR);
      const length = memory.readU32(at + L.VIRTQ_DESC_LEN);
      const flags = memory.readU16(at + L.VIRTQ_DESC_FLAGS);
      if (flags & L.VIRTQ_DESC_F_INDIRECT) {
        if (inTable) return this.#refuse('indirect-nested', `entry ${index} of the table at ${hex(table)}`);
        return this.#walkIndirect(chain, addr, length, flags, index);
      }
      const wrong = chain.offer(memory, addr, length, (flags & L.VIRTQ_DESC_F_WRITE) !== 0);
      if (wrong !== null) return this.#refuse(wrong, `descriptor ${index}: ${hex(addr)}, ${length} bytes`);
      if ((flags & L.VIRTQ_DESC_F_NEXT) === 0) return true;
      index = memory.readU16(at + L.VIRTQ_DESC_NEXT);
      if (index >= entries) return this.#refuse('next-out-of-range', `next ${index} of ${entries}`);
    }
  }

  /** @spec 2.7.5.3.2 MUST handle ordinary descriptors that end in one indirect descriptor (SPLIT-IND-02) */
  #walkIndirect(chain: DescriptorChain, table: number, length: number, flags: number, index: number): boolean {
    // The WRITE flag of this descriptor is not looked at: @spec 2.7.5.3.2 MUST ignore it (SPLIT-IND-01)
    if (flags & L.VIRTQ_DESC_F_NEXT) return this.#refuse('indirect-with-next', `descriptor ${index}`);
    const wrong = checkTable(this.#memory, table, length, this.features);
    if (wrong !== null) return this.#refuse(wrong, `descriptor ${index}: table at ${hex(table)}, ${length} bytes`);
    return this.#walk(chain, table, length / L.VIRTQ_DESC_SIZE, 0, true);
  }

  #refuse(code: GuestErrorCode, detail: string): false {
    this.fault = { code, detail };
    return false;
  }

  #fail(code: GuestErrorCode, detail: string): -1 {
    this.fault = { code, detail };
    return -1;
  }
}
