/** What the trace costs: written by the two threads, and added by the page. Only ratios say something. */
import { bench, describe } from 'vitest';
import { LabTrace } from '../src/core/trace/lab-trace.ts';
import { recorded, TraceSource } from './trace.ts';

const FRAMES = 16_384;
const options = { time: 500, warmupTime: 300 };

describe('threads, 16,384 frames each way', () => {
  for (const recording of [true, false]) {
    const source = new TraceSource(() => undefined);
    source.recording = recording;
    const mode = recording ? 'recorded' : 'off';
    bench(`towards the guest, ${mode}`, () => source.receive(FRAMES), options);
    bench(`from the guest, ${mode}`, () => source.transmit(FRAMES), options);
  }
});

describe('page, 16,384 frames each way', () => {
  const trace = new LabTrace();
  const add = recorded(FRAMES);
  bench('written, and added to log, table, counters and queues', () => add(trace), options);
});
