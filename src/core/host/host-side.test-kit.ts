/** A host side with recorders around it, for its tests. */
import { frameFromSpec } from '../net/frame-spec.ts';
import type { Mac } from '../net/mac.ts';
import { type PresetId, trafficPresets } from '../net/traffic.ts';
import type { TraceEvent } from '../trace/event.ts';
import { PackedWriter } from '../trace/packed.ts';
import type { FrameMeta } from '../ring/frames.ts';
import { newFrameMeta } from '../ring/frames.ts';
import type { LinkKind } from '../viona/link.ts';
import type { HostModelId, RxEvent } from './host-model.ts';
import { HostSide } from './host-side.ts';
import { FATES } from './verdict.ts';

export const OWN = 0x0200_0000_0015;
export const NEGOTIATED: RxEvent = { type: 'negotiated', features: (1n << 17n) | (1n << 18n) };
export const PROMISC_ON: RxEvent = { type: 'command', command: { type: 'rx', flag: 'promisc', value: 1 } };
export const PROMISC_OFF: RxEvent = { type: 'command', command: { type: 'rx', flag: 'promisc', value: 0 } };
export const JOIN: RxEvent = {
  type: 'command',
  command: { type: 'mac-table-set', unicast: [], multicast: [0x0100_5e00_0001] },
};

export const PRESETS = new Map(
  trafficPresets(OWN, 1500).map(({ id, frame }) => {
    const made = frameFromSpec(frame);
    if (!made.ok) throw new Error(made.error);
    return [id, made.bytes] as const;
  }),
);

export interface Seen {
  id: number;
  generation: number;
  active: number;
  fate: string;
  verdicts: number[];
  length: number;
}

/** The driver sets up these queues and kicks them. */
export function queuesUp(...queues: readonly number[]): RxEvent[] {
  return queues.flatMap((queue) => [
    { type: 'queue', queue, to: 'enabled', size: 256 },
    { type: 'queue', queue, to: 'kicked', size: 256 },
  ]);
}

/** Reads FRAME_RX records by the layout in packed.ts, with offsets of its own. */
export function readFrames(buffer: ArrayBuffer, used: number): Seen[] {
  const view = new DataView(buffer);
  const seen: Seen[] = [];
  for (let at = 0; at < used; at += view.getUint32(at + 4, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    seen.push({
      id: view.getUint32(at + 16, true),
      length: view.getUint32(at + 20, true),
      generation: view.getUint32(at + 24, true),
      active: view.getUint8(at + 28),
      fate: FATES[view.getUint16(at + 30, true)] ?? '?',
      verdicts: Array.from({ length: view.getUint8(at + 29) }, (_, i) => view.getUint16(at + 32 + 2 * i, true)),
    });
  }
  return seen;
}

export interface LabOptions {
  readonly mac?: Mac;
  readonly mtu?: number;
  readonly linkKind?: LinkKind;
  /** False leaves the rings in RESET: no driver has come yet. */
  readonly up?: boolean;
}

export function lab(model: HostModelId = 'propolis-372a574', options: LabOptions = {}) {
  const { mac = OWN, mtu = 1500, linkKind = 'physical', up = true } = options;
  const events: TraceEvent[] = [];
  const frames: Seen[] = [];
  const delivered: { id: number; bytes: Uint8Array; meta: FrameMeta }[] = [];
  let room = Number.POSITIVE_INFINITY;
  let flushes = 0;
  const trace = new PackedWriter(
    (batch) => frames.push(...readFrames(batch.chunk, batch.used)),
    () => 0,
  );
  const host = new HostSide({
    mac,
    mtu,
    linkKind,
    trace,
    emit: (event) => events.push(event),
    deliver: {
      send(id, bytes, offset, length, meta = newFrameMeta()) {
        if (room-- <= 0) return false;
        delivered.push({ id, bytes: bytes.slice(offset, offset + length), meta: { ...meta } });
        return true;
      },
      flush: () => {
        flushes++;
      },
    },
    model,
  });
  const input = (frame: Uint8Array, meta?: FrameMeta): Seen => {
    // At an offset, so that nothing gets by with reading from the start.
    const bytes = new Uint8Array(frame.length + 10).fill(0xcc);
    bytes.set(frame, 5);
    const id = host.input(bytes, 5, frame.length, meta);
    trace.flush();
    const seen = frames.find((each) => each.id === id);
    if (!seen) throw new Error('the frame left no record');
    return seen;
  };
  if (up) for (const event of queuesUp(0, 1)) host.rxEvent(event);
  return {
    host,
    events,
    delivered,
    /** One per frame, in order. */
    frames,
    flushes: () => flushes,
    fill: (frames: number) => (room = frames),
    /** What `host` was given by others shows in `frames` from here on. */
    settle: () => trace.flush(),
    input,
    inject: (id: PresetId): Seen => input(PRESETS.get(id) ?? new Uint8Array()),
  };
}

export type Lab = ReturnType<typeof lab>;
