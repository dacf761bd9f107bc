import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FATES, fateCode, verdict } from '../host/verdict.ts';
import { FrameTable } from './frame-table.ts';
import { TraceLog } from './log.ts';
import { PackedWriter } from './packed.ts';
import type { TraceBatch } from './packed.ts';

const TAKE = verdict('own-unicast', 'classified', { looked: 1, copied: 0, delivered: 1, discarded: 0 });
const TAKE_MULTI = verdict('promisc-multi', 'promisc-multi', { looked: 2, copied: 1, delivered: 1, discarded: 0 });
const MISS = verdict('multicast-table-miss', 'filter', { looked: 1, copied: 0, delivered: 0, discarded: 0 });
const FOREIGN = verdict('unicast-foreign', 'none', { looked: 0, copied: 0, delivered: 0, discarded: 0 });
const VERDICTS = [TAKE, TAKE_MULTI, MISS, FOREIGN];
const FRAME = new Uint8Array(64);
const DELIVERED = fateCode('delivered');
const FILTERED = fateCode('filtered');

class Feeder {
  readonly batches: TraceBatch[] = [];
  readonly writer = new PackedWriter(
    (batch) => this.batches.push(batch),
    () => this.#time,
    512,
  );
  #time = 0;

  get time(): number {
    return this.#time;
  }

  set time(time: number) {
    this.#time = time;
    this.writer.endBatch();
  }

  rx(id: number, verdicts: readonly { code: number }[], fate: number): void {
    const codes = Uint16Array.from({ length: 8 }, (_, i) => verdicts[i]?.code ?? 0);
    this.writer.frameRx(id, FRAME, 0, 64, 3, 1, codes, verdicts.length, fate);
  }

  into(table: FrameTable, log = new TraceLog()): void {
    this.writer.flush();
    for (const batch of this.batches.splice(0)) table.add(log.add('viona', batch));
  }
}

function rows(table: FrameTable): unknown[] {
  const all = [];
  for (let number = table.first; number < table.end; number++) {
    // The record's sequence number tells arrival, so it is the one thing that may differ.
    all.push({ ...table.row(number)!, seq: 0 });
  }
  return all;
}

function totals(table: FrameTable): unknown {
  const { counters } = table;
  return {
    fates: FATES.map((fate) => counters.fate(fate)),
    injected: counters.injected,
    forwarded: counters.forwarded,
    sent: counters.sent,
    rules: [...counters.byRule()].sort(),
    filtered: [...counters.filteredByRule()].sort(),
    models: counters.models(),
    inconsistent: counters.inconsistent,
  };
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((a, b) => a + b, 0);

describe('FrameTable', () => {
  it('joins the judgement and the fate of a frame', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.time = 100;
    feeder.rx(2, [TAKE_MULTI, TAKE_MULTI, MISS], 0);
    feeder.time = 150;
    feeder.writer.frameFate(2, DELIVERED, 0, 7, 1, 76);
    feeder.into(table);
    expect(table.row(0)).toMatchObject({
      id: 2,
      toGuest: true,
      time: 100,
      wire: 64,
      generation: 3,
      fate: 'delivered',
      fateTime: 150,
      placed: { queue: 0, head: 7, buffers: 1, used: 76 },
      ruling: { model: 'propolis-372a574', verdict: TAKE_MULTI, judgement: 'leak' },
    });
  });

  it('says what was left to do with a frame towards the guest, and nothing of one that was complete', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    const meta = { flags: 1, gsoType: 0x84, hdrLen: 74, gsoSize: 65_535, csumStart: 54, csumOffset: 16, pair: 3 };
    feeder.writer.frameRx(2, FRAME, 0, 64, 3, 1, new Uint16Array(8), 0, DELIVERED, meta);
    feeder.rx(4, [TAKE], DELIVERED);
    feeder.into(table);
    expect(table.row(0)).toMatchObject({ id: 2, toGuest: true, flags: 1, gsoType: 0x84, gsoSize: 65_535 });
    expect(table.row(1)).toMatchObject({ id: 4, toGuest: true, flags: 0, gsoType: 0, gsoSize: 0 });
  });

  it('keeps frames from the guest beside those towards it', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.writer.frameTx(1, FRAME, 0, 60, 1, 4, 1, 3, 1448);
    feeder.into(table);
    const asked = { flags: 1, gsoType: 3, gsoSize: 1448 };
    expect(table.row(0)).toMatchObject({ toGuest: false, queue: 1, head: 4, wire: 60, ...asked });
    expect([table.counters.sent, table.counters.sentBytes, table.counters.injected]).toEqual([1, 60, 0]);
  });

  it('tells leaks from losses, per model', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.rx(2, [TAKE_MULTI, FOREIGN, MISS], FILTERED);
    feeder.rx(4, [TAKE, FOREIGN, TAKE], FILTERED);
    feeder.into(table);
    expect(
      table.counters
        .models()
        .slice(0, 3)
        .map(({ leak, loss, looked }) => [leak, loss, looked]),
    ).toEqual([
      [1, 0, 3],
      [0, 1, 0],
      [0, 0, 2],
    ]);
    expect(table.counters.filteredByRule().get('unicast-foreign')).toBe(2);
    // As bits, leaks below losses: model 0 leaks the first frame, model 1 loses the second.
    expect([table.judged(0), table.judged(1), table.judged(2)]).toEqual([1 << 0, 1 << 9, 0]);
  });

  it('counts what a model said apart for frames that were asked for and those that were not', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.rx(2, [TAKE_MULTI, FOREIGN, MISS], FILTERED);
    feeder.rx(4, [TAKE_MULTI, FOREIGN, TAKE], FILTERED);
    feeder.rx(6, [TAKE_MULTI, FOREIGN, TAKE], FILTERED);
    feeder.into(table);
    expect(table.counters.verdicts('propolis-before-1125')).toEqual([
      { verdict: TAKE_MULTI, asked: true, frames: 2 },
      { verdict: TAKE_MULTI, asked: false, frames: 1 },
    ]);
    expect(
      table.counters
        .models()
        .slice(0, 3)
        .map(({ seen, judged }) => [seen, judged]),
    ).toEqual([
      [3, 3],
      [0, 3],
      [3, 3],
    ]);
  });

  it('is the same table in whatever order the chunks of two threads arrive', () => {
    const plan = fc.array(
      fc.record({
        verdicts: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)),
        ends: fc.constantFrom('delivered', 'no_space', 'filtered', 'pending' as const),
        sent: fc.boolean(),
        latency: fc.nat(40),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(plan, fc.infiniteStream(fc.boolean()), fc.integer({ min: 1, max: 9 }), (frames, coin, every) => {
        const host = new Feeder();
        const machine = new Feeder();
        const fates: { at: number; id: number; fate: number }[] = [];
        frames.forEach(({ verdicts, ends, sent, latency }, i) => {
          host.time = machine.time = 10 * i;
          const id = 2 * i + 2;
          if (sent) machine.writer.frameTx(id + 1, FRAME, 0, 64, 1, 0, 0, 0);
          host.rx(
            id,
            verdicts.map((v) => VERDICTS[v]!),
            ends === 'filtered' ? FILTERED : 0,
          );
          if (ends === 'delivered' || ends === 'no_space')
            fates.push({ at: 10 * i + latency, id, fate: fateCode(ends) });
          if (i % every === 0) host.writer.flush();
        });
        for (const { at, id, fate } of fates.sort((a, b) => a.at - b.at)) {
          machine.time = at;
          machine.writer.frameFate(id, fate, 0, 0, 1, 76);
        }
        host.writer.flush();
        machine.writer.flush();

        const copy = (batches: TraceBatch[]): TraceBatch[] => batches.map((b) => ({ ...b, chunk: b.chunk.slice(0) }));
        const inOrder = new FrameTable();
        const log = new TraceLog();
        for (const batch of copy([...host.batches, ...machine.batches])) inOrder.add(log.add('viona', batch));

        const shuffled = new FrameTable();
        const [left, right] = [copy(host.batches), copy(machine.batches)];
        const flips = coin[Symbol.iterator]();
        const otherLog = new TraceLog();
        while (left.length + right.length > 0) {
          const fromLeft = right.length === 0 || (left.length > 0 && flips.next().value === true);
          shuffled.add(otherLog.add('machine', (fromLeft ? left : right).shift()!));
        }
        expect(rows(shuffled)).toEqual(rows(inOrder));
        expect(totals(shuffled)).toEqual(totals(inOrder));

        const { counters } = shuffled;
        expect(sum(FATES.map((fate) => counters.fate(fate)))).toBe(counters.injected);
        expect(sum(counters.filteredByRule().values())).toBe(counters.fate('filtered'));
        expect(sum(counters.byRule().values())).toBe(counters.injected);
        expect(counters.pending).toBe(frames.filter(({ ends }) => ends === 'pending').length);
        expect(counters.inconsistent).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('evicts the oldest rows and keeps every count', () => {
    const table = new FrameTable(10);
    const feeder = new Feeder();
    for (let i = 0; i < 25; i++) {
      feeder.time = i;
      feeder.rx(2 + 2 * i, [TAKE, TAKE, TAKE], 0);
    }
    feeder.into(table);
    expect([table.first, table.end, table.length]).toEqual([15, 25, 10]);
    expect(table.row(14)).toBeUndefined();
    expect(table.row(15)?.id).toBe(32);
    expect(table.numberOf(32)).toBe(15);
    expect(table.numberOf(30)).toBe(-1);
    for (let i = 0; i < 25; i++) feeder.writer.frameFate(2 + 2 * i, DELIVERED, 0, 0, 1, 76);
    feeder.into(table);
    expect(table.counters.fate('delivered'), 'also for rows that are gone').toBe(25);
    expect([table.counters.pending, table.counters.inconsistent]).toEqual([0, 0]);
  });

  it('reports a second fate instead of counting it', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.rx(2, [TAKE, TAKE, TAKE], FILTERED);
    feeder.writer.frameFate(2, DELIVERED, 0, 0, 1, 76);
    feeder.into(table);
    expect([table.counters.fate('delivered'), table.counters.inconsistent]).toEqual([0, 1]);
    expect(table.row(0)).toMatchObject({ fate: 'filtered' });
  });

  it('tells who waits for a fate, before and after the fact', async () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    const early = table.whenSettled(2);
    feeder.rx(2, [TAKE, TAKE, TAKE], 0);
    feeder.rx(4, [MISS, MISS, MISS], FILTERED);
    feeder.into(table);
    expect(await table.whenSettled(4)).toBe('filtered');
    feeder.writer.frameFate(2, fateCode('no_space'), 0, 0, 0, 0);
    feeder.into(table);
    expect(await early).toBe('no_space');
    expect(await table.whenSettled(2)).toBe('no_space');
  });

  it('leaves nobody waiting when the list is cleared', async () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.rx(2, [TAKE, TAKE, TAKE], 0);
    feeder.rx(4, [MISS, MISS, MISS], FILTERED);
    feeder.into(table);
    const pending = table.whenSettled(2);
    table.clear();
    const stillPending = table.whenSettled(2);
    await expect(table.whenSettled(4)).rejects.toThrow('left the list');
    feeder.writer.frameFate(2, fateCode('delivered'), 0, 0, 0, 0);
    feeder.into(table);
    expect(await pending).toBe('delivered');
    expect(await stillPending).toBe('delivered');
  });

  it('tells a watcher the lowest row that changed', () => {
    const table = new FrameTable();
    const watch = table.watch();
    const feeder = new Feeder();
    for (const time of [0, 10, 20]) {
      feeder.time = time;
      feeder.rx(2 + time, [TAKE, TAKE, TAKE], 0);
    }
    feeder.into(table);
    expect(watch.take()).toBe(0);
    expect(watch.take()).toBe(Infinity);
    feeder.writer.frameFate(22, DELIVERED, 0, 0, 1, 76);
    feeder.into(table);
    expect(watch.take()).toBe(2);
    feeder.time = 5;
    feeder.writer.frameTx(1, FRAME, 0, 64, 1, 0, 0, 0);
    feeder.into(table);
    expect(watch.take(), 'a late row shifts those behind it').toBe(1);
  });

  it('starts anew when cleared, and forgets frames on their way', () => {
    const table = new FrameTable();
    const feeder = new Feeder();
    feeder.rx(2, [TAKE, TAKE, TAKE], 0);
    feeder.into(table);
    table.clear();
    feeder.writer.frameFate(2, DELIVERED, 0, 0, 1, 76);
    feeder.rx(4, [MISS, MISS, MISS], FILTERED);
    feeder.into(table);
    expect([table.length, table.first, table.counters.injected]).toEqual([1, 0, 1]);
    expect([table.counters.fate('delivered'), table.counters.inconsistent]).toEqual([0, 0]);
  });
});
