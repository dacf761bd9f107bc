/** `npm run bench`: the lab's device against v86's own NIC, and both against what the guest can do without either. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { filtered } from './cases/filtered.ts';
import { iperf } from './cases/iperf.ts';
import { ping } from './cases/ping.ts';
import { receive } from './cases/receive.ts';
import { start } from './cases/start.ts';
import { trace } from './cases/trace.ts';
import { transmit } from './cases/transmit.ts';
import { Bench } from './driver/bench.ts';
import { openBrowser } from './driver/browser.ts';
import type { CaseResult } from './driver/case.ts';
import { CASE_IDS, type CaseId, type Options, parseOptions, USAGE } from './driver/options.ts';
import { json, summary } from './driver/report.ts';
import { openSite } from './driver/site.ts';
import { nicState } from './v86-nic/state.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.cache/bench');
const ROUNDS = { quick: 3, full: 7 };

const CASES: Readonly<Record<CaseId, (bench: Bench) => Promise<readonly CaseResult[]>>> = {
  transmit,
  receive,
  trace,
  filtered,
  ping,
  iperf,
  start,
};

const log = (line: string): void => {
  console.log(`bench: ${line}`);
};

async function run(options: Options): Promise<void> {
  const state = await nicState(join(ROOT, 'public/guest'), CACHE, log);
  const site = await openSite(ROOT, join(CACHE, 'site'), state);
  const browser = await openBrowser();
  const bench = new Bench({ rounds: options.quick ? ROUNDS.quick : ROUNDS.full, site, browser, log });
  const results: CaseResult[] = [];
  try {
    for (const id of CASE_IDS) {
      if (options.only.includes(id)) results.push(...(await CASES[id](bench)));
    }
  } finally {
    await browser.close();
    await site.close();
    // What was measured until something failed is not lost.
    if (options.json !== null) await writeFile(options.json, json(results));
  }
  console.log(`\n${summary(results)}`);
}

try {
  const options = parseOptions(argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
