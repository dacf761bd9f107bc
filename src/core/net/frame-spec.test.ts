import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameSpec } from './frame-spec.ts';
import { formatHex, frameFromSpec } from './frame-spec.ts';
import { parse } from './packet-oracle.test-kit.ts';

const PLAIN = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 0xffff };
const GUEST = '02:00:00:00:00:15';

function bytesOf(spec: FrameSpec): number[] {
  const result = frameFromSpec(spec);
  if (!result.ok) throw new Error(result.error);
  return [...result.bytes];
}

function built(spec: FrameSpec) {
  const result = frameFromSpec(spec);
  if (!result.ok) throw new Error(result.error);
  return result;
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

describe('packets and what is left to do with them', () => {
  it.each<[string, object, object]>([
    ['TCP over IPv4', { tcp: { to: '10.0.2.15', bytes: 20 } }, { version: 4, protocol: 'tcp', vlan: null }],
    ['TCP over IPv6', { tcp: { to: 'fd00:0:0:2::15', bytes: 21 } }, { version: 6, protocol: 'tcp', vlan: null }],
    ['UDP over IPv4', { udp: { to: '10.0.2.15', bytes: 0 } }, { version: 4, protocol: 'udp', vlan: null }],
    ['UDP over IPv6, tagged', { vlan: 7, udp: { to: 'ff02::1', bytes: 3 } }, { version: 6, protocol: 'udp', vlan: 7 }],
  ])('%s is valid to the last checksum, and nothing is left to do', (_name, spec, expected) => {
    const { bytes, meta } = built({ dst: GUEST, ...spec });
    expect(parse(bytes)).toMatchObject({ ...expected, faults: [] });
    expect(meta).toEqual(PLAIN);
  });

  it('a packet has the addresses, ports, numbers and flags that were asked for', () => {
    const tcp = {
      to: '10.0.2.15',
      from: '10.0.2.99',
      toPort: 80,
      fromPort: 0x1234,
      sequence: 0xfedc_ba98,
      flags: 0x02,
    };
    const { bytes } = built({ dst: GUEST, tcp });
    expect([...bytes.slice(26, 38)]).toEqual([10, 0, 2, 99, 10, 0, 2, 15, 0x12, 0x34, 0, 80]);
    expect(parse(bytes)).toMatchObject({ sequence: 0xfedc_ba98, flags: 2, payload: [], faults: [] });
    const six = built({ dst: GUEST, udp: { to: 'FD00::15', from: '::1' } }).bytes;
    expect(formatHex(six.slice(22, 54))).toBe(`${'0'.repeat(31)}1fd00${'0'.repeat(26)}15`);
  });

  it('a large segment of 20,000 bytes leaves its checksum and its segmentation to others', () => {
    const { bytes, meta } = built({
      dst: GUEST,
      tcp: { to: '10.0.2.15', bytes: 20_000 },
      gso: { type: 'tcpv4', size: 1448, ecn: true },
    });
    expect(bytes).toHaveLength(14 + 20 + 20 + 20_000);
    expect(meta).toEqual({
      ...PLAIN,
      flags: 1,
      gsoType: 0x81,
      hdrLen: 54,
      gsoSize: 1448,
      csumStart: 34,
      csumOffset: 16,
    });
    // The field holds the pseudo header's sum: 10.0.2.2, 10.0.2.15, protocol 6, 20020 bytes.
    const pseudo = 0x0a00 + 0x0202 + 0x0a00 + 0x020f + 6 + 20_020;
    expect([...bytes.slice(50, 52)]).toEqual([pseudo >> 8, pseudo & 0xff]);
  });

  it('needsCsum false keeps the checksum of a large segment whole', () => {
    const gso = { type: 'udp', size: 1000 } as const;
    const { bytes, meta } = built({ dst: GUEST, udp: { to: 'fd00::1', bytes: 5000 }, gso, needsCsum: false });
    expect(parse(bytes).faults).toEqual([]);
    expect(meta).toEqual({ ...PLAIN, gsoType: 5, hdrLen: 62, gsoSize: 1000 });
  });

  it('a raw frame is sent as it is written, and its headers say where the checksum is', () => {
    const { bytes } = built({ dst: GUEST, vlan: 3, tcp: { to: 'fd00::1', bytes: 100 } });
    const raw = built({ raw: formatHex(bytes), needsCsum: true });
    expect(raw.bytes).toEqual(bytes);
    expect(raw.meta).toEqual({ ...PLAIN, flags: 1, csumStart: 58, csumOffset: 16 });
  });

  it('a packet can be as large as IP lets it be', () => {
    expect(built({ dst: GUEST, tcp: { to: '10.0.2.15', bytes: 65_495 } }).bytes).toHaveLength(65_549);
  });

  const tcp = { to: '10.0.2.15', bytes: 100 };
  it.each<[string, FrameSpec, RegExp]>([
    ['an address that is none', { dst: GUEST, tcp: { to: '10.0.2' } }, /destination “10.0.2” is not an IP address/],
    ['two versions', { dst: GUEST, tcp: { to: '10.0.2.15', from: '::1' } }, /source “::1”.*an IPv4 address/],
    ['two versions the other way', { dst: GUEST, tcp: { to: '::1', from: '10.0.2.2' } }, /source.*an IPv6 address/],
    ['a port', { dst: GUEST, tcp: { ...tcp, toPort: 65_536 } }, /Port 65536 is out of range/],
    ['too much payload', { dst: GUEST, tcp: { ...tcp, bytes: 65_496 } }, /from 0 to 65495/],
    [
      'too much for a link',
      { dst: GUEST, vlan: 1, tcp: { ...tcp, bytes: 65_495 } },
      /65553 bytes: shorten it to 65550/,
    ],
    ['half a byte', { dst: GUEST, udp: { ...tcp, bytes: 1.5 } }, /1.5 bytes is out of range/],
    ['a sequence number', { dst: GUEST, tcp: { ...tcp, sequence: 2 ** 32 } }, /Sequence number 4294967296/],
    ['flags', { dst: GUEST, tcp: { ...tcp, flags: 256 } }, /TCP flags 256/],
    ['two packets in one frame', { dst: GUEST, tcp, udp: tcp }, /one of tcp, udp, and etherType/],
    ['a packet and a payload', { dst: GUEST, tcp, payload: '00' }, /leave the others out/],
    ['the wrong gso type', { dst: GUEST, tcp, gso: { type: 'tcpv6', size: 9 } }, /“tcpv6” does not fit.*write “tcpv4”/],
    ['a gso size', { dst: GUEST, tcp, gso: { type: 'tcpv4', size: 0 } }, /gso size of 0 bytes.*for example 1448/],
    ['ECN of UDP', { dst: GUEST, udp: tcp, gso: { type: 'udp', size: 9, ecn: true } }, /ECN is for TCP/],
    ['a checksum of no packet', { dst: GUEST, needsCsum: true }, /Only a TCP or UDP packet/],
    ['segments of no packet', { raw: '00', gso: { type: 'udp', size: 9 } }, /Only a TCP or UDP packet/],
    [
      'thousands of segments',
      { dst: GUEST, tcp: { ...tcp, bytes: 4000 }, gso: { type: 'tcpv4', size: 1 } },
      /cannot be cut into segments.*2048/,
    ],
  ])('says how to mend %s', (_name, spec, message) => {
    expect(errorOf(spec)).toMatch(message);
  });
});
