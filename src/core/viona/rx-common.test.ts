import { describe, expect, it } from 'vitest';
import { newFrameHeader, readHeader } from '../net/ethernet.ts';
import { countsAsShort, overMtu, stripAndPad, unchanged } from './rx-common.ts';

const TAGGED = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0, 5, 0x08, 0x00];

function seen(bytes: Uint8Array, strip: boolean): Uint8Array {
  const into = new Uint8Array(200).fill(0xee); // stale bytes must not show in the padding
  return into.slice(0, stripAndPad(bytes, 0, bytes.length, strip, into));
}

function isOver(length: number, mtu: number, tagged: boolean): boolean {
  const bytes = new Uint8Array(length);
  if (tagged) bytes.set(TAGGED);
  const header = newFrameHeader();
  readHeader(bytes, 0, length, header);
  return overMtu(header, mtu);
}

describe('viona_rx_common, link side', () => {
  it('drops what is longer than 14 + MTU; a tag does not count', () => {
    expect([1514, 1515].map((length) => isOver(length, 1500, false))).toEqual([false, true]);
    expect([1518, 1519].map((length) => isOver(length, 1500, true))).toEqual([false, true]);
  });

  it('takes the tag out from behind the addresses', () => {
    const frame = new Uint8Array(68);
    frame.set(TAGGED);
    frame[67] = 99;
    const out = seen(frame, true);
    expect(out).toHaveLength(64);
    expect([...out.slice(0, 14)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0]);
    expect(out[63]).toBe(99);
  });

  it('a 60-byte frame that lost its tag is padded but not counted', () => {
    const frame = new Uint8Array(60).fill(1);
    const out = seen(frame, true);
    expect(out).toHaveLength(60);
    expect([...out.slice(55)]).toEqual([1, 0, 0, 0, 0]);
    expect(countsAsShort(60, true)).toBe(false);
  });

  it('a shorter frame is zero padded to 60 and counts as rx_pad_short', () => {
    expect([...seen(new Uint8Array(20).fill(1), false).slice(19, 60)]).toEqual([
      1,
      ...Array.from({ length: 40 }, () => 0),
    ]);
    expect([14, 55, 59].map((length) => countsAsShort(length, false))).toEqual([true, true, true]);
    expect([60, 1514].map((length) => countsAsShort(length, false))).toEqual([false, false]);
    expect(countsAsShort(59, true)).toBe(true);
  });

  it('leaves the usual frame alone, so that it need not be copied', () => {
    expect(unchanged(60, false)).toBe(true);
    expect(unchanged(59, false)).toBe(false);
    expect(unchanged(60, true)).toBe(false);
  });
});
