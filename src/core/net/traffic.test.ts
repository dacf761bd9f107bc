import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum } from './checksum.ts';
import { newFrameHeader, readHeader } from './ethernet.ts';
import { frameFromSpec } from './frame-spec.ts';
import { PRESET_IDS, TrafficSource, trafficPresets } from './traffic.ts';

describe('trafficPresets', () => {
  const frames = trafficPresets(0x0200_0000_0015, 1500).map((preset) => {
    const made = frameFromSpec(preset.frame);
    if (!made.ok) throw new Error(made.error);
    const header = newFrameHeader();
    readHeader(made.bytes, 0, made.bytes.length, header);
    return { id: preset.id, bytes: made.bytes, header };
  });
  const find = (id: string) => frames.find((frame) => frame.id === id)!;

  it('has one frame for every id, in order', () => {
    expect(frames.map((frame) => frame.id)).toEqual([...PRESET_IDS]);
  });

  it.each<[string, number, number]>([
    ['own-unicast', 0x0200_0000_0015, -1],
    ['foreign-unicast', 0x0200_0000_0099, -1],
    ['broadcast', 0xffff_ffff_ffff, -1],
    ['all-hosts', 0x0100_5e00_0001, -1],
    ['all-nodes', 0x3333_0000_0001, -1],
    ['multicast-v4', 0x0100_5e01_0203, -1],
    ['multicast-v6', 0x3333_0001_0203, -1],
    ['vlan-own-unicast', 0x0200_0000_0015, 5],
    ['vlan-broadcast', 0xffff_ffff_ffff, 5],
    ['vlan-multicast', 0x0100_5e00_0001, 5],
    ['priority-tagged', 0x0200_0000_0015, 0],
    ['runt', 0x0200_0000_0015, -1],
    ['oversize', 0x0200_0000_0015, -1],
  ])('%s goes to the right destination', (id, dst, vid) => {
    expect(find(id).header).toMatchObject({ dst, vid, valid: true });
  });

  it('runt is below 60 bytes, oversize one byte above the MTU, the others between', () => {
    for (const { id, bytes, header } of frames) {
      const size = bytes.length - (header.vid >= 0 ? 4 : 0);
      if (id === 'runt') expect(size).toBeLessThan(60);
      else if (id === 'oversize') expect(size).toBe(1515);
      else expect(size).toBeGreaterThanOrEqual(60);
    }
  });

  it('carries valid IPv4 headers', () => {
    for (const { bytes, header } of frames) {
      if (header.etherType === 0x0800) expect(checksum(bytes, header.headerLength, 20)).toBe(0);
    }
  });
});

describe('TrafficSource', () => {
  const frames = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];

  it('sends the first frame at once and the others in time, round and round', () => {
    const source = new TrafficSource(frames, 10, 1e9);
    expect(source.due(0)).toBe(0);
    expect(source.due(1e9)).toBe(1);
    expect(source.next()).toBe(frames[0]);
    expect(source.due(1.05e9)).toBe(0);
    expect(source.due(1.35e9)).toBe(3);
    expect([source.next(), source.next(), source.next()].map((frame) => frame[0])).toEqual([2, 3, 1]);
    expect(source.sent).toBe(4);
  });

  it('without a rate always has a burst, and gives up nothing', () => {
    const source = new TrafficSource(frames, Infinity, 5e9);
    expect([source.due(0), source.due(5e9), source.due(3600e9)]).toEqual([4096, 4096, 4096]);
    expect([source.next(), source.next(), source.next(), source.next()].map((frame) => frame[0])).toEqual([1, 2, 3, 1]);
    expect([source.sent, source.skipped]).toEqual([4, 0]);
  });

  it('gives up what is more than a burst, and counts it', () => {
    const source = new TrafficSource(frames, 1000, 0);
    expect(source.due(3600e9)).toBe(4096);
    expect(source.skipped).toBe(3600 * 1000 + 1 - 4096);
    for (let i = 0; i < 4096; i++) source.next();
    expect(source.due(3600e9)).toBe(0);
  });

  it('keeps its rate however often it is asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(fc.nat(1e8), { maxLength: 30 }), (rate, waits) => {
        const source = new TrafficSource(frames, rate, 0);
        let now = 0;
        for (const wait of waits) {
          now += wait;
          for (let due = source.due(now); due > 0; due--) source.next();
        }
        if (waits.length > 0) expect(source.sent + source.skipped).toBe(Math.floor((now * rate) / 1e9) + 1);
      }),
    );
  });

  it('refuses to be without frames or rate', () => {
    expect(() => new TrafficSource([], 1, 0)).toThrow(/at least one frame/);
    for (const rate of [0, -1, NaN]) expect(() => new TrafficSource(frames, rate, 0)).toThrow(/above 0/);
  });
});
