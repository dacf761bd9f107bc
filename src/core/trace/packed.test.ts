import { describe, expect, it } from 'vitest';
import { fateCode, verdict } from '../host/verdict.ts';
import { LabTrace } from './lab-trace.ts';
import { PackedWriter, type TraceBatch } from './packed.ts';

const TAKE = verdict('own-unicast', 'classified', { looked: 1, copied: 0, delivered: 1, discarded: 0 });
const CODES = Uint16Array.of(TAKE.code, TAKE.code, TAKE.code);
const FRAME = Uint8Array.from({ length: 1600 }, (_, i) => i * 7);
const DELIVERED = fateCode('delivered');

/** A writer and the page's trace, with a clock that is set by hand. */
class Recording {
  readonly trace = new LabTrace();
  time = 0;
  readings = 0;
  progress = 0;
  batches = 0;
  readonly writer: PackedWriter;

  constructor(chunkBytes?: number) {
    this.writer = new PackedWriter(
      (batch) => {
        this.batches++;
        this.trace.add('machine', batch);
      },
      () => {
        this.readings++;
        return this.time;
      },
      chunkBytes,
      () => this.progress,
    );
  }

  rx(id: number): void {
    this.writer.frameRx(id, FRAME, 0, 60, 1, 0, CODES, 3, 0);
  }

  tx(id: number, offset = 0, length = 60): void {
    this.writer.frameTx(id, FRAME, offset, length, 1, 5, 0, 0);
  }

  get counts(): unknown {
    const { injected, sent, pending, inconsistent, unrecordedToGuest, unrecordedFromGuest } =
      this.trace.frames.counters;
    return { injected, sent, pending, inconsistent, unrecordedToGuest, unrecordedFromGuest };
  }
}

describe('while frames are not recorded', () => {
  it('counts every one of them, and no other record goes missing', () => {
    const recording = new Recording();
    const { writer } = recording;
    recording.rx(2);
    recording.tx(1);
    writer.recording = false;
    for (let i = 0; i < 1000; i++) {
      recording.rx(0);
      writer.frameFate(0, DELIVERED, 0, 0, 1, 72);
      recording.tx(3 + 2 * i);
      writer.notify(1, i);
      writer.interrupt(0, i);
    }
    // Pending when recording ended: its fate is still owed.
    writer.frameFate(2, DELIVERED, 0, 0, 1, 72);
    writer.event({ type: 'lost', what: 'x', count: 1 });
    writer.recording = true;
    recording.rx(4);
    recording.tx(2003);
    writer.flush();
    expect(recording.counts).toEqual({
      injected: 2,
      sent: 2,
      pending: 1,
      inconsistent: 0,
      unrecordedToGuest: 1000,
      unrecordedFromGuest: 1000,
    });
    expect(recording.trace.queues.of(1)).toMatchObject({ kicks: 1000, availIdx: 999 });
    expect(recording.trace.queues.of(0)).toMatchObject({ interrupts: 1000, usedIdx: 999 });
    expect(recording.trace.model.lost).toEqual({ x: 1 });
  });

  it('tells the counts in the end, though not with every flush', () => {
    const recording = new Recording();
    recording.writer.recording = false;
    const FLUSHES = 100;
    for (let i = 0; i < FLUSHES; i++) {
      recording.tx(1 + 2 * i);
      recording.writer.flush();
    }
    expect(recording.batches).toBeGreaterThan(0);
    expect(recording.batches).toBeLessThan(FLUSHES / 10);
    for (let i = 0; i < 20; i++) recording.writer.flush();
    expect(recording.trace.frames.counters.unrecordedFromGuest).toBe(FLUSHES);
    const { batches } = recording;
    for (let i = 0; i < 50; i++) recording.writer.flush();
    expect(recording.batches, 'nothing new, nothing sent').toBe(batches);
  });

  it('records what somebody wants to have recorded, and then no more', () => {
    const recording = new Recording();
    recording.writer.recording = false;
    expect(() =>
      recording.writer.always(() => {
        recording.tx(1);
        throw new Error('in the middle');
      }),
    ).toThrow('in the middle');
    recording.tx(3);
    recording.writer.recording = true;
    recording.writer.flush();
    expect(recording.counts).toMatchObject({ sent: 1, unrecordedFromGuest: 1 });
  });
});

describe('the time of a record', () => {
  const times = ({ trace: { frames } }: Recording): number[] =>
    Array.from({ length: frames.length }, (_, number) => frames.row(number)?.time ?? NaN);

  it('is read once for some records, and anew for the next batch', () => {
    const recording = new Recording();
    for (let i = 0; i < 64; i++) {
      recording.time = i;
      recording.tx(1 + 2 * i);
    }
    recording.writer.endBatch();
    recording.time = 1000;
    recording.tx(129);
    recording.writer.flush();
    const got = times(recording);
    expect(recording.readings).toBe(5);
    expect(got.every((time, i) => time <= (i === 64 ? 1000 : i) && time > (i === 64 ? 999 : i - 16))).toBe(true);
  });

  it('is read anew when the thread got far meanwhile', () => {
    const recording = new Recording();
    recording.tx(1);
    recording.time = 5000;
    recording.progress = 1_000_000;
    recording.tx(3);
    recording.progress = 10;
    recording.time = 6000;
    recording.tx(5);
    recording.writer.flush();
    expect(times(recording), 'also over the end of the 32 bits').toEqual([0, 5000, 6000]);
  });
});

describe('captured bytes', () => {
  it.each([0, 1, 2, 3])('are those of the frame, at whatever address it lies (+%d), once or many times', (shift) => {
    const recording = new Recording();
    const others = [FRAME.slice(), FRAME.slice(), FRAME];
    for (let i = 0; i < 12; i++) {
      const from = i < 6 ? FRAME : (others[i % 3] ?? FRAME);
      recording.writer.frameTx(1 + 2 * i, from, 13 * i + shift, 60 + i, 1, 0, 0, 0);
    }
    recording.writer.flush();
    for (let i = 0; i < 12; i++) {
      const at = 13 * i + shift;
      expect(recording.trace.log.captured(i)).toEqual(FRAME.subarray(at, at + 60 + i));
    }
  });

  it('are those of a view into the middle of a buffer', () => {
    const recording = new Recording();
    const view = new Uint8Array(FRAME.buffer, 101, 900);
    for (let i = 0; i < 3; i++) recording.writer.frameTx(1 + 2 * i, view, 5, 300, 1, 0, 0, 0);
    recording.writer.flush();
    for (let i = 0; i < 3; i++) expect(recording.trace.log.captured(i)).toEqual(FRAME.subarray(106, 106 + 256));
  });
});

it('writes into chunks that were given back, and what lay there before is not to be seen', () => {
  const shipped: TraceBatch[] = [];
  const writer = new PackedWriter(
    (batch) => shipped.push(batch),
    () => 7,
    4096,
  );
  const given = new ArrayBuffer(4096);
  new Uint8Array(given).fill(0xff);
  writer.reuse(given);
  writer.reuse(new ArrayBuffer(64));
  const write = (): void => {
    for (let i = 0; i < 30; i++) {
      writer.frameRx(2 + 2 * i, FRAME, 0, 61, 1, 0, CODES, 3, 0);
      writer.frameTx(1 + 2 * i, FRAME, 0, 61, 1, 0, 0, 0);
      writer.notify(1, i);
    }
    writer.flush();
  };
  write();
  write();
  const seen = shipped.map(({ chunk }) => chunk);
  expect(seen).toContain(given);
  const trace = new LabTrace();
  for (const batch of shipped.slice(0, shipped.length / 2)) trace.add('machine', batch);
  const first = Array.from({ length: 60 }, (_, number) => trace.frames.row(number));
  expect(first.every((row) => row?.time === 7 && row.flags === 0 && row.gsoSize === 0)).toBe(true);
  for (let seq = 0; seq < 60; seq++) expect(trace.log.captured(seq)).toEqual(FRAME.subarray(0, 61));
  expect(trace.queues.of(1)).toMatchObject({ kicks: 30, interrupts: 0, usedIdx: 0 });
});

it('tells kicks and interrupts of many queues once each, also across full chunks', () => {
  const recording = new Recording(4096);
  for (let i = 0; i < 4000; i++) {
    recording.writer.notify(i % 40, i & 0xffff);
    if (i % 2 === 0) recording.writer.interrupt(i % 40, (i + 1) & 0xffff);
    recording.tx(1 + 2 * i);
    if (i % 1000 === 999) recording.writer.flush();
  }
  for (let queue = 0; queue < 40; queue++) {
    const even = queue % 2 === 0;
    expect(recording.trace.queues.of(queue)).toMatchObject({
      kicks: 100,
      availIdx: 3960 + queue,
      interrupts: even ? 100 : 0,
      usedIdx: even ? 3961 + queue : 0,
    });
  }
  expect(recording.counts).toMatchObject({ sent: 4000, inconsistent: 0 });
});
