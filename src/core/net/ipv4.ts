/**
 * As much of IPv4 (RFC 791), ICMP echo (RFC 792) and UDP (RFC 768) as the echo station and the traffic
 * presets need. Parsers take any bytes and answer null for what they do not understand; fragments are
 * among that, because nothing here reassembles.
 */
import { addWords, checksum, finishChecksum, pseudoHeader4 } from './checksum.ts';
import { u16At, writeU16 } from './ethernet.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_UDP = 17;
export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;

const IPV4_HEADER_SIZE = 20;
const UDP_HEADER_SIZE = 8;
const ICMP_HEADER_SIZE = 8;
const DEFAULT_TTL = 64;

/** 32-bit unsigned, first byte on the wire highest. */
export type Ip4 = number;

export interface Ipv4Packet {
  readonly src: Ip4;
  readonly dst: Ip4;
  readonly protocol: number;
  /** Where the payload lies in the bytes that were parsed. */
  readonly payloadOffset: number;
  readonly payloadLength: number;
}

export function ip4(a: number, b: number, c: number, d: number): Ip4 {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

export function ip4At(bytes: Uint8Array, offset: number): Ip4 {
  return ((u16At(bytes, offset) << 16) | u16At(bytes, offset + 2)) >>> 0;
}

export function writeIp4(address: Ip4, into: Uint8Array, offset: number): void {
  writeU16(into, offset, address >>> 16);
  writeU16(into, offset + 2, address & 0xffff);
}

/** The whole, unfragmented, correctly summed packet at `offset`, or null. Trailing padding is not payload. */
export function parseIpv4(bytes: Uint8Array, offset: number, length: number): Ipv4Packet | null {
  if (length < IPV4_HEADER_SIZE) return null;
  const first = bytes[offset] ?? 0;
  const headerLength = (first & 0xf) * 4;
  const totalLength = u16At(bytes, offset + 2);
  if (first >>> 4 !== 4 || headerLength < IPV4_HEADER_SIZE) return null;
  if (totalLength < headerLength || totalLength > length) return null;
  const fragment = u16At(bytes, offset + 6);
  if ((fragment & 0x3fff) !== 0) return null; // MF or an offset
  if (checksum(bytes, offset, headerLength) !== 0) return null;
  return {
    src: ip4At(bytes, offset + 12),
    dst: ip4At(bytes, offset + 16),
    protocol: bytes[offset + 9] ?? 0,
    payloadOffset: offset + headerLength,
    payloadLength: totalLength - headerLength,
  };
}

export function buildIpv4(src: Ip4, dst: Ip4, protocol: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV4_HEADER_SIZE + payload.length);
  packet[0] = 0x45;
  writeU16(packet, 2, packet.length);
  packet[6] = 0x40; // DF
  packet[8] = DEFAULT_TTL;
  packet[9] = protocol;
  writeIp4(src, packet, 12);
  writeIp4(dst, packet, 16);
  writeU16(packet, 10, checksum(packet, 0, IPV4_HEADER_SIZE));
  packet.set(payload, IPV4_HEADER_SIZE);
  return packet;
}

export function buildUdp4(src: Ip4, dst: Ip4, sourcePort: number, port: number, data: Uint8Array): Uint8Array {
  const datagram = buildUdp(sourcePort, port, data);
  const sum = addWords(datagram, 0, datagram.length, pseudoHeader4(src, dst, IPPROTO_UDP, datagram.length));
  writeU16(datagram, 6, finishChecksum(sum) || 0xffff); // 0 on the wire means "no checksum"
  return buildIpv4(src, dst, IPPROTO_UDP, datagram);
}

/** Header and data with the checksum field zero: only the IP version knows its pseudo header. */
export function buildUdp(sourcePort: number, port: number, data: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(UDP_HEADER_SIZE + data.length);
  writeU16(datagram, 0, sourcePort);
  writeU16(datagram, 2, port);
  writeU16(datagram, 4, datagram.length);
  datagram.set(data, UDP_HEADER_SIZE);
  return datagram;
}

/** The reply to a sound ICMP echo request, as an ICMP message, or null. */
export function icmpEchoReply(bytes: Uint8Array, offset: number, length: number): Uint8Array | null {
  if (length < ICMP_HEADER_SIZE || bytes[offset] !== ICMP_ECHO_REQUEST || bytes[offset + 1] !== 0) return null;
  if (checksum(bytes, offset, length) !== 0) return null;
  const reply = bytes.slice(offset, offset + length);
  reply[0] = ICMP_ECHO_REPLY;
  writeU16(reply, 2, 0);
  writeU16(reply, 2, checksum(reply, 0, reply.length));
  return reply;
}
