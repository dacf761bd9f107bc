/** `npm run bench`: the lab's device against v86's own NIC, and both against what the guest can do without either. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Bench } from './driver/bench.ts';
import type { CaseResult } from './driver/case.ts';
import { openBrowser } from './driver/browser.ts';
import { LabSide } from './driver/lab-side.ts';
import { NicSide } from './driver/nic-side.ts';
import { type CaseId, type Options, parseOptions, USAGE } from './driver/options.ts';
import { openSite } from './driver/site.ts';
import { transmit } from './cases/transmit.ts';
import { receive } from './cases/receive.ts';
import { nicState } from './v86-nic/state.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CACHE = join(ROOT, '.cache/bench');
const ROUNDS = { quick: 3, full: 7 };

const log = (line: string): void => {
  console.log(`bench: ${line}`);
};

const CASES: Partial<Record<CaseId, (bench: Bench) => Promise<CaseResult[]>>> = { transmit, receive };

async function run(options: Options): Promise<void> {
  const state = await nicState(join(ROOT, 'public/guest'), CACHE, log);
  const site = await openSite(ROOT, join(CACHE, 'site'), state);
  const browser = await openBrowser();
  const results: CaseResult[] = [];
  try {
    const nic = await NicSide.open(browser, site, ['10.0.2.15']);
    const lab = await LabSide.open(browser, site);
    const rounds = options.quick ? ROUNDS.quick : ROUNDS.full;
    const bench: Bench = { rounds, lab, nic, log };
    for (const id of options.only) results.push(...((await CASES[id]?.(bench)) ?? []));
  } finally {
    await browser.close();
    await site.close();
  }
  for (const result of results) console.log(JSON.stringify(result));
  if (options.json !== null) await writeFile(options.json, `${JSON.stringify({ cases: results }, undefined, 2)}\n`);
}

try {
  const options = parseOptions(argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
