import { beforeEach, describe, expect, it } from 'vitest';
import { F_INDIRECT, F_NEXT, F_WRITE } from '../testing/fake-ring.ts';
import type { FakeSplitRing } from '../testing/fake-split-ring.ts';
import { POP } from './queue.ts';
import { type QueueBench, splitBench } from './queue.test-kit.ts';
import { Virtqueue } from './virtqueue.ts';

const SIZE = 8;

let b: QueueBench<FakeSplitRing>;

beforeEach(() => {
  b = splitBench({ size: SIZE });
});

describe('split ring', () => {
  it('SPLIT-GEN-01: sizes are powers of two up to the maximum', () => {
    const sizes = [0, 1, 2, 3, 6, 32, 63, 64, 128, 65_536, -8, 1.5];
    expect(sizes.filter((size) => b.queue.setSize(size))).toEqual([1, 2, 32, 64]);
  });

  it('SPLIT-GEN-01: 32768 is the largest size there is', () => {
    const large = new Virtqueue(b.memory, 65_536);
    expect(large.setSize(32_768)).toBe(true);
    expect(large.setSize(65_536)).toBe(false);
  });

  it.each([
    ['descriptor table', 8, 0, 0],
    ['available ring', 0, 1, 0],
    ['used ring', 0, 0, 2],
  ])('SPLIT-GEN-01: a misaligned %s is refused', (_name, desc, driver, device) => {
    const fresh = new Virtqueue(b.memory, SIZE);
    const fault = fresh.enable({ desc: 0x1000 + desc, driver: 0x2000 + driver, device: 0x3000 + device });
    expect(fault?.code).toBe('ring-misaligned');
    expect(fresh.enabled).toBe(false);
  });

  it('SPLIT-GEN-01: alignment of 16, 2 and 4 bytes suffices', () => {
    expect(new Virtqueue(b.memory, SIZE).enable({ desc: 0x1010, driver: 0x2002, device: 0x3004 })).toBeNull();
  });

  it('a ring area must lie in guest RAM to its last byte', () => {
    const end = b.memory.size;
    const fresh = new Virtqueue(b.memory, SIZE);
    const good = { desc: 0x1000, driver: 0x2000, device: 0x3000 };
    expect(fresh.enable({ ...good, desc: end - 16 * SIZE + 16 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, driver: end - 2 * SIZE - 4 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, device: end - 8 * SIZE - 4 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, desc: 2 ** 63 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, desc: end - 16 * SIZE })).toBeNull();
  });

  it('positions run freely over 16 bits', () => {
    b.turn(70_000);
    expect(b.queue.availIdx).toBe(70_000 & 0xffff);
    expect(b.queue.usedIdx).toBe(70_000 & 0xffff);
    b.offer(2);
    expect(b.queue.shownIdx).toBe(70_002 & 0xffff);
  });

  it('SPLIT-DESC-04: neither descriptors nor the available ring are modified', () => {
    const { ring } = b;
    const parts = (): Uint8Array[] => [
      b.memory.bytes.slice(ring.desc, ring.desc + 16 * SIZE),
      b.memory.bytes.slice(ring.avail, ring.avail + 6 + 2 * SIZE),
    ];
    // Descriptors that no buffer has hold something too.
    b.memory.bytes.fill(0xa5, ring.desc, ring.desc + 16 * SIZE);
    ring.add([b.segment(10, false), b.segment(20, true)], 'indirect');
    ring.add([b.segment(10, false), b.segment(20, true)]);
    const written = parts();
    for (let i = 0; i < 2; i++) {
      b.queue.pop(b.chain);
      b.chain.write(b.memory, 0, new Uint8Array(20), 0, 20);
      b.queue.pushUsed(b.chain.head, 20);
      b.queue.publish();
    }
    expect(parts()).toEqual(written);
  });

  it('SPLIT-USED-01: entries are complete before the index says so, which is at publish', () => {
    const heads = b.offer(3);
    for (const [i, head] of b.take(3).entries()) {
      b.queue.pushUsed(head, 3 - i);
      expect(b.ring.shownUsedIdx).toBe(0);
      expect(b.memory.readU32(b.ring.used + 4 + 8 * i)).toBe(head);
      expect(b.memory.readU32(b.ring.used + 8 + 8 * i)).toBe(3 - i);
    }
    b.queue.publish();
    expect(b.ring.shownUsedIdx).toBe(3);
    expect(b.collect().map((used) => used.head)).toEqual(heads);
  });

  it('SPLIT-INORD-01: a batch is one entry, and the index goes on by its size', () => {
    b = splitBench({ size: SIZE, features: { inOrder: true } });
    const heads = b.offer(3, 4, false);
    b.memory.writeU32(b.ring.used + 12, 0xdead);
    b.take(3);
    b.queue.pushUsedBatch(3);
    b.queue.publish();
    expect(b.ring.shownUsedIdx).toBe(3);
    expect(b.memory.readU32(b.ring.used + 4)).toBe(heads[2]);
    expect(b.memory.readU32(b.ring.used + 12)).toBe(0xdead);
    b.offer(1, 4, false);
    b.serve(1, 0);
    expect(b.collect().map((used) => used.head)).toHaveLength(4);
  });

  it('LEG-02: the legacy queue is one contiguous area with the used ring on the next page', () => {
    // 16 * 64 + 6 + 2 * 64 = 1158 bytes, so the used ring lies 4096 bytes behind the start.
    b = splitBench({ size: 64, legacy: true });
    expect([b.ring.desc % 4096, b.ring.avail - b.ring.desc, b.ring.used - b.ring.desc]).toEqual([0, 1024, 4096]);
    b.turn(200);
    b.offer(1);
    b.serve();
    expect(b.collect()).toHaveLength(1);
  });
});

describe('split ring and indirect descriptors', () => {
  it('SPLIT-IND-02: ordinary descriptors may precede one indirect descriptor', () => {
    const segments = [3, 4, 5].map((length) => b.segment(length, false));
    segments.push(b.segment(6, true), b.segment(7, true));
    for (const direct of [0, 1, 2, 3, 4, 5]) {
      expect(b.ring.add(segments, { direct })).toBeGreaterThanOrEqual(0);
      expect(b.queue.pop(b.chain)).toBe(POP.CHAIN);
      expect([b.chain.readable, b.chain.writable, b.chain.count]).toEqual([12, 13, 5]);
      b.queue.pushUsed(b.chain.head, 0);
      b.queue.publish();
      b.ring.poll();
    }
  });

  it('SPLIT-IND-01: WRITE on the descriptor that points at the table means nothing', () => {
    const table = b.heap.allocate(32, 16);
    b.ring.writeEntry(table, 0, 0x8000, 5, F_NEXT, 1);
    b.ring.writeEntry(table, 1, 0x9000, 6, F_WRITE, 0);
    b.ring.writeDescriptor(2, table, 32, F_INDIRECT | F_WRITE, 0);
    b.ring.offer(2);
    expect(b.queue.pop(b.chain)).toBe(POP.CHAIN);
    expect([b.chain.readable, b.chain.writable]).toEqual([5, 6]);
  });

  it('a table may be longer than a small ring', () => {
    b = splitBench({ size: 2, maximumSize: 64 });
    b.ring.add(
      Array.from({ length: 40 }, () => b.segment(1, false)),
      'indirect',
    );
    expect(b.queue.pop(b.chain)).toBe(POP.CHAIN);
    expect(b.chain.readable).toBe(40);
  });
});
