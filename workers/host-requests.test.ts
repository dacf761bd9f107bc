import { describe, expect, it } from 'vitest';
import type { HostAnswer, RxEvent } from '../src/core/host/host-model.ts';
import { HostRequests } from './host-requests.ts';

const RESET: RxEvent = { type: 'reset', kind: 'driver' };
const MACHINE: RxEvent = { type: 'reset', kind: 'machine' };
const NEGOTIATED: RxEvent = { type: 'negotiated', features: 1n << 32n };
const OK: HostAnswer = { ack: 'OK', reason: null, needsReset: false, generation: 1 };

function slowHost() {
  const asked: { event: RxEvent; answer: (answer: HostAnswer) => void; fail: (error: Error) => void }[] = [];
  const lost: number[] = [];
  const requests = new HostRequests(
    (event) => new Promise((answer, fail) => asked.push({ event, answer, fail })),
    (count) => lost.push(count),
  );
  const events = (): RxEvent[] => asked.map(({ event }) => event);
  return { asked, lost, requests, events };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe('HostRequests', () => {
  it('hands requests over at once and in order, and their answers back', async () => {
    const { asked, requests, events } = slowHost();
    const answers = [requests.rxEvent(RESET), requests.rxEvent(NEGOTIATED)];
    expect(events()).toEqual([RESET, NEGOTIATED]);
    asked[1]?.answer({ ...OK, generation: 2 });
    asked[0]?.fail(new Error('gone'));
    await expect(answers[1]).resolves.toMatchObject({ generation: 2 });
    await expect(answers[0]).rejects.toThrow('gone');
  });

  it('a guest that resets in a loop keeps a few messages under way, and the last state arrives', async () => {
    const { asked, lost, requests, events } = slowHost();
    let rejected = 0;
    let answered = 0;
    const ask = (event: RxEvent): void =>
      void requests.rxEvent(event).then(
        () => answered++,
        () => rejected++,
      );
    for (let i = 0; i < 10_000; i++) {
      ask(RESET);
      ask(NEGOTIATED);
    }
    expect(asked).toHaveLength(32);
    for (const request of asked) {
      request.answer(OK);
      await turns();
    }
    expect(asked).toHaveLength(34);
    expect(events().slice(-2)).toEqual([RESET, NEGOTIATED]);
    expect([answered, rejected]).toEqual([34, 20_000 - 34]);
    expect(lost).toEqual([20_000 - 34]);
  });

  it('a machine reset that is overtaken lives on in the reset that overtakes it', async () => {
    const { asked, requests, events } = slowHost();
    for (let i = 0; i < 32; i++) void requests.rxEvent(RESET);
    requests.rxEvent(MACHINE).catch(() => undefined);
    void requests.rxEvent(RESET);
    asked[0]?.answer(OK);
    await turns();
    expect(events().at(-1)).toEqual(MACHINE);
  });

  it('a host that fails frees its place', async () => {
    const { asked, requests } = slowHost();
    for (let i = 0; i < 32; i++) requests.rxEvent(RESET).catch(() => undefined);
    void requests.rxEvent(NEGOTIATED);
    asked[0]?.fail(new Error('gone'));
    await turns();
    expect(asked).toHaveLength(33);
  });
});
