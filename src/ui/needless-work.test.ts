import { expect, test } from 'vitest';
import type { ModelTotals } from '../core/trace/frame-counters.ts';
import { needlessWork } from './needless-work.ts';

const EXACT: ModelTotals = {
  model: 'exact',
  judged: 43,
  accepted: 34,
  dropped: 9,
  leak: 0,
  loss: 0,
  looked: 43,
  copied: 0,
  delivered: 34,
  discarded: 9,
};
const ACTIVE: ModelTotals = {
  ...EXACT,
  model: 'propolis-372a574',
  accepted: 31,
  leak: 6,
  loss: 9,
  looked: 101,
  copied: 1,
};

test('the sentence says what was too much and what too little, and the sums give the same numbers', () => {
  const { sentence, sums } = needlessWork(ACTIVE, EXACT);
  expect(sentence).toBe(
    'For 43 frames this host looked 58 times more than needed, made 1 needless copy, handed over 6 frames that the guest had not asked for and withheld 9 that it had asked for.',
  );
  expect(sums).toEqual([
    '58 looks = 101 − 43 in exact',
    '1 copies = 1 − 0 in exact',
    '31 accepted = 34 asked for + 6 leaks − 9 losses',
  ]);
});

test('less than the yardstick is not called needless', () => {
  const { sentence, sums } = needlessWork({ ...EXACT, model: 'propolis-372a574', looked: 40 }, EXACT);
  expect(sentence).toBe('For 43 frames this host did nothing that the guest had not asked for.');
  expect(sums[0]).toBe('−3 looks = 40 − 43 in exact');
});

test('the yardstick is not compared with itself', () => {
  expect(needlessWork(EXACT, EXACT).sums).toEqual([]);
});
