/**
 * TCP and UDP packets as people write them, of any size that an IP packet can have, and what may be left to do
 * with a frame: the checksum, or cutting it into segments.
 */
import { type FrameMeta, newFrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, writeU16 } from './ethernet.ts';
import { type Flow, IPPROTO_TCP, newFlow, readFlow } from './flow.ts';
import * as G from './gso.ts';
import { parseIp4, parseIp6 } from './ip-address.ts';
import { buildIpv4, buildUdp, IPPROTO_UDP } from './ipv4.ts';
import { buildIpv6 } from './ipv6.ts';
import { STATION_IPV4, STATION_IPV6 } from './station.ts';

/** A TCP or UDP packet: `{ to: '10.0.2.15', bytes: 20000 }`. */
export interface PacketSpec {
  /** IPv4 or IPv6 address. */
  readonly to: string;
  /** Of the same version. Default: the station's. */
  readonly from?: string;
  /** Default 9 (discard), as `fromPort`. */
  readonly toPort?: number;
  readonly fromPort?: number;
  /** Bytes of payload. Default 0. */
  readonly bytes?: number;
  /** TCP only: the first sequence number, default 1. */
  readonly sequence?: number;
  /** TCP only: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. Default PSH and ACK. */
  readonly flags?: number;
}

/** What is left to do with a frame, as a sender with offloads leaves it. */
export interface OffloadSpec {
  /** The frame is one large segment; each packet made of it has `size` bytes of payload. */
  readonly gso?: { readonly type: GsoTypeName; readonly size: number; readonly ecn?: boolean };
  /**
   * The checksum is only begun. Default: as it goes with `gso`. A TCP or UDP packet built here has its checksum
   * field accordingly; any other frame is sent as it is written.
   */
  readonly needsCsum?: boolean;
}

const GSO_TYPES = {
  tcpv4: G.VIRTIO_NET_HDR_GSO_TCPV4,
  tcpv6: G.VIRTIO_NET_HDR_GSO_TCPV6,
  udp: G.VIRTIO_NET_HDR_GSO_UDP_L4,
} as const;
export type GsoTypeName = keyof typeof GSO_TYPES;

const DISCARD_PORT = 9;
const TCP_HEADER_SIZE = 20;
const UDP_HEADER_SIZE = 8;
const TCP_PSH_ACK = 0x18;
const IP_MAX = 65_535;

export interface BuiltPacket {
  readonly etherType: number;
  /** IP header and all that follows; the transport checksum is 0. */
  readonly payload: Uint8Array;
}

/** The packet, or a sentence that says how to mend its description. */
export function buildPacket(protocol: 'tcp' | 'udp', spec: PacketSpec): BuiltPacket | string {
  const to4 = parseIp4(spec.to.trim());
  const to6 = to4 === null ? parseIp6(spec.to.trim()) : null;
  if (to4 === null && to6 === null) return badAddress('destination', spec.to, '10.0.2.15 or fd00:0:0:2::15');
  const from = spec.from?.trim() ?? '';
  const from4 = from === '' ? STATION_IPV4 : parseIp4(from);
  const from6 = from === '' ? STATION_IPV6 : parseIp6(from);
  if (to4 !== null && from4 === null) return badAddress('source', from, 'an IPv4 address as the destination has');
  if (to6 !== null && from6 === null) return badAddress('source', from, 'an IPv6 address as the destination has');
  const { toPort = DISCARD_PORT, fromPort = DISCARD_PORT, bytes = 0, sequence = 1, flags = TCP_PSH_ACK } = spec;
  for (const port of [toPort, fromPort]) {
    if (!inRange(port, 0xffff)) return `Port ${port} is out of range: write a number from 0 to 65535.`;
  }
  const most = IP_MAX - (to4 === null ? 40 : 20) - (protocol === 'tcp' ? TCP_HEADER_SIZE : UDP_HEADER_SIZE);
  if (!inRange(bytes, most)) return `A payload of ${bytes} bytes is out of range: write a number from 0 to ${most}.`;
  if (!inRange(sequence, 0xffff_ffff)) return `Sequence number ${sequence} is out of range: write one below 2^32.`;
  if (!inRange(flags, 0xff)) return `TCP flags ${flags} are out of range: write a number from 0 to 255.`;

  const data = Uint8Array.from({ length: bytes }, (_, index) => index & 0xff);
  const tcp = protocol === 'tcp';
  const transport = tcp ? buildTcp(fromPort, toPort, sequence, flags, data) : buildUdp(fromPort, toPort, data);
  const number = tcp ? IPPROTO_TCP : IPPROTO_UDP;
  if (to4 !== null) return { etherType: ETHERTYPE_IPV4, payload: buildIpv4(from4 ?? 0, to4, number, transport) };
  const payload = buildIpv6(from6 ?? STATION_IPV6, to6 ?? STATION_IPV6, number, transport);
  return { etherType: ETHERTYPE_IPV6, payload };
}

/** Header without options, and data; the checksum is 0. */
function buildTcp(from: number, to: number, sequence: number, flags: number, data: Uint8Array): Uint8Array {
  const segment = new Uint8Array(TCP_HEADER_SIZE + data.length);
  writeU16(segment, 0, from);
  writeU16(segment, 2, to);
  writeU16(segment, 4, sequence >>> 16);
  writeU16(segment, 6, sequence & 0xffff);
  writeU16(segment, 10, 1); // acknowledges something
  segment[12] = (TCP_HEADER_SIZE / 4) << 4;
  segment[13] = flags;
  writeU16(segment, 14, 0xffff);
  segment.set(data, TCP_HEADER_SIZE);
  return segment;
}

/** What travels with the frame, or a sentence that says why that cannot be asked of it. */
export function offloadMeta(frame: Uint8Array, spec: OffloadSpec): FrameMeta | string {
  const { gso, needsCsum = gso !== undefined } = spec;
  if (gso === undefined && !needsCsum) return PLAIN_FRAME;
  const flow = newFlow();
  readFlow(frame, 0, frame.length, flow);
  if (flow.protocol === 0) {
    return 'Only a TCP or UDP packet that is no fragment can leave its checksum or its segmentation to others.';
  }
  const meta = newFrameMeta();
  if (needsCsum) {
    meta.flags = G.VIRTIO_NET_HDR_F_NEEDS_CSUM;
    meta.csumStart = flow.portsAt;
    meta.csumOffset = flow.protocol === IPPROTO_TCP ? G.TCP_CHECKSUM_AT : G.UDP_CHECKSUM_AT;
  }
  if (gso === undefined) return meta;
  const fits = nameOf(flow);
  if (gso.type !== fits) return `The gso type “${gso.type}” does not fit the packet: write “${fits}”.`;
  if (!inRange(gso.size, 0xffff) || gso.size === 0) {
    return `A gso size of ${gso.size} bytes is out of range: write a number from 1 to 65535, for example 1448.`;
  }
  if (gso.ecn && gso.type === 'udp') return 'ECN is for TCP segments: leave it out of a UDP packet.';
  meta.gsoType = GSO_TYPES[gso.type] | (gso.ecn ? G.VIRTIO_NET_HDR_GSO_ECN : 0);
  meta.gsoSize = gso.size;
  const headers = G.newGsoHeaders();
  const fault = G.readGso(frame, 0, frame.length, meta, headers);
  if (fault !== null) return `The frame cannot be cut into segments. ${G.OFFLOAD_FAULTS[fault]}`;
  meta.hdrLen = headers.payload;
  return meta;
}

/** Fills in the transport checksum of a packet built here: finished, or begun if `meta` says so. */
export function fillChecksum(frame: Uint8Array, meta: Readonly<FrameMeta>): void {
  const headers = G.newGsoHeaders();
  const probe = newFrameMeta();
  readFlow(frame, 0, frame.length, headers.flow);
  probe.gsoType = G.gsoTypeOf(headers.flow);
  probe.gsoSize = IP_MAX;
  G.readGso(frame, 0, frame.length, probe, headers);
  G.beginChecksum(frame, headers);
  if (meta.flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) return;
  probe.flags = G.VIRTIO_NET_HDR_F_NEEDS_CSUM;
  probe.csumStart = headers.transport;
  probe.csumOffset = headers.checksum - headers.transport;
  G.completeChecksum(frame, 0, frame.length, probe);
}

function nameOf(flow: Flow): GsoTypeName {
  if (flow.protocol !== IPPROTO_TCP) return 'udp';
  return flow.version === 4 ? 'tcpv4' : 'tcpv6';
}

function badAddress(which: string, text: string, example: string): string {
  return `The ${which} “${text}” is not an IP address that can stand there: write ${example}.`;
}

function inRange(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
