/**
 * The Internet checksum: one's complement of the one's complement sum of 16-bit words (RFC 1071).
 *
 * Sums are carried as plain numbers and folded at the end: 65550 bytes of 0xffff stay far below 2^53.
 */
import type { Ip6 } from './ipv6.ts';

/** Adds the 16-bit words of `bytes[offset, offset + length)`; an odd last byte counts as its word's high half. */
export function addWords(bytes: Uint8Array, offset: number, length: number, sum = 0): number {
  const end = offset + length;
  let total = sum;
  let at = offset;
  for (; at + 1 < end; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (at < end) total += (bytes[at] ?? 0) << 8;
  return total;
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
