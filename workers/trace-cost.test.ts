/** How long it takes is measured by bench/trace.bench.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { recorded, TraceSource } from '../bench/trace.ts';
import { LabTrace } from '../src/core/trace/lab-trace.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const FRAMES = 16_000;

/** Bytes of the heap that a run allocates, garbage included: the least of several runs. */
function allocated(run: () => void, enough: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 30 && least > enough; round++) {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    run();
    least = Math.min(least, process.memoryUsage().heapUsed - before);
  }
  return least;
}

it.each([
  ['written', true],
  ['counted only', false],
])('a frame that is %s allocates nothing but its part of a chunk', (_what, recording) => {
  const source = new TraceSource(() => undefined);
  source.recording = recording;
  const run = (): void => {
    source.receive(FRAMES);
    source.transmit(FRAMES);
  };
  for (let round = 0; round < 20; round++) run();
  // 48,000 records. One boxed number of each would be twelve times as much; chunks themselves lie outside the heap.
  const limit = FRAMES * 4;
  expect(allocated(run, limit)).toBeLessThanOrEqual(limit);
});

it('the page keeps of a million records no more than it says', () => {
  const trace = new LabTrace({ maxRows: 10_000, retainBytes: 1 << 20 });
  const add = recorded(FRAMES);
  for (let round = 0; round < 3; round++) add(trace);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let round = 0; round < 20; round++) add(trace);
  collectGarbage();
  // A byte of each record would be a megabyte.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(500_000);
  const { counters, length, end } = trace.frames;
  expect([counters.injected, counters.sent]).toEqual([23 * FRAMES, 23 * FRAMES]);
  expect([counters.pending, counters.inconsistent]).toEqual([0, 0]);
  expect(counters.fate('delivered')).toBe(23 * FRAMES);
  expect([length, end]).toEqual([10_000, 46 * FRAMES]);
  expect(trace.log.retainedBytes).toBeLessThanOrEqual(1 << 20);
});
