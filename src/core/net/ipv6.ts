/**
 * As much of IPv6 (RFC 8200), ICMPv6 echo (RFC 4443), neighbour discovery (RFC 4861) and UDP as the echo
 * station and the traffic presets need. Extension headers are not followed: to the caller such a packet
 * simply has another payload type.
 */
import { addWords, finishChecksum, pseudoHeader6 } from './checksum.ts';
import { u16At, writeU16 } from './ethernet.ts';
import { buildUdp, IPPROTO_UDP } from './ipv4.ts';
import type { Mac } from './mac.ts';
import { macAt, writeMac } from './mac.ts';

export const IPPROTO_ICMPV6 = 58;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_NEIGHBOUR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;

const IPV6_HEADER_SIZE = 40;
const ICMPV6_ECHO_SIZE = 8;
const NEIGHBOUR_SIZE = 24;
const OPTION_SOURCE_LINK_ADDRESS = 1;
const OPTION_TARGET_LINK_ADDRESS = 2;
/** Neighbour discovery proves by it that a packet was never routed. */
const NDP_HOP_LIMIT = 255;
const DEFAULT_HOP_LIMIT = 64;

/** Sixteen bytes, wire order. */
export type Ip6 = Uint8Array;

export interface Ipv6Packet {
  readonly src: Ip6;
  readonly dst: Ip6;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly payloadOffset: number;
  readonly payloadLength: number;
}

/** `::` */
export const UNSPECIFIED: Ip6 = new Uint8Array(16);

/** From its eight 16-bit groups. */
export function ip6(...groups: readonly number[]): Ip6 {
  const address = new Uint8Array(16);
  groups.forEach((group, index) => writeU16(address, 2 * index, group));
  return address;
}

export function sameIp6(a: Ip6, b: Ip6): boolean {
  return a.every((byte, index) => byte === b[index]);
}

/** fe80::/64 with the modified EUI-64 of the address (RFC 4291 appendix A). */
export function linkLocalOf(mac: Mac): Ip6 {
  const address = ip6(0xfe80);
  const bytes = new Uint8Array(6);
  writeMac(mac, bytes, 0);
  address.set(bytes.subarray(0, 3), 8);
  address.set([0xff, 0xfe], 11);
  address.set(bytes.subarray(3), 13);
  address[8] = (address[8] ?? 0) ^ 2;
  return address;
}

/** ff02::1:ffXX:XXXX, where solicitations for the address are sent (RFC 4291 section 2.7.1). */
export function solicitedNodeOf(address: Ip6): Ip6 {
  const group = ip6(0xff02, 0, 0, 0, 0, 1, 0xff00, 0);
  group.set(address.subarray(13), 13);
  return group;
}

/** 33:33 and the last four bytes of the group (RFC 2464 section 7). */
export function groupMac6(group: Ip6): Mac {
  return 0x3333_0000_0000 + u16At(group, 12) * 0x1_0000 + u16At(group, 14);
}

export function parseIpv6(bytes: Uint8Array, offset: number, length: number): Ipv6Packet | null {
  if (length < IPV6_HEADER_SIZE || (bytes[offset] ?? 0) >>> 4 !== 6) return null;
  const payloadLength = u16At(bytes, offset + 4);
  if (payloadLength > length - IPV6_HEADER_SIZE) return null;
  return {
    src: bytes.slice(offset + 8, offset + 24),
    dst: bytes.slice(offset + 24, offset + 40),
    nextHeader: bytes[offset + 6] ?? 0,
    hopLimit: bytes[offset + 7] ?? 0,
    payloadOffset: offset + IPV6_HEADER_SIZE,
    payloadLength,
  };
}

export function buildIpv6(
  src: Ip6,
  dst: Ip6,
  nextHeader: number,
  payload: Uint8Array,
  hopLimit = DEFAULT_HOP_LIMIT,
): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER_SIZE + payload.length);
  packet[0] = 0x60;
  writeU16(packet, 4, payload.length);
  packet[6] = nextHeader;
  packet[7] = hopLimit;
  packet.set(src, 8);
  packet.set(dst, 24);
  packet.set(payload, IPV6_HEADER_SIZE);
  return packet;
}

export function buildUdp6(src: Ip6, dst: Ip6, sourcePort: number, port: number, data: Uint8Array): Uint8Array {
  const datagram = buildUdp(sourcePort, port, data);
  const sum = addWords(datagram, 0, datagram.length, pseudoHeader6(src, dst, IPPROTO_UDP, datagram.length));
  writeU16(datagram, 6, finishChecksum(sum) || 0xffff);
  return buildIpv6(src, dst, IPPROTO_UDP, datagram);
}

/** True if the ICMPv6 checksum of the packet's payload is right. */
export function icmpv6Sound(bytes: Uint8Array, packet: Ipv6Packet): boolean {
  const { src, dst, payloadOffset, payloadLength } = packet;
  return (
    payloadLength >= 4 &&
    finishChecksum(
      addWords(bytes, payloadOffset, payloadLength, pseudoHeader6(src, dst, IPPROTO_ICMPV6, payloadLength)),
    ) === 0
  );
}

/**
 * The echo reply from `src`, as a packet, or null if the payload is no echo request or names nobody who could
 * be answered (RFC 4443 section 2.2). Checksum is the caller's.
 */
export function icmpv6EchoReply(bytes: Uint8Array, packet: Ipv6Packet, src: Ip6): Uint8Array | null {
  const at = packet.payloadOffset;
  if (packet.src[0] === 0xff || sameIp6(packet.src, UNSPECIFIED)) return null;
  if (packet.payloadLength < ICMPV6_ECHO_SIZE || bytes[at] !== ICMPV6_ECHO_REQUEST || bytes[at + 1] !== 0) return null;
  const reply = bytes.slice(at, at + packet.payloadLength);
  reply[0] = ICMPV6_ECHO_REPLY;
  return sumAndWrap(src, packet.src, reply, DEFAULT_HOP_LIMIT);
}

export interface Solicitation {
  readonly target: Ip6;
  /** From the source link-layer address option, if there is one. */
  readonly linkAddress: Mac | null;
}

/** A valid neighbour solicitation (RFC 4861 section 7.1.1), or null. Checksum is the caller's. */
export function parseSolicitation(bytes: Uint8Array, packet: Ipv6Packet): Solicitation | null {
  const at = packet.payloadOffset;
  if (packet.payloadLength < NEIGHBOUR_SIZE || bytes[at] !== ICMPV6_NEIGHBOUR_SOLICITATION) return null;
  if (bytes[at + 1] !== 0 || packet.hopLimit !== NDP_HOP_LIMIT) return null;
  const target = bytes.slice(at + 8, at + 24);
  const anonymous = sameIp6(packet.src, UNSPECIFIED);
  // Duplicate address detection asks the group of the address, and has no link address to give.
  if (anonymous && !sameIp6(packet.dst, solicitedNodeOf(target))) return null;
  let linkAddress: Mac | null = null;
  for (let option = NEIGHBOUR_SIZE; option < packet.payloadLength;) {
    const size = (bytes[at + option + 1] ?? 0) * 8;
    if (size === 0 || option + size > packet.payloadLength) return null;
    if (bytes[at + option] === OPTION_SOURCE_LINK_ADDRESS) {
      if (anonymous) return null;
      linkAddress = macAt(bytes, at + option + 2);
    }
    option += size;
  }
  return { target, linkAddress };
}

/** A solicitation for `target`, as a packet to its solicited-node group: tests and presets speak it. */
export function buildSolicitation(src: Ip6, target: Ip6, link: Mac, dst = solicitedNodeOf(target)): Uint8Array {
  const message = neighbourMessage(ICMPV6_NEIGHBOUR_SOLICITATION, target, OPTION_SOURCE_LINK_ADDRESS, link);
  return sumAndWrap(src, dst, message, NDP_HOP_LIMIT);
}

/** The advertisement of `target` at `link`. `solicited` must be false towards the all-nodes group. */
export function buildAdvertisement(target: Ip6, dst: Ip6, link: Mac, solicited: boolean): Uint8Array {
  const message = neighbourMessage(ICMPV6_NEIGHBOUR_ADVERTISEMENT, target, OPTION_TARGET_LINK_ADDRESS, link);
  message[4] = solicited ? 0x60 : 0x20; // solicited, override
  return sumAndWrap(target, dst, message, NDP_HOP_LIMIT);
}

function neighbourMessage(type: number, target: Ip6, option: number, link: Mac): Uint8Array {
  const message = new Uint8Array(NEIGHBOUR_SIZE + 8);
  message[0] = type;
  message.set(target, 8);
  message[NEIGHBOUR_SIZE] = option;
  message[NEIGHBOUR_SIZE + 1] = 1;
  writeMac(link, message, NEIGHBOUR_SIZE + 2);
  return message;
}

function sumAndWrap(src: Ip6, dst: Ip6, message: Uint8Array, hopLimit: number): Uint8Array {
  writeU16(message, 2, 0);
  const sum = addWords(message, 0, message.length, pseudoHeader6(src, dst, IPPROTO_ICMPV6, message.length));
  writeU16(message, 2, finishChecksum(sum));
  return buildIpv6(src, dst, IPPROTO_ICMPV6, message, hopLimit);
}
