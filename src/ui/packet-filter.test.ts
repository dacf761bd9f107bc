import { describe, expect, it } from 'vitest';
import { verdict } from '../core/host/verdict.ts';
import type { ReceivedRow } from '../core/trace/frame-row.ts';
import { parseFilter } from './packet-filter.ts';

const taken = verdict('promisc-multi', 'promisc-multi', { looked: 1, copied: 1, delivered: 1, discarded: 0 });
const ruling = { model: 'propolis-372a574', active: true, verdict: taken, judgement: 'leak' } as const;
const row: ReceivedRow = {
  number: 0,
  id: 8,
  time: 0,
  wire: 60,
  seq: 0,
  toGuest: true,
  generation: 1,
  verdicts: [ruling],
  ruling,
  fate: 'delivered',
  fateTime: 1,
  placed: null,
  flags: 0,
  gsoType: 0,
  gsoSize: 0,
};
const summary = {
  dst: 0x3333_0000_00fb,
  src: 0x5254_0012_3456,
  vid: null,
  etherType: 0x86dd,
  protocol: 'mDNS',
  info: '5353 → 5353 fe80::1',
};

describe('parseFilter', () => {
  it.each([
    ['leak', true],
    ['-leak', false],
    ['dropped', false],
    ['delivered multicast', true],
    ['delivered unicast', false],
    ['rule:promisc', true],
    ['rule:own', false],
    ['dst:33:33', true],
    ['src:52:54', true],
    ['proto:mdns', true],
    ['vlan:none', true],
    ['len>59 len<61 len=60', true],
    ['len>60', false],
    ['leak:372a574', true],
    ['leak:exact', false],
    ['FE80::1', true],
    ['all-nodes', false],
    ['ff02::fb', true],
  ])('%s is %s', (text, expected) => {
    expect(parseFilter(text)?.(row, () => summary)).toBe(expected);
  });

  it('lets every row through when it is empty', () => {
    expect(parseFilter('  ')).toBeNull();
  });
});
