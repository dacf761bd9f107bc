/** Frames through device and host, each in its own thread's share. Only ratios say something. */
import { bench, describe } from 'vitest';
import { DataPath, HostPath, SwitchPath } from './data-path.ts';

const FRAMES = 4096;
const options = { time: 400, warmupTime: 200 };

describe('device, 4096 frames', () => {
  for (const length of [60, 1514]) {
    const path = new DataPath(length);
    bench(`receive ${length} B`, () => path.receive(FRAMES, length), options);
    bench(`transmit ${length} B`, () => path.transmit(FRAMES), options);
  }
});

describe('host, 4096 frames', () => {
  const path = new HostPath();
  bench('input: header, all models, trace, channel', () => path.input(FRAMES), options);
});

describe('from guest to guest, 4096 frames', () => {
  for (const [what, payload] of [
    ['60 B', 6],
    ['1514 B, checksum begun', 1460],
    ['a segment of 64 KiB', 65_000],
  ] as const) {
    const path = new SwitchPath(payload);
    bench(what, () => path.pass(FRAMES), options);
  }
});
