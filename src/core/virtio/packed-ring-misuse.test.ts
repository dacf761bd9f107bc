import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { F_AVAIL, F_USED, type FakePackedRing } from '../testing/fake-packed-ring.ts';
import { F_INDIRECT, F_NEXT, F_WRITE } from '../testing/fake-ring.ts';
import { POP } from './queue.ts';
import { packedBench, PLAIN, type QueueBench, VastMemory } from './queue.test-kit.ts';
import { Virtqueue } from './virtqueue.ts';

const SIZE = 6;

let b: QueueBench<FakePackedRing>;
let ring: FakePackedRing;

function setUp(options: Parameters<typeof packedBench>[0] = {}): void {
  b = packedBench({ size: SIZE, ...options });
  ring = b.ring;
}

beforeEach(() => setUp());

describe('packed ring and misuse: each has its guest error and stops the queue', () => {
  it('list-incomplete: a list that goes on all around the ring', () => {
    for (let slot = 0; slot < SIZE; slot++) ring.writeDescriptor(slot, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    expect(b.queue.available(9)).toBe(0);
    b.expectFault('list-incomplete');
    setUp();
    b.turn(1);
    for (let slot = 1; slot < SIZE; slot++) ring.writeDescriptor(slot, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT | F_USED, 1);
    b.expectFault('list-incomplete');
  });

  it('ring-overrun: a slot that is still in flight', () => {
    b.offer(SIZE);
    const heads = b.take(SIZE);
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
    for (let slot = 0; slot < SIZE; slot++) ring.offer(slot);
    expect(b.queue.available(9)).toBe(1);
    b.expectFault('ring-overrun');
    b.queue.pushUsed(heads[0] ?? 0, 0);
  });

  it('ring-overrun: a slot whose buffer is pushed but not shown', () => {
    b.offer(SIZE);
    for (const head of b.take(SIZE)) b.queue.pushUsed(head, 0);
    ring.offer(0);
    b.expectFault('ring-overrun');
  });

  it('ring-overrun: a list that runs into what is in flight', () => {
    b.offer(SIZE - 2);
    b.take(SIZE - 2);
    ring.writeDescriptor(SIZE - 2, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    ring.writeDescriptor(SIZE - 1, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 1, F_USED, 1);
    b.expectFault('ring-overrun');
  });

  it('list-incomplete: the first descriptor of a list was exposed before the rest', () => {
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    b.expectFault('list-incomplete');
  });

  it('list-incomplete: behind the end of the ring the other lap counts', () => {
    b.turn(SIZE - 1);
    ring.writeDescriptor(SIZE - 1, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 1, F_AVAIL, 1);
    b.expectFault('list-incomplete');
    setUp();
    b.turn(SIZE - 1);
    ring.writeDescriptor(SIZE - 1, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 1, F_USED, 1);
    b.take(1);
  });

  it('indirect-not-negotiated', () => {
    setUp({ features: { indirect: false } });
    b.offer(1, 4, false, 'indirect');
    b.expectFault('indirect-not-negotiated');
  });

  it('indirect-in-list: linked to another descriptor', () => {
    ring.writeDescriptor(1, 0x8000, 1, F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 16, F_INDIRECT | F_NEXT | F_AVAIL, 1);
    b.expectFault('indirect-in-list');
  });

  it('indirect-in-list: at the end of a list', () => {
    ring.writeDescriptor(1, 0x8000, 16, F_INDIRECT | F_AVAIL, 1);
    ring.writeDescriptor(0, 0x8000, 1, F_NEXT | F_AVAIL, 1);
    b.expectFault('indirect-in-list');
  });

  it.each([0, 15, 17, 0xffff_ffff])('indirect-bad-length: %i bytes', (length) => {
    ring.writeDescriptor(0, 0x8000, length, F_INDIRECT | F_AVAIL, 0);
    b.expectFault('indirect-bad-length');
  });

  it('readable-after-writable, in the ring and in a table', () => {
    const segments = [b.segment(4, true), b.segment(4, false)];
    ring.add(segments);
    b.expectFault('readable-after-writable');
    setUp();
    ring.add(segments, 'indirect');
    b.expectFault('readable-after-writable');
  });

  it.each([
    [0x1_0000, 1],
    [0xffff, 2],
    [0xffff_ffff_ffff_0000, 16],
    [0, 0xffff_ffff],
  ])('address-outside-ram: %i, %i bytes', (addr, length) => {
    ring.writeDescriptor(0, addr, length, F_AVAIL, 0);
    b.expectFault('address-outside-ram');
  });

  it('address-outside-ram: a table, and an entry of one', () => {
    ring.writeDescriptor(0, 0xfff0, 32, F_INDIRECT | F_AVAIL, 0);
    b.expectFault('address-outside-ram');
    setUp();
    const table = b.heap.allocate(16, 16);
    ring.writeEntry(table, 0, 0xffff, 2, F_WRITE, 0);
    ring.writeDescriptor(0, table, 16, F_INDIRECT | F_AVAIL, 0);
    b.expectFault('address-outside-ram');
  });

  it('PACK-SG-02: chain-over-limit caps what indirect tables can add up to', () => {
    setUp({ maximumSize: 8 });
    ring.add(
      Array.from({ length: 9 }, () => b.segment(1, false)),
      'indirect',
    );
    b.expectFault('chain-over-limit');
  });

  it('chain-too-long: more than 2^32 bytes', () => {
    const queue = new Virtqueue(new VastMemory(b.memory), 8);
    queue.configure({ ...PLAIN, packed: true });
    queue.enable({ desc: ring.desc, driver: ring.driver, device: ring.device });
    ring.writeDescriptor(0, 0, 0xffff_ffff, F_NEXT | F_AVAIL, 0);
    ring.writeDescriptor(1, 0, 1, F_NEXT | F_AVAIL, 0);
    ring.writeDescriptor(2, 0, 1, F_AVAIL, 0);
    expect(queue.pop(b.chain)).toBe(POP.BROKEN);
    expect(queue.fault?.code).toBe('chain-too-long');
  });

  it('no bytes in the ring make it throw, loop or overrun', () => {
    const words = fc.array(fc.nat(0xffff_ffff), { minLength: 4 * SIZE, maxLength: 4 * SIZE });
    const plausible = fc.array(fc.tuple(fc.nat(0x1_0010), fc.nat(0x40), fc.nat(7), fc.nat(9)), {
      minLength: SIZE,
      maxLength: SIZE,
    });
    const laps = fc.nat(2 * SIZE);
    fc.assert(
      fc.property(words, fc.option(plausible), laps, fc.array(fc.boolean()), (garbage, entries, lap, push) => {
        setUp();
        const { memory, queue, chain } = b;
        b.turn(lap);
        garbage.forEach((word, i) => memory.writeU32(ring.desc + 4 * i, word));
        // Addresses, lengths and flags that get further than noise does.
        entries?.forEach(([addr, length, flags, id], slot) => {
          ring.writeDescriptor(slot, addr, length, flags | (slot >= lap % SIZE ? ring.lap : ring.lap ^ 0x8080), id);
        });
        let pops = 0;
        for (let i = 0; queue.pop(chain) === POP.CHAIN; i++) {
          expect(++pops).toBeLessThanOrEqual(SIZE);
          expect(chain.count).toBeLessThanOrEqual(chain.capacity);
          chain.read(memory, 0, new Uint8Array(chain.readable), 0, chain.readable);
          if (push[i]) queue.pushUsed(chain.head, 1);
        }
        queue.publish();
      }),
      { numRuns: 500 },
    );
  });

  it('reset mends it', () => {
    ring.writeDescriptor(0, 0x8000, 0, F_INDIRECT | F_AVAIL, 0);
    b.expectFault('indirect-bad-length');
    b.queue.reset();
    expect(b.queue.fault).toBeNull();
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
  });
});
