import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type FrameMeta, NO_PAIR, PLAIN_FRAME } from './frames.ts';
import { createRingStorage, longestRecord, RingConsumer, RingProducer } from './record-ring.ts';

const ALL = Number.MAX_SAFE_INTEGER;

function ring(capacity: number, start = 0) {
  const storage = createRingStorage(capacity, start);
  const producer = new RingProducer(storage);
  const consumer = new RingConsumer(storage);
  const read = (records = ALL, bytes = ALL) => {
    const got: [number, ...number[]][] = [];
    consumer.read((id, from, at, length) => got.push([id, ...from.subarray(at, at + length)]), records, bytes);
    return got;
  };
  const push = (id: number, ...body: number[]) => producer.push(id, Uint8Array.from(body), 0, body.length);
  return { producer, consumer, push, read };
}

/** Runs `intruder` just before the atomic operation number `at`, counted from now. False if there are fewer. */
function interruptAtomics(at: number, intruder: () => void): () => boolean {
  let count = 0;
  const before = () => {
    if (count++ === at) intruder();
  };
  for (const name of ['load', 'store', 'exchange'] as const) {
    const original = Atomics[name].bind(Atomics) as (...args: unknown[]) => never;
    vi.spyOn(Atomics, name).mockImplementation((...args: unknown[]) => {
      before();
      return original(...args);
    });
  }
  return () => count > at;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('record ring', () => {
  test('records come out in order, with their ids and bytes, once they are published', () => {
    const { producer, push, read } = ring(256);
    expect([push(7, 1, 2, 3), push(0xffff_ffff), push(9, 4)]).toEqual([true, true, true]);
    expect(read()).toEqual([]);
    producer.publish();
    expect(read()).toEqual([[7, 1, 2, 3], [0xffff_ffff], [9, 4]]);
    expect(read()).toEqual([]);
  });

  test('the bytes come from a range of the source', () => {
    const { producer, read } = ring(1024);
    const source = Uint8Array.from({ length: 400 }, (_, index) => index & 0xff);
    producer.push(1, source, 5, 3);
    producer.push(2, source, 100, 200);
    producer.push(3, source, 0, 400);
    producer.publish();
    expect(read()).toEqual([
      [1, 5, 6, 7],
      [2, ...source.subarray(100, 300)],
      [3, ...source],
    ]);
  });

  test('what travels with a record comes out with it; one without is plain, whatever lay there before', () => {
    const { producer, consumer } = ring(256);
    const metas: FrameMeta[] = [
      { flags: 1, gsoType: 0x84, hdrLen: 66, gsoSize: 1448, csumStart: 34, csumOffset: 16, pair: 3 },
      {
        flags: 0xff,
        gsoType: 0xff,
        hdrLen: 0xffff,
        gsoSize: 0xffff,
        csumStart: 0xffff,
        csumOffset: 0xffff,
        pair: NO_PAIR,
      },
      { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 0 },
    ];
    for (let lap = 0; lap < 5; lap++) {
      for (const meta of [...metas, undefined]) producer.push(1, Uint8Array.of(1, 2, 3), 0, 3, meta);
      producer.publish();
      const got: FrameMeta[] = [];
      const seen: Readonly<FrameMeta>[] = [];
      const read = consumer.read(
        (_id, _from, _at, _length, meta) => {
          got.push({ ...meta });
          seen.push(meta);
        },
        ALL,
        ALL,
      );
      expect(read).toBe(4);
      expect(got).toEqual([...metas, PLAIN_FRAME]);
      expect(seen[3]).toBe(PLAIN_FRAME);
      expect(seen[1]).toBe(seen[0]); // one object, refilled
    }
  });

  test('every byte of the ring can be in use; one record more is refused and changes nothing', () => {
    const { producer, push, read } = ring(128);
    for (let id = 0; id < 4; id++) expect(push(id, id, id)).toBe(true); // 32 bytes each
    expect(push(4)).toBe(false);
    producer.publish();
    expect(push(4)).toBe(false);
    expect(read()).toHaveLength(4);
    expect(push(4)).toBe(true);
  });

  test('a record that would run over the end starts at the beginning', () => {
    const { producer, push, read } = ring(128);
    push(0, ...Array<number>(40).fill(1)); // [0, 64)
    push(1, ...Array<number>(8).fill(2)); // [64, 96)
    producer.publish();
    expect(read()).toHaveLength(2);
    const body = Array.from({ length: 40 }, (_, index) => index); // 64 bytes do not fit in [96, 128)
    expect(push(2, ...body)).toBe(true);
    expect(push(3, 1, 1, 1, 1, 1, 1, 1, 1)).toBe(true); // [64, 96)
    expect(push(4)).toBe(false);
    producer.publish();
    expect(read()).toEqual([
      [2, ...body],
      [3, 1, 1, 1, 1, 1, 1, 1, 1],
    ]);
  });

  test('an empty ring takes the longest record from every position', () => {
    const longest = longestRecord(256);
    for (let start = 0; start < 256; start += 8) {
      for (let offset = 0; offset < 8; offset++) {
        const { producer } = ring(256, start);
        expect(producer.push(1, new Uint8Array(longest + 8), offset, longest)).toBe(true);
      }
    }
    expect(ring(256, 8).push(1, ...Array<number>(longest + 128).fill(1))).toBe(false);
  });

  test('a read stops at the number of records, and behind the record that reaches the number of bytes', () => {
    const { producer, push, read } = ring(1024);
    for (let id = 0; id < 6; id++) push(id, 1, 2, 3);
    producer.publish();
    expect(read(2).map(([id]) => id)).toEqual([0, 1]);
    expect(read(ALL, 4).map(([id]) => id)).toEqual([2, 3]);
    expect(read().map(([id]) => id)).toEqual([4, 5]);
  });

  test('a sink that throws loses its record and no other', () => {
    const { producer, consumer, push, read } = ring(256);
    push(1);
    push(2);
    producer.publish();
    expect(() =>
      consumer.read(
        () => {
          throw new Error('sink');
        },
        ALL,
        ALL,
      ),
    ).toThrow('sink');
    expect(read()).toEqual([[2]]);
  });

  test('publishing asks for a doorbell exactly once after the consumer fell asleep', () => {
    const { producer, consumer, push, read } = ring(256);
    push(1);
    expect(producer.publish()).toBe(false); // the consumer has not slept yet
    expect(consumer.sleep()).toBe(false); // there is something to read
    push(2);
    expect(producer.publish()).toBe(false); // and it did not fall asleep
    expect(read()).toHaveLength(2);
    expect(consumer.sleep()).toBe(true);
    push(3);
    expect(producer.publish()).toBe(true);
    push(4);
    expect(producer.publish()).toBe(false);
    expect(read()).toHaveLength(2);
  });

  test.each([
    'the producer publishes while the consumer falls asleep',
    'the consumer falls asleep while the producer publishes',
  ])('no doorbell is lost when %s, whichever atomic operation comes between', (which) => {
    let interrupted = true;
    let cases = 0;
    for (let at = 0; interrupted; at++) {
      const { producer, consumer, push, read } = ring(256);
      push(1);
      const seen = { rung: false, slept: false };
      const publish = () => {
        seen.rung = producer.publish();
      };
      const sleep = () => {
        seen.slept = consumer.sleep();
      };
      const [outer, inner] = which.startsWith('the producer') ? [sleep, publish] : [publish, sleep];
      const wasInterrupted = interruptAtomics(at, inner);
      outer();
      interrupted = wasInterrupted();
      vi.restoreAllMocks();
      if (!interrupted) inner();
      // A consumer that sleeps has been rung for; one that does not, reads on.
      expect({ at, asleepInSilence: seen.slept && !seen.rung }).toEqual({ at, asleepInSilence: false });
      expect(read()).toEqual([[1]]);
      cases++;
    }
    expect(cases).toBeGreaterThan(2);
  });

  test('a consumer dozes until something is published, and not at all if there is something to read', () => {
    const { producer, consumer, push, read } = ring(256);
    const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      push(1);
      expect(producer.publish()).toBe(false);
      return 'ok';
    });
    const notify = vi.spyOn(Atomics, 'notify');
    expect(consumer.doze(4)).toBe(true);
    expect(wait).toHaveBeenCalledOnce();
    expect(wait.mock.lastCall?.[3]).toBe(4);
    expect(notify).toHaveBeenCalledOnce();
    expect(consumer.doze(4)).toBe(false);
    expect(wait).toHaveBeenCalledOnce();
    expect(read()).toEqual([[1]]);
    // Awake again: nobody is notified, and none is asked to ring.
    push(2);
    expect(producer.publish()).toBe(false);
    expect(notify).toHaveBeenCalledOnce();
  });

  test('a consumer dozes no longer than it wants to', () => {
    expect(ring(256).consumer.doze(1)).toBe(true);
  });

  test.each([
    'the producer publishes while the consumer dozes off',
    'the consumer dozes off while the producer publishes',
  ])('no consumer is left to doze when %s, whichever atomic operation comes between', (which) => {
    let interrupted = true;
    let cases = 0;
    for (let at = 0; interrupted; at++) {
      const { producer, consumer, push, read } = ring(256);
      push(1);
      let waits = false;
      const stays = new Error('the thread stays here');
      const publish = () => {
        expect(producer.publish()).toBe(false);
      };
      const doze = () => {
        try {
          consumer.doze(4);
        } catch (error) {
          if (error !== stays) throw error;
        }
      };
      const [outer, inner] = which.startsWith('the producer') ? [doze, publish] : [publish, doze];
      const wasInterrupted = interruptAtomics(at, inner);
      vi.spyOn(Atomics, 'notify').mockImplementation(() => {
        waits = false;
        return 1;
      });
      vi.spyOn(Atomics, 'wait').mockImplementation((array, index, value) => {
        if (array[index] !== value) return 'not-equal';
        waits = true;
        throw stays;
      });
      outer();
      interrupted = wasInterrupted();
      if (!interrupted) inner();
      vi.restoreAllMocks();
      expect({ at, waits }).toEqual({ at, waits: false });
      expect(read()).toEqual([[1]]);
      cases++;
    }
    expect(cases).toBeGreaterThan(2);
  });

  test.each([0, 63, 96, 2 ** 31])('there is no ring of %d bytes', (capacity) => {
    expect(() => createRingStorage(capacity)).toThrow(RangeError);
  });

  test('behaves like a bounded queue under any sequence of operations, over both wraps', () => {
    const operation = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('push' as const),
          length: fc.nat({ max: 97 }),
          offset: fc.nat({ max: 9 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('publish' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('read' as const), records: fc.integer({ min: 1, max: 5 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('sleep' as const) }) },
    );
    const start = fc.nat({ max: 64 }).map((back) => 2 ** 32 - 8 * back);
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), start, (operations, from) => {
        const { producer, consumer, read } = ring(256, from);
        const held: [number, ...number[]][] = [];
        let visible = 0;
        let asleep = false;
        operations.forEach((op, id) => {
          if (op.do === 'push') {
            const body = Array.from({ length: op.length }, (_, index) => (id + index) & 0xff);
            const source = new Uint8Array(op.offset + op.length);
            source.set(body, op.offset);
            if (producer.push(id, source, op.offset, op.length)) held.push([id, ...body]);
            else expect(held.length).toBeGreaterThan(0); // an empty ring refuses none of these
          } else if (op.do === 'publish') {
            const news = held.length > visible;
            expect(producer.publish()).toBe(asleep && news);
            if (news) asleep = false;
            visible = held.length;
          } else if (op.do === 'read') {
            const expected = held.splice(0, Math.min(op.records, visible));
            visible -= expected.length;
            expect(read(op.records)).toEqual(expected);
          } else {
            asleep = consumer.sleep();
            expect(asleep).toBe(visible === 0);
          }
        });
      }),
    );
  });
});
