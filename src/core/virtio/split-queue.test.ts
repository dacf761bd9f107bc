import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayMemory } from '../testing/array-memory.ts';
import { F_INDIRECT, F_NEXT, F_WRITE, FakeRing, type Segment } from '../testing/fake-ring.ts';
import { GuestHeap, Random } from '../testing/guest-heap.ts';
import { DescriptorChain } from './descriptor-chain.ts';
import { POP } from './queue.ts';
import { SplitQueue } from './split-queue.ts';

const SIZE = 8;

let memory: ArrayMemory;
let heap: GuestHeap;
let ring: FakeRing;
let queue: SplitQueue;
let chain: DescriptorChain;

beforeEach(() => setUp());

function setUp(size = SIZE, maximum = 64): void {
  memory = new ArrayMemory(0x1_0000);
  const random = new Random(7);
  heap = new GuestHeap(memory, random, 0x100);
  ring = new FakeRing(memory, heap, random, size);
  queue = new SplitQueue(memory, maximum);
  queue.indirect = true;
  chain = new DescriptorChain(maximum);
  expect(queue.setSize(size)).toBe(true);
  expect(queue.enable({ desc: ring.desc, driver: ring.avail, device: ring.used })).toBeNull();
}

const segment = (length: number, write: boolean): Segment => ({ addr: heap.allocate(length), length, write });

describe('SplitQueue', () => {
  it('SPLIT-GEN-01: sizes are powers of two up to the maximum', () => {
    const sizes = [0, 1, 2, 3, 6, 32, 63, 64, 128, 65_536, -8, 1.5];
    expect(sizes.filter((size) => queue.setSize(size))).toEqual([1, 2, 32, 64]);
  });

  it.each([
    ['descriptor table', 8, 0, 0],
    ['available ring', 0, 1, 0],
    ['used ring', 0, 0, 2],
  ])('SPLIT-GEN-01: a misaligned %s is refused', (_name, desc, driver, device) => {
    const fresh = new SplitQueue(memory, SIZE);
    const fault = fresh.enable({ desc: 0x1000 + desc, driver: 0x2000 + driver, device: 0x3000 + device });
    expect(fault?.code).toBe('ring-misaligned');
    expect(fresh.enabled).toBe(false);
  });

  it('a ring area must lie in guest RAM to its last byte', () => {
    const end = memory.size;
    const fresh = new SplitQueue(memory, SIZE);
    const good = { desc: 0x1000, driver: 0x2000, device: 0x3000 };
    expect(fresh.enable({ ...good, desc: end - 16 * SIZE + 16 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, driver: end - 2 * SIZE - 4 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, device: end - 8 * SIZE - 4 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, desc: 2 ** 63 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, desc: end - 16 * SIZE })).toBeNull();
  });

  it('takes buffers in the order they were made available, over many laps', () => {
    let good = 0;
    for (let lap = 0; lap < 70_000; lap++) {
      const head = ring.add([{ addr: 0x8000, length: lap % 100, write: false }]);
      const found = queue.pop(chain);
      const popped = found === POP.CHAIN && chain.head === head && chain.readable === lap % 100;
      queue.pushUsed(chain.head, lap);
      queue.publish();
      const used = ring.poll();
      if (popped && used?.head === head && used.length === lap) good++; // `expect` per lap would take seconds
    }
    expect(good).toBe(70_000);
    expect(queue.availIdx).toBe(70_000 & 0xffff);
    expect(queue.usedIdx).toBe(70_000 & 0xffff);
  });

  it('SPLIT-DESC-04: neither descriptors nor the available ring are modified', () => {
    const before = (): Uint8Array => memory.bytes.slice(ring.desc, ring.avail + 6 + 2 * SIZE);
    ring.add([segment(10, false), segment(20, true)], 'indirect');
    const written = before();
    queue.pop(chain);
    chain.write(memory, 0, new Uint8Array(20), 0, 20);
    queue.pushUsed(chain.head, 20);
    queue.publish();
    expect(before()).toEqual(written);
  });

  it('SPLIT-USED-01: entries are shown by publish, all at once', () => {
    const heads = [0, 1, 2].map(() => ring.add([segment(4, true)]));
    for (const length of [3, 2, 1]) {
      queue.pop(chain);
      queue.pushUsed(chain.head, length);
      expect(ring.shownUsedIdx).toBe(0);
    }
    expect(queue.publish()).toBe(true);
    expect(ring.shownUsedIdx).toBe(3);
    expect([ring.poll(), ring.poll(), ring.poll()].map((used) => used?.head)).toEqual(heads);
    expect(queue.publish()).toBe(false);
  });

  it('SPLIT-USUP-02, SPLIT-USUP-03: the available flags decide about interrupts', () => {
    expect(queue.wantsInterrupt()).toBe(true);
    ring.suppressInterrupts(true);
    expect(queue.wantsInterrupt()).toBe(false);
  });

  it('SPLIT-USUP-01: used_event is disregarded', () => {
    memory.writeU16(ring.avail + 4 + 2 * SIZE, 0xffff);
    expect(queue.wantsInterrupt()).toBe(true);
  });

  it('SPLIT-ASUP-01, SPLIT-ASUP-02: the used flags are 0 or 1, whatever was there', () => {
    memory.writeU16(ring.used, 0xffff);
    queue.setNotify(true);
    expect(ring.usedFlags).toBe(0);
    queue.setNotify(false);
    expect(ring.usedFlags).toBe(1);
  });
});

describe('SplitQueue with indirect descriptors', () => {
  it('SPLIT-IND-02: ordinary descriptors may precede one indirect descriptor', () => {
    const segments = [segment(3, false), segment(4, false), segment(5, false), segment(6, true), segment(7, true)];
    for (const direct of [0, 1, 2, 3, 4, 5]) {
      expect(ring.add(segments, { direct })).toBeGreaterThanOrEqual(0);
      expect(queue.pop(chain)).toBe(POP.CHAIN);
      expect([chain.readable, chain.writable, chain.count]).toEqual([12, 13, 5]);
      queue.pushUsed(chain.head, 0);
      queue.publish();
      ring.poll();
    }
  });

  it('SPLIT-IND-01: WRITE on the descriptor that points at the table means nothing', () => {
    const table = heap.allocate(32, 16);
    ring.writeEntry(table, 0, 0x8000, 5, F_NEXT, 1);
    ring.writeEntry(table, 1, 0x9000, 6, F_WRITE, 0);
    ring.writeDescriptor(2, table, 32, F_INDIRECT | F_WRITE, 0);
    ring.offer(2);
    expect(queue.pop(chain)).toBe(POP.CHAIN);
    expect([chain.readable, chain.writable]).toEqual([5, 6]);
  });

  it('a table may be longer than a small ring', () => {
    setUp(2, 64);
    ring.add(
      Array.from({ length: 40 }, () => segment(1, false)),
      'indirect',
    );
    expect(queue.pop(chain)).toBe(POP.CHAIN);
    expect(chain.readable).toBe(40);
  });
});

describe('SplitQueue state', () => {
  it('restore(save()) goes on where it was', () => {
    for (let i = 0; i < 3; i++) ring.add([segment(4, true)]);
    queue.pop(chain);
    queue.pushUsed(chain.head, 0);
    queue.publish();
    const copy = new SplitQueue(memory, 64);
    expect(copy.restore(structuredClone(queue.save()))).toBeNull();
    expect(copy.save()).toEqual(queue.save());
    const mine = new DescriptorChain(64);
    copy.pop(mine);
    queue.pop(chain);
    expect(mine.head).toBe(chain.head);
  });

  it.each([
    ['size', { size: 3 }],
    ['alignment', { desc: 8 }],
    ['place', { device: 0xfffc }],
  ])('refuses a state with a bad %s', (_name, change) => {
    const good = queue.save();
    const copy = new SplitQueue(memory, 64);
    expect(copy.restore({ ...good, ...change })).not.toBeNull();
    expect(copy.enabled).toBe(false);
  });
});
