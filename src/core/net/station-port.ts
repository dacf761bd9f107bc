/**
 * A station's place on the switch: it takes complete frames only, so what is left to do is done here, and only for
 * frames that come this way.
 */
import type { FrameMeta } from '../ring/frames.ts';
import { PLAIN_FRAME } from '../ring/frames.ts';
import type { Reply, Station } from './echo-station.ts';
import type { LearningSwitch, SwitchPort } from './learning-switch.ts';
import { type EmitPiece, finish } from './segmentation.ts';

export class StationPort implements SwitchPort {
  readonly #hand: EmitPiece;

  constructor(station: Station, reply: Reply) {
    this.#hand = (bytes, offset, length) => {
      station.onFrame(bytes, offset, length, reply);
    };
  }

  /** False if what is to be done does not fit the frame. */
  take(bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): boolean {
    return finish(bytes, offset, length, meta, this.#hand) === null;
  }

  /** What a station takes it has looked at. */
  flush(): void {
    // Nothing waits.
  }
}

/** Hangs a station on a switch; what it replies comes in by its port, which is returned. */
export function plugStation(network: LearningSwitch, station: Station): number {
  const port: number = network.plug(
    new StationPort(station, (bytes, offset, length) => {
      network.forward(port, bytes, offset, length, PLAIN_FRAME);
    }),
  );
  return port;
}
