/** The time it takes is measured by bench/decide.bench.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Deciding } from '../bench/decide.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Bytes that a run allocates, garbage included. Something else may allocate meanwhile, so the least of several runs
 * counts; one of at most `enough` will do.
 */
function allocated(run: () => void, enough = 0): number {
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
  [16, 1],
  [64, 1],
  [64, 11],
])('deciding a frame under all models allocates nothing: tables of %d entries, %d pairs', (entries, pairs) => {
  const FRAMES = 16_384;
  const deciding = new Deciding('propolis-372a574', entries, pairs);
  let sum = 0;
  // Until the compiler has done its work, numbers are boxed.
  for (let round = 0; round < 20; round++) sum += deciding.all(FRAMES);
  // One boxed number for each eighth frame would be as much.
  const limit = FRAMES * 2;
  const bytes = allocated(() => {
    sum += deciding.all(FRAMES);
  }, limit);
  expect(sum).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(limit);
});

it('the measurement sees what is allocated', () => {
  const kept: object[] = [];
  const bytes = allocated(() => {
    kept.length = 0;
    for (let i = 0; i < 16_384; i++) kept.push({ i });
  });
  expect(bytes).toBeGreaterThan(16_384 * 8);
});
