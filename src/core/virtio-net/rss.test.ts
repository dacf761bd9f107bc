import { describe, expect, it } from 'vitest';
import { type IpEnds, ip6Bytes, ipFrame } from '../testing/ip-frames.ts';
import { PacketHash } from './rss.ts';

/** Key and values of the verification suite that the inventors of RSS published. */
const KEY = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
  0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
  0x01, 0xfa,
];
const TCP = 6;
const UDP = 17;
const IPV4 = 1;
const TCPV4 = 2;
const UDPV4 = 4;
const IPV6 = 8;
const TCPV6 = 16;
const UDPV6 = 32;
const IP_EX = 64;
const TCP_EX = 128;
const UDP_EX = 256;

function hashOf(types: number, ends: IpEnds): [value: number, report: number] {
  const hash = new PacketHash();
  hash.configure({ types, key: KEY });
  const frame = ipFrame(ends);
  const shifted = new Uint8Array(frame.length + 5);
  shifted.set(frame, 5);
  hash.calculate(shifted, 5, frame.length);
  return [hash.value, hash.report];
}

const SUITE4: [dst: number[], dstPort: number, src: number[], srcPort: number, plain: number, tcp: number][] = [
  [[161, 142, 100, 80], 1766, [66, 9, 149, 187], 2794, 0x323e8fc2, 0x51ccc178],
  [[65, 69, 140, 83], 4739, [199, 92, 111, 2], 14230, 0xd718262a, 0xc626b0ea],
  [[12, 22, 207, 184], 38024, [24, 19, 198, 95], 12898, 0xd2d0a5de, 0x5c2b394a],
  [[209, 142, 163, 6], 2217, [38, 27, 205, 30], 48228, 0x82989176, 0xafc7327f],
  [[202, 188, 127, 2], 1303, [153, 39, 163, 191], 44251, 0x5d1809c5, 0x10e828a2],
];
const SUITE6: [dst: number[], dstPort: number, src: number[], srcPort: number, plain: number, tcp: number][] = [
  [
    ip6Bytes(0x3ffe, 0x2501, 0x200, 3, 0, 0, 0, 1),
    1766,
    ip6Bytes(0x3ffe, 0x2501, 0x200, 0x1fff, 0, 0, 0, 7),
    2794,
    0x2cc18cd5,
    0x40207d3d,
  ],
  [
    ip6Bytes(0xff02, 0, 0, 0, 0, 0, 0, 1),
    4739,
    ip6Bytes(0x3ffe, 0x501, 8, 0, 0x260, 0x97ff, 0xfe40, 0xefab),
    14230,
    0x0f0c461c,
    0xdde51bbf,
  ],
];

describe('packet hash', () => {
  it.each(SUITE4)('NET-RSS-01: IPv4, %j port %d from %j port %d', (dst, dstPort, src, srcPort, plain, tcp) => {
    const ends = { dst, dstPort, src, srcPort };
    expect(hashOf(IPV4, { ...ends, protocol: TCP })).toEqual([plain, 1]);
    expect(hashOf(IPV4 | TCPV4, { ...ends, protocol: TCP })).toEqual([tcp, 2]);
    expect(hashOf(IPV4 | UDPV4, { ...ends, protocol: UDP })).toEqual([tcp, 3]);
  });

  it.each(SUITE6)('NET-RSS-01: IPv6, %j port %d from %j port %d', (dst, dstPort, src, srcPort, plain, tcp) => {
    const ends = { dst, dstPort, src, srcPort };
    expect(hashOf(IPV6, { ...ends, protocol: TCP })).toEqual([plain, 4]);
    expect(hashOf(IPV6 | TCPV6, { ...ends, protocol: TCP })).toEqual([tcp, 5]);
    expect(hashOf(IPV6 | UDPV6, { ...ends, protocol: UDP })).toEqual([tcp, 6]);
  });

  const [dst, dstPort, src, srcPort, plain4, tcp4] = SUITE4[0] as (typeof SUITE4)[number];
  const ends4 = { dst, dstPort, src, srcPort };
  const all = IPV4 | TCPV4 | UDPV4 | IPV6 | TCPV6 | UDPV6 | IP_EX | TCP_EX | UDP_EX;

  it('NET-HASH-05: TCP before UDP before IP, and no hash if none of the enabled types fits', () => {
    expect(hashOf(all, { ...ends4, protocol: TCP })).toEqual([tcp4, 2]);
    expect(hashOf(all, { ...ends4, protocol: UDP })).toEqual([tcp4, 3]);
    expect(hashOf(all, ends4)).toEqual([plain4, 1]);
    expect(hashOf(TCPV4, { ...ends4, protocol: UDP })).toEqual([0, 0]);
    expect(hashOf(UDPV4, { ...ends4, protocol: TCP })).toEqual([0, 0]);
    expect(hashOf(IPV6 | TCPV6, { ...ends4, protocol: TCP })).toEqual([0, 0]);
    expect(hashOf(0, { ...ends4, protocol: TCP })).toEqual([0, 0]);
  });

  it('NET-HASH-05: fragments have no ports, not even the first; a VLAN tag is skipped', () => {
    expect(hashOf(all, { ...ends4, protocol: TCP, fragment: 0x2000 })).toEqual([plain4, 1]);
    expect(hashOf(all, { ...ends4, protocol: TCP, fragment: 0x0010 })).toEqual([plain4, 1]);
    expect(hashOf(all, { ...ends4, protocol: TCP, fragment: 0x4000 })).toEqual([tcp4, 2]);
    expect(hashOf(all, { ...ends4, protocol: TCP, vid: 7 })).toEqual([tcp4, 2]);
  });

  const [dst6, dstPort6, src6, srcPort6, plain6, tcp6] = SUITE6[0] as (typeof SUITE6)[number];
  const ends6 = { dst: dst6, dstPort: dstPort6, src: src6, srcPort: srcPort6 };
  const hopByHop = { type: 0, rest: [0, 1, 4, 0, 0, 0, 0] };

  it('NET-HASH-05: extension headers: their own types first, then the plain ones behind them', () => {
    const tcp = { ...ends6, protocol: TCP, extensions: [hopByHop] };
    const udp = { ...ends6, protocol: UDP, extensions: [hopByHop] };
    expect(hashOf(all, tcp)).toEqual([tcp6, 8]);
    expect(hashOf(all, udp)).toEqual([tcp6, 9]);
    expect(hashOf(IP_EX, tcp)).toEqual([plain6, 7]);
    expect(hashOf(TCPV6 | UDP_EX, tcp)).toEqual([tcp6, 5]);
    expect(hashOf(IPV6, tcp)).toEqual([plain6, 4]);
    expect(hashOf(TCP_EX | IP_EX, { ...ends6, protocol: TCP })).toEqual([0, 0]);
  });

  it('NET-HASH-05: home address and final destination stand for the addresses, for the _EX types alone', () => {
    const home = { type: 60, rest: [2, 1, 2, 0, 0, 201, 16, ...src6] };
    const routing = { type: 43, rest: [2, 2, 1, 0, 0, 0, 0, ...dst6] };
    const elsewhere = { ...ends6, src: ip6Bytes(1, 2, 3, 4, 5, 6, 7, 8), dst: ip6Bytes(8, 7, 6, 5, 4, 3, 2, 1) };
    const both = { ...elsewhere, protocol: TCP, extensions: [routing, home] };
    expect(hashOf(all, both)).toEqual([tcp6, 8]);
    expect(hashOf(IP_EX, both)).toEqual([plain6, 7]);
    expect(hashOf(TCPV6, both)).toEqual(hashOf(TCPV6, { ...elsewhere, protocol: TCP }));
    const source = hashOf(IP_EX, { ...elsewhere, dst: dst6, protocol: TCP, extensions: [home] });
    expect(source).toEqual([plain6, 7]);
  });

  it('a fragment header ends the search for ports', () => {
    const fragment = { type: 44, rest: [0, 0, 1, 0, 0, 0, 1] };
    expect(hashOf(all, { ...ends6, protocol: TCP, extensions: [fragment] })).toEqual([plain6, 7]);
  });

  it('a short key goes on with zeros', () => {
    const short = new PacketHash();
    short.configure({ types: IPV4, key: KEY.slice(0, 6) });
    const long = new PacketHash();
    long.configure({ types: IPV4, key: [...KEY.slice(0, 6), ...Array<number>(34).fill(0)] });
    const frame = ipFrame(ends4);
    for (const hash of [short, long]) hash.calculate(frame, 0, frame.length);
    expect(short.value).toBe(long.value);
    expect(short.value).not.toBe(plain4);
  });

  it('frames that end anywhere do not disturb it', () => {
    const hash = new PacketHash();
    hash.configure({ types: all, key: KEY });
    const frame = ipFrame({ ...ends6, protocol: TCP, extensions: [hopByHop] });
    for (let length = 0; length < frame.length - 8; length++) {
      hash.calculate(frame, 0, length);
      expect([0, 4, 7]).toContain(hash.report);
    }
  });
});
