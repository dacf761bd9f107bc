import { describe, expect, it } from 'vitest';
import { rowsInView } from './row-window.ts';

describe('rowsInView', () => {
  it('is what the view covers and four rows beyond either edge', () => {
    expect(rowsInView(1000, 22, 2200, 220)).toEqual({ first: 96, end: 114 });
    expect(rowsInView(1000, 22, 2211, 220)).toEqual({ first: 96, end: 115 });
  });

  it('ends where the list does', () => {
    expect(rowsInView(1000, 22, 0, 220)).toEqual({ first: 0, end: 14 });
    expect(rowsInView(1000, 22, 21_780, 220)).toEqual({ first: 986, end: 1000 });
    expect(rowsInView(3, 22, 0, 220)).toEqual({ first: 0, end: 3 });
    expect(rowsInView(0, 22, 0, 220)).toEqual({ first: 0, end: 0 });
  });

  it('has no rows where there are none any more', () => {
    expect(rowsInView(5, 22, 22_000, 220)).toEqual({ first: 5, end: 5 });
  });
});
