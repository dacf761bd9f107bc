/** Packets/s over frame size, both ways, and over the number of packets that the driver is handed in one go. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, Sides } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import { chart } from '../driver/chart.ts';
import type { Measure } from '../driver/rounds.ts';
import { PKTGEN_SETUP } from '../guest/pktgen.ts';
import { floodingAtBest, likeV86, receivingAtBest, shortenStack, stackOnly } from './receive.ts';
import { transmitting } from './transmit.ts';

const IMAGES = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'docs/images');
const FRAME_SIZES = [60, 128, 256, 512, 1024, 1514];
const BURSTS = [1, 2, 4, 8, 16, 32];
const BURST_SIZE = 60;

type Measures = Readonly<Record<'ours' | 'v86' | 'limit', Measure>>;

interface Drawing {
  readonly file: string;
  /** The guest is to drop what comes in. */
  readonly received?: true;
  readonly title: string;
  readonly xLabel: string;
  readonly ticks: readonly number[];
  readonly limit: string;
  /** @param x one of the ticks */
  readonly name: (x: number) => string;
  readonly measures: (sides: Sides, x: number) => Measures;
}

const DRAWINGS: readonly Drawing[] = [
  {
    file: 'performance-transmit.svg',
    title: 'Packets sent per second, one a kick',
    xLabel: 'bytes of a frame',
    ticks: FRAME_SIZES,
    limit: 'dummy device',
    name: (size) => `transmit ${size} B`,
    measures: ({ lab, nic }, size) => ({
      ours: transmitting(lab.guest, 'eth0', size),
      v86: transmitting(nic.guest, 'eth0', size),
      limit: transmitting(lab.guest, 'dummy0', size),
    }),
  },
  {
    file: 'performance-batch.svg',
    title: `Packets of ${BURST_SIZE} bytes sent per second`,
    xLabel: 'packets handed to the driver in one go',
    ticks: BURSTS,
    limit: 'dummy device',
    name: (burst) => `transmit ${BURST_SIZE} B, bursts of ${burst}`,
    measures: ({ lab, nic }, burst) => ({
      ours: transmitting(lab.guest, 'eth0', BURST_SIZE, burst),
      v86: transmitting(nic.guest, 'eth0', BURST_SIZE, burst),
      limit: transmitting(lab.guest, 'dummy0', BURST_SIZE, burst),
    }),
  },
  {
    file: 'performance-receive.svg',
    received: true,
    title: 'Packets received per second, none lost',
    xLabel: 'bytes of a frame',
    ticks: FRAME_SIZES,
    limit: 'no driver',
    name: (size) => `receive ${size} B, nothing lost`,
    measures: ({ lab, nic }, size) => ({
      ours: receivingAtBest(lab, size),
      v86: floodingAtBest(nic, size),
      limit: stackOnly(lab.guest, size),
    }),
  },
];

export async function charts(bench: Bench): Promise<CaseResult[]> {
  const sides = await bench.sides(1);
  for (const { guest } of [sides.lab, sides.nic]) await guest.exec(PKTGEN_SETUP);
  const all: CaseResult[] = [];
  await mkdir(IMAGES, { recursive: true });
  for (const drawing of DRAWINGS) {
    bench.log(`chart: ${drawing.title}`);
    if (drawing.received) {
      await likeV86(sides.lab);
      await shortenStack(sides.lab, sides.nic);
    }
    const results: CaseResult[] = [];
    for (const [index, x] of drawing.ticks.entries()) {
      const measures = drawing.measures(sides, x);
      // For the second tick it is warm: the same code runs.
      const samples = await (index === 0 ? bench.compare(measures) : bench.inTurn(measures));
      results.push(caseResult(`chart: ${drawing.name(x)}`, 'packets/s', samples));
    }
    await writeFile(join(IMAGES, drawing.file), draw(drawing, results));
    all.push(...results);
  }
  return all;
}

function draw({ title, xLabel, ticks, limit }: Drawing, results: readonly CaseResult[]): string {
  const line = (name: string, subject: 'ours' | 'v86' | 'limit') => ({
    name,
    points: ticks.map((x, index) => [x, results[index]?.[subject] ?? 0] as const),
  });
  const lines = [line('this lab', 'ours'), line('v86’s NIC', 'v86'), line(limit, 'limit')];
  return chart({ title, xLabel, yLabel: 'packets/s', ticks, lines });
}
