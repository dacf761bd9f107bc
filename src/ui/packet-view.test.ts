import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fateCode, verdict } from '../core/host/verdict.ts';
import { LabTrace } from '../core/trace/lab-trace.ts';
import { PackedWriter } from '../core/trace/packed.ts';
import { parseFilter } from './packet-filter.ts';
import { PacketView } from './packet-view.ts';

const MISS = verdict('multicast-table-miss', 'filter', { looked: 1, copied: 0, delivered: 0, discarded: 0 });
const VERDICTS = new Uint16Array(8).fill(MISS.code);
const TAKE = verdict('promisc-multi', 'promisc-multi', { looked: 3, copied: 1, delivered: 1, discarded: 1 });
/** Model 0 leaks. */
const LEAKED = VERDICTS.with(0, TAKE.code);
/** Texts, each alone and with a mask: 1 is a leak of model 0, 2 one of model 1. */
const FILTERS = ['', 'delivered', 'out', 'pending', '-out len=60'].flatMap((text) =>
  [0, 1, 2, 3].map((mask) => [text, mask] as const),
);
const FRAME = new Uint8Array(60);

interface Step {
  readonly kind: 'rx' | 'tx' | 'fate' | 'update';
  readonly late: number;
}

describe('PacketView', () => {
  it('shows what filtering the whole table would show, through late rows, late fates and eviction', () => {
    const steps = fc.array(
      fc.record({ kind: fc.constantFrom<Step['kind']>('rx', 'tx', 'fate', 'update'), late: fc.nat(30) }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(...FILTERS), (script, [filter, mask]) => {
        const trace = new LabTrace({ maxRows: 24 });
        let time = 0;
        const writer = new PackedWriter(
          (batch) => trace.add('machine', batch),
          () => time,
        );
        const view = new PacketView(trace.frames, trace.log);
        view.setFilter(filter, mask);
        const pending: number[] = [];
        script.forEach(({ kind, late }, step) => {
          time = 10 * step - late;
          if (kind === 'tx') writer.frameTx(2 * step + 1, FRAME, 0, 60, 1, 0, 0, 0);
          if (kind === 'rx') {
            writer.frameRx(2 * step, FRAME, 0, 60, 0, 0, late % 2 ? LEAKED : VERDICTS, 3, 0);
            pending.push(2 * step);
          }
          const settled = kind === 'fate' ? pending.shift() : undefined;
          if (settled !== undefined) writer.frameFate(settled, fateCode('delivered'), 0, 0, 1, 72);
          writer.flush();
          if (kind === 'update') view.update();
        });
        while (!view.update());

        const test = parseFilter(filter);
        const expected: number[] = [];
        for (let number = trace.frames.first; number < trace.frames.end; number++) {
          const row = trace.frames.row(number);
          const leaks = row?.toGuest && row.verdicts.some(({ judgement }) => judgement === 'leak') ? 1 : 0;
          if (!row || (mask !== 0 && (leaks & mask) === 0)) continue;
          if (!test || test(row, () => view.summary(row.seq))) expected.push(number);
        }
        const shown = Array.from({ length: view.length }, (_, index) => view.numberAt(index));
        expect(shown).toEqual(expected);
        shown.forEach((number, index) => {
          expect(view.indexOf(number)).toBe(index);
        });
      }),
    );
  });
});
