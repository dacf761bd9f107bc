import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFrame, newFrameHeader, readHeader } from './ethernet.ts';

const OWN = 0x0200_0000_0015;
const SRC = 0x0200_0000_0002;

function headerOf(bytes: readonly number[] | Uint8Array, offset = 0, length = bytes.length - offset) {
  const header = newFrameHeader();
  readHeader(Uint8Array.from(bytes), offset, length, header);
  return header;
}

describe('readHeader', () => {
  it('reads an untagged header at any offset', () => {
    const bytes = [0xaa, 2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 0x08, 0x06, 1, 2, 3];
    expect(headerOf(bytes, 1)).toEqual({
      length: 17,
      valid: true,
      dst: OWN,
      src: SRC,
      etherType: 0x0806,
      vid: -1,
      headerLength: 14,
      flow: 0,
    });
  });

  it('reads the VID without priority bits and the EtherType behind an 802.1Q tag', () => {
    const bytes = [2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 0x81, 0, 0xf0, 5, 0x86, 0xdd];
    expect(headerOf(bytes)).toMatchObject({ valid: true, vid: 5, etherType: 0x86dd, headerLength: 18 });
  });

  it('tells a priority tag (VID 0) from no tag', () => {
    const bytes = [2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 0x81, 0, 0xe0, 0, 0x08, 0];
    expect(headerOf(bytes).vid).toBe(0);
  });

  it.each([0, 13])('calls %d bytes no header', (length) => {
    expect(headerOf(new Uint8Array(64), 0, length).valid).toBe(false);
  });

  it.each([14, 17])('calls a tagged frame of %d bytes no header', (length) => {
    const bytes = new Uint8Array(64);
    bytes.set([0x81, 0], 12);
    expect(headerOf(bytes, 0, length).valid).toBe(false);
    expect(headerOf(bytes, 0, 18).valid).toBe(true);
  });

  it('leaves nothing behind of the frame read before', () => {
    const header = { ...newFrameHeader(), flow: 7 };
    readHeader(Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0]), 0, 18, header);
    readHeader(new Uint8Array(3), 0, 3, header);
    expect(header).toEqual({ ...newFrameHeader(), length: 3 });
  });

  it('reads back what buildFrame built', () => {
    const mac = fc.nat({ max: 0xffff_ffff_ffff });
    const vid = fc.option(fc.nat({ max: 4095 }), { nil: undefined });
    const etherType = fc.nat({ max: 0xffff }).filter((type) => type !== 0x8100);
    fc.assert(
      fc.property(mac, mac, vid, etherType, fc.uint8Array({ maxLength: 100 }), (dst, src, tag, type, payload) => {
        const frame = buildFrame({ dst, src, vid: tag, etherType: type, payload });
        const header = headerOf(frame);
        expect(header).toMatchObject({ dst, src, vid: tag ?? -1, etherType: type, length: frame.length });
        expect(frame.subarray(header.headerLength)).toEqual(payload);
      }),
    );
  });
});
