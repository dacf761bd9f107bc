import { expect, test } from 'vitest';
import { ALL_VERDICTS, choiceText, judgedMask, parseChoice } from './verdict-choice.ts';

// Bits of a row: leak of model n is bit n, its loss bit n + 8. Models 0, 1, 2: before-1125, 372a574, exact.
const LEAK_0 = 1;
const LEAK_1 = 2;
const LOSS_1 = 0x200;

test.each([
  ['all', 0, true],
  ['differ', 0, false],
  ['differ', LEAK_1, true],
  ['differ', LOSS_1, true],
  ['leak', LEAK_0, true],
  ['leak', LOSS_1, false],
  ['loss', LOSS_1, true],
  ['leak propolis-372a574', LEAK_1, true],
  ['leak propolis-372a574', LEAK_0, false],
  ['loss propolis-372a574', LOSS_1, true],
  ['loss propolis-before-1125', LOSS_1, false],
])('“%s” of a row with bits %i: %s', (text, bits, shown) => {
  const mask = judgedMask(parseChoice(text));
  expect(mask === 0 || (bits & mask) !== 0).toBe(shown);
});

test('a choice survives being an option, and what is none is everything', () => {
  for (const text of ['all', 'differ', 'leak', 'loss propolis-372a574'])
    expect(choiceText(parseChoice(text))).toBe(text);
  expect(parseChoice('nonsense')).toEqual(ALL_VERDICTS);
  expect(parseChoice('leak of-nobody')).toEqual({ kind: 'leak', model: null });
});
