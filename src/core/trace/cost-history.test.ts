import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdict } from '../host/verdict.ts';
import { FrameTable } from './frame-table.ts';
import { TraceLog } from './log.ts';
import { PackedWriter } from './packed.ts';

const MULTI = verdict('promisc-multi', 'promisc-multi', { looked: 3, copied: 1, delivered: 1, discarded: 1 });
const KEPT = verdict('unicast-foreign', 'none', { looked: 0, copied: 0, delivered: 0, discarded: 0 });
const MISS = verdict('multicast-table-miss', 'filter', { looked: 1, copied: 0, delivered: 0, discarded: 1 });
const HIT = verdict('multicast-table', 'filter', { looked: 1, copied: 0, delivered: 1, discarded: 0 });
const FRAME = new Uint8Array(60);
const SECOND = 1e9;
/** What the page draws: it must not grow with time. */
const MOST_BUCKETS = 240;

/** Model 0 takes all at 3 looks, model 1 nothing at none, model 2 is the yardstick. Milliseconds; true: asked for. */
function record(frames: readonly (readonly [at: number, asked: boolean])[]): FrameTable {
  const table = new FrameTable();
  const log = new TraceLog();
  let time = 0;
  const writer = new PackedWriter(
    (batch) => table.add(log.add('viona', batch)),
    () => time,
  );
  frames.forEach(([at, asked], index) => {
    time = at * 1e6;
    writer.endBatch();
    const codes = Uint16Array.of(MULTI.code, KEPT.code, (asked ? HIT : MISS).code);
    writer.frameRx(2 + 2 * index, FRAME, 0, 60, 0, 0, codes, 3, 0);
  });
  writer.flush();
  return table;
}

describe('the history of costs', () => {
  it('is empty until there is a frame, and after the list was cleared', () => {
    const table = record([]);
    expect([table.counters.history.closed, table.counters.history.end]).toEqual([0, -Infinity]);
    const used = record([
      [10, true],
      [9000, true],
    ]);
    expect(used.counters.history.closed).toBeGreaterThan(0);
    used.clear();
    expect([used.counters.history.closed, used.counters.history.end]).toEqual([0, -Infinity]);
  });

  it('begins with the first frame, and holds totals of each model at the end of each bucket', () => {
    const { history } = record([
      [60_010, true],
      [60_100, false],
      [60_260, false],
      [61_000, true],
    ]).counters;
    expect(history.start).toBe(60 * SECOND);
    expect(history.width).toBe(SECOND / 4);
    expect(history.closed).toBe(4);
    const at = (bucket: number, model: number) =>
      (['looked', 'copied', 'delivered', 'leak', 'loss'] as const).map((metric) => history.sum(bucket, model, metric));
    expect(at(0, 0)).toEqual([6, 2, 2, 1, 0]);
    expect(at(0, 1)).toEqual([0, 0, 0, 0, 1]);
    expect(at(0, 2)).toEqual([2, 0, 1, 0, 0]);
    expect(at(1, 0)).toEqual([9, 3, 3, 2, 0]);
    expect(at(3, 0), 'buckets without frames repeat the totals').toEqual(at(1, 0));
  });

  it('doubles the width of its buckets when they are full, and a long rest makes no more of them', () => {
    const minute = record([
      [0, true],
      [59_999, true],
    ]).counters.history;
    expect([minute.width, minute.closed]).toEqual([SECOND / 4, 239]);
    const more = record([
      [0, true],
      [60_000, true],
    ]).counters.history;
    expect([more.width, more.closed]).toEqual([SECOND / 2, 120]);
    const day = record([
      [0, true],
      [86_400_000, true],
    ]).counters.history;
    expect(day.closed).toBeLessThan(MOST_BUCKETS);
    expect(day.width * MOST_BUCKETS).toBeGreaterThan(86_400 * SECOND);
  });

  it('says for every bucket what all frames before its end have cost, however they came', () => {
    const gaps = fc.array(fc.tuple(fc.oneof(fc.nat(400), fc.nat(40_000)), fc.boolean()), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(gaps, (steps) => {
        let at = 0;
        const frames = steps.map(([gap, asked]) => [(at += gap), asked] as const);
        const { history } = record(frames).counters;
        expect(history.closed).toBeLessThan(MOST_BUCKETS);
        for (let bucket = 0; bucket < history.closed; bucket++) {
          const end = history.start + (bucket + 1) * history.width;
          const before = frames.filter(([time]) => time * 1e6 < end);
          expect(history.sum(bucket, 0, 'looked')).toBe(3 * before.length);
          expect(history.sum(bucket, 0, 'leak')).toBe(before.filter(([, asked]) => !asked).length);
          expect(history.sum(bucket, 1, 'loss')).toBe(before.filter(([, asked]) => asked).length);
        }
        const last = (frames.at(-1)?.[0] ?? 0) * 1e6;
        expect(history.start + history.closed * history.width).toBeLessThanOrEqual(last);
        expect(history.end).toBeGreaterThan(last);
      }),
      { numRuns: 60 },
    );
  });
});
