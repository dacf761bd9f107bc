/**
 * How a frame lies in a ring or in a batch: an 8-byte aligned record that is never split.
 *
 *     length u32 | id u32
 *     flags u16 | gso_type u16 | hdr_len u16 | gso_size u16 | csum_start u16 | csum_offset u16      FrameMeta
 *     pair u16 | plain u16 | bytes, padded to a multiple of 8
 *
 * `plain` 1 says that there is nothing in the meta: then only its last word was written, and the others hold
 * what lay there before. Integers have the machine's own byte order: a record never leaves the machine.
 */
import { type FrameMeta, NO_PAIR, PLAIN_FRAME } from './frames.ts';

/** The longest frame that a channel carries: a 65,550-byte segment (@spec 5.1.9.3.1) and 18 bytes of tagged header. */
export const MAX_CHANNEL_FRAME_BYTES = 65_550 + 18;

export const RECORD_HEADER_BYTES = 24;

/** Bytes that the record of a frame of `length` bytes takes. */
export function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + 7) & ~7;
}

/** Words of 32 bits from the start of a record to its meta. */
const META = 2;
const PLAIN = 0x1_0000 | NO_PAIR;

/** Writes the meta of the record that starts at word `at`. */
export function writeMeta(words: Uint32Array, at: number, meta: Readonly<FrameMeta>): void {
  if (meta === PLAIN_FRAME) {
    words[at + META + 3] = PLAIN;
    return;
  }
  words[at + META] = meta.flags | (meta.gsoType << 16);
  words[at + META + 1] = meta.hdrLen | (meta.gsoSize << 16);
  words[at + META + 2] = meta.csumStart | (meta.csumOffset << 16);
  words[at + META + 3] = meta.pair;
}

/** The meta of the record that starts at word `at`: `into`, refilled, or PLAIN_FRAME. */
export function readMeta(words: Uint32Array, at: number, into: FrameMeta): Readonly<FrameMeta> {
  const last = words[at + META + 3] as number;
  if (last === PLAIN) return PLAIN_FRAME;
  const first = words[at + META] as number;
  const sizes = words[at + META + 1] as number;
  const places = words[at + META + 2] as number;
  into.flags = first & 0xffff;
  into.gsoType = first >>> 16;
  into.hdrLen = sizes & 0xffff;
  into.gsoSize = sizes >>> 16;
  into.csumStart = places & 0xffff;
  into.csumOffset = places >>> 16;
  into.pair = last & 0xffff;
  return into;
}

/**
 * The longest body that is copied by a loop. Up to here a loop is as fast as `set`, which wants a view of its
 * own unless the whole array is meant (Node 20: even at about 64 bytes, five times slower at 1514). So small
 * frames, which are most frames, cost no object, and for the others a short-lived view is the cheaper price.
 */
export const LOOP_BYTES = 64;

/** Copies `from[offset, offset + length)` to `into` at `at`. */
export function copyBytes(from: Uint8Array, offset: number, length: number, into: Uint8Array, at: number): void {
  if (length <= LOOP_BYTES) {
    for (let i = 0; i < length; i++) into[at + i] = from[offset + i] as number;
  } else if (offset === 0 && length === from.length) {
    into.set(from, at);
  } else {
    into.set(from.subarray(offset, offset + length), at);
  }
}
