import { describe, expect, it } from 'vitest';
import type { Logged, NegotiationType } from '../core/trace/model.ts';
import { negotiationRow } from './log-rows.ts';

const row = (event: Logged<NegotiationType>['event']) => negotiationRow({ seq: 7, time: 9, source: 'machine', event });

describe('rows of the event list', () => {
  it('a link that went down, came up, or wants the driver to announce itself', () => {
    const at = { seq: 7, time: 9, tone: '' };
    expect(row({ type: 'carrier', up: false, announce: false })).toEqual({
      ...at,
      name: 'link',
      arg: 'down',
      result: '',
    });
    expect(row({ type: 'carrier', up: true, announce: false })).toEqual({ ...at, name: 'link', arg: 'up', result: '' });
    expect(row({ type: 'carrier', up: true, announce: true })).toEqual({
      ...at,
      name: 'link',
      arg: 'up',
      result: 'the driver is asked to announce itself',
    });
  });
});
