/** What the trace costs: the page shows it, only records it, or only counts frames. `limit` is without it. */
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import { TRACE_MODES, type LabSide, type TraceMode } from '../driver/lab-side.ts';
import type { Measure } from '../driver/rounds.ts';
import { PKTGEN_SETUP } from '../guest/pktgen.ts';
import { receivingAtBest } from './receive.ts';
import { SIZES, transmitting } from './transmit.ts';

function under(lab: LabSide, mode: TraceMode, measure: Measure): Measure {
  return async () => {
    if (!(await lab.setTrace(mode))) throw new Error('this lab has no setTrace');
    return measure();
  };
}

export async function trace(bench: Bench): Promise<CaseResult[]> {
  const { lab } = await bench.sides(1);
  if (!(await lab.setTrace('live'))) {
    bench.log('trace: left out, because this lab has no `lab.setTrace`');
    return [];
  }
  await lab.page.bringToFront();
  await lab.guest.exec(PKTGEN_SETUP);
  const results: CaseResult[] = [];
  for (const size of SIZES) {
    for (const [what, measure] of [
      ['transmit', () => transmitting(lab.guest, 'eth0', size)],
      ['receive', () => receivingAtBest(lab, size)],
    ] as const) {
      bench.log(`trace: ${what}, ${size} bytes`);
      // One for each mode: a rate that was found in one is no good start in another.
      const [live, recorded, off] = TRACE_MODES.map((mode) => under(lab, mode, measure())) as [
        Measure,
        Measure,
        Measure,
      ];
      const samples = await bench.compare({ live, recorded, off });
      for (const mode of ['live', 'recorded'] as const) {
        const compared = { ours: samples[mode], limit: samples.off };
        results.push(caseResult(`${what} ${size} B, trace ${mode}`, 'packets/s', compared));
      }
    }
  }
  await lab.setTrace('live');
  return results;
}
