import { describe, expect, it } from 'vitest';
import { fold, INITIAL_MODEL, type LabModel } from '../src/core/trace/model.ts';
import type { TraceEvent } from '../src/core/trace/event.ts';
import { EventGate, EVENTS_PER_INTERVAL } from './event-gate.ts';

const modelOf = (events: readonly TraceEvent[]): LabModel =>
  events.reduce((model, event, seq) => fold(model, { seq, time: seq, source: 'machine', event }), INITIAL_MODEL);

/** One life of a driver that resets its device for ever. */
function life(epoch: number): TraceEvent[] {
  const offered = '0x0000000110070028';
  return [
    { type: 'needs-reset', reason: `in epoch ${epoch - 1}` },
    { type: 'device-reset', kind: 'driver', epoch, offered },
    { type: 'status-write', value: 0, before: 15, after: 0 },
    { type: 'features-judged', ok: true, offered, accepted: offered, reason: null },
    ...[0, 1, 2].map((queue): TraceEvent => ({
      type: 'queue-enabled',
      queue,
      role: 'rx',
      size: epoch,
      desc: 0,
      driver: 0,
      device: 0,
    })),
    { type: 'status-write', value: 15, before: 11, after: 15 },
  ];
}

describe('EventGate', () => {
  it('lets events through as they come, up to the bound', () => {
    const passed: TraceEvent[] = [];
    const gate = new EventGate((event) => passed.push(event));
    const events = life(1);
    for (const event of events) gate.emit(event);
    expect(passed).toEqual(events);
    gate.next();
    expect(passed).toEqual(events);
  });

  it('beyond the bound the model still ends where all events would have brought it, and nothing is lost uncounted', () => {
    const passed: TraceEvent[] = [];
    const all: TraceEvent[] = [];
    const gate = new EventGate((event) => passed.push(event));
    for (let epoch = 1; epoch <= 5000; epoch++) {
      for (const event of life(epoch)) {
        all.push(event);
        gate.emit(event);
      }
    }
    expect(passed).toHaveLength(EVENTS_PER_INTERVAL);
    gate.next();
    expect(passed.length).toBeLessThan(EVENTS_PER_INTERVAL + 10);
    const { status, epoch, queues, negotiated, needsReset, lost } = modelOf(passed);
    expect({ status, epoch, queues, negotiated, needsReset }).toEqual(
      (({ status, epoch, queues, negotiated, needsReset }) => ({ status, epoch, queues, negotiated, needsReset }))(
        modelOf(all),
      ),
    );
    const counted = Object.values(lost).reduce((sum, count) => sum + count, 0);
    expect(passed.filter(({ type }) => type !== 'lost').length + counted).toBe(all.length);
  });

  it('opens again with the next interval, and never holds a count of losses back', () => {
    const passed: TraceEvent[] = [];
    const gate = new EventGate((event) => passed.push(event));
    const reset: TraceEvent = { type: 'machine-reset' };
    for (let i = 0; i <= EVENTS_PER_INTERVAL; i++) gate.emit(reset);
    gate.emit({ type: 'lost', what: 'frames', count: 1 });
    gate.emit({ type: 'lost', what: 'frames', count: 2 });
    expect(passed.slice(EVENTS_PER_INTERVAL)).toHaveLength(2);
    gate.next();
    gate.emit(reset);
    expect(passed.slice(EVENTS_PER_INTERVAL + 2)).toEqual([reset, reset]);
  });
});
