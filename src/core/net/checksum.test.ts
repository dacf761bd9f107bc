import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addWords, checksum, finishChecksum } from './checksum.ts';

describe('the Internet checksum', () => {
  it('is that of the example in RFC 1071 section 3', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(checksum(bytes, 0, 8)).toBe(~0xddf2 & 0xffff);
  });

  it('takes an odd last byte as the high half of a word', () => {
    expect(checksum(Uint8Array.of(0x12, 0x34, 0x56), 0, 3)).toBe(checksum(Uint8Array.of(0x12, 0x34, 0x56, 0), 0, 4));
  });

  it('folds all carries of the largest packet', () => {
    expect(finishChecksum(addWords(new Uint8Array(65536).fill(0xff), 0, 65536))).toBe(0);
  });

  it('adds word by word, wherever they lie; beyond the array there are zeros', () => {
    const range = fc.nat({ max: 120 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 99 }),
        range,
        range,
        fc.nat({ max: 1e6 }),
        (bytes, offset, length, before) => {
          let sum = before;
          for (let at = offset; at < offset + length; at += 2) {
            const low = at + 1 < offset + length ? (bytes[at + 1] ?? 0) : 0;
            sum += (bytes[at] ?? 0) * 256 + low;
          }
          expect(addWords(bytes, offset, length, before)).toBe(sum);
        },
      ),
    );
  });

  it('of data with its checksum in it is zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 99 }), (bytes) => {
        bytes[0] = 0;
        bytes[1] = 0;
        const sum = checksum(bytes, 0, bytes.length);
        bytes[0] = sum >>> 8;
        bytes[1] = sum;
        expect(checksum(bytes, 0, bytes.length)).toBe(0);
      }),
    );
  });
});
