/** `npm run bench`: the lab's device against v86's own NIC, and both against what the guest can do without either. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { charts } from './cases/chart.ts';
import { filtered } from './cases/filtered.ts';
import { iperf } from './cases/iperf.ts';
import { ping } from './cases/ping.ts';
import { receive } from './cases/receive.ts';
import { start } from './cases/start.ts';
import { trace } from './cases/trace.ts';
import { transmit } from './cases/transmit.ts';
import { Bench } from './driver/bench.ts';
import type { CaseResult } from './driver/case.ts';
import { type CaseId, type Options, parseOptions, USAGE } from './driver/options.ts';
import { WorkerProfile } from './driver/profile.ts';
import { json, summary } from './driver/report.ts';
import type { Watch } from './driver/rounds.ts';
import { openSite } from './driver/site.ts';
import { nicState } from './v86-nic/state.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.cache/bench');

const CASES: Readonly<Record<CaseId, (bench: Bench) => Promise<readonly CaseResult[]>>> = {
  transmit,
  receive,
  trace,
  filtered,
  chart: charts,
  ping,
  iperf,
  start,
};
/** Those that a profile can be taken of: they share one page. */
const WITH_ONE_GUEST: readonly CaseId[] = ['transmit', 'receive', 'trace', 'filtered', 'chart'];

const log = (line: string): void => {
  console.log(`bench: ${line}`);
};

const watch: Watch = (subject, sample, warming) => {
  console.log(`  ${subject} ${sample.toPrecision(4)}${warming ? ' (warming up)' : ''}`);
};

async function run({ rounds, only, json: jsonFile, profile, verbose }: Options): Promise<void> {
  const state = await nicState(join(ROOT, 'public/guest'), CACHE, log);
  const site = await openSite(ROOT, join(CACHE, 'site'), state);
  const bench = new Bench({ rounds, site, log, watch: verbose ? watch : () => undefined });
  const results: CaseResult[] = [];
  const measure = async (ids: readonly CaseId[]): Promise<void> => {
    for (const id of ids) results.push(...(await CASES[id](bench)));
  };
  try {
    const alone = only.filter((id) => WITH_ONE_GUEST.includes(id));
    if (profile === null || alone.length === 0) await measure(alone);
    else await profiled(bench, profile, () => measure(alone));
    await measure(only.filter((id) => !alone.includes(id)));
  } finally {
    await bench.close();
    await site.close();
    // What was measured until something failed is not lost.
    if (jsonFile !== null) await writeFile(jsonFile, json(results));
  }
  console.log(`\n${summary(results)}`);
}

async function profiled(bench: Bench, file: string, measure: () => Promise<void>): Promise<void> {
  const { lab } = await bench.sides(1);
  const profile = await WorkerProfile.start(lab.page, 'machine');
  await measure();
  await writeFile(file, await profile.stop());
}

try {
  const options = parseOptions(argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
