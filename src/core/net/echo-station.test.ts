import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EchoStation } from './echo-station.ts';

// Packets are written out by hand from the RFCs: the builders under test are not their own oracle.
const GUEST = [0x02, 0, 0, 0, 0, 0x15];
const STATION = [0x02, 0, 0, 0, 0, 0x02];
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const GUEST_V4 = [10, 0, 2, 15];
const STATION_V4 = [10, 0, 2, 2];
const GUEST_V6 = [0xfd, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x15];
const STATION_V6 = [0xfd, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2];
const STATION_LINK_LOCAL = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 2];
const ALL_NODES = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const SOLICITED_NODE = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2];

function sum16(...parts: readonly (readonly number[])[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) + (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const u16 = (value: number): number[] => [value >>> 8, value & 255];

function ask(frame: readonly number[], station = new EchoStation()): number[][] {
  const replies: number[][] = [];
  // At an offset, in a buffer that goes on behind it: lengths must be respected.
  const bytes = Uint8Array.from([9, 9, 9, ...frame, 7, 7, 7]);
  station.onFrame(bytes, 3, frame.length, (reply, offset, length) => {
    replies.push([...reply.subarray(offset, offset + length)]);
  });
  return replies;
}

function arp(target = STATION_V4, dst = BROADCAST): number[] {
  return [...dst, ...GUEST, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...GUEST, ...GUEST_V4, 0, 0, 0, 0, 0, 0, ...target];
}

function ping4(size: number, dst = STATION_V4): number[] {
  const data = Array.from({ length: size }, (_, i) => i & 255);
  const rest = [0x12, 0x34, 0, 1, ...data];
  const icmp = [8, 0, ...u16(sum16([8, 0, 0, 0, ...rest])), ...rest];
  const head = [0x45, 0, ...u16(20 + icmp.length), 0, 1, 0x40, 0, 64, 1];
  const addresses = [...GUEST_V4, ...dst];
  const ip = [...head, ...u16(sum16([...head, 0, 0, ...addresses])), ...addresses];
  return [...STATION, ...GUEST, 8, 0, ...ip, ...icmp];
}

function icmp6(
  src: number[],
  dst: number[],
  type: number,
  body: readonly number[],
  mac: number[],
  hops = 255,
): number[] {
  const length = 4 + body.length;
  const check = sum16(src, dst, [0, 0, ...u16(length), 0, 0, 0, 58], [type, 0, 0, 0, ...body]);
  const ip = [0x60, 0, 0, 0, ...u16(length), 58, hops, ...src, ...dst];
  return [...mac, ...GUEST, 0x86, 0xdd, ...ip, type, 0, ...u16(check), ...body];
}

const solicit = (src: number[], dst: number[], mac: number[], target = STATION_V6, hops = 255): number[] =>
  icmp6(src, dst, 135, [0, 0, 0, 0, ...target, ...(src === ANONYMOUS ? [] : [1, 1, ...GUEST])], mac, hops);
const ANONYMOUS = Array.from({ length: 16 }, () => 0);

describe('EchoStation', () => {
  it('answers ARP for its own address to the one who asked', () => {
    const [reply] = ask(arp());
    expect(reply?.slice(0, 42)).toEqual([
      ...GUEST,
      ...STATION,
      8,
      6,
      0,
      1,
      8,
      0,
      6,
      4,
      0,
      2,
      ...STATION,
      ...STATION_V4,
      ...GUEST,
      ...GUEST_V4,
    ]);
    expect(reply).toHaveLength(60);
  });

  it('is silent about other addresses', () => {
    expect(ask(arp([10, 0, 2, 3]))).toEqual([]);
    expect(ask(ping4(8, [10, 0, 2, 3]))).toEqual([]);
  });

  it.each([0, 1, 56, 1472])('answers an IPv4 ping with %d bytes of data', (size) => {
    const request = ping4(size);
    const [reply] = ask(request);
    expect(reply?.slice(0, 14)).toEqual([...GUEST, ...STATION, 8, 0]);
    const ip = reply!.slice(14, 14 + 28 + size);
    expect(ip.slice(12, 20)).toEqual([...STATION_V4, ...GUEST_V4]);
    expect(sum16(ip.slice(0, 20))).toBe(0);
    expect(sum16(ip.slice(20))).toBe(0);
    expect(ip[20]).toBe(0);
    expect(ip.slice(24)).toEqual(request.slice(14 + 24));
    expect(reply).toHaveLength(Math.max(60, 42 + size));
  });

  it('does not answer a request whose checksum is wrong, or a fragment', () => {
    const broken = ping4(8);
    broken[broken.length - 1]! ^= 1;
    expect(ask(broken)).toEqual([]);
    const fragment = ping4(8);
    fragment[20] = 0x20;
    fragment.splice(24, 2, ...u16(sum16([...fragment.slice(14, 24), 0, 0, ...fragment.slice(26, 34)])));
    expect(ask(fragment)).toEqual([]);
  });

  it.each([
    ['its group', SOLICITED_NODE, [0x33, 0x33, 0xff, 0, 0, 2]],
    ['unicast', STATION_V6, STATION],
  ])('answers a neighbour solicitation to %s', (_name, dst, mac) => {
    const [reply] = ask(solicit(GUEST_V6, dst, mac));
    expect(reply?.slice(0, 14)).toEqual([...GUEST, ...STATION, 0x86, 0xdd]);
    const ip = reply!.slice(14);
    expect(ip.slice(0, 8)).toEqual([0x60, 0, 0, 0, 0, 32, 58, 255]);
    expect(ip.slice(8, 40)).toEqual([...STATION_V6, ...GUEST_V6]);
    expect(ip.slice(40, 42)).toEqual([136, 0]);
    expect(ip[44]).toBe(0x60); // solicited, override
    expect(ip.slice(48)).toEqual([...STATION_V6, 2, 1, ...STATION]);
    expect(sum16(ip.slice(8, 40), [0, 0, 0, 32, 0, 0, 0, 58], ip.slice(40))).toBe(0);
  });

  it('defends its address against a duplicate (RFC 4861 7.2.4): to all nodes, not solicited', () => {
    const [reply] = ask(solicit(ANONYMOUS, SOLICITED_NODE, [0x33, 0x33, 0xff, 0, 0, 2]));
    expect(reply?.slice(0, 6)).toEqual([0x33, 0x33, 0, 0, 0, 1]);
    expect(reply?.slice(14 + 24, 14 + 40)).toEqual(ALL_NODES);
    expect(reply?.[14 + 44]).toBe(0x20);
  });

  it('ignores a duplicate test that is none: not to the group, or with a link address (RFC 4861 7.1.1)', () => {
    expect(ask(solicit(ANONYMOUS, STATION_V6, STATION))).toEqual([]);
    expect(ask(solicit(ANONYMOUS, ALL_NODES, [0x33, 0x33, 0, 0, 0, 1]))).toEqual([]);
    const link = [0, 0, 0, 0, ...STATION_V6, 1, 1, ...GUEST];
    expect(ask(icmp6(ANONYMOUS, SOLICITED_NODE, 135, link, [0x33, 0x33, 0xff, 0, 0, 2]))).toEqual([]);
    expect(ask(solicit(ANONYMOUS, SOLICITED_NODE, [0x33, 0x33, 0xff, 0, 0, 2], GUEST_V6))).toEqual([]);
  });

  it('does not answer an IPv6 ping from nobody or from a group (RFC 4443 2.2)', () => {
    expect(ask(icmp6(ANONYMOUS, STATION_V6, 128, [0, 1, 0, 1], STATION))).toEqual([]);
    expect(ask(icmp6(ALL_NODES, STATION_V6, 128, [0, 1, 0, 1], STATION))).toEqual([]);
  });

  it('answers an ARP probe (RFC 5227), which has no sender address', () => {
    const probe = arp();
    probe.fill(0, 28, 32);
    expect(ask(probe)[0]?.slice(32, 42)).toEqual([...GUEST, 0, 0, 0, 0]);
  });

  it('answers a ping with IPv4 options, without them', () => {
    const plain = ping4(8);
    const options = [1, 1, 1, 0];
    const head = [0x46, 0, ...u16(24 + 16), ...plain.slice(18, 24), 0, 0, ...plain.slice(26, 34), ...options];
    const ip = [...head.slice(0, 10), ...u16(sum16(head)), ...head.slice(12)];
    const [reply] = ask([...plain.slice(0, 14), ...ip, ...plain.slice(34)]);
    expect(reply?.slice(14, 18)).toEqual([0x45, 0, 0, 36]);
    expect(reply?.slice(38, 50)).toEqual(plain.slice(38));
  });

  it('answers a priority-tagged request (VID 0) untagged', () => {
    const tagged = arp();
    tagged.splice(12, 0, 0x81, 0, 0xe0, 0);
    expect(ask(tagged)[0]?.slice(12, 14)).toEqual([8, 6]);
  });

  it('ignores a solicitation that was routed, and one for somebody else', () => {
    expect(ask(solicit(GUEST_V6, STATION_V6, STATION, STATION_V6, 254))).toEqual([]);
    expect(ask(solicit(GUEST_V6, STATION_V6, STATION, GUEST_V6))).toEqual([]);
  });

  it.each([
    ['its address', STATION_V6, STATION, STATION_V6],
    ['its link-local address', STATION_LINK_LOCAL, STATION, STATION_LINK_LOCAL],
    ['all nodes', ALL_NODES, [0x33, 0x33, 0, 0, 0, 1], STATION_V6],
  ])('answers an IPv6 ping to %s', (_name, dst, mac, from) => {
    const body = [0x12, 0x34, 0, 1, ...Array.from({ length: 1001 }, (_, i) => i & 255)];
    const [reply] = ask(icmp6(GUEST_V6, dst, 128, body, mac, 64));
    const ip = reply!.slice(14);
    expect(ip.slice(8, 40)).toEqual([...from, ...GUEST_V6]);
    expect(ip[40]).toBe(129);
    expect(ip.slice(44)).toEqual(body);
    expect(sum16(ip.slice(8, 40), [0, 0, ...u16(body.length + 4), 0, 0, 0, 58], ip.slice(40))).toBe(0);
  });

  it('ignores frames for others, tagged frames and its own', () => {
    expect(ask(arp(STATION_V4, [2, 0, 0, 0, 0, 9]))).toEqual([]);
    const tagged = arp();
    tagged.splice(12, 0, 0x81, 0, 0, 5);
    expect(ask(tagged)).toEqual([]);
    const own = ping4(0);
    own.splice(6, 6, ...STATION);
    expect(ask(own)).toEqual([]);
  });

  it('never throws, whatever the bytes, and never answers beyond the size of a link', () => {
    const seeds = [
      arp(),
      ping4(20),
      solicit(GUEST_V6, STATION_V6, STATION),
      icmp6(GUEST_V6, STATION_V6, 128, [1, 2, 3, 4], STATION),
    ];
    const station = new EchoStation();
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }),
        fc.nat(120),
        (seed, edits, cut) => {
          const frame = seed.slice(0, Math.max(0, seed.length - cut));
          for (const [at, value] of edits) if (at < frame.length) frame[at] = value;
          for (const reply of ask(frame, station)) expect(reply.length).toBeLessThanOrEqual(1514);
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void ask([...bytes], station)));
  });
});
