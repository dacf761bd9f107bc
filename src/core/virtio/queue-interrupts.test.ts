import { describe, expect, it } from 'vitest';
import { EVENT_DESC, EVENT_DISABLE, EVENT_ENABLE } from '../testing/fake-packed-ring.ts';
import type { QueueFeatures } from './queue.ts';
import { packedBench, splitBench } from './queue.test-kit.ts';

const SIZE = 8;
const WRAP = 0x8000;

const split = (features: Partial<QueueFeatures> = {}) => splitBench({ size: SIZE, features });
const packed = (features: Partial<QueueFeatures> = {}, size = SIZE) => packedBench({ size, features });

describe('interrupts of a split ring, by flag', () => {
  it('SPLIT-USUP-02, SPLIT-USUP-03: the available flags decide', () => {
    const b = split();
    expect(b.queue.wantsInterrupt()).toBe(true);
    b.ring.suppressInterrupts(true);
    expect(b.queue.wantsInterrupt()).toBe(false);
    b.ring.suppressInterrupts(false);
    expect(b.queue.wantsInterrupt()).toBe(true);
  });

  it('SPLIT-USUP-01: used_event is disregarded', () => {
    const b = split();
    for (const event of [0, 1, 2, 0x8000, 0xffff]) {
      b.ring.setUsedEvent(event);
      b.offer();
      b.serve();
      b.collect();
      expect(b.queue.wantsInterrupt()).toBe(true);
    }
  });

  it('LEG-24: with NOTIFY_ON_EMPTY a ring that ran empty interrupts although it was told not to', () => {
    const b = split({ notifyOnEmpty: true });
    b.ring.suppressInterrupts(true);
    b.offer(2);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(false);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(true);
    const plain = split();
    plain.ring.suppressInterrupts(true);
    plain.offer();
    plain.serve();
    expect(plain.queue.wantsInterrupt()).toBe(false);
  });

  it('LEG-24: whatever used_event says', () => {
    const b = split({ notifyOnEmpty: true, eventIdx: true });
    b.ring.setUsedEvent(9);
    b.offer(2);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(false);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(true);
  });
});

describe('interrupts of a split ring, by index', () => {
  it('SPLIT-USUP-04: the flag is disregarded', () => {
    const b = split({ eventIdx: true });
    b.memory.writeU16(b.ring.avail, 1);
    b.offer();
    b.serve();
    expect(b.queue.wantsInterrupt()).toBe(true);
  });

  it.each([0, 5, 0x7ffe, 0xfffa])(
    'SPLIT-USUP-05, SPLIT-USUP-06: at used_event and nowhere else, from %i on',
    (from) => {
      const b = split({ eventIdx: true });
      b.turn(from);
      b.queue.wantsInterrupt();
      for (const distance of [0, 1, 4]) {
        const event = (b.queue.usedIdx + distance) & 0xffff;
        const heard: boolean[] = [];
        for (let i = 0; i < 6; i++) {
          b.offer();
          b.serve();
          b.collect();
          b.ring.setUsedEvent(event);
          heard.push(b.queue.wantsInterrupt());
        }
        expect(heard).toEqual(Array.from({ length: 6 }, (_, i) => i === distance));
      }
    },
  );

  it.each([0, 0xfffc])('SPLIT-USUP-05: a batch that goes past used_event interrupts once, from %i on', (from) => {
    const b = split({ eventIdx: true });
    b.turn(from);
    b.queue.wantsInterrupt();
    b.ring.setUsedEvent(from + 3);
    b.offer(6);
    b.serve(3);
    expect(b.queue.wantsInterrupt()).toBe(false);
    b.serve(2);
    expect(b.queue.wantsInterrupt()).toBe(true);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(false);
  });

  it('what is asked about begins where it was asked last, not at the last publish', () => {
    const b = split({ eventIdx: true });
    b.ring.setUsedEvent(0);
    b.offer(3);
    b.serve(1);
    b.serve(1);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(true);
  });
});

describe('interrupts of a packed ring', () => {
  it('PACK-EVT-01: 0 enables and 1 disables, whatever the offset', () => {
    for (const eventIdx of [false, true]) {
      const b = packed({ eventIdx });
      for (const [flags, heard] of [
        [EVENT_ENABLE, true],
        [EVENT_DISABLE, false],
        [EVENT_ENABLE | 0xfff8, true],
        [EVENT_DISABLE | 0xfff8, false],
      ] as const) {
        b.ring.setDriverEvent(3, flags);
        b.offer();
        b.serve();
        b.collect();
        b.ring.setDriverEvent(3, flags);
        expect(b.queue.wantsInterrupt()).toBe(heard);
      }
      expect(b.queue.takeWarning()).toBeNull();
    }
  });

  it.each([1, 5, 7, 8])('PACK-EVT-01: 2 asks at one slot of one lap, size %i', (size) => {
    const b = packed({ eventIdx: true }, size);
    for (let start = 0; start < 2 * size; start++) {
      for (let distance = 0; distance < size; distance++) {
        const at = (b.ring.usedPosition & 0x7fff) + distance;
        const lap = (b.ring.usedPosition >> 15) ^ (at >= size ? 1 : 0);
        const heard: boolean[] = [];
        for (let i = 0; i < size; i++) {
          b.offer();
          b.serve();
          b.collect();
          b.ring.setDriverEvent((at % size) | (lap << 15), EVENT_DESC);
          heard.push(b.queue.wantsInterrupt());
        }
        expect(heard).toEqual(Array.from({ length: size }, (_, i) => i === distance));
      }
      b.turn(1);
      b.queue.wantsInterrupt();
    }
  });

  it('PACK-EVT-01: a slot in the middle of a list, or of a batch, is passed with it', () => {
    const b = packed({ eventIdx: true });
    const lengths = [3, 2, 1];
    for (const length of lengths) b.ring.add(Array.from({ length }, () => b.segment(1, true)));
    b.ring.setDriverEvent(WRAP | 4, EVENT_DESC);
    b.serve(1);
    expect(b.queue.wantsInterrupt()).toBe(false);
    b.serve(2);
    expect(b.queue.wantsInterrupt()).toBe(true);
    expect(b.queue.wantsInterrupt()).toBe(false);
  });

  it('PACK-EVT-01: 3 is reserved; the device interrupts, and says so once', () => {
    const b = packed({ eventIdx: true });
    b.ring.setDriverEvent(0, 3);
    expect(b.queue.wantsInterrupt()).toBe(true);
    expect(b.queue.takeWarning()).toMatchObject({ code: 'event-flags-reserved' });
    expect(b.queue.wantsInterrupt()).toBe(true);
    expect(b.queue.takeWarning()).toBeNull();
    expect(b.queue.fault).toBeNull();
  });

  it('PACK-EVT-01: 2 without EVENT_IDX was not agreed on; the device interrupts, and says so once', () => {
    const b = packed();
    b.ring.setDriverEvent(WRAP | 5, EVENT_DESC);
    b.offer();
    b.serve();
    expect(b.queue.wantsInterrupt()).toBe(true);
    expect(b.queue.takeWarning()).toMatchObject({ code: 'event-flags-not-negotiated' });
    expect(b.queue.takeWarning()).toBeNull();
  });

  it('an offset beyond the ring asks for nothing and does no harm', () => {
    const b = packed({ eventIdx: true });
    b.ring.setDriverEvent(0x7fff, EVENT_DESC);
    b.offer(4);
    b.serve(4);
    expect(b.queue.wantsInterrupt()).toBe(false);
    expect(b.queue.takeWarning()).toBeNull();
  });
});
