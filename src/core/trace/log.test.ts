import { describe, expect, it } from 'vitest';
import { RX_MODE_UNSET } from '../virtio-net/rx-mode.ts';
import { TraceLog } from './log.ts';
import { PackedWriter } from './packed.ts';
import type { TraceBatch } from './packed.ts';

function record(write: (writer: PackedWriter) => void, chunkBytes = 4096): TraceBatch[] {
  const batches: TraceBatch[] = [];
  let time = 0;
  const writer = new PackedWriter(
    (batch) => batches.push(batch),
    () => time++,
    chunkBytes,
  );
  write(writer);
  writer.flush();
  return batches;
}

const boot = { type: 'boot', stage: 'kernel', loadedBytes: 0, totalBytes: 0 } as const;

describe('TraceLog', () => {
  it('numbers records of all kinds and sources without gaps', () => {
    const log = new TraceLog();
    const [first] = record((writer) => {
      writer.frameFate(2, 1, 0, 0, 0, 0);
      writer.event(boot);
    });
    const [second] = record((writer) => {
      writer.event({ type: 'lost', what: 'x', count: 2 });
      writer.frameFate(4, 1, 0, 0, 0, 0);
    });
    expect(log.add('machine', first!).firstSeq).toBe(0);
    expect(log.add('viona', second!).firstSeq).toBe(2);
    expect(log.length).toBe(4);
    expect(log.events.map(({ seq, source }) => [seq, source])).toEqual([
      [1, 'machine'],
      [2, 'viona'],
    ]);
    expect(log.event(1)).toEqual({ seq: 1, time: 1, source: 'machine', event: boot });
    expect(log.event(0)).toBeUndefined();
    expect(log.event(9)).toBeUndefined();
  });

  it('hands out captured bytes in place, and none for other records', () => {
    const log = new TraceLog();
    const frame = Uint8Array.from({ length: 300 }, (_, i) => i);
    const [batch] = record((writer) => {
      writer.frameFate(4, 1, 0, 0, 0, 0);
      writer.frameTx(1, frame, 10, 100, 1, 0, 0, 0);
      writer.frameRx(2, frame, 0, 300, 0, 0, new Uint16Array(8), 0, 1);
    });
    log.add('machine', batch!);
    expect(log.captured(0)).toBeNull();
    expect(log.captured(1)).toEqual(frame.subarray(10, 110));
    expect(log.captured(2)).toEqual(frame.subarray(0, 256));
    expect(log.captured(3)).toBeNull();
  });

  it('keeps a full chunk as it came and cuts a mostly empty one to size', () => {
    const log = new TraceLog();
    const [full, rest] = record((writer) => {
      for (let i = 0; i < 129; i++) writer.frameFate(2 + 2 * i, 1, 0, 0, 0, 0);
    });
    expect(log.add('machine', full!).bytes.buffer).toBe(full!.chunk);
    expect(log.add('machine', rest!).bytes.byteLength).toBe(32);
    expect(log.retainedBytes).toBe(4096 + 32);
  });

  it('evicts whole chunks, oldest first, and counts every record that went', () => {
    const log = new TraceLog({ retainBytes: 3 * 4096 });
    const frame = new Uint8Array(64);
    for (const batch of record((writer) => {
      writer.event(boot);
      for (let i = 0; i < 1000; i++) writer.frameTx(2 * i + 1, frame, 0, 64, 1, 0, 0, 0);
    })) {
      log.add('machine', batch);
    }
    expect(log.length).toBe(1001);
    expect(log.retainedBytes).toBeLessThanOrEqual(3 * 4096);
    expect(log.captured(log.evictedRecords - 1)).toBeNull();
    expect(log.captured(log.evictedRecords)).toHaveLength(64);
    expect(log.captured(1000)).toHaveLength(64);
    expect(log.event(0)?.event, 'events outlive their chunk').toEqual(boot);
  });

  it('bounds the events too, with an exact count', () => {
    const log = new TraceLog({ retainEvents: 80 });
    for (const batch of record((writer) => {
      for (let i = 0; i < 500; i++) writer.event(boot);
    })) {
      log.add('page', batch);
    }
    expect(log.events.length).toBeLessThanOrEqual(90);
    expect(log.events.length + log.evictedEvents).toBe(500);
  });

  it('keeps fewer events when they carry large tables', () => {
    const log = new TraceLog({ retainEvents: 80 });
    const multicast = Array.from({ length: 160 }, (_, i) => 0x0100_5e00_0000 + i);
    const tables = { unicast: [], multicast };
    const state = { type: 'filter-state', rxMode: RX_MODE_UNSET, tables, generation: 1 } as const;
    for (const batch of record((writer) => {
      for (let i = 0; i < 500; i++) writer.event(state);
    })) {
      log.add('machine', batch);
    }
    expect(log.events.length).toBeLessThanOrEqual(9);
    expect(log.events.length + log.evictedEvents).toBe(500);
  });

  it('forgets packed records on request and goes on counting', () => {
    const log = new TraceLog();
    const [batch] = record((writer) => writer.notify(0, 1));
    log.add('machine', batch!);
    log.dropRecords();
    expect([log.length, log.evictedRecords, log.retainedBytes]).toEqual([1, 1, 0]);
    const [next] = record((writer) => writer.notify(0, 2));
    expect(log.add('machine', next!).firstSeq).toBe(1);
  });

  it('gives back the memory of what it lets go or has cut to size, to whom it came from', () => {
    const freed: [string, ArrayBuffer][] = [];
    const log = new TraceLog({ retainBytes: 8192, onFree: (source, chunk) => freed.push([source, chunk]) });
    const batches = record((writer) => {
      for (let i = 0; i < 512; i++) writer.frameFate(2 + 2 * i, 1, 0, 0, 0, 0);
      writer.flush();
      for (let i = 0; i < 40; i++) writer.frameFate(2 + 2 * i, 1, 0, 0, 0, 0);
    });
    expect(batches.map(({ used }) => used)).toEqual([4096, 4096, 4096, 4096, 1280]);
    batches.forEach((batch, i) => log.add(i % 2 === 0 ? 'machine' : 'viona', batch));
    expect(freed).toEqual([
      ['machine', batches[0]!.chunk],
      ['viona', batches[1]!.chunk],
      ['machine', batches[4]!.chunk],
      ['machine', batches[2]!.chunk],
    ]);
    expect(log.captured(log.evictedRecords - 1)).toBeNull();
  });

  it('refuses a damaged chunk', () => {
    const [batch] = record((writer) => writer.notify(0, 1));
    new DataView(batch!.chunk).setUint32(4, 7, true);
    expect(() => new TraceLog().add('machine', batch!)).toThrow('does not fit');
  });
});
