/**
 * What a frame's metadata asks for, held against the frame itself.
 *
 * A frame may travel unfinished: its transport checksum is only begun (NEEDS_CSUM: the field holds the sum
 * of the pseudo header), or it is one large segment that somebody has yet to cut (a gso_type). Both are said
 * in the words of `struct virtio_net_hdr`. Whoever passes such a frame on, finishes it or hands it to a
 * driver asks here first whether the words fit the frame: they come from a guest, or from a page.
 *
 * Headers are looked for in the frame; `hdrLen` is never read. @spec 5.1.9.2.2 MUST NOT rely on it (NET-TX-07)
 */
import type { FrameMeta } from '../ring/frames.ts';
import { addWords, foldWords } from './checksum.ts';
import {
  ETHER_HEADER_SIZE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_VLAN,
  u16At,
  VLAN_TAG_SIZE,
  writeU16,
} from './ethernet.ts';
import { type Flow, IPPROTO_TCP, newFlow, readFlow } from './flow.ts';
import { IPPROTO_UDP } from './ipv4.ts';

export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
export const VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM = 8;

export const VIRTIO_NET_HDR_GSO_NONE = 0;
export const VIRTIO_NET_HDR_GSO_TCPV4 = 1;
/** Fragments of one UDP datagram (UFO). Nothing here offers it: such a frame is refused. */
export const VIRTIO_NET_HDR_GSO_UDP = 3;
export const VIRTIO_NET_HDR_GSO_TCPV6 = 4;
export const VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
export const VIRTIO_NET_HDR_GSO_ECN = 0x80;

/** Why a request cannot be met, in words that stand on their own. */
export const OFFLOAD_FAULTS = {
  'csum-range': 'The checksum field lies outside the frame, or the sum begins within the Ethernet header.',
  'csum-place': 'csum_start and csum_offset do not point at the checksum of the segment’s TCP or UDP header.',
  'gso-type': 'gso_type does not exist here, or is not that of the packet.',
  'gso-size': 'gso_size is 0.',
  'not-transport': 'The frame holds no TCP or UDP header behind IPv4 or IPv6, or is a fragment.',
  'bad-length': 'The lengths in the headers do not fit each other or the frame.',
  'too-many-segments': 'gso_size is so small that the frame would become more than 2048 segments.',
} as const;

export type OffloadFault = keyof typeof OFFLOAD_FAULTS;

/** Linux sends no segments below 48 bytes of payload; 65535 bytes are 1366 of those. */
export const MAX_SEGMENTS = 2048;

export const TCP_CHECKSUM_AT = 16;
export const UDP_CHECKSUM_AT = 6;
const TCP_HEADER_SIZE = 20;
const UDP_HEADER_SIZE = 8;
const TCP_CWR = 0x80;

/** Where the parts of a large segment lie. Offsets count from the start of the array that was read. */
export interface GsoHeaders {
  readonly flow: Flow;
  /** Of the IP header. */
  network: number;
  /** Of the TCP or UDP header. */
  transport: number;
  /** Of the transport checksum. */
  checksum: number;
  payload: number;
  /** Where the IP packet ends: what follows is padding of the link. */
  end: number;
}

export function newGsoHeaders(): GsoHeaders {
  return { flow: newFlow(), network: 0, transport: 0, checksum: 0, payload: 0, end: 0 };
}

/** Finds the headers of a frame with a gso_type. The checksum request, if there is one, must be theirs. */
export function readGso(
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
  into: GsoHeaders,
): OffloadFault | null {
  const { flow } = into;
  readFlow(bytes, offset, length, flow);
  if (flow.protocol === 0) return 'not-transport';
  const ecn = (meta.gsoType & VIRTIO_NET_HDR_GSO_ECN) !== 0;
  const type = meta.gsoType & ~VIRTIO_NET_HDR_GSO_ECN;
  if (type !== gsoTypeOf(flow) || (ecn && flow.protocol !== IPPROTO_TCP)) return 'gso-type';
  if (meta.gsoSize === 0) return 'gso-size';

  const tcp = flow.protocol === IPPROTO_TCP;
  const transport = flow.portsAt;
  const network = flow.srcAt - (flow.version === 4 ? 12 : 8);
  const size = tcp ? ((bytes[transport + 12] ?? 0) >> 4) * 4 : UDP_HEADER_SIZE;
  if (size < (tcp ? TCP_HEADER_SIZE : UDP_HEADER_SIZE)) return 'bad-length';
  into.network = network;
  into.transport = transport;
  into.checksum = transport + (tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
  into.payload = transport + size;
  into.end = network + (flow.version === 4 ? u16At(bytes, network + 2) : 40 + u16At(bytes, network + 4));
  if (into.payload > into.end || into.end > offset + length) return 'bad-length';
  if (into.end - into.payload > meta.gsoSize * MAX_SEGMENTS) return 'too-many-segments';

  if ((meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) return null;
  const asked = offset + meta.csumStart;
  return asked === transport && asked + meta.csumOffset === into.checksum ? null : 'csum-place';
}

/** Whether it looks like TCP or UDP, extension headers aside: cheap enough to ask of every frame. */
export function holdsTransport(bytes: Uint8Array, offset: number, length: number): boolean {
  const tagged = u16At(bytes, offset + 12) === ETHERTYPE_VLAN;
  const at = offset + ETHER_HEADER_SIZE + (tagged ? VLAN_TAG_SIZE : 0);
  if (at + 20 > offset + length) return false;
  const type = u16At(bytes, at - 2);
  const protocol = type === ETHERTYPE_IPV4 ? bytes[at + 9] : type === ETHERTYPE_IPV6 ? bytes[at + 6] : 0;
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
}

/** The gso_type that a packet of this flow can have. */
export function gsoTypeOf(flow: Flow): number {
  if (flow.protocol !== IPPROTO_TCP) return VIRTIO_NET_HDR_GSO_UDP_L4;
  return flow.version === 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
}

/** The segment says that the sender has reduced its congestion window: what GSO_ECN stands for. */
export function carriesCwr(bytes: Uint8Array, headers: GsoHeaders): boolean {
  return headers.flow.protocol === IPPROTO_TCP && ((bytes[headers.transport + 13] ?? 0) & TCP_CWR) !== 0;
}

/** Sum of the pseudo header of a packet with so many bytes of transport header and payload. Not folded. */
export function pseudoHeaderOf(bytes: Uint8Array, flow: Flow, transportLength: number): number {
  // Source and destination lie one behind the other in both versions.
  const addresses = addWords(bytes, flow.srcAt, flow.version === 4 ? 8 : 32);
  return addresses + flow.protocol + transportLength;
}

/** Puts the pseudo header's sum into the checksum field: the state in which NEEDS_CSUM leaves a packet. */
export function beginChecksum(bytes: Uint8Array, headers: GsoHeaders): void {
  const sum = pseudoHeaderOf(bytes, headers.flow, headers.end - headers.transport);
  writeU16(bytes, headers.checksum, foldWords(sum));
}

/** Whether the checksum that NEEDS_CSUM asks for lies within the frame. */
export function checkChecksumRequest(length: number, meta: Readonly<FrameMeta>): OffloadFault | null {
  const { csumStart, csumOffset } = meta;
  return csumStart >= ETHER_HEADER_SIZE && csumStart + csumOffset + 2 <= length ? null : 'csum-range';
}

/**
 * Finishes the checksum that NEEDS_CSUM asks for, in place; `bytes` is the caller's own copy. A frame that
 * asks for none is left as it is. A large segment becomes a valid packet that is too long for a wire.
 */
export function completeChecksum(
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
): OffloadFault | null {
  if ((meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) return null;
  const fault = checkChecksumRequest(length, meta);
  if (fault) return fault;
  const start = offset + meta.csumStart;
  // The field holds the pseudo header's sum and is added with the rest.
  writeU16(bytes, start + meta.csumOffset, finishTransport(addWords(bytes, start, length - meta.csumStart)));
  return null;
}

/** The value of a TCP or UDP checksum field. Zero would say "none" in UDP; both spellings are the same sum. */
export function finishTransport(sum: number): number {
  return ~foldWords(sum) & 0xffff || 0xffff;
}
