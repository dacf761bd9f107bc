/**
 * Where the fields of a frame lie that tell one flow from another: addresses and ports.
 *
 * One reused object holds positions, so that reading a frame allocates nothing. A fragment has no ports here,
 * not even the first one: all fragments of a packet must look alike.
 *
 * IPv6 extension headers are followed as far as they are there. Two of them name addresses of their own
 * (RFC 6275): the home address in destination options, and the final hop of a routing header of type 2.
 */
import { ETHER_HEADER_SIZE, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN, u16At, VLAN_TAG_SIZE } from './ethernet.ts';

export const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

const IPV4_HEADER_SIZE = 20;
const IPV6_HEADER_SIZE = 40;
const OPTION_PAD1 = 0;
const OPTION_HOME_ADDRESS = 201;
const ADDRESS_SIZE = 16;

/** Offsets count from the start of the array that was read. */
export interface Flow {
  /** 4, 6, or 0 for a frame that is not IP. */
  version: number;
  /** TCP 6, UDP 17, or 0: nothing with ports, or a fragment. */
  protocol: number;
  srcAt: number;
  dstAt: number;
  /** Both ports, 4 bytes. */
  portsAt: number;
  /** IPv6 with extension headers. */
  extended: boolean;
  /** Home address and final destination, or what `srcAt` and `dstAt` say. */
  homeAt: number;
  finalAt: number;
}

export function newFlow(): Flow {
  return { version: 0, protocol: 0, srcAt: 0, dstAt: 0, portsAt: 0, extended: false, homeAt: 0, finalAt: 0 };
}

/** Reads the flow of the frame in `bytes[offset, offset + length)`. Any bytes are legal. */
export function readFlow(bytes: Uint8Array, offset: number, length: number, into: Flow): void {
  into.version = 0;
  into.protocol = 0;
  into.extended = false;
  const end = offset + length;
  let at = offset + ETHER_HEADER_SIZE;
  if (at > end) return;
  let type = u16At(bytes, at - 2);
  if (type === ETHERTYPE_VLAN && at + VLAN_TAG_SIZE <= end) {
    at += VLAN_TAG_SIZE;
    type = u16At(bytes, at - 2);
  }
  if (type === ETHERTYPE_IPV4) readIpv4(bytes, at, end, into);
  else if (type === ETHERTYPE_IPV6) readIpv6(bytes, at, end, into);
}

function readIpv4(bytes: Uint8Array, at: number, end: number, into: Flow): void {
  const first = bytes[at] ?? 0;
  const size = (first & 0xf) * 4;
  if (at + IPV4_HEADER_SIZE > end || first >> 4 !== 4 || size < IPV4_HEADER_SIZE) return;
  into.version = 4;
  into.srcAt = at + 12;
  into.dstAt = at + 16;
  const fragment = (u16At(bytes, at + 6) & 0x3fff) !== 0;
  if (!fragment) readPorts(bytes[at + 9] ?? 0, at + size, end, into);
}

function readIpv6(bytes: Uint8Array, start: number, end: number, into: Flow): void {
  if (start + IPV6_HEADER_SIZE > end || (bytes[start] ?? 0) >> 4 !== 6) return;
  into.version = 6;
  into.srcAt = start + 8;
  into.dstAt = start + 24;
  into.homeAt = into.srcAt;
  into.finalAt = into.dstAt;
  let next = bytes[start + 6] ?? 0;
  let at = start + IPV6_HEADER_SIZE;
  // Each turn moves on by 8 bytes at least, so a frame ends the loop.
  while (isExtension(next) && at + 8 <= end) {
    into.extended = true;
    if (next === FRAGMENT) return;
    const units = bytes[at + 1] ?? 0;
    const size = next === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
    if (at + size > end) return;
    if (next === DESTINATION_OPTIONS) readHomeAddress(bytes, at + 2, at + size, into);
    else if (next === ROUTING && bytes[at + 2] === 2 && size >= 8 + ADDRESS_SIZE) into.finalAt = at + 8;
    next = bytes[at] ?? 0;
    at += size;
  }
  readPorts(next, at, end, into);
}

function isExtension(next: number): boolean {
  return (
    next === HOP_BY_HOP ||
    next === ROUTING ||
    next === FRAGMENT ||
    next === AUTHENTICATION ||
    next === DESTINATION_OPTIONS
  );
}

function readHomeAddress(bytes: Uint8Array, start: number, end: number, into: Flow): void {
  for (let at = start; at + 1 < end;) {
    const option = bytes[at] ?? 0;
    const size = option === OPTION_PAD1 ? 1 : 2 + (bytes[at + 1] ?? 0);
    if (option === OPTION_HOME_ADDRESS && size === 2 + ADDRESS_SIZE && at + size <= end) into.homeAt = at + 2;
    at += size;
  }
}

function readPorts(protocol: number, at: number, end: number, into: Flow): void {
  if ((protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) || at + 4 > end) return;
  into.protocol = protocol;
  into.portsAt = at;
}

/**
 * The same 32-bit number for both directions of a flow, 0 for a frame that is not IP. Only for tables of our
 * own: it is no hash that anybody could compare.
 */
export function flowNumber(bytes: Uint8Array, flow: Flow): number {
  if (flow.version === 0) return 0;
  const size = flow.version === 4 ? 4 : ADDRESS_SIZE;
  const source = mixEnd(bytes, flow.srcAt, size, flow.protocol === 0 ? -1 : flow.portsAt);
  const destination = mixEnd(bytes, flow.dstAt, size, flow.protocol === 0 ? -1 : flow.portsAt + 2);
  // Sum and product do not depend on the order of the ends.
  const both = Math.imul(source, destination) ^ (source + destination);
  return (mix(both ^ flow.protocol) || 1) >>> 0;
}

/** One end of a flow: its address and its port. */
function mixEnd(bytes: Uint8Array, at: number, size: number, portAt: number): number {
  let value = portAt < 0 ? 0 : u16At(bytes, portAt);
  for (let i = at; i < at + size; i += 4) {
    value = mix(value ^ ((u16At(bytes, i) << 16) | u16At(bytes, i + 2)));
  }
  return value | 1;
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
