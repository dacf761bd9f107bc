import { beforeEach, describe, expect, it } from 'vitest';
import { F_AVAIL, F_USED, type FakePackedRing } from '../testing/fake-packed-ring.ts';
import { F_INDIRECT, F_NEXT, F_WRITE, type Segment } from '../testing/fake-ring.ts';
import { POP } from './queue.ts';
import { packedBench, PLAIN, type QueueBench } from './queue.test-kit.ts';
import { Virtqueue } from './virtqueue.ts';

const SIZE = 8;
const WRAP = 0x8000;

let b: QueueBench<FakePackedRing>;

beforeEach(() => {
  b = packedBench({ size: SIZE });
});

/** A buffer of so many descriptors. */
const list = (length: number): Segment[] => Array.from({ length }, (_, i) => b.segment(i + 1, true));

describe('packed ring', () => {
  it('PACK-SIZE-01: any size up to the maximum, not only powers of two', () => {
    const sizes = [0, 1, 2, 3, 7, 63, 64, 65, 32_768, -8, 1.5];
    expect(sizes.filter((size) => b.queue.setSize(size))).toEqual([1, 2, 3, 7, 63, 64]);
    const large = new Virtqueue(b.memory, 65_536);
    large.configure({ ...PLAIN, packed: true });
    expect([32_767, 32_768, 32_769].map((size) => large.setSize(size))).toEqual([true, true, false]);
  });

  it.each([1, 2, 3, 5, 7, 8])('PACK-SIZE-01: a ring of %i goes round and round', (size) => {
    b = packedBench({ size });
    b.turn(5 * size + 1);
    b.offer(size);
    expect(b.ring.freeDescriptors).toBe(0);
    b.serve(size);
    expect(b.collect()).toHaveLength(size);
  });

  it.each([
    ['ring', 8, 0, 0],
    ['driver area', 0, 2, 0],
    ['device area', 0, 0, 2],
  ])('PACK-SIZE-01: a misaligned %s is refused', (_name, desc, driver, device) => {
    const fresh = new Virtqueue(b.memory, SIZE);
    fresh.configure({ ...PLAIN, packed: true });
    const areas = { desc: 0x1010, driver: 0x2004, device: 0x3004 };
    expect(fresh.enable({ desc: 0x1010 + desc, driver: 0x2004 + driver, device: 0x3004 + device })?.code).toBe(
      'ring-misaligned',
    );
    expect(fresh.enabled).toBe(false);
    expect(fresh.enable(areas)).toBeNull();
  });

  it('a slot in flight is not shown as available, whatever the driver writes there', () => {
    b = packedBench({ size: 2 });
    b.offer(2);
    b.take(1);
    expect(b.queue.shownIdx).toBe(0);
    // Available again, in the lap that follows.
    b.memory.writeU16(b.ring.desc + 14, F_USED);
    expect(b.queue.shownIdx).toBe(0);
  });

  it('a ring area must lie in guest RAM to its last byte', () => {
    const end = b.memory.size;
    const fresh = new Virtqueue(b.memory, SIZE);
    fresh.configure({ ...PLAIN, packed: true });
    const good = { desc: 0x1000, driver: 0x2000, device: 0x3000 };
    expect(fresh.enable({ ...good, desc: end - 16 * SIZE + 16 })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, driver: end })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ ...good, device: end })?.code).toBe('ring-outside-ram');
    expect(fresh.enable({ desc: end - 16 * SIZE, driver: end - 4, device: end - 4 })).toBeNull();
  });

  it('PACK-WRAP-01: both counters start at 1 and invert behind the last slot', () => {
    expect([b.queue.availIdx, b.queue.usedIdx, b.queue.shownIdx]).toEqual([WRAP, WRAP, WRAP]);
    b.turn(SIZE - 1);
    b.offer(2);
    expect(b.queue.shownIdx).toBe(1);
    b.take(1);
    expect(b.queue.availIdx).toBe(0);
    b.take(1);
    expect(b.queue.availIdx).toBe(1);
    expect(b.queue.usedIdx).toBe(WRAP | (SIZE - 1));
  });

  it('PACK-WRAP-01: used descriptors carry the lap of the device in both flags', () => {
    for (const lap of [F_AVAIL | F_USED, 0, F_AVAIL | F_USED]) {
      b.turn(SIZE);
      for (let slot = 0; slot < SIZE; slot++) expect(b.ring.flagsAt(slot) & (F_AVAIL | F_USED)).toBe(lap);
    }
  });

  it('PACK-DESC-03: nothing is taken before its AVAIL flag flips, in either lap', () => {
    const { ring } = b;
    for (const [lap, others] of [
      [F_AVAIL, [0, F_USED, F_AVAIL | F_USED]],
      [F_USED, [0, F_AVAIL, F_AVAIL | F_USED]],
    ] as const) {
      for (const flags of others) {
        ring.writeDescriptor(0, 0x8000, 4, flags, 1);
        expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
        expect(b.queue.available(1)).toBe(0);
      }
      ring.writeDescriptor(0, 0x8000, 4, lap, 1);
      expect(b.queue.available(1)).toBe(1);
      b.serve();
      for (let slot = 1; slot < SIZE; slot++) {
        ring.writeDescriptor(slot, 0x8000, 4, lap, slot);
        b.serve();
      }
    }
  });

  it('PACK-RING-01: lists are taken in ring order', () => {
    const heads = [2, 1, 3].map((length) => b.ring.add(list(length)));
    expect(b.take(3)).toEqual(heads);
  });

  it('PACK-RING-02: used descriptors come in the order of completion', () => {
    const heads = b.offer(3);
    b.take(3);
    for (const i of [1, 2, 0]) b.queue.pushUsed(heads[i] ?? 0, i + 1);
    b.queue.publish();
    expect(b.collect()).toEqual([1, 2, 0].map((i) => ({ head: heads[i], length: i + 1 })));
  });

  it('PACK-SG-01: the elements of a list are used in the order offered', () => {
    const bytes = Uint8Array.from({ length: 30 }, (_, i) => i);
    const segments = [3, 9, 18].map((length) => b.segment(length, false));
    let at = 0;
    for (const { addr, length } of segments) {
      b.memory.write(addr, bytes, at, length);
      at += length;
    }
    b.turn(SIZE - 2); // so that the list goes over the end of the ring
    b.ring.add(segments);
    b.take(1);
    const read = new Uint8Array(30);
    expect(b.chain.read(b.memory, 0, read, 0, 30)).toBe(30);
    expect(read).toEqual(bytes);
  });

  it('PACK-DESC-01: readable elements are not written', () => {
    const [readable, writable] = [b.segment(8, false), b.segment(8, true)];
    b.ring.add([readable, writable]);
    b.take(1);
    b.chain.write(b.memory, 0, new Uint8Array(16).fill(0xff), 0, 16);
    expect(b.memory.bytes.slice(readable.addr, readable.addr + 8)).toEqual(new Uint8Array(8));
    expect(b.memory.bytes.slice(writable.addr, writable.addr + 8)).toEqual(new Uint8Array(8).fill(0xff));
  });

  it('PACK-DESC-02: writable elements are not read', () => {
    const [readable, writable] = [b.segment(2, false), b.segment(8, true)];
    b.memory.write(writable.addr, new Uint8Array(8).fill(0xee), 0, 8);
    b.ring.add([readable, writable]);
    b.take(1);
    const into = new Uint8Array(10);
    expect(b.chain.read(b.memory, 0, into, 0, 10)).toBe(2);
    expect(into).toEqual(new Uint8Array(10));
  });

  it('PACK-DESC-04: what was shown as used is not touched again', () => {
    b.offer(3);
    const [first = 0, second = 0, third = 0] = b.take(3);
    b.queue.pushUsed(first, 1);
    b.queue.publish();
    const shown = b.memory.bytes.slice(b.ring.desc, b.ring.desc + 16);
    b.queue.pushUsed(second, 2);
    b.queue.pushUsed(third, 3);
    b.queue.publish();
    b.queue.wantsInterrupt();
    b.queue.setNotify(false);
    expect(b.memory.bytes.slice(b.ring.desc, b.ring.desc + 16)).toEqual(shown);
  });

  it('PACK-USED-01: one used descriptor per list, with the last id, and the next one behind the list', () => {
    const heads = [3, 2].map((length) => b.ring.add(list(length)));
    const before = [1, 2].map((slot) => b.memory.bytes.slice(b.ring.desc + 16 * slot, b.ring.desc + 16 * slot + 16));
    for (const head of b.take(2)) {
      b.queue.pushUsed(head, 5);
      b.queue.publish();
    }
    expect([0, 3].map((slot) => b.memory.readU16(b.ring.desc + 16 * slot + 12))).toEqual(heads);
    const after = [1, 2].map((slot) => b.memory.bytes.slice(b.ring.desc + 16 * slot, b.ring.desc + 16 * slot + 16));
    expect(after).toEqual(before);
    expect(b.queue.usedIdx).toBe(WRAP | 5);
  });

  it('PACK-USED-02: WRITE says whether anything was written', () => {
    b.ring.add(list(2));
    b.ring.add([b.segment(4, false)]);
    const [first = 0, second = 0] = b.take(2);
    b.queue.pushUsed(first, 3);
    b.queue.pushUsed(second, 0);
    b.queue.publish();
    expect(b.ring.flagsAt(0) & F_WRITE).toBe(F_WRITE);
    expect(b.memory.readU32(b.ring.desc + 8)).toBe(3);
    expect(b.ring.flagsAt(2) & F_WRITE).toBe(0);
  });

  it('PACK-USED-02: flags of the driver, NEXT and INDIRECT, do not stay in the used descriptor', () => {
    b.ring.add(list(2));
    b.ring.add(list(2), 'indirect');
    b.serve(2, 1);
    expect([b.ring.flagsAt(0), b.ring.flagsAt(2)]).toEqual(Array(2).fill(F_AVAIL | F_USED | F_WRITE));
  });

  it('PACK-MULTI-01: of several buffers, the first becomes visible last', () => {
    const heads = b.offer(3);
    const [first = 0, ...rest] = b.take(3);
    const used = F_AVAIL | F_USED;
    b.queue.pushUsed(first, 10);
    expect(b.ring.flagsAt(0) & used).toBe(F_AVAIL);
    rest.forEach((head, i) => {
      b.queue.pushUsed(head, 20);
      expect(b.ring.flagsAt(i + 1) & used).toBe(used);
      expect(b.ring.flagsAt(0) & used).toBe(F_AVAIL);
    });
    expect(b.ring.poll()).toBeNull();
    b.queue.publish();
    expect(b.collect().map(({ head }) => head)).toEqual(heads);
  });

  it('PACK-INORD-01: a batch is one used descriptor that names the last buffer', () => {
    b = packedBench({ size: SIZE, features: { inOrder: true } });
    const heads = [2, 3, 1].map((length) => b.ring.add(Array.from({ length }, () => b.segment(4, false))));
    b.take(3);
    const flags = [2, 5].map((slot) => b.ring.flagsAt(slot));
    b.queue.pushUsedBatch(3);
    b.queue.publish();
    expect(b.memory.readU16(b.ring.desc + 12)).toBe(heads[2]);
    expect([2, 5].map((slot) => b.ring.flagsAt(slot))).toEqual(flags);
    expect(b.queue.usedIdx).toBe(WRAP | 6);
    expect(b.collect().map(({ head }) => head)).toEqual(heads);
  });
});

describe('packed ring and indirect descriptors', () => {
  it('PACK-IND-01: of table entries nothing but WRITE and their place counts', () => {
    const table = b.heap.allocate(64, 16);
    const noise = F_NEXT | F_INDIRECT | F_AVAIL | F_USED;
    b.ring.writeEntry(table, 0, 0x8000, 5, noise, 0x1234);
    b.ring.writeEntry(table, 1, 0x8100, 6, 0, 0xffff);
    b.ring.writeEntry(table, 2, 0x8200, 7, noise | F_WRITE, 7);
    b.ring.writeEntry(table, 3, 0x8300, 8, F_WRITE, 7);
    b.ring.writeDescriptor(0, table, 64, F_INDIRECT | F_AVAIL, 77);
    expect(b.take(1)).toEqual([77]);
    expect([b.chain.readable, b.chain.writable, b.chain.count]).toEqual([11, 15, 4]);
  });

  it('PACK-IND-01: WRITE on the descriptor that points at the table means nothing', () => {
    const table = b.heap.allocate(16, 16);
    b.ring.writeEntry(table, 0, 0x8000, 5, 0, 0);
    b.ring.writeDescriptor(0, table, 16, F_INDIRECT | F_WRITE | F_AVAIL, 1);
    b.take(1);
    expect([b.chain.readable, b.chain.writable]).toEqual([5, 0]);
  });

  it('a list of any length takes one slot, and a table may be longer than a small ring', () => {
    b = packedBench({ size: 2, maximumSize: 64 });
    b.ring.add(
      Array.from({ length: 40 }, () => b.segment(1, false)),
      'indirect',
    );
    b.offer(1);
    b.take(2);
    expect(b.queue.availIdx).toBe(0);
  });
});
