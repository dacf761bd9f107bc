/**
 * How a frame lies in a ring or in a batch: an 8-byte aligned record that is never split.
 *
 *     length u32 | id u32 | bytes, padded to a multiple of 8
 *
 * Integers have the machine's own byte order: a record never leaves the machine.
 */

/** The longest frame that a channel carries: a 65,550-byte segment (@spec 5.1.9.3.1) and 18 bytes of tagged header. */
export const MAX_CHANNEL_FRAME_BYTES = 65_550 + 18;

export const RECORD_HEADER_BYTES = 8;

/** Bytes that the record of a frame of `length` bytes takes. */
export function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + 7) & ~7;
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
