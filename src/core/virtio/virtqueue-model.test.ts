/**
 * Driver and device as two parties that run in turns, in any order that fast-check thinks of. Either may sleep
 * when it has nothing to do and is then woken by nothing but the other's notification. What must hold after
 * every step: a party that sleeps has nothing to do. And at the end: every buffer went round exactly once.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POP, type QueueFeatures } from './queue.ts';
import { type Layout, LAYOUTS, queueBench } from './queue.test-kit.ts';

type Step = readonly [kind: string, amount: number];

/** Cheaper than `expect`, and asked half a million times. */
function must(condition: boolean, text: string): void {
  if (!condition) throw new Error(text);
}

class Parties {
  readonly #b;
  readonly #inOrder: boolean;
  /** Buffers by what names them, in the order in which the driver offered them; gone when they came back. */
  readonly #offered: number[] = [];
  /** What the device has to find next. */
  readonly #expected: number[] = [];
  /** What the device has taken and not given back, oldest first, and how many of them cannot be untaken. */
  readonly #held: number[] = [];
  #fixed = 0;
  #driverSleeps = false;
  #deviceSleeps = false;
  /** The driver added buffers and did not look yet whether the device wants a kick. */
  #unkicked = false;
  returned = 0;
  sent = 0;

  constructor(layout: Layout, size: number, features: Partial<QueueFeatures>) {
    this.#b = queueBench(layout, { size, maximumSize: 16, features });
    this.#inOrder = features.inOrder ?? false;
    this.#b.queue.setNotify(true);
  }

  get driverIdle(): boolean {
    return this.#driverSleeps && !this.#unkicked;
  }

  step([kind, amount]: Step): void {
    if (kind === 'offer') this.offer(amount);
    else if (kind === 'kick') this.kick();
    else if (kind === 'poll') this.poll(amount);
    else if (kind === 'quiet') this.quiet();
    else if (kind === 'take') this.take(amount);
    else if (kind === 'busy') this.busy();
    else if (kind === 'push') this.push(amount);
    else if (kind === 'batch') this.batch(amount);
    else if (kind === 'rewind') this.rewind(amount);
    else this.publish();
    this.check();
  }

  // The driver. That it offers does not depend on whether it waits for used buffers.

  offer(amount: number): void {
    const segments = Array.from({ length: 1 + (amount % 3) }, () => ({ addr: 0x8000, length: 4, write: false }));
    const head = this.#b.ring.add(segments, amount & 4 ? 'indirect' : 'direct');
    if (head < 0) return;
    this.#offered.push(head);
    this.#expected.push(head);
    this.#unkicked = true;
    this.sent++;
  }

  kick(): void {
    if (!this.#unkicked) return;
    this.#unkicked = false;
    if (this.#b.ring.needsKick()) this.#deviceSleeps = false;
  }

  poll(amount: number): void {
    if (this.#driverSleeps) return;
    for (let i = 0; i <= amount; i++) {
      const used = this.#b.ring.poll();
      if (!used) {
        this.#driverSleeps = !this.#b.ring.awaitInterrupt();
        return;
      }
      const at = this.#offered.indexOf(used.head);
      must(this.#inOrder ? at === 0 : at >= 0, `buffer ${used.head} came back at place ${at}`);
      this.#offered.splice(at, 1);
      this.returned++;
    }
  }

  quiet(): void {
    if (!this.#driverSleeps) this.#b.ring.suppressInterrupts(true);
  }

  // The device.

  take(amount: number): void {
    const { queue, chain } = this.#b;
    if (this.#deviceSleeps) return;
    for (let i = 0; i <= amount; i++) {
      if (queue.pop(chain) === POP.EMPTY) {
        this.#deviceSleeps = !queue.setNotify(true);
        return;
      }
      must(chain.head === this.#expected.shift(), `buffer ${chain.head} was taken out of turn`);
      this.#held.push(chain.head);
    }
  }

  busy(): void {
    if (!this.#deviceSleeps) this.#b.queue.setNotify(false);
  }

  push(amount: number): void {
    if (this.#held.length === 0) return;
    const at = this.#inOrder ? 0 : amount % this.#held.length;
    const [head = 0] = this.#held.splice(at, 1);
    this.#fixed = at < this.#fixed ? this.#fixed - 1 : at;
    this.#b.queue.pushUsed(head, 0);
  }

  batch(amount: number): void {
    const count = amount % (this.#held.length + 1);
    this.#held.splice(0, count);
    this.#fixed = Math.max(0, this.#fixed - count);
    this.#b.queue.pushUsedBatch(count);
  }

  rewind(amount: number): void {
    // A device that gives buffers back keeps awake: it knows that they are there.
    if (this.#deviceSleeps) return;
    const count = Math.min(amount, this.#held.length - this.#fixed);
    this.#b.queue.rewind(count);
    this.#expected.unshift(...this.#held.splice(this.#held.length - count));
  }

  publish(): void {
    const { queue } = this.#b;
    if (queue.publish() && queue.wantsInterrupt()) this.#driverSleeps = false;
  }

  check(): void {
    const { queue, ring } = this.#b;
    must(queue.fault === null, 'a driver that keeps the rules was found to break one');
    must(queue.inFlight === this.#held.length, 'the count of buffers in flight is wrong');
    must(!this.#driverSleeps || !ring.hasUsed, 'the driver sleeps over used buffers');
    must(!this.#deviceSleeps || this.#unkicked || queue.available(1) === 0, 'the device sleeps over work');
    must(queue.available(99) <= this.#expected.length, 'more buffers are available than were offered');
  }

  /** Everything goes home, by the rules: nobody looks who was not woken. */
  finish(): void {
    this.kick();
    for (let i = 0; i < 40; i++) {
      this.take(99);
      while (this.#held.length > 0) this.push(0);
      this.publish();
      this.poll(99);
      this.check();
    }
    expect(this.returned).toBe(this.sent);
  }
}

const kinds = ['offer', 'offer', 'offer', 'kick', 'poll', 'take', 'take', 'push', 'push', 'publish', 'publish'];
const rare = ['quiet', 'busy', 'batch', 'rewind'];
const step = fc.tuple(fc.constantFrom(...kinds, ...rare), fc.nat(7));

describe.each(LAYOUTS)('model of both sides, %s', (layout) => {
  const sizes = layout === 'split' ? fc.constantFrom(1, 2, 4, 8, 16) : fc.integer({ min: 1, max: 16 });

  it('RSVD-05, SPLIT-USUP-05, PACK-RING-01: each buffer goes round once, in order, and no sleeper is forgotten', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.boolean(),
        fc.boolean(),
        fc.array(step, { maxLength: 300, size: 'max' }),
        (size, eventIdx, inOrder, steps) => {
          const parties = new Parties(layout, size, { eventIdx, inOrder });
          for (const each of steps) parties.step(each);
          parties.finish();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('so it stays for many laps of the 16-bit positions', () => {
    const parties = new Parties(layout, 4, { eventIdx: true });
    let good = true;
    for (let i = 0; i < 70_000; i++) {
      const before = parties.returned;
      parties.offer(i & 1);
      parties.kick();
      parties.take(9);
      parties.push(0);
      parties.publish();
      parties.poll(9);
      good &&= parties.returned === before + 1 && parties.driverIdle;
    }
    expect(good).toBe(true);
    parties.check();
  });
});
