/** Frames that carry a number, so that each of them can be told from all others wherever it turns up. */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../src/core/net/ethernet.ts';
import type { FrameSpec } from '../src/core/net/frame-spec.ts';
import { buildUdp4, ip4 } from '../src/core/net/ipv4.ts';
import { buildUdp6, ip6 } from '../src/core/net/ipv6.ts';
import { OTHER_VLAN } from '../src/core/net/traffic.ts';

export const OWN = '02:00:00:00:00:15';
export const FOREIGN = '02:00:00:00:00:99';
export const GROUP_V4 = '01:00:5e:01:02:03';
export const GROUP_V6 = '33:33:00:01:02:03';
const OTHER_GROUP_V4 = '01:00:5e:7f:00:01';
const OTHER_GROUP_V6 = '33:33:00:0a:0b:0c';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const STATION = '02:00:00:00:00:02';

const STATION_IPV4 = ip4(10, 0, 2, 2);
const STATION_IPV6 = ip6(0xfd00, 0, 0, 2, 0, 0, 0, 2);
const PORT = 9;
const MTU = 1500;

/** Stands before the number. */
const MAGIC = Buffer.from('LAB#');
/** A number that reads `DONE`: what a capture waits for. */
export const LAST = 0x444f_4e45;

export const KINDS = [
  'own unicast',
  'foreign unicast',
  'broadcast',
  'joined v4',
  'unjoined v4',
  'joined v6',
  'unjoined v6',
  'own unicast in a VLAN',
  'broadcast in a VLAN',
  'joined v4 in a VLAN',
  'priority-tagged',
  'runt',
  'oversize',
] as const;
export type Kind = (typeof KINDS)[number];

export function numbered(kind: Kind, number: number): FrameSpec {
  const mark = Buffer.alloc(8);
  MAGIC.copy(mark);
  mark.writeUInt32BE(number, 4);
  const hex = mark.toString('hex');
  // 40 bytes more, so that only runts are short.
  const plain = (dst: string, vlan?: number): FrameSpec => ({
    dst,
    src: STATION,
    payload: hex + '5a'.repeat(40),
    ...(vlan === undefined ? {} : { vlan }),
  });
  const udp4 = (dst: string, vlan?: number): FrameSpec => ({
    ...plain(dst, vlan),
    etherType: ETHERTYPE_IPV4,
    payload: Buffer.from(buildUdp4(STATION_IPV4, ip4(239, 1, 2, 3), PORT, PORT, mark)).toString('hex'),
  });
  const udp6 = (dst: string): FrameSpec => ({
    ...plain(dst),
    etherType: ETHERTYPE_IPV6,
    payload: Buffer.from(buildUdp6(STATION_IPV6, ip6(0xff15, 0, 0, 0, 0, 0, 1, 0x203), PORT, PORT, mark)).toString(
      'hex',
    ),
  });
  switch (kind) {
    case 'own unicast':
      return plain(OWN);
    case 'foreign unicast':
      return plain(FOREIGN);
    case 'broadcast':
      return plain(BROADCAST);
    case 'joined v4':
      return udp4(GROUP_V4);
    case 'unjoined v4':
      return udp4(OTHER_GROUP_V4);
    case 'joined v6':
      return udp6(GROUP_V6);
    case 'unjoined v6':
      return udp6(OTHER_GROUP_V6);
    case 'own unicast in a VLAN':
      return plain(OWN, OTHER_VLAN);
    case 'broadcast in a VLAN':
      return plain(BROADCAST, OTHER_VLAN);
    case 'joined v4 in a VLAN':
      return udp4(GROUP_V4, OTHER_VLAN);
    case 'priority-tagged':
      return plain(OWN, 0);
    case 'runt':
      return { raw: `${OWN} ${STATION} 88b5 ${hex}` };
    case 'oversize':
      return { dst: OWN, src: STATION, payload: hex + '5a'.repeat(MTU + 1 - mark.length) };
  }
}

/** A datagram to the guest's own address, from that port: ports tell flows apart. */
export function udpFlow(port: number): FrameSpec {
  const payload = buildUdp4(STATION_IPV4, ip4(10, 0, 2, 15), port, PORT, new Uint8Array(18));
  return { dst: OWN, src: STATION, etherType: ETHERTYPE_IPV4, payload: Buffer.from(payload).toString('hex') };
}

/** One TCP segment of `count` times `mss` bytes, to be cut by whoever may not take it whole. */
export function tcpSegment(port: number, mss: number, count: number): FrameSpec {
  const tcp = { to: '10.0.2.15', toPort: port, fromPort: PORT, bytes: mss * count };
  return { dst: OWN, src: STATION, tcp, gso: { type: 'tcpv4', size: mss } };
}

/** One after another of every kind, numbered from `from`. */
export function mixedBurst(count: number, from = 0): FrameSpec[] {
  return Array.from({ length: count }, (_, i) => numbered(KINDS[i % KINDS.length] as Kind, from + i));
}

/** The number that a frame carries, or null. */
export function numberOf(bytes: Buffer): number | null {
  const at = bytes.indexOf(MAGIC);
  return at < 0 || at + 8 > bytes.length ? null : bytes.readUInt32BE(at + 4);
}
