/**
 * Where the things are that have frame ids: a table that an id's low bits point into.
 *
 * Ids of one direction are handed out in steps of two and leave in the order in which they came, so those that are held lie
 * close together, and with as many places as their numbers span no two of them meet. Ids that do meet (there were
 * gaps) go into a map.
 */
export class IdIndex {
  /** Slot + 1, or 0 where nobody is. */
  #places = new Uint32Array(0);
  /** Ids by slot: belongs to whoever holds the things. */
  #ids: Uint32Array;
  readonly #others = new Map<number, number>();

  constructor(ids: Uint32Array) {
    this.#ids = ids;
  }

  /** The slot of that id, or -1. */
  find(id: number): number {
    const places = this.#places;
    const place = places[id & (places.length - 1)] ?? 0;
    if (place !== 0 && this.#ids[place - 1] === id) return place - 1;
    return this.#others.size === 0 ? -1 : (this.#others.get(id) ?? -1);
  }

  /** The id is not in the index, and `ids[slot]` is it. */
  add(id: number, slot: number): void {
    const places = this.#places;
    const at = id & (places.length - 1);
    if (places[at] === 0) places[at] = slot + 1;
    else this.#others.set(id, slot);
  }

  /** Before its slot is given to another id. */
  remove(id: number): void {
    const places = this.#places;
    const at = id & (places.length - 1);
    const place = places[at] ?? 0;
    if (place !== 0 && this.#ids[place - 1] === id) places[at] = 0;
    else if (this.#others.size > 0) this.#others.delete(id);
  }

  clear(): void {
    this.#places.fill(0);
    this.#others.clear();
  }

  /** There are more slots now: a power of two. */
  grow(ids: Uint32Array): void {
    const before = this.#places;
    const others = [...this.#others];
    this.#ids = ids;
    // Of one direction alone, every other place is used.
    this.#places = new Uint32Array(2 * ids.length);
    this.#others.clear();
    for (const place of before) if (place !== 0) this.add(ids[place - 1] ?? 0, place - 1);
    for (const [id, slot] of others) this.add(id, slot);
  }
}
