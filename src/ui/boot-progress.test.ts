import { expect, test } from 'vitest';
import type { StampedEvent, TraceEvent } from '../core/trace/event.ts';
import { bootTimes, stageSeconds, stagesOf } from './boot-progress.ts';

const S = 1e9;

function stamped(seconds: number, event: TraceEvent): StampedEvent {
  return { seq: 0, time: seconds * S, source: 'machine', event };
}

function boot(seconds: number, stage: 'download' | 'firmware' | 'kernel' | 'ready', loadedBytes = 0): StampedEvent {
  return stamped(seconds, { type: 'boot', stage, loadedBytes, totalBytes: 0 });
}

test('a stage lasts from its first report to the first of a later stage', () => {
  const times = bootTimes([boot(1, 'download'), boot(2, 'download', 9), boot(4, 'firmware'), boot(5, 'kernel')]);
  expect(times.begun).toBe(0);
  expect(stageSeconds(times, 'download', 9 * S)).toBe(3);
  expect(stageSeconds(times, 'kernel', 9 * S)).toBe(4);
  expect(stageSeconds(times, 'ready', 9 * S)).toBeNull();
});

test('a reset of the machine begins another boot', () => {
  const times = bootTimes([
    boot(1, 'download'),
    boot(9, 'ready'),
    stamped(20, { type: 'machine-reset' }),
    boot(21, 'firmware'),
  ]);
  expect(times.begun).toBe(20 * S);
  expect([...times.stages.keys()]).toEqual(['firmware']);
});

test('the stages of a start from a snapshot are others than those of a boot', () => {
  expect(stagesOf({ warm: true, boot: null })).toEqual(['download', 'restore', 'userspace', 'ready']);
  expect(stagesOf({ warm: false, boot: null })).toEqual(['download', 'firmware', 'kernel', 'userspace', 'ready']);
});
