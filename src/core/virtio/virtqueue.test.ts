import { describe, expect, it } from 'vitest';
import { POP, type QueueFeatures } from './queue.ts';
import { LAYOUTS, PLAIN, queueBench } from './queue.test-kit.ts';
import { Virtqueue } from './virtqueue.ts';

const SIZE = 8;

describe.each(LAYOUTS)('virtqueue, %s', (layout) => {
  const bench = (features: Partial<QueueFeatures> = {}, size = SIZE) => queueBench(layout, { size, features });

  it('takes buffers in the order they were made available, over many laps', () => {
    const b = bench();
    let good = 0;
    for (let lap = 0; lap < 70_000; lap++) {
      const head = b.ring.add([{ addr: 0x8000, length: lap % 100, write: true }]);
      const found = b.queue.pop(b.chain);
      const popped = found === POP.CHAIN && b.chain.head === head && b.chain.writable === lap % 100;
      b.queue.pushUsed(b.chain.head, lap);
      b.queue.publish();
      const used = b.ring.poll();
      if (popped && used?.head === head && used.length === lap) good++; // `expect` per lap would take seconds
    }
    expect(good).toBe(70_000);
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
  });

  it('counts what is available over the end of the ring', () => {
    const b = bench();
    b.turn(SIZE - 1);
    b.offer(3);
    expect([b.queue.available(2), b.queue.available(9)]).toEqual([2, 3]);
  });

  it('SPLIT-USED-02: what is reported as written is there, from the first writable byte on', () => {
    const b = bench();
    const segments = [b.segment(5, false), b.segment(3, true), b.segment(9, true)];
    b.ring.add(segments);
    b.take(1);
    b.chain.write(b.memory, 0, Uint8Array.from([1, 2, 3, 4, 5]), 0, 5);
    b.queue.pushUsed(b.chain.head, 5);
    b.queue.publish();
    expect(b.ring.poll()?.length).toBe(5);
    const bytes = segments.slice(1).flatMap(({ addr, length }) => [...b.memory.bytes.slice(addr, addr + length)]);
    expect(bytes.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
  });

  it('SPLIT-FRAME-01: a request is the same however it is cut, without ANY_LAYOUT being asked', () => {
    const b = bench();
    for (const cut of ['direct', 'indirect'] as const) {
      for (const lengths of [[12], [1, 11], [4, 4, 4]]) {
        b.ring.add(
          lengths.map((length) => b.segment(length, false)),
          cut,
        );
        b.take(1);
        expect([b.chain.readable, b.chain.writable]).toEqual([12, 0]);
        b.queue.pushUsed(b.chain.head, 0);
        b.queue.publish();
        b.collect();
      }
    }
  });

  it('a batch is shown at once, by publish', () => {
    const b = bench();
    const heads = b.offer(3);
    for (const head of b.take(3)) b.queue.pushUsed(head, 1);
    expect(b.ring.poll()).toBeNull();
    expect(b.queue.publish()).toBe(true);
    expect(b.collect().map(({ head }) => head)).toEqual(heads);
    expect(b.queue.publish()).toBe(false);
  });

  it('counts what is ready and what is in flight', () => {
    const b = bench();
    expect([b.queue.available(9), b.queue.inFlight]).toEqual([0, 0]);
    b.offer(5);
    expect([b.queue.available(9), b.queue.available(5), b.queue.available(2)]).toEqual([5, 5, 2]);
    const heads = b.take(3);
    expect([b.queue.available(9), b.queue.inFlight]).toEqual([2, 3]);
    b.queue.pushUsed(heads[1] ?? 0, 0);
    expect(b.queue.inFlight).toBe(2);
  });

  it('one that is not enabled has nothing, says nothing and writes nothing', () => {
    const b = bench();
    const queue = new Virtqueue(b.memory, SIZE);
    const before = b.memory.bytes.slice();
    expect(queue.configure({ ...PLAIN, packed: layout === 'packed' })).toBeNull();
    expect(queue.pop(b.chain)).toBe(POP.EMPTY);
    expect([queue.publish(), queue.wantsInterrupt(), queue.setNotify(true), queue.setNotify(false)]).not.toContain(
      true,
    );
    expect([queue.available(1), queue.availIdx, queue.usedIdx, queue.shownIdx]).toEqual([0, 0, 0, 0]);
    expect(queue.takeWarning()).toBeNull();
    expect(Buffer.compare(b.memory.bytes, before)).toBe(0);
  });

  describe('rewind', () => {
    it('gives the newest back: they are taken again, in order', () => {
      const b = bench();
      b.ring.add([b.segment(1, true), b.segment(2, true)]);
      b.offer(4);
      const heads = b.take(5);
      b.queue.rewind(3);
      expect([b.queue.inFlight, b.queue.available(9)]).toEqual([2, 3]);
      expect(b.take(3)).toEqual(heads.slice(2));
      b.queue.rewind(5);
      expect(b.take(5)).toEqual(heads);
      b.queue.rewind(0);
      expect(b.queue.inFlight).toBe(5);
    });

    it('goes back over the end of the ring', () => {
      const b = bench();
      b.turn(SIZE - 2);
      b.offer(5);
      const position = b.queue.availIdx;
      const heads = b.take(5);
      b.queue.rewind(5);
      expect(b.queue.availIdx).toBe(position);
      expect(b.take(5)).toEqual(heads);
      for (const head of heads) b.queue.pushUsed(head, 1);
      b.queue.publish();
      expect(b.collect().map(({ head }) => head)).toEqual(heads);
    });

    it('is possible after older ones were pushed, not after newer ones were', () => {
      const b = bench();
      b.offer(6);
      const [a = 0, c = 0, d = 0, e = 0] = b.take(4);
      b.queue.pushUsed(a, 0);
      expect(() => b.queue.rewind(4)).toThrow(RangeError);
      b.queue.pushUsed(d, 0);
      expect(() => b.queue.rewind(2)).toThrow(RangeError);
      b.queue.rewind(1);
      expect(b.take(1)).toEqual([e]);
      b.queue.pushUsed(c, 0);
      b.queue.rewind(1);
      expect(b.take(1)).toEqual([e]);
    });

    it('is not possible for what is older than the newest that was pushed, whatever else was pushed', () => {
      for (const [first, second] of [
        [3, 1],
        [2, 3],
      ] as const) {
        const b = bench();
        b.offer(5);
        const heads = b.take(5);
        b.queue.pushUsed(heads[first] ?? -1, 0);
        b.queue.pushUsed(heads[second] ?? -1, 0);
        expect(() => b.queue.rewind(2)).toThrow(RangeError);
        b.queue.rewind(1);
        expect(b.take(1)).toEqual([heads[4]]);
      }
    });

    it('of nothing is possible at any time', () => {
      const b = bench();
      b.queue.reset();
      b.queue.rewind(0);
      expect(b.queue.inFlight).toBe(0);
    });
  });

  describe('pushUsed', () => {
    it('in any order, without IN_ORDER', () => {
      const b = bench();
      b.ring.add([b.segment(1, true), b.segment(2, true)]);
      b.offer(3);
      const heads = b.take(4);
      for (const i of [2, 0, 3, 1]) b.queue.pushUsed(heads[i] ?? 0, i + 1);
      b.queue.publish();
      expect(b.collect()).toEqual([2, 0, 3, 1].map((i) => ({ head: heads[i], length: i + 1 })));
      b.turn(3 * SIZE);
    });

    it('of what is not in flight is the device’s bug', () => {
      const b = bench();
      const [head = 0] = b.offer(2);
      expect(() => b.queue.pushUsed(head, 0)).toThrow(RangeError);
      b.take(2);
      b.queue.pushUsed(head, 0);
      expect(() => b.queue.pushUsed(head, 0)).toThrow(RangeError);
      b.queue.reset();
      expect(() => b.queue.pushUsed(head, 0)).toThrow(RangeError);
    });

    it('the same name twice, by a hostile driver, is two buffers', () => {
      const b = bench({ inOrder: true });
      for (const slot of layout === 'split' ? [3, 3] : [0, 1]) {
        b.ring.writeDescriptor(slot, 0x8000, 4, 2, 3);
        b.ring.offer(slot);
      }
      expect(b.take(2)).toEqual([3, 3]);
      b.queue.pushUsed(3, 1);
      b.queue.pushUsed(3, 1);
      expect([b.queue.publish(), b.queue.inFlight]).toEqual([true, 0]);
    });

    it('RSVD-05: with IN_ORDER, in order or not at all', () => {
      const b = bench({ inOrder: true });
      const heads = b.offer(3);
      b.take(3);
      expect(() => b.queue.pushUsed(heads[1] ?? 0, 0)).toThrow(RangeError);
      for (const head of heads) b.queue.pushUsed(head, 2);
      b.queue.publish();
      expect(b.collect()).toEqual(heads.map((head) => ({ head, length: 2 })));
    });
  });

  describe('pushUsedBatch', () => {
    it.each([false, true])('retires the oldest; IN_ORDER %s', (inOrder) => {
      const b = bench({ inOrder });
      for (let lap = 0; lap < 5; lap++) {
        const heads = b.offer(6, 4, false);
        b.take(6);
        b.queue.pushUsedBatch(0);
        expect(b.queue.publish()).toBe(false);
        b.queue.pushUsedBatch(4);
        b.queue.pushUsedBatch(1);
        expect(b.queue.inFlight).toBe(1);
        b.queue.publish();
        expect(b.collect()).toEqual(heads.slice(0, 5).map((head) => ({ head, length: 0 })));
        b.queue.pushUsedBatch(1);
        b.queue.publish();
        expect(b.collect()).toEqual([{ head: heads[5], length: 0 }]);
      }
    });

    it.each([false, true])(
      'of more than are in flight is the device’s bug, and retires none; IN_ORDER %s',
      (inOrder) => {
        const b = bench({ inOrder });
        b.offer(2);
        b.take(2);
        expect(() => b.queue.pushUsedBatch(3)).toThrow(RangeError);
        expect([b.queue.inFlight, b.queue.publish()]).toEqual([2, false]);
      },
    );
  });

  describe('reset', () => {
    it('VQ-RESET-03: all state is as at the beginning, positions and size included', () => {
      const b = bench({ eventIdx: true });
      const fresh = new Virtqueue(b.memory, 64);
      fresh.configure(b.queue.features);
      b.turn(SIZE + 3);
      b.offer(4);
      const [head = 0] = b.take(2);
      b.queue.pushUsed(head, 1);
      b.queue.setNotify(false);
      b.queue.reset();
      expect(b.queue.save()).toEqual(fresh.save());
      expect([b.queue.availIdx, b.queue.usedIdx, b.queue.inFlight, b.queue.enabled]).toEqual([0, 0, 0, false]);
    });

    it('VQ-RESET-01, VQ-RESET-02: after it nothing is executed, shown or notified', () => {
      const b = bench();
      b.offer(4);
      const [head = 0] = b.take(2);
      b.queue.pushUsed(head, 1);
      b.queue.reset();
      const before = b.memory.bytes.slice();
      expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
      expect([b.queue.publish(), b.queue.wantsInterrupt()]).toEqual([false, false]);
      expect(Buffer.compare(b.memory.bytes, before)).toBe(0);
    });

    it('VQ-RESET-04: enabled again, it works with another size, and the features that were negotiated', () => {
      const b = bench({ inOrder: true });
      b.turn(SIZE + 3);
      b.offer(2);
      b.take(1);
      b.renew(4);
      expect([b.queue.size, b.queue.features.inOrder]).toEqual([4, true]);
      for (let lap = 0; lap < 10; lap++) {
        const heads = b.offer(3);
        b.serve(3);
        expect(b.collect().map(({ head }) => head)).toEqual(heads);
      }
    });
  });
});
