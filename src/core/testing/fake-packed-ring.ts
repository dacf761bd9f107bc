/** The driver's side of a packed virtqueue (2.8). */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import {
  type ChainLayout,
  DESC_SIZE,
  F_NEXT,
  F_WRITE,
  FakeRing,
  type FakeRingOptions,
  needEvent,
  placeArea,
  type RingDescriptor,
  type UsedBuffer,
} from './fake-ring.ts';
import type { GuestHeap, Random } from './guest-heap.ts';

export const F_AVAIL = 1 << 7;
export const F_USED = 1 << 15;

export const EVENT_ENABLE = 0;
export const EVENT_DISABLE = 1;
export const EVENT_DESC = 2;

const EVENT_SIZE = 4;

export class FakePackedRing extends FakeRing {
  readonly #random: Random;
  /** Ids in flight, which may be any numbers, with the descriptors of each. */
  readonly #lists = new Map<number, number>();
  #free: number;
  #availSlot = 0;
  #availWrap = 1;
  #usedSlot = 0;
  #usedWrap = 1;
  /** Descriptors made available since `needsKick` was asked. */
  #added = 0;

  constructor(memory: GuestMemory, heap: GuestHeap, random: Random, size: number, options: FakeRingOptions = {}) {
    const desc = placeArea(memory, heap, DESC_SIZE * size, 16);
    const driver = placeArea(memory, heap, EVENT_SIZE, EVENT_SIZE);
    const device = placeArea(memory, heap, EVENT_SIZE, EVENT_SIZE);
    super(memory, heap, size, { desc, driver, device }, options);
    this.#random = random;
    this.#free = size;
  }

  override get freeDescriptors(): number {
    return this.#free;
  }
  override get position(): number {
    return this.#availSlot | (this.#availWrap << 15);
  }
  /** Where the next used descriptor is expected. */
  get usedPosition(): number {
    return this.#usedSlot | (this.#usedWrap << 15);
  }
  /** The device's wish about kicks. */
  get deviceEvent(): { readonly position: number; readonly flags: number } {
    return { position: this.memory.readU16(this.device), flags: this.memory.readU16(this.device + 2) };
  }
  /** AVAIL and USED of a descriptor that is made available now. */
  get lap(): number {
    return this.#availWrap ? F_AVAIL : F_USED;
  }

  override needsKick(): boolean {
    const added = this.#added;
    this.#added = 0;
    const { position, flags } = this.deviceEvent;
    if (flags !== EVENT_DESC) return flags !== EVENT_DISABLE;
    const sameLap = position >> 15 === this.#availWrap;
    const event = (position & 0x7fff) - (sameLap ? 0 : this.size);
    return needEvent(event, this.#availSlot, this.#availSlot - added);
  }

  protected override direct(layout: ChainLayout, segments: number): number {
    return super.direct(typeof layout === 'object' ? 'direct' : layout, segments);
  }

  protected override make(descriptors: readonly RingDescriptor[]): number {
    let id = this.#random.below(0x1_0000);
    while (this.#lists.has(id)) id = this.#random.below(0x1_0000);
    const first = this.#availSlot;
    const firstFlags = (descriptors[0]?.flags ?? 0) | this.lap | (descriptors.length > 1 ? F_NEXT : 0);
    descriptors.forEach(({ addr, length, flags }, i) => {
      const last = i === descriptors.length - 1;
      // Only the last id counts: the others are noise. The first flags come at the end.
      const noise = this.#random.below(0x1_0000);
      const own = i === 0 ? this.flagsAt(first) : flags | this.lap | (last ? 0 : F_NEXT);
      this.writeDescriptor(this.#availSlot, addr, length, own, last ? id : noise);
      this.#step(1);
    });
    this.memory.writeU16(this.desc + DESC_SIZE * first + 14, firstFlags);
    this.#lists.set(id, descriptors.length);
    this.#free -= descriptors.length;
    this.#added += descriptors.length;
    return id;
  }

  protected override writeTable(at: number, entries: readonly RingDescriptor[]): void {
    entries.forEach(({ addr, length, flags }, i) => this.writeEntry(at, i, addr, length, flags, 0));
  }

  protected override look(): UsedBuffer | null {
    const flags = this.flagsAt(this.#usedSlot);
    const lap = flags & (F_AVAIL | F_USED);
    if (lap !== (this.#usedWrap ? F_AVAIL | F_USED : 0)) return null;
    const at = this.desc + DESC_SIZE * this.#usedSlot;
    // 2.8.4: without WRITE the length means nothing.
    const length = flags & F_WRITE ? this.memory.readU32(at + 8) : 0;
    return { head: this.memory.readU16(at + 12), length };
  }

  protected override release(head: number): void {
    this.#free += this.#lists.get(head) ?? 0;
    this.#lists.delete(head);
  }

  protected override advance(_buffers: number, descriptors: number): void {
    this.#usedSlot += descriptors;
    if (this.#usedSlot < this.size) return;
    this.#usedSlot -= this.size;
    this.#usedWrap ^= 1;
  }

  protected override forbid(): void {
    this.setDriverEvent(0, EVENT_DISABLE);
  }

  protected override ask(buffers: number): void {
    if (!this.options.eventIdx) {
      this.setDriverEvent(0, EVENT_ENABLE);
      return;
    }
    // Where the used descriptor comes to lie depends on what is used before it; slots are counted instead.
    const slot = this.#usedSlot + buffers;
    const wraps = slot >= this.size;
    const position = (wraps ? slot - this.size : slot) | ((this.#usedWrap ^ (wraps ? 1 : 0)) << 15);
    this.setDriverEvent(position, EVENT_DESC);
  }

  // Raw access, for drivers that misbehave.

  override writeDescriptor(slot: number, addr: number, length: number, flags: number, id: number): void {
    this.writeEntry(this.desc, slot, addr, length, flags, id);
  }

  writeEntry(table: number, index: number, addr: number, length: number, flags: number, id: number): void {
    const at = table + DESC_SIZE * index;
    this.writeAddress(at, addr);
    this.memory.writeU32(at + 8, length);
    this.memory.writeU16(at + 12, id);
    this.memory.writeU16(at + 14, flags);
  }

  /** With the flags that it has, and those of the current lap. */
  override offer(slot: number): void {
    const flags = this.flagsAt(slot) & ~(F_AVAIL | F_USED);
    this.memory.writeU16(this.desc + DESC_SIZE * slot + 14, flags | this.lap);
  }

  flagsAt(slot: number): number {
    return this.memory.readU16(this.desc + DESC_SIZE * slot + 14);
  }

  setDriverEvent(position: number, flags: number): void {
    this.memory.writeU16(this.driver, position);
    this.memory.writeU16(this.driver + 2, flags);
  }

  #step(slots: number): void {
    this.#availSlot += slots;
    if (this.#availSlot < this.size) return;
    this.#availSlot -= this.size;
    this.#availWrap ^= 1;
  }
}
