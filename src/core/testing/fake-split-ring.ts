/** The driver's side of a split virtqueue (2.7). */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import {
  DESC_SIZE,
  F_NEXT,
  FakeRing,
  type FakeRingAreas,
  type FakeRingOptions,
  needEvent,
  placeArea,
  type RingDescriptor,
  type UsedBuffer,
} from './fake-ring.ts';
import type { GuestHeap, Random } from './guest-heap.ts';

const FAR = 0x8000;
const PAGE = 4096;

/** 2.7.2: descriptors and available ring, padded to a page, then the used ring. */
function legacyAreas(place: (length: number, align: number) => number, size: number): FakeRingAreas {
  const toUsed = Math.ceil((DESC_SIZE * size + 2 * (3 + size)) / PAGE) * PAGE;
  const desc = place(toUsed + 6 + 8 * size, PAGE);
  return { desc, driver: desc + DESC_SIZE * size, device: desc + toUsed };
}

export class FakeSplitRing extends FakeRing {
  /** Descriptors that are free, and those of a buffer by its head. */
  readonly #free: number[];
  readonly #chains = new Map<number, number[]>();
  #availIdx = 0;
  #usedIdx = 0;
  #kickedIdx = 0;

  constructor(memory: GuestMemory, heap: GuestHeap, random: Random, size: number, options: FakeRingOptions = {}) {
    const place = (length: number, align: number): number => placeArea(memory, heap, length, align);
    const areas = options.legacy
      ? legacyAreas(place, size)
      : { desc: place(DESC_SIZE * size, 16), driver: place(6 + 2 * size, 2), device: place(6 + 8 * size, 4) };
    super(memory, heap, size, areas, options);
    this.#free = random.shuffle([...Array(size).keys()]);
  }

  get avail(): number {
    return this.driver;
  }
  get used(): number {
    return this.device;
  }
  override get freeDescriptors(): number {
    return this.#free.length;
  }
  get availIdx(): number {
    return this.#availIdx;
  }
  override get position(): number {
    return this.#availIdx;
  }
  /** The used index as the device shows it. */
  get shownUsedIdx(): number {
    return this.memory.readU16(this.used + 2);
  }
  get usedFlags(): number {
    return this.memory.readU16(this.used);
  }
  /** Where the device wants the next kick, with EVENT_IDX. */
  get availEvent(): number {
    return this.memory.readU16(this.used + 4 + 8 * this.size);
  }

  override needsKick(): boolean {
    const old = this.#kickedIdx;
    this.#kickedIdx = this.#availIdx;
    return this.options.eventIdx ? needEvent(this.availEvent, this.#availIdx, old) : this.usedFlags === 0;
  }

  protected override make(descriptors: readonly RingDescriptor[]): number {
    const ids = this.#free.splice(-descriptors.length);
    descriptors.forEach(({ addr, length, flags }, i) => {
      const next = ids[i + 1];
      this.writeDescriptor(ids[i] ?? 0, addr, length, flags | (next === undefined ? 0 : F_NEXT), next ?? 0);
    });
    const head = ids[0] ?? 0;
    this.#chains.set(head, ids);
    this.offer(head);
    return head;
  }

  protected override writeTable(at: number, entries: readonly RingDescriptor[]): void {
    entries.forEach(({ addr, length, flags }, i) => {
      const last = i === entries.length - 1;
      this.writeEntry(at, i, addr, length, flags | (last ? 0 : F_NEXT), last ? 0 : i + 1);
    });
  }

  protected override look(): UsedBuffer | null {
    if (this.#usedIdx === this.shownUsedIdx) return null;
    const at = this.used + 4 + 8 * (this.#usedIdx % this.size);
    return { head: this.memory.readU32(at), length: this.memory.readU32(at + 4) };
  }

  protected override release(head: number): void {
    this.#free.push(...(this.#chains.get(head) ?? []));
    this.#chains.delete(head);
  }

  protected override advance(buffers: number): void {
    this.#usedIdx = (this.#usedIdx + buffers) & 0xffff;
  }

  protected override forbid(): void {
    if (this.options.eventIdx) this.setUsedEvent(this.#usedIdx + FAR);
    else this.memory.writeU16(this.avail, 1);
  }

  protected override ask(buffers: number): void {
    if (this.options.eventIdx) this.setUsedEvent(this.#usedIdx + buffers);
    else this.memory.writeU16(this.avail, 0);
  }

  // Raw access, for drivers that misbehave.

  override writeDescriptor(index: number, addr: number, length: number, flags: number, next: number): void {
    this.writeEntry(this.desc, index, addr, length, flags, next);
  }

  writeEntry(table: number, index: number, addr: number, length: number, flags: number, next: number): void {
    const at = table + DESC_SIZE * index;
    this.writeAddress(at, addr);
    this.memory.writeU32(at + 8, length);
    this.memory.writeU16(at + 12, flags);
    this.memory.writeU16(at + 14, next);
  }

  /** Puts any head into the available ring. */
  override offer(head: number): void {
    this.memory.writeU16(this.avail + 4 + 2 * (this.#availIdx % this.size), head);
    this.setAvailIdx((this.#availIdx + 1) & 0xffff);
  }

  setAvailIdx(index: number): void {
    this.#availIdx = index;
    this.memory.writeU16(this.avail + 2, index);
  }

  setUsedEvent(index: number): void {
    this.memory.writeU16(this.avail + 4 + 2 * this.size, index & 0xffff);
  }
}
