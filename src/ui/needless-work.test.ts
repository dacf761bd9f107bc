import { expect, test } from 'vitest';
import { verdict } from '../core/host/verdict.ts';
import type { PathId, RuleId } from '../core/host/verdict.ts';
import { needlessSentence, needlessWork, withoutSay } from './needless-work.ts';

const said = (rule: RuleId, path: PathId, looked: number, asked: boolean, frames: number) => ({
  verdict: verdict(rule, path, { looked, copied: 0, delivered: 0, discarded: 0 }),
  asked,
  frames,
});

/** A link in MULTI: twice for what is classified, three times for groups. */
const MULTI = [
  said('own-unicast', 'classified', 2, true, 20),
  said('broadcast', 'classified', 3, true, 5),
  said('promisc-multi', 'promisc-multi', 3, true, 3),
  said('promisc-multi', 'promisc-multi', 3, false, 12),
  said('unicast-foreign', 'none', 2, false, 4),
];

test('one look at what was asked for is needed, every other look is not, and the lines add up', () => {
  const work = needlessWork(MULTI);
  expect(work).toMatchObject({ frames: 44, looks: 108, needed: 28, needless: 80, unasked: 44, unaskedFrames: 16 });
  expect(work.leaks).toBe(12);
  expect(work.parts.map(({ rule, asked, needless }) => [rule, asked, needless])).toEqual([
    ['promisc-multi', false, 36],
    ['own-unicast', true, 20],
    ['broadcast', true, 10],
    ['unicast-foreign', false, 8],
    ['promisc-multi', true, 6],
  ]);
  for (const of of ['frames', 'looks', 'needed', 'needless'] as const) {
    expect(work.parts.reduce((sum, part) => sum + part[of], 0)).toBe(work[of]);
  }
  expect(needlessSentence(work)).toBe(
    'Of 108 looks at 44 frames, 80 were needless: 44 at 16 frames that the guest had not asked for, and 36 beyond the first at frames that it had asked for.',
  );
});

test('frames that the NIC keeps cost nothing, wanted or not', () => {
  const work = needlessWork([
    said('own-unicast', 'classified', 1, true, 1),
    said('multicast-no-listener', 'none', 0, true, 7),
    said('unicast-foreign', 'none', 0, false, 9),
  ]);
  expect(work).toMatchObject({ frames: 17, looks: 1, needed: 1, needless: 0, unaskedFrames: 0 });
  expect(needlessSentence(work)).toBe('Of 1 look at 17 frames, none was needless.');
});

test('lines of one rule and cost are one line, on whatever path', () => {
  const { parts } = needlessWork([
    said('own-unicast', 'classified', 2, true, 1),
    said('own-unicast', 'filter', 2, true, 2),
    said('own-unicast', 'promisc-all', 1, true, 4),
  ]);
  expect(parts.map(({ frames, each }) => [frames, each])).toEqual([
    [3, 2],
    [4, 1],
  ]);
});

test('counts the multicast that a driver without CTRL_RX is given because it cannot ask', () => {
  expect(withoutSay([said('no-ctrl-rx', 'filter', 1, true, 6), said('broadcast', 'filter', 1, true, 2)])).toBe(6);
});
