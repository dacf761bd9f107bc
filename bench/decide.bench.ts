/**
 * What the comparison costs: deciding a frame under the model in force alone, and under all of them. The numbers
 * are for 4096 frames, so 1.5 microseconds for a frame are 6.1 ms.
 */
import { bench, describe } from 'vitest';
import { Deciding } from './decide.ts';

const FRAMES = 4096;
const options = { time: 400, warmupTime: 200 };

describe.each([
  { what: 'tables of 16 entries', entries: 16, pairs: 1 },
  { what: 'tables of 64 entries', entries: 64, pairs: 1 },
  { what: 'tables of 64 entries, 11 pairs of rings', entries: 64, pairs: 11 },
])('4096 frames, $what', ({ entries, pairs }) => {
  for (const id of ['propolis-372a574', 'propolis-v7'] as const) {
    const deciding = new Deciding(id, entries, pairs);
    bench(`${id} alone`, () => void deciding.active(FRAMES), options);
  }
  const deciding = new Deciding('propolis-372a574', entries, pairs);
  bench('all models', () => void deciding.all(FRAMES), options);
});
