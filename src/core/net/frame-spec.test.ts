import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameSpec } from './frame-spec.ts';
import { formatHex, frameFromSpec } from './frame-spec.ts';

function bytesOf(spec: FrameSpec): number[] {
  const result = frameFromSpec(spec);
  if (!result.ok) throw new Error(result.error);
  return [...result.bytes];
}

function errorOf(spec: FrameSpec): string {
  const result = frameFromSpec(spec);
  return result.ok ? 'no error' : result.error;
}

describe('frameFromSpec', () => {
  it('builds a frame of exactly the parts given', () => {
    expect(
      bytesOf({ dst: '02:00:00:00:00:15', src: '02:00:00:00:00:07', etherType: 0x0800, payload: '01 02:03' }),
    ).toEqual([2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 7, 8, 0, 1, 2, 3]);
  });

  it('sends from the station with the experimental EtherType when nothing else is said', () => {
    expect(bytesOf({ dst: 'ff:ff:ff:ff:ff:ff' })).toEqual([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 0x88, 0xb5]);
  });

  it('puts a VLAN tag in', () => {
    expect(bytesOf({ dst: 'ff:ff:ff:ff:ff:ff', vlan: 0x123 }).slice(12)).toEqual([0x81, 0, 1, 0x23, 0x88, 0xb5]);
  });

  it('lets runts through raw, unpadded', () => {
    expect(bytesOf({ raw: '0x01' })).toEqual([1]);
  });

  it.each<[string, FrameSpec, RegExp]>([
    ['a bad destination', { dst: '02:00:00:00:15' }, /destination “02:00:00:00:15” is not a MAC.*write six bytes/],
    ['a bad source', { dst: 'ff:ff:ff:ff:ff:ff', src: 'me' }, /source “me”.*for example/],
    [
      'a VLAN out of range',
      { dst: 'ff:ff:ff:ff:ff:ff', vlan: 4096 },
      /VLAN 4096 is out of range: write a number from 0 to 4095/,
    ],
    ['half a VLAN', { dst: 'ff:ff:ff:ff:ff:ff', vlan: 1.5 }, /VLAN 1.5/],
    ['an EtherType out of range', { dst: 'ff:ff:ff:ff:ff:ff', etherType: -1 }, /EtherType -1 is out of range/],
    ['a letter that is no digit', { raw: '01 0g' }, /contains “g”: only the digits/],
    ['half a byte', { raw: '010' }, /3 hex digits.*add or remove one/],
    ['nothing at all', { raw: ' ' }, /empty: write at least one byte/],
    ['too much', { raw: '00'.repeat(65551) }, /65551 bytes: shorten it to 65550/],
    ['too much payload', { dst: 'ff:ff:ff:ff:ff:ff', payload: '00'.repeat(65537) }, /65551 bytes: shorten/],
  ])('says how to mend %s', (_name, spec, message) => {
    expect(errorOf(spec)).toMatch(message);
  });

  it('takes the largest frame', () => {
    expect(bytesOf({ raw: '00'.repeat(65550) })).toHaveLength(65550);
  });

  it('reads the hex it writes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        expect(bytesOf({ raw: formatHex(bytes) })).toEqual([...bytes]);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.double(), (dst, payload, vlan) => {
        frameFromSpec({ dst, payload, vlan });
        frameFromSpec({ raw: payload });
      }),
    );
  });
});
