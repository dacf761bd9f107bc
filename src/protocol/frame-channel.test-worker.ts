/** The receiving thread of the two-thread test: checks every frame, reports when the empty one comes. */
import { workerData } from 'node:worker_threads';
import { frameReceiver, type FrameEnd } from './frame-channel.ts';
import type { Port } from './port.ts';

const { end, report } = workerData as { readonly end: FrameEnd; readonly report: Port };

let frames = 0;
let wrong = 0;
let wakeUps = 0;
let finished = false;
const receiver = frameReceiver(end);
receiver.onFrames(
  (id, bytes, offset, length) => {
    if (length === 0) {
      finished = true;
      return;
    }
    if (id !== frames || length !== 14 + (id % 1500)) wrong++;
    for (let index = 0; index < length; index += 97) {
      if (bytes[offset + index] !== (((id % 256) + index) * 7 & 0xff)) wrong++;
    }
    frames++;
  },
  () => {
    wakeUps++;
    if (!finished) return;
    report.postMessage({ frames, wrong, wakeUps }, []);
    receiver.close();
    report.close();
  },
);
