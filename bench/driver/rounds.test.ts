import { describe, expect, it } from 'vitest';
import { inTurn, warmUp } from './rounds.ts';

describe('warming up', () => {
  const USED = { guests: 1, fresh: false };
  const rates = (list: readonly number[]) => {
    let calls = 0;
    return {
      measure: () => Promise.resolve(list[Math.min(calls++, list.length - 1)] ?? 0),
      calls: () => calls,
    };
  };

  /** Each look at the clock is three seconds after the one before. */
  const clock = () => {
    let time = 0;
    return () => (time += 3000);
  };

  it('ends when the rate has not risen twice', async () => {
    const { measure, calls } = rates([10, 20, 40, 41, 40, 99]);
    await warmUp(measure, USED, undefined, clock());
    expect(calls()).toBe(5);
  });

  it('goes on after a rate that fell for once', async () => {
    const { measure, calls } = rates([10, 9, 20, 20, 20]);
    await warmUp(measure, USED, undefined, clock());
    expect(calls()).toBe(5);
  });

  it('does not end before some seconds', async () => {
    const { measure, calls } = rates([10]);
    let time = 0;
    await warmUp(measure, USED, undefined, () => (time += 1000));
    expect(time).toBeGreaterThan(12_000);
    expect(calls()).toBeGreaterThan(4);
  });

  it('takes longer with several guests, which share the machine', async () => {
    let time = 0;
    await warmUp(rates([10]).measure, { ...USED, guests: 2 }, undefined, () => (time += 1000));
    expect(time).toBeGreaterThan(24_000);
  });

  it('takes longer with a guest that has run nothing yet', async () => {
    let time = 0;
    await warmUp(rates([10]).measure, { ...USED, fresh: true }, undefined, () => (time += 1000));
    expect(time).toBeGreaterThan(30_000);
  });

  it('ends at some time with a rate that rises for ever', async () => {
    let [rate, clock, calls] = [1, 0, 0];
    await warmUp(
      () => {
        calls++;
        return Promise.resolve((rate *= 2));
      },
      USED,
      undefined,
      () => (clock += 1000),
    );
    expect(calls).toBeLessThan(100);
  });
});

describe('measuring in turn', () => {
  it('takes a sample of each subject in each round', async () => {
    const order: string[] = [];
    const subject = (name: string) => () => {
      order.push(name);
      return Promise.resolve(order.length);
    };
    const samples = await inTurn(3, { ours: subject('a'), v86: subject('b') });
    expect(order.join('')).toBe('ababab');
    expect(samples).toEqual({ ours: [1, 3, 5], v86: [2, 4, 6] });
  });
});
