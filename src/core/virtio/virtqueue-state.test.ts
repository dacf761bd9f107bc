import { describe, expect, it } from 'vitest';
import { DescriptorChain } from './descriptor-chain.ts';
import { POP, type QueueFeatures, type QueueState } from './queue.ts';
import { readQueueState } from './queue-state.ts';
import { LAYOUTS, packedBench, PLAIN, queueBench, splitBench } from './queue.test-kit.ts';
import { StateReader } from './state-reader.ts';
import { queueFeatures, Virtqueue } from './virtqueue.ts';

const SIZE = 8;

describe.each(LAYOUTS)('state of a virtqueue, %s', (layout) => {
  const bench = (features: Partial<QueueFeatures> = {}) => queueBench(layout, { size: SIZE, features });

  it('restore(save()) goes on where it was, also in the second lap', () => {
    for (const before of [0, 3, SIZE, SIZE + 3, 2 * SIZE]) {
      const b = bench({ eventIdx: true });
      b.turn(before);
      b.offer(3);
      b.serve(1);
      b.queue.wantsInterrupt();
      b.queue.setNotify(false);
      const copy = new Virtqueue(b.memory, 64);
      copy.configure(b.queue.features);
      expect(copy.restore(structuredClone(b.queue.save()))).toBeNull();
      expect(copy.save()).toEqual(b.queue.save());
      expect([copy.availIdx, copy.usedIdx]).toEqual([b.queue.availIdx, b.queue.usedIdx]);
      const mine = new DescriptorChain(64);
      for (let i = 0; i < 2; i++) {
        expect(copy.pop(mine)).toBe(POP.CHAIN);
        expect(b.take(1)).toEqual([mine.head]);
        copy.pushUsed(mine.head, 1);
      }
      copy.publish();
      expect(b.collect()).toHaveLength(3);
    }
  });

  it('what was shown before it was saved is not asked about again', () => {
    const b = bench({ eventIdx: true });
    b.turn(5);
    b.queue.wantsInterrupt();
    const copy = new Virtqueue(b.memory, 64);
    copy.configure(b.queue.features);
    copy.restore(b.queue.save());
    if (layout === 'split') b.memory.writeU16(b.ring.driver + 4 + 2 * SIZE, 2);
    else b.memory.writeU32(b.ring.driver, 0x8002 + 2 * 0x1_0000);
    b.offer();
    copy.pop(b.chain);
    copy.pushUsed(b.chain.head, 0);
    copy.publish();
    expect(copy.wantsInterrupt()).toBe(false);
  });

  it('buffers in flight are saved as not yet taken', () => {
    const b = bench();
    b.turn(SIZE - 1);
    b.offer(3);
    b.serve(1);
    const heads = b.take(2);
    const copy = new Virtqueue(b.memory, 64);
    copy.configure(b.queue.features);
    expect(copy.restore(b.queue.save())).toBeNull();
    for (const head of heads) {
      expect(copy.pop(b.chain)).toBe(POP.CHAIN);
      expect(b.chain.head).toBe(head);
    }
  });

  it('a queue that is not at rest has none', () => {
    const b = bench();
    b.offer(3);
    const heads = b.take(3);
    b.queue.pushUsed(heads[0] ?? 0, 0);
    expect(() => b.queue.save()).toThrow(RangeError);
    b.queue.publish();
    expect(() => b.queue.save()).not.toThrow();
    b.queue.pushUsed(heads[2] ?? 0, 0);
    b.queue.publish();
    expect(() => b.queue.save()).toThrow(RangeError);
  });

  it.each([
    ['size', { size: 0 }],
    ['larger size', { size: 128 }],
    ['alignment', { desc: 8 }],
    ['place', { device: 0xfffe }],
  ])('refuses a state with a bad %s, and stays as it was', (_name, change) => {
    const b = bench();
    b.turn(3);
    const before = b.queue.save();
    expect(b.queue.restore({ ...before, ...change })).not.toBeNull();
    expect(b.queue.save()).toEqual(before);
  });

  it('takes over a queue that is not enabled', () => {
    const b = bench();
    const state = { ...b.queue.save(), enabled: false, desc: 0, driver: 0, device: 0, position: 0 };
    expect(b.queue.restore(state)).toBeNull();
    expect([b.queue.enabled, b.queue.size]).toEqual([false, SIZE]);
  });

  it('what was read from a file is checked', () => {
    const good = bench().queue.save();
    const read = (state: object): string | null => {
      const reader = new StateReader();
      readQueueState(reader, state, 'q', 64, layout === 'packed');
      return reader.problem;
    };
    expect(read(good)).toBeNull();
    const wrong: Partial<Record<keyof QueueState, unknown>>[] = [
      { size: 65 },
      { position: 0x1_0000 },
      { position: -1 },
      { enabled: 1 },
      { enabled: false },
      { notify: null },
      { desc: 0.5 },
      { driver: '0' },
      { device: undefined },
    ];
    for (const change of wrong) expect(read({ ...good, ...change }), JSON.stringify(change)).not.toBeNull();
    const off = { ...good, enabled: false, desc: 0, driver: 0, device: 0, position: 0 };
    expect(read(off)).toBeNull();
    for (const field of ['desc', 'driver', 'device', 'position']) {
      for (const other of ['desc', 'driver', 'device', 'position']) {
        expect(read({ ...off, [field]: 16, [other]: 16 }), `${field}, ${other}`).not.toBeNull();
      }
    }
  });
});

describe('virtqueue, configuration', () => {
  it('a packed ring has no position beyond its last slot', () => {
    const b = packedBench({ size: 7 });
    const state = b.queue.save();
    for (const position of [7, 0x8007, 0xffff]) {
      expect(b.queue.restore({ ...state, position })).toBe(`position ${position}`);
    }
    expect(b.queue.save()).toEqual(state);
    for (const position of [0, 6, 0x8000, 0x8006]) {
      expect(b.queue.restore({ ...state, position })).toBeNull();
      expect(b.queue.availIdx).toBe(position);
    }
  });

  it('reads what it needs from the negotiated features', () => {
    const none = { packed: false, eventIdx: false, indirect: false, inOrder: false, notifyOnEmpty: false };
    expect(queueFeatures(0n)).toEqual(none);
    expect(queueFeatures(1n << 28n)).toEqual({ ...none, indirect: true });
    expect(queueFeatures(1n << 29n)).toEqual({ ...none, eventIdx: true });
    expect(queueFeatures(1n << 34n)).toEqual({ ...none, packed: true });
    expect(queueFeatures(1n << 35n)).toEqual({ ...none, inOrder: true });
    expect(queueFeatures(1n << 24n)).toEqual({ ...none, notifyOnEmpty: true });
    expect(queueFeatures((1n << 24n) | (1n << 32n))).toEqual(none);
  });

  it('a size that only the packed layout allows does not outlive it', () => {
    const b = packedBench({ size: 7 });
    b.queue.configure({ ...PLAIN, packed: false });
    expect(b.queue.size).toBe(64);
    const idle = new Virtqueue(b.memory, 64);
    idle.configure({ ...PLAIN, packed: true });
    idle.setSize(7);
    idle.configure({ ...PLAIN, packed: true, eventIdx: true });
    expect(idle.size).toBe(7);
    idle.configure(PLAIN);
    expect(idle.size).toBe(64);
  });

  it('a queue that was enabled too early starts anew if the layout changes', () => {
    const b = splitBench();
    b.turn(3);
    expect(b.queue.configure({ ...PLAIN, packed: true })).toMatchObject({ code: 'ring-misaligned' });
    expect(b.queue.enabled).toBe(false);

    const p = packedBench();
    p.turn(3);
    expect(p.queue.configure(PLAIN)).toBeNull();
    expect([p.queue.enabled, p.queue.size, p.queue.availIdx]).toEqual([true, 8, 0]);
    p.queue.configure({ ...PLAIN, packed: true });
    expect([p.queue.enabled, p.queue.size, p.queue.availIdx]).toEqual([true, 8, 0x8000]);
  });

  it('a size that the new layout does not know is a fault', () => {
    const b = packedBench({ size: 7 });
    expect(b.queue.configure(PLAIN)).toMatchObject({ code: 'bad-queue-size' });
    expect([b.queue.enabled, b.queue.size]).toEqual([false, 64]);
  });

  it('rules may change under a queue that is enabled: it goes on', () => {
    const b = splitBench();
    b.turn(3);
    b.ring.add([b.segment(4, false)], 'indirect');
    expect(b.queue.configure({ ...PLAIN, indirect: false })).toBeNull();
    expect(b.queue.availIdx).toBe(3);
    b.expectFault('indirect-not-negotiated');
  });
});
