/**
 * Ethernet frames: the header that filters look at, and building frames to send.
 *
 *     untagged   dst 6 | src 6 | EtherType 2 | payload
 *     802.1Q     dst 6 | src 6 | TPID 0x8100 2 | PCP 3 bits, DEI 1, VID 12 | EtherType 2 | payload
 *
 * A frame is bytes without preamble and FCS. Only one tag is read: the illumos MAC layer and the
 * filters modelled here never look behind a second one (802.1ad).
 */
import type { Mac } from './mac.ts';
import { macAt, writeMac } from './mac.ts';

export const ETHER_HEADER_SIZE = 6 + 6 + 2;
export const VLAN_TAG_SIZE = 2 + 2;
/** Smallest frame on a wire, without FCS. */
export const ETHER_MIN_FRAME = 60;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
/** IEEE 802 local experimental 1: a type that no guest acts upon. */
export const ETHERTYPE_EXPERIMENTAL = 0x88b5;

/** What filters look at, read once per frame into one reused object: the hot path allocates none. */
export interface FrameHeader {
  /** Whole frame in bytes, without FCS. */
  length: number;
  /** False if the frame is shorter than its header (14 bytes, 18 with a tag); then nothing below is meaningful. */
  valid: boolean;
  dst: Mac;
  src: Mac;
  /** EtherType behind any VLAN tag, or the 802.3 length. */
  etherType: number;
  /** VID of an 802.1Q tag (TPID 0x8100), or -1 for an untagged frame. */
  vid: number;
  /** Bytes up to the payload: 14, or 18 with a tag. */
  headerLength: number;
  /**
   * Number of the flow (`flowNumber` in flow.ts), 0 for a frame that is no IP. Reading the header leaves 0: who
   * needs it, because frames are spread over rings, fills it in.
   */
  flow: number;
}

/** A header to read into. */
export function newFrameHeader(): FrameHeader {
  return { length: 0, valid: false, dst: 0, src: 0, etherType: 0, vid: -1, headerLength: ETHER_HEADER_SIZE, flow: 0 };
}

/** Reads the header of `bytes[offset, offset + length)`. Any bytes are legal; `valid` says what came of it. */
export function readHeader(bytes: Uint8Array, offset: number, length: number, into: FrameHeader): void {
  into.length = length;
  into.valid = false;
  into.dst = 0;
  into.src = 0;
  into.etherType = 0;
  into.vid = -1;
  into.headerLength = ETHER_HEADER_SIZE;
  into.flow = 0;
  if (length < ETHER_HEADER_SIZE) return;
  into.dst = macAt(bytes, offset);
  into.src = macAt(bytes, offset + 6);
  const type = u16At(bytes, offset + 12);
  if (type !== ETHERTYPE_VLAN) {
    into.etherType = type;
    into.valid = true;
    return;
  }
  if (length < ETHER_HEADER_SIZE + VLAN_TAG_SIZE) return;
  into.vid = u16At(bytes, offset + 14) & 0xfff;
  into.etherType = u16At(bytes, offset + 16);
  into.headerLength = ETHER_HEADER_SIZE + VLAN_TAG_SIZE;
  into.valid = true;
}

export interface FrameParts {
  readonly dst: Mac;
  readonly src: Mac;
  readonly etherType: number;
  /** VID of a tag to put in, or absent for none. */
  readonly vid?: number | undefined;
  readonly payload: Uint8Array;
}

/** The frame, exactly as long as its parts: nothing is padded to a minimum. */
export function buildFrame(parts: FrameParts): Uint8Array {
  const tagged = parts.vid !== undefined;
  const headerLength = ETHER_HEADER_SIZE + (tagged ? VLAN_TAG_SIZE : 0);
  const frame = new Uint8Array(headerLength + parts.payload.length);
  writeMac(parts.dst, frame, 0);
  writeMac(parts.src, frame, 6);
  if (parts.vid !== undefined) {
    writeU16(frame, 12, ETHERTYPE_VLAN);
    writeU16(frame, 14, parts.vid & 0xfff);
  }
  writeU16(frame, headerLength - 2, parts.etherType);
  frame.set(parts.payload, headerLength);
  return frame;
}

/** Big-endian, as everything on the wire. */
export function u16At(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}
