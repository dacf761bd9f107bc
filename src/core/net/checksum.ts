/**
 * The Internet checksum: one's complement of the one's complement sum of 16-bit words (RFC 1071).
 *
 * Sums are carried as plain numbers and folded at the end: 65550 bytes of 0xffff stay far below 2^53.
 */
import type { Ip6 } from './ipv6.ts';

/**
 * Adds the 16-bit words of `bytes[offset, offset + length)`; an odd last byte counts as its word's high half. Hot: every
 * packet whose checksum is finished in software comes by. High and low halves apart, eight bytes a turn, is more than
 * twice as fast as word by word.
 */
export function addWords(bytes: Uint8Array, offset: number, length: number, sum = 0): number {
  // What lies beyond the array counts as zeros.
  const end = Math.min(offset + length, bytes.length);
  let high = 0;
  let low = 0;
  let at = offset;
  for (const last = end - 7; at < last; at += 8) {
    high += (bytes[at] as number) + (bytes[at + 2] as number) + (bytes[at + 4] as number) + (bytes[at + 6] as number);
    low +=
      (bytes[at + 1] as number) + (bytes[at + 3] as number) + (bytes[at + 5] as number) + (bytes[at + 7] as number);
  }
  for (; at + 1 < end; at += 2) {
    high += bytes[at] as number;
    low += bytes[at + 1] as number;
  }
  if (at < end) high += bytes[at] as number;
  return sum + high * 0x100 + low;
}

/** Folds the carries in: a sum of 16 bits. */
export function foldWords(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return folded;
}

/** Folds and complements: the value of a checksum field. Zero for data whose field is right. */
export function finishChecksum(sum: number): number {
  return ~foldWords(sum) & 0xffff;
}

export function checksum(bytes: Uint8Array, offset: number, length: number): number {
  return finishChecksum(addWords(bytes, offset, length));
}

/** Sum of the IPv4 pseudo header (RFC 768). */
export function pseudoHeader4(src: number, dst: number, protocol: number, length: number): number {
  return (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + protocol + length;
}

/** Sum of the IPv6 pseudo header (RFC 8200 section 8.1). */
export function pseudoHeader6(src: Ip6, dst: Ip6, nextHeader: number, length: number): number {
  return addWords(src, 0, 16, addWords(dst, 0, 16)) + (length >>> 16) + (length & 0xffff) + nextHeader;
}
