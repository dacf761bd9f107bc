import { describe, expect, it } from 'vitest';
import { PendingCalls } from './pending-calls.ts';

const remote = {
  add: (a: number, b: number) => Promise.resolve(a + b),
  refuse: () => Promise.reject(new Error('no')),
  never: () => new Promise<number>(() => undefined),
};

describe('PendingCalls', () => {
  it('passes arguments, answers and refusals through', async () => {
    const followed = new PendingCalls().follow(remote);
    expect(await followed.add(1, 2)).toBe(3);
    await expect(followed.refuse()).rejects.toThrow('no');
  });

  it('ends every open call with the failure, and no other', async () => {
    const calls = new PendingCalls();
    const followed = calls.follow(remote);
    const answered = followed.add(1, 2);
    await answered;
    const open = [followed.never(), followed.never()];
    calls.fail(new Error('the thread died'));
    for (const call of open) await expect(call).rejects.toThrow('the thread died');
    expect(await answered).toBe(3);
    expect(await followed.add(2, 2)).toBe(4);
  });
});
