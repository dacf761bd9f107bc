import { describe, expect, it } from 'vitest';
import { newGsoHeaders } from '../net/gso.ts';
import { newFrameMeta } from '../ring/frames.ts';
import type { RxOffloads } from './rx-common.ts';
import { countsAsShort, guestMeta, lsoStep, overMtu, rxOffloads, stripAndPad, unchanged } from './rx-common.ts';
import { tcpFrame } from './rx-common.test-kit.ts';

const TAGGED = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0, 5, 0x08, 0x00];

function seen(bytes: Uint8Array, strip: boolean): Uint8Array {
  const into = new Uint8Array(200).fill(0xee); // stale bytes must not show in the padding
  return into.slice(0, stripAndPad(bytes, 0, bytes.length, strip, into));
}

describe('viona_rx_common, link side', () => {
  it('drops what is longer than 14 + MTU; a tag does not count', () => {
    expect([1514, 1515].map((length) => overMtu(length, false, 1500))).toEqual([false, true]);
    expect([1518, 1519].map((length) => overMtu(length, true, 1500))).toEqual([false, true]);
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

const NOTHING: RxOffloads = { checksum: false, tso4: false, tso6: false };
const ALL: RxOffloads = { checksum: true, tso4: true, tso6: true };

describe('large segments, steps 2 to 4', () => {
  const step = (
    version: 4 | 6,
    payload: number,
    offloads: RxOffloads,
    more: object = {},
    edit?: (b: Uint8Array) => void,
  ) => {
    const bytes = tcpFrame(version, payload);
    edit?.(bytes);
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    const meta = { ...newFrameMeta(), gsoType: version === 4 ? 1 : 4, gsoSize: 1448, ...more };
    return lsoStep(padded, 3, bytes.length, meta, offloads, newGsoHeaders());
  };

  it('need an MSS and readable headers, else rx_gro_malformed', () => {
    expect(step(4, 4000, ALL, { gsoSize: 0 })).toBe('malformed');
    expect(step(4, 4000, ALL, {}, (bytes) => bytes.fill(0, 12, 14))).toBe('malformed'); // no IP
    expect(step(4, 4000, ALL, {}, (bytes) => (bytes[20] = 0x20))).toBe('malformed'); // a fragment
    expect(step(4, 4000, ALL, { gsoType: 4 })).toBe('malformed');
    expect(step(6, 4000, ALL, { gsoType: 1 })).toBe('malformed');
    expect(step(4, 4000, ALL, { gsoType: 2 })).toBe('malformed');
  });

  it('of a type that the guest negotiated pass whole, of another they are split', () => {
    expect(step(4, 4000, { ...NOTHING, tso4: true })).toBe('whole');
    expect(step(6, 4000, { ...NOTHING, tso6: true })).toBe('whole');
    expect(step(4, 4000, { ...NOTHING, tso6: true })).toBe('split');
    expect(step(6, 4000, { ...NOTHING, tso4: true })).toBe('split');
    expect(step(4, 4000, { ...NOTHING, tso4: true }, { gsoType: 0x81 })).toBe('whole'); // ECN
  });

  it('above 65550 bytes are split, negotiated or not', () => {
    // 14 + 40 + 20 of headers in IPv6: its length field does not count its own 40.
    expect(step(6, 65550 - 74, ALL)).toBe('whole');
    expect(step(6, 65551 - 74, ALL)).toBe('split');
  });

  it('that have headers but cannot be cut are unsplittable, unless they pass whole', () => {
    const tooLong = (bytes: Uint8Array) => bytes.set([0xff, 0xff], 16); // total length of IPv4
    expect(step(4, 4000, NOTHING, {}, tooLong)).toBe('unsplittable');
    expect(step(4, 4000, ALL, {}, tooLong)).toBe('whole');
  });
});

describe('what the guest’s header will say', () => {
  const said = (more: object, offloads: RxOffloads, finished = false) => {
    const into = { flags: 9, gsoType: 9, hdrLen: 9, gsoSize: 9, csumStart: 9, csumOffset: 9, pair: 9 };
    guestMeta({ ...newFrameMeta(), ...more }, finished, offloads, 3, into);
    return into;
  };
  const PLAIN = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 3 };

  it('is all zero for a plain frame', () => {
    expect(said({}, ALL)).toEqual(PLAIN);
    expect(said({ hdrLen: 54, gsoSize: 7 }, ALL)).toEqual(PLAIN);
  });

  it('DATA_VALID for a verified checksum, if the guest negotiated GUEST_CSUM', () => {
    expect(said({ flags: 2 }, ALL).flags).toBe(2);
    expect(said({ flags: 2 }, NOTHING).flags).toBe(0);
    expect(said({}, ALL, true).flags).toBe(2);
    expect(said({}, NOTHING, true).flags).toBe(0);
  });

  it('of a large segment where its begun checksum belongs, and never hdr_len or ECN', () => {
    const place = { csumStart: 34, csumOffset: 16 };
    const large = { flags: 1, gsoType: 1, gsoSize: 1448, hdrLen: 54, ...place };
    expect(said(large, ALL)).toEqual({ ...PLAIN, flags: 1, gsoType: 1, gsoSize: 1448, ...place });
    expect(said({ ...large, gsoType: 0x84 }, ALL).gsoType).toBe(4);
    // Of one whose sum nobody left begun there is nothing to say.
    expect(said({ ...large, flags: 2 }, ALL)).toEqual({ ...PLAIN, flags: 2, gsoType: 1, gsoSize: 1448 });
    expect(said({ ...large, flags: 0 }, ALL)).toEqual({ ...PLAIN, gsoType: 1, gsoSize: 1448 });
  });

  it('never NEEDS_CSUM of a frame that is not large', () => {
    expect(said({ flags: 1, csumStart: 34, csumOffset: 16 }, ALL)).toEqual(PLAIN);
    expect(said({ flags: 1, csumStart: 34, csumOffset: 16 }, ALL, true)).toEqual({ ...PLAIN, flags: 2 });
  });

  it('by the features that the link was told', () => {
    expect(rxOffloads(1n << 1n)).toEqual({ ...NOTHING, checksum: true });
    expect(rxOffloads(1n << 7n)).toEqual({ ...NOTHING, tso4: true });
    expect(rxOffloads(1n << 8n)).toEqual({ ...NOTHING, tso6: true });
  });
});
