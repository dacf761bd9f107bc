/** The trace, set up for measuring: what a thread writes for a stream of frames, and what the page makes of it. */
import { frameFromSpec } from '../src/core/net/frame-spec.ts';
import { GUEST_MAC, trafficPresets } from '../src/core/net/traffic.ts';
import { FATES } from '../src/core/host/verdict.ts';
import { FILTER_VERDICTS } from '../src/core/host/verdicts.ts';
import { LabTrace } from '../src/core/trace/lab-trace.ts';
import { PackedWriter, type TraceBatch } from '../src/core/trace/packed.ts';

const FRAMES = trafficPresets(GUEST_MAC, 1500).flatMap(({ frame }) => {
  const made = frameFromSpec(frame);
  return made.ok ? [made.bytes] : [];
});
const DELIVERED = FATES.indexOf('delivered');
const { ownUnicast, multicastMiss, promisc } = FILTER_VERDICTS;
const CODES = [ownUnicast, multicastMiss, promisc].map(({ code }) => new Uint16Array(6).fill(code));
/** Frames to a flush: what comes in 16 ms at some 100,000 a second. */
const FLUSH = 1600;

/** Both threads of a lab, as far as the trace knows them: frames towards the guest with their fates, and from it. */
export class TraceSource {
  readonly #host: PackedWriter;
  readonly #device: PackedWriter;
  #id = 2;
  #sent = 1;
  readonly #packet = new Uint8Array(2048);

  constructor(ship: (source: 'machine' | 'viona', batch: TraceBatch) => void) {
    const now = (): number => performance.now() * 1e6;
    this.#host = new PackedWriter((batch) => {
      ship('viona', batch);
    }, now);
    this.#device = new PackedWriter((batch) => {
      ship('machine', batch);
    }, now);
  }

  set recording(on: boolean) {
    this.#host.recording = on;
    this.#device.recording = on;
  }

  /** Frames towards the guest: two records each. */
  receive(frames: number): void {
    for (let i = 0; i < frames; i++) {
      const bytes = FRAMES[i % FRAMES.length] as Uint8Array;
      const codes = CODES[i % CODES.length] as Uint16Array;
      const id = this.#host.recording ? this.#id : 0;
      this.#id = (this.#id + 2) >>> 0 || 2;
      this.#host.frameRx(id, bytes, 0, bytes.length, 1, 1, codes, codes.length, 0);
      this.#device.frameFate(id, DELIVERED, 0, i & 255, 1, bytes.length + 12);
      if (i % 32 === 31) this.#device.interrupt(0, i & 0xffff);
      if (i % FLUSH === FLUSH - 1) this.flush();
    }
  }

  /** Frames from the guest, each with a kick: one record each, and what counts kicks. */
  transmit(frames: number): void {
    for (let i = 0; i < frames; i++) {
      this.#device.notify(1, i & 0xffff);
      this.#device.frameTx(this.#sent, this.#packet, 12, 60, 1, i & 255, 0, 0);
      this.#sent = (this.#sent + 2) >>> 0;
      if (i % FLUSH === FLUSH - 1) this.flush();
    }
  }

  /** The device's thread first: half of the fates come before their frame. */
  flush(): void {
    this.#device.flush();
    this.#host.flush();
  }
}

/** Chunks of so many frames, to be added to a trace again and again: each round with ids of its own. */
export function recorded(frames: number): (into: LabTrace) => void {
  const batches: (readonly ['machine' | 'viona', TraceBatch])[] = [];
  const source = new TraceSource((from, batch) => batches.push([from, batch]));
  return (into) => {
    batches.length = 0;
    source.receive(frames);
    source.transmit(frames);
    source.flush();
    for (const [from, batch] of batches) into.add(from, batch);
  };
}
