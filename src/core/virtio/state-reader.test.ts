import { describe, expect, it } from 'vitest';
import { StateReader } from './state-reader.ts';

/** What one question makes of a value, and whether it found a problem. */
function ask<T>(question: (read: StateReader) => T): [answer: T, problem: string | null] {
  const read = new StateReader();
  return [question(read), read.problem];
}

describe('StateReader: a value that is wrong is answered by one of the right type, and remembered', () => {
  it.each([[null], [[]], ['{}'], [7], [undefined]])('%j is no record', (value) => {
    expect(ask((read) => read.record(value, 'it'))).toEqual([{}, 'it is not an object']);
  });

  it.each([[null], [{ length: 0 }], [[1, 2, 3]]])('%j is no list of at most two', (value) => {
    expect(ask((read) => read.list(value, 'it', 2))).toEqual([[], 'it is not a list of at most 2']);
  });

  it.each([['3'], [[3]], [1.5], [-1], [5], [NaN], [null]])('%j is no number up to four', (value) => {
    expect(ask((read) => read.count(value, 'it', 4))).toEqual([0, 'it is not a number from 0 to 4']);
  });

  it.each([[1], ['true'], [null]])('%j is no flag', (value) => {
    expect(ask((read) => read.flag(value, 'it'))).toEqual([false, 'it is not true or false']);
  });

  const ONE = '0x0000000000000001';
  it.each([
    ['none'],
    [''],
    [1],
    [[ONE]],
    [` ${ONE}`],
    [`${ONE} `],
    ['0x1'],
    [`0x${'0'.repeat(33)}`],
    ['0xZ000000000000001'],
  ])('%j is no feature set', (value) => {
    expect(ask((read) => read.features(value, 'it'))).toEqual([0n, 'it is not a feature set']);
  });

  it('takes what is right, up to the largest, and only the first problem counts', () => {
    expect(ask((read) => read.list([1, 2], 'it', 2))).toEqual([[1, 2], null]);
    expect(ask((read) => [read.count(0, 'it', 4), read.count(4, 'it', 4)])).toEqual([[0, 4], null]);
    expect(ask((read) => read.features(`0x${'f'.repeat(32)}`, 'it'))).toEqual([(1n << 128n) - 1n, null]);
    expect(ask((read) => [read.flag(1, 'a'), read.flag(1, 'b')])[1]).toBe('a is not true or false');
  });
});
