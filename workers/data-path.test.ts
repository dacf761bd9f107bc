/** The figures behind it (bytes allocated for each frame, time) are measured by bench/data-path.bench.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { DataPath, HostPath, SwitchPath } from '../bench/data-path.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heap(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('100,000 frames leave nothing behind', () => {
  const FRAMES = 102_400;
  it.each<[string, () => (frames: number) => void]>([
    [
      'received',
      () => {
        const path = new DataPath(1514);
        return (frames) => path.receive(frames, 1514);
      },
    ],
    [
      'transmitted',
      () => {
        const path = new DataPath(60);
        return (frames) => path.transmit(frames);
      },
    ],
    [
      'judged by every model',
      () => {
        const path = new HostPath();
        return (frames) => path.input(frames);
      },
    ],
    [
      'passed from guest to guest, their checksums begun',
      () => {
        const path = new SwitchPath(1400);
        return (frames) => path.pass(frames);
      },
    ],
    [
      'passed from guest to guest as large segments',
      () => {
        const path = new SwitchPath(20_000);
        return (frames) => path.pass(frames);
      },
    ],
  ])('%s', (_what, prepare) => {
    const run = prepare();
    run(FRAMES / 10);
    const before = heap();
    run(FRAMES);
    // A single byte kept of each frame would be 100 KiB; the compiler's own work comes to some tens.
    expect(heap() - before).toBeLessThan(FRAMES * 4);
  });
});

it('the measured path is the real one: every frame gets through', () => {
  const path = new DataPath(60);
  path.receive(1024, 60);
  path.transmit(1024);
  expect(path.counters).toMatchObject({ rx_packets: 1024, tx_packets: 1024, no_space: 0, tx_drops: 0 });
  const between = new SwitchPath(20_000);
  between.pass(1024);
  expect(between.received).toMatchObject({ rx_packets: 1024, rx_bytes: 1024 * 20_054, rx_drops: 0 });
});
