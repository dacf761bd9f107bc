/** Frames through device and host, each in its own thread's share. Only ratios say something. */
import { bench, describe } from 'vitest';
import { DataPath, HostPath } from './data-path.ts';

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
