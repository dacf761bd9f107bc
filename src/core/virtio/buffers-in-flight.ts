/**
 * The buffers that the device took and has not given back, oldest first: what names each and how many slots
 * of the ring it has. Kept on our side, because a driver could change what the ring says meanwhile.
 *
 * Devices mostly give back in order, so this is a FIFO; a buffer from its middle is found by looking.
 */
const HEAD_BITS = 16;
const HEAD_MASK = 0xffff;

export class BuffersInFlight {
  /** Head in the low half, slots in the high one. */
  readonly #entries: Uint32Array;
  readonly #mask: number;
  #first = 0;
  #count = 0;
  #fixed = 0;

  /** @param capacity a power of two */
  constructor(capacity: number) {
    this.#entries = new Uint32Array(capacity);
    this.#mask = capacity - 1;
  }

  get count(): number {
    return this.#count;
  }

  /** So many of the oldest were taken before one that was given back already: they cannot be untaken. */
  get fixed(): number {
    return this.#fixed;
  }

  clear(): void {
    this.#first = 0;
    this.#count = 0;
    this.#fixed = 0;
  }

  add(head: number, slots: number): void {
    this.#entries[(this.#first + this.#count) & this.#mask] = head | (slots << HEAD_BITS);
    this.#count++;
  }

  /** Removes a buffer and returns its slots. RangeError if it is not there, or not the oldest and has to be. */
  remove(head: number, inOrder: boolean): number {
    if (this.#count > 0 && this.oldest === head) return this.removeOldest();
    let place = 0;
    while (place < this.#count && (this.#at(place) & HEAD_MASK) !== head) place++;
    if (place === this.#count) throw new RangeError(`buffer ${head} is not in flight`);
    if (inOrder) throw new RangeError(`buffer ${head} is not the oldest in flight`);
    const slots = this.#at(place) >>> HEAD_BITS;
    // The older ones move up.
    for (let i = place; i > 0; i--) this.#entries[(this.#first + i) & this.#mask] = this.#at(i - 1);
    this.#first = (this.#first + 1) & this.#mask;
    this.#count--;
    this.#fixed = place < this.#fixed ? this.#fixed - 1 : place;
    return slots;
  }

  /** What names the oldest buffer. */
  get oldest(): number {
    return this.#at(0) & HEAD_MASK;
  }

  /** As `remove`, for the oldest; there must be one. */
  removeOldest(): number {
    const slots = this.#at(0) >>> HEAD_BITS;
    this.#first = (this.#first + 1) & this.#mask;
    this.#count--;
    if (this.#fixed > 0) this.#fixed--;
    return slots;
  }

  /** Removes the `count` newest buffers and returns their slots. RangeError if they cannot be untaken. */
  untake(count: number): number {
    if (count > this.#count - this.#fixed) throw new RangeError(`${count} buffers cannot be untaken`);
    let slots = 0;
    for (let i = 0; i < count; i++) slots += this.#at(--this.#count) >>> HEAD_BITS;
    return slots;
  }

  #at(place: number): number {
    return this.#entries[(this.#first + place) & this.#mask] ?? 0;
  }
}
