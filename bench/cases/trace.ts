/** What the trace costs: the page shows it, only records it, or only counts frames. `limit` is the last of these. */
import { TRACE_MODES, type TraceMode } from '../../src/core/trace/event.ts';
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { LabSide } from '../driver/lab-side.ts';
import type { Measure } from '../driver/rounds.ts';
import { PKTGEN_SETUP } from '../guest/pktgen.ts';
import { dropIncoming, takeIncoming } from '../guest/ingress.ts';
import { receivingAtBest } from './receive.ts';
import { transmitting } from './transmit.ts';

/** Rounds for one of other cases. */
const TIMES = 3;
/** Bytes of a frame: with the shortest the most records are written. */
const SIZE = 60;

const WORKLOADS = {
  transmit: ({ guest }: LabSide): Measure => transmitting(guest, 'eth0', SIZE),
  receive: (lab: LabSide): Measure => receivingAtBest(lab, SIZE),
};

export async function trace(bench: Bench): Promise<CaseResult[]> {
  const { lab } = await bench.sides(1);
  await lab.page.bringToFront();
  await lab.guest.exec(`${PKTGEN_SETUP} && ${dropIncoming(['eth0'])}`);
  const results: CaseResult[] = [];
  for (const [what, workload] of Object.entries(WORKLOADS)) {
    bench.log(`trace: ${what}, ${SIZE} bytes`);
    const under = (mode: TraceMode): Measure => {
      const measure = workload(lab);
      return async () => {
        await lab.setTrace(mode);
        return measure();
      };
    };
    const [live, recorded, off] = TRACE_MODES.map(under) as [Measure, Measure, Measure];
    const samples = await bench.compare({ live, recorded, off }, 'more', TIMES);
    for (const mode of ['live', 'recorded'] as const) {
      const compared = { ours: samples[mode], limit: samples.off };
      results.push(caseResult(`${what} ${SIZE} B, trace ${mode}`, 'packets/s', compared));
    }
  }
  await lab.setTrace('live');
  await lab.guest.exec(takeIncoming(['eth0']));
  return results;
}
