/**
 * The packed virtqueue, device side.
 *
 * One ring of descriptors that both sides write. Driver and device go around it in the same direction, each
 * with a wrap counter of one bit that starts at 1 and inverts at the end of the ring. A descriptor's AVAIL
 * and USED flags say whose it is, relative to the counter of the lap:
 *
 *     available   AVAIL = counter, USED != counter      written by the driver
 *     used        AVAIL = USED = counter                written by the device
 *
 * A buffer is a list of consecutive descriptors linked by NEXT, or one that points at an indirect table. The
 * list is named by the id in its last descriptor. The device answers with one used descriptor, at its own
 * position and not necessarily where the list stood, and goes on as many slots as the list had.
 *
 * Visibility. The driver looks for used descriptors one after the other, so it sees nothing of a batch
 * while the first one is not there. The flags of the first are therefore written last, in `publish`.
 *
 * Events. The driver's structure enables interrupts, disables them, or names a position (slot and wrap
 * counter, with EVENT_IDX); the device's does the same for kicks. The fourth value of the flags is reserved:
 * the device then interrupts, since a needless interrupt is harmless and a missing one is not.
 *
 * Trust is as in the split ring: areas are checked when the queue is enabled, descriptors when they are
 * read, and a list can be no longer than the slots that are not in flight.
 *
 * @spec 2.8
 */
import type { DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';
import type { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import type { QueueAreas, QueueFault, QueueFeatures } from './queue.ts';
import { checkTable, hex, type Ring } from './ring.ts';

const AVAIL = L.VRING_PACKED_DESC_F_AVAIL;
const USED = L.VRING_PACKED_DESC_F_USED;
const AVAIL_USED = AVAIL | USED;
const NEVER = -1;

export class PackedRing implements Ring {
  features: QueueFeatures;
  readonly areas: QueueAreas;
  fault: QueueFault | null = null;
  readonly #memory: GuestMemory;
  readonly #size: number;
  readonly #ring: number;
  readonly #driverEvent: number;
  readonly #deviceEvent: number;
  /** Position of the next list to take. @spec 2.8.1 wrap counters start at 1 (PACK-WRAP-01) */
  #availSlot = 0;
  #availWrap = 1;
  /** Position of the next used descriptor to write, and of what the driver has been shown. */
  #usedSlot = 0;
  #usedWrap = 1;
  #shownSlot = 0;
  #shownWrap = 1;
  /** Slots that were shown since the driver's wish was looked at. */
  #unasked = 0;
  /** Address and value of the flags that hide what was pushed. */
  #hiddenAt = NEVER;
  #hiddenFlags = 0;
  #warning: QueueFault | null = null;
  #warned = false;

  /** At areas that were checked. */
  constructor(memory: GuestMemory, areas: QueueAreas, size: number, features: QueueFeatures) {
    this.#memory = memory;
    this.areas = areas;
    this.features = features;
    this.#size = size;
    this.#ring = areas.desc;
    this.#driverEvent = areas.driver;
    this.#deviceEvent = areas.device;
  }

  static checkAreas(memory: GuestMemory, { desc, driver, device }: QueueAreas, size: number): GuestErrorCode | null {
    const misaligned =
      desc % L.VIRTQ_DESC_ALIGN || driver % L.VRING_PACKED_EVENT_ALIGN || device % L.VRING_PACKED_EVENT_ALIGN;
    if (misaligned) return 'ring-misaligned';
    const inside =
      memory.contains(desc, L.descAreaSize(size)) &&
      memory.contains(driver, L.VRING_PACKED_EVENT_SIZE) &&
      memory.contains(device, L.VRING_PACKED_EVENT_SIZE);
    return inside ? null : 'ring-outside-ram';
  }

  get availIdx(): number {
    return positionOf(this.#availSlot, this.#availWrap);
  }
  get usedIdx(): number {
    return positionOf(this.#shownSlot, this.#shownWrap);
  }

  shownIdx(free: number): number {
    let slot = this.#availSlot;
    let wrap = this.#availWrap;
    for (let i = 0; i < free && isAvailable(this.#flags(slot), wrap); i++) {
      if (++slot === this.#size) {
        slot = 0;
        wrap ^= 1;
      }
    }
    return positionOf(slot, wrap);
  }

  pop(chain: DescriptorChain, free: number): number {
    const memory = this.#memory;
    let slot = this.#availSlot;
    let wrap = this.#availWrap;
    let flags = this.#flags(slot);
    // @spec 2.8.15 MUST NOT consume a descriptor before its AVAIL flag is seen to flip (PACK-DESC-03)
    if (!isAvailable(flags, wrap)) return 0;
    chain.reset(0);
    for (let taken = 1; ; taken++) {
      if (taken > free) return this.#fail('ring-overrun', `slot ${slot}, ${free} free of ${this.#size}`);
      const at = this.#ring + L.VIRTQ_DESC_SIZE * slot;
      const addr = memory.readU64(at + L.VRING_PACKED_DESC_ADDR);
      const length = memory.readU32(at + L.VRING_PACKED_DESC_LEN);
      const linked = (flags & L.VIRTQ_DESC_F_NEXT) !== 0;
      let wrong: GuestErrorCode | null;
      if (flags & L.VIRTQ_DESC_F_INDIRECT) {
        // @spec 2.8.19 a driver MUST NOT link indirect descriptors
        wrong = linked || taken > 1 ? 'indirect-in-list' : this.#takeTable(chain, addr, length);
      } else {
        // @spec 2.8.18 MUST use the elements in order (PACK-SG-01)
        wrong = chain.offer(memory, addr, length, (flags & L.VIRTQ_DESC_F_WRITE) !== 0);
      }
      if (wrong !== null) return this.#fail(wrong, `slot ${slot}: ${hex(addr)}, ${length} bytes`);
      if (++slot === this.#size) {
        slot = 0;
        wrap ^= 1;
      }
      if (!linked) {
        // @spec 2.8.5 the id of the last descriptor names the list (PACK-USED-01)
        chain.head = memory.readU16(at + L.VRING_PACKED_DESC_ID);
        this.#availSlot = slot;
        this.#availWrap = wrap;
        return taken;
      }
      flags = this.#flags(slot);
      if (!isAvailable(flags, wrap)) return this.#fail('list-incomplete', `slot ${slot}, flags ${hex(flags)}`);
    }
  }

  available(limit: number, free: number): number {
    let slot = this.#availSlot;
    let wrap = this.#availWrap;
    let lists = 0;
    // One slot more than is free, so that one that cannot be there is looked into by `pop`.
    for (let seen = 0; lists < limit && seen <= free; seen++) {
      const flags = this.#flags(slot);
      if (!isAvailable(flags, wrap)) break;
      if ((flags & L.VIRTQ_DESC_F_NEXT) === 0) lists++;
      if (++slot === this.#size) {
        slot = 0;
        wrap ^= 1;
      }
    }
    return lists;
  }

  untake(slots: number): void {
    this.#availSlot -= slots;
    if (this.#availSlot >= 0) return;
    this.#availSlot += this.#size;
    this.#availWrap ^= 1;
  }

  push(head: number, length: number, slots: number): void {
    const memory = this.#memory;
    const at = this.#ring + L.VIRTQ_DESC_SIZE * this.#usedSlot;
    // @spec 2.8.4 WRITE says whether anything was written; the length counts only then (PACK-USED-02)
    const flags = (length > 0 ? L.VIRTQ_DESC_F_WRITE : 0) | (this.#usedWrap ? AVAIL_USED : 0);
    memory.writeU32(at + L.VRING_PACKED_DESC_LEN, length);
    memory.writeU16(at + L.VRING_PACKED_DESC_ID, head);
    if (this.#hiddenAt === NEVER) {
      // @spec 2.8.9 the first buffer's descriptor is written after all others (PACK-MULTI-01)
      this.#hiddenAt = at + L.VRING_PACKED_DESC_FLAGS;
      this.#hiddenFlags = flags;
    } else {
      memory.writeU16(at + L.VRING_PACKED_DESC_FLAGS, flags);
    }
    // @spec 2.8.6 the device skips as many slots as the list had (PACK-USED-01), or the batch (PACK-INORD-01)
    this.#usedSlot += slots;
    if (this.#usedSlot < this.#size) return;
    this.#usedSlot -= this.#size;
    this.#usedWrap ^= 1;
  }

  publish(slots: number): void {
    this.#memory.writeU16(this.#hiddenAt, this.#hiddenFlags);
    this.#hiddenAt = NEVER;
    this.#shownSlot = this.#usedSlot;
    this.#shownWrap = this.#usedWrap;
    this.#unasked += slots;
  }

  wantsInterrupt(): boolean {
    const shown = this.#unasked;
    this.#unasked = 0;
    const flags =
      this.#memory.readU16(this.#driverEvent + L.VRING_PACKED_EVENT_FLAGS) & L.VRING_PACKED_EVENT_FLAGS_MASK;
    switch (flags) {
      case L.VRING_PACKED_EVENT_FLAG_ENABLE:
        return true;
      case L.VRING_PACKED_EVENT_FLAG_DISABLE:
        return false;
      case L.VRING_PACKED_EVENT_FLAG_DESC:
        if (this.features.eventIdx) return this.#passed(shown);
        return this.#warn('event-flags-not-negotiated', `flags ${flags}`);
      default:
        return this.#warn('event-flags-reserved', `flags ${flags}`);
    }
  }

  setNotify(wanted: boolean): void {
    if (wanted && this.features.eventIdx) {
      this.arm();
    } else {
      const flags = wanted ? L.VRING_PACKED_EVENT_FLAG_ENABLE : L.VRING_PACKED_EVENT_FLAG_DISABLE;
      this.#memory.writeU16(this.#deviceEvent + L.VRING_PACKED_EVENT_FLAGS, flags);
    }
  }

  arm(): void {
    this.#memory.writeU16(this.#deviceEvent + L.VRING_PACKED_EVENT_OFF_WRAP, this.availIdx);
    this.#memory.writeU16(this.#deviceEvent + L.VRING_PACKED_EVENT_FLAGS, L.VRING_PACKED_EVENT_FLAG_DESC);
  }

  takeWarning(): QueueFault | null {
    const warning = this.#warning;
    this.#warning = null;
    return warning;
  }

  moveTo(position: number): boolean {
    const slot = position % L.VRING_PACKED_WRAP;
    if (slot >= this.#size) return false;
    const wrap = position >= L.VRING_PACKED_WRAP ? 1 : 0;
    this.#availSlot = slot;
    this.#usedSlot = slot;
    this.#shownSlot = slot;
    this.#availWrap = wrap;
    this.#usedWrap = wrap;
    this.#shownWrap = wrap;
    return true;
  }

  /** Whether the slot that the driver named is among the last `shown` ones. */
  #passed(shown: number): boolean {
    const event = this.#memory.readU16(this.#driverEvent + L.VRING_PACKED_EVENT_OFF_WRAP);
    const lap = event >= L.VRING_PACKED_WRAP === (this.#shownWrap === 1) ? 0 : this.#size;
    const past = this.#shownSlot + lap - (event % L.VRING_PACKED_WRAP);
    return past > 0 && past <= shown;
  }

  #flags(slot: number): number {
    return this.#memory.readU16(this.#ring + L.VIRTQ_DESC_SIZE * slot + L.VRING_PACKED_DESC_FLAGS);
  }

  /** The buffers of an indirect table: in sequence, nothing but WRITE and the place counts (PACK-IND-01). */
  #takeTable(chain: DescriptorChain, table: number, length: number): GuestErrorCode | null {
    const memory = this.#memory;
    let wrong = checkTable(memory, table, length, this.features);
    for (let at = table; wrong === null && at < table + length; at += L.VIRTQ_DESC_SIZE) {
      const writable = (memory.readU16(at + L.VRING_PACKED_DESC_FLAGS) & L.VIRTQ_DESC_F_WRITE) !== 0;
      const addr = memory.readU64(at + L.VRING_PACKED_DESC_ADDR);
      wrong = chain.offer(memory, addr, memory.readU32(at + L.VRING_PACKED_DESC_LEN), writable);
    }
    return wrong;
  }

  /** Once per ring: a driver that does it once does it always. */
  #warn(code: GuestErrorCode, detail: string): true {
    if (!this.#warned) this.#warning = { code, detail };
    this.#warned = true;
    return true;
  }

  #fail(code: GuestErrorCode, detail: string): -1 {
    this.fault = { code, detail };
    return -1;
  }
}

const positionOf = (slot: number, wrap: number): number => slot + wrap * L.VRING_PACKED_WRAP;

function isAvailable(flags: number, wrap: number): boolean {
  return (flags & AVAIL_USED) === (wrap ? AVAIL : USED);
}
