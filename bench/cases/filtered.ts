/** What a frame that the filter drops costs the guest: its instructions for the same work with such frames and without. */
import { FOREIGN_MAC } from '../../src/core/net/traffic.ts';
import { formatMac } from '../../src/core/net/mac.ts';
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { LabSide } from '../driver/lab-side.ts';
import type { Measure } from '../driver/rounds.ts';
import type { Samples } from '../driver/stats.ts';

/** Dropped frames a second. */
const RATE = 50_000;
const FOREIGN = { dst: formatMac(FOREIGN_MAC), payload: '5a'.repeat(46) };
const WORK_FILE = '/tmp/bench-work';
const MEGABYTES = 24;
const WORK = `sha256sum ${WORK_FILE}`;

interface Cost {
  /** Of the page's clock. */
  readonly seconds: number;
  /** Instructions of the guest, in millions. */
  readonly instructions: number;
}

async function work(lab: LabSide): Promise<Cost> {
  return lab.page.evaluate(async (command) => {
    const before = await window.lab.instructions();
    const start = performance.now();
    const { exitCode } = await window.lab.exec(command);
    if (exitCode !== 0) throw new Error(`in the guest, exit ${exitCode}: ${command}`);
    const seconds = (performance.now() - start) / 1000;
    return { seconds, instructions: (((await window.lab.instructions()) - before) >>> 0) / 1e6 };
  }, WORK);
}

/** Of the guest, and of what the source could not send in time. */
async function frames(lab: LabSide): Promise<{ received: number; late: number }> {
  const late = await lab.page.evaluate(() =>
    window.lab
      .trace({ type: 'lost' })
      .reduce(
        (sum, { event }) => sum + (event.type === 'lost' && event.what.startsWith('traffic') ? event.count : 0),
        0,
      ),
  );
  return { received: (await lab.counts()).received, late };
}

export async function filtered(bench: Bench): Promise<CaseResult[]> {
  const { lab } = await bench.sides(1);
  bench.log(`filtered frames, ${RATE} a second`);
  await lab.guest.exec(`dd if=/dev/zero of=${WORK_FILE} bs=1M count=${MEGABYTES} 2> /dev/null`);
  // In the specification's own reading nothing of foreign unicast is let in.
  await lab.page.evaluate(() => window.lab.setHostModel('exact'));
  const costs: { idle: Cost[]; busy: Cost[] } = { idle: [], busy: [] };
  const idle: Measure = async () => {
    const cost = await work(lab);
    costs.idle.push(cost);
    return cost.seconds;
  };
  const busy: Measure = async () => {
    const before = await frames(lab);
    await lab.startTraffic(FOREIGN, RATE);
    const cost = await work(lab);
    await lab.stopTraffic();
    const after = await frames(lab);
    // What the guest's own neighbours send is a handful.
    const [received, late] = [after.received - before.received, after.late - before.late];
    if (received > cost.seconds * 100) throw new Error(`the filter let ${received} frames through`);
    if (late > RATE * cost.seconds * 0.05) bench.log(`the source was late with ${late} frames`);
    costs.busy.push(cost);
    return cost.seconds;
  };
  const time = await bench.compare({ limit: idle, ours: busy }, 'less');
  await lab.page.evaluate(() => window.lab.setHostModel('propolis-372a574'));
  await lab.guest.exec(`rm ${WORK_FILE}`);
  // Of the rounds, not of warming up.
  const instructions = (list: readonly Cost[]): Samples => list.slice(-bench.rounds).map((cost) => cost.instructions);
  return [
    caseResult(`guest's work at ${RATE} filtered frames/s`, 'million instructions', {
      ours: instructions(costs.busy),
      limit: instructions(costs.idle),
    }),
    caseResult(`guest's time with ${RATE} frames/s filtered`, 's', time),
  ];
}
