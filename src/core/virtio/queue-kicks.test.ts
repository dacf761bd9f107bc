import { describe, expect, it } from 'vitest';
import { EVENT_DESC, EVENT_DISABLE, EVENT_ENABLE } from '../testing/fake-packed-ring.ts';
import { POP, type QueueFeatures } from './queue.ts';
import { LAYOUTS, packedBench, queueBench, splitBench } from './queue.test-kit.ts';

const SIZE = 8;
const WRAP = 0x8000;

const split = (features: Partial<QueueFeatures> = {}) => splitBench({ size: SIZE, features });
const packed = (features: Partial<QueueFeatures> = {}) => packedBench({ size: SIZE, features });

describe('kicks of a split ring', () => {
  it('SPLIT-ASUP-01, SPLIT-ASUP-02: the used flags are 0 or 1, whatever was there', () => {
    const b = split();
    b.memory.writeU16(b.ring.used, 0xffff);
    b.queue.setNotify(true);
    expect(b.ring.usedFlags).toBe(0);
    b.queue.setNotify(false);
    expect(b.ring.usedFlags).toBe(1);
  });

  it('SPLIT-ASUP-03: with EVENT_IDX they are 0', () => {
    const b = split({ eventIdx: true });
    b.memory.writeU16(b.ring.used, 0xffff);
    b.queue.setNotify(false);
    expect(b.ring.usedFlags).toBe(0);
    b.queue.setNotify(true);
    expect(b.ring.usedFlags).toBe(0);
  });

  it('SPLIT-ASUP-04: avail_event is where the device stands when it found nothing', () => {
    const b = split({ eventIdx: true });
    b.turn(3);
    b.queue.setNotify(true);
    expect(b.ring.availEvent).toBe(3);
    b.offer(2);
    b.serve(2);
    expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
    expect(b.ring.availEvent).toBe(5);
  });

  it('without EVENT_IDX avail_event is left alone', () => {
    const b = split();
    b.turn(3);
    b.queue.setNotify(true);
    b.queue.pop(b.chain);
    expect(b.ring.availEvent).toBe(0);
  });
});

describe('kicks of a packed ring', () => {
  it('PACK-EVT-01: without EVENT_IDX the device area says 0 or 1', () => {
    const b = packed();
    b.queue.setNotify(false);
    expect(b.ring.deviceEvent.flags).toBe(EVENT_DISABLE);
    b.queue.setNotify(true);
    expect(b.ring.deviceEvent.flags).toBe(EVENT_ENABLE);
    b.queue.pop(b.chain);
    expect(b.ring.deviceEvent.flags).toBe(EVENT_ENABLE);
  });

  it('PACK-EVT-01: with EVENT_IDX it names where the device stands when it found nothing', () => {
    const b = packed({ eventIdx: true });
    b.turn(SIZE + 3);
    b.queue.setNotify(true);
    expect(b.ring.deviceEvent).toEqual({ position: 3, flags: EVENT_DESC });
    b.offer(5);
    b.serve(5);
    b.queue.pop(b.chain);
    expect(b.ring.deviceEvent).toEqual({ position: WRAP, flags: EVENT_DESC });
    b.queue.setNotify(false);
    expect(b.ring.deviceEvent.flags).toBe(EVENT_DISABLE);
  });
});

describe.each(LAYOUTS)('the protocol for kicks, %s', (layout) => {
  for (const eventIdx of [false, true]) {
    const bench = () => queueBench(layout, { size: SIZE, features: { eventIdx } });
    const name = eventIdx ? 'EVENT_IDX' : 'flags';

    it(`a device that found nothing is kicked for the next buffer, in every lap; ${name}`, () => {
      const b = bench();
      b.queue.setNotify(true);
      for (let lap = 0; lap < 4 * SIZE; lap++) {
        expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
        b.offer(1 + (lap % 3));
        expect(b.ring.needsKick()).toBe(true);
        b.serve(1 + (lap % 3));
        b.collect();
      }
    });

    it(`a busy device is not kicked; before it sleeps it hears what it would have missed; ${name}`, () => {
      const b = bench();
      b.queue.setNotify(true);
      b.queue.pop(b.chain);
      for (let lap = 0; lap < 3 * SIZE; lap++) {
        expect(b.queue.setNotify(false)).toBe(false);
        b.offer();
        expect(b.ring.needsKick()).toBe(false);
        b.serve();
        b.collect();
        expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
        b.offer();
        expect(b.ring.needsKick()).toBe(false);
        expect(b.queue.setNotify(true)).toBe(true);
        b.serve();
        b.collect();
        expect(b.queue.setNotify(true)).toBe(false);
        b.offer();
        expect(b.ring.needsKick()).toBe(true);
        b.serve();
        b.collect();
      }
    });
  }

  it('SPLIT-ASUP-05: asked to work without work, it finds nothing', () => {
    const b = queueBench(layout);
    for (let i = 0; i < 3; i++) expect(b.queue.pop(b.chain)).toBe(POP.EMPTY);
    b.offer();
    expect(b.queue.pop(b.chain)).toBe(POP.CHAIN);
  });
});
