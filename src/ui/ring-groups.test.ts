import { expect, test } from 'vitest';
import { rangeText, ringGroups } from './ring-groups.ts';

type Ring = Parameters<typeof ringGroups>[0][number];

function pairs(...states: readonly Partial<Ring>[]): Ring[] {
  return states.flatMap((rest, pair) =>
    (['rx', 'tx'] as const).map((role, at): Ring => ({
      index: 2 * pair + at,
      role,
      state: 'RUN',
      size: 256,
      requests: [],
      stalled: false,
      inUse: true,
      ...rest,
    })),
  );
}

const IDLE = { state: 'RESET', size: 0, inUse: false } as const;

test('eleven pairs of which one runs are two lines, and those in use that do not run lose frames', () => {
  const waiting = Array.from({ length: 10 }, () => ({ ...IDLE, inUse: true }));
  const groups = ringGroups(pairs({}, ...waiting));
  expect(groups.map(({ first, last, loses }) => [rangeText(first, last), loses])).toEqual([
    ['0', false],
    ['1–10', true],
  ]);
});

test('pairs that are not in use lose nothing', () => {
  expect(ringGroups(pairs({}, IDLE, IDLE)).map(({ loses }) => loses)).toEqual([false, false]);
});

test('a stalled ring is a line of its own, and loses', () => {
  const groups = ringGroups(pairs({}, { stalled: true }, {}, {}));
  expect(groups.map(({ first, last, loses }) => [first, last, loses])).toEqual([
    [0, 0, false],
    [1, 1, true],
    [2, 3, false],
  ]);
});

test('what waits for a worker parts lines, too', () => {
  expect(ringGroups(pairs({ state: 'INIT' }, { state: 'INIT', requests: ['START'] }))).toHaveLength(2);
});

test('without a link there are no lines', () => {
  expect(ringGroups([])).toEqual([]);
});
