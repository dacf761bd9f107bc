/** IP frames with nothing in them but what tells flows apart. Constants declared again on purpose. */

export interface IpEnds {
  readonly src: readonly number[];
  readonly dst: readonly number[];
  /** TCP 6, UDP 17; 59 (nothing follows) by default. */
  readonly protocol?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly vid?: number;
  /** IPv4: flags and fragment offset. */
  readonly fragment?: number;
  /** IPv6: extension headers, each without its first byte. */
  readonly extensions?: readonly { readonly type: number; readonly rest: readonly number[] }[];
}

const be16 = (value: number): number[] => [value >>> 8, value & 0xff];

/** IPv4 for addresses of 4 bytes, IPv6 for addresses of 16. */
export function ipFrame(ends: IpEnds): Uint8Array {
  const { src, dst, protocol = 59, srcPort = 0, dstPort = 0, vid, fragment = 0, extensions = [] } = ends;
  const tag = vid === undefined ? [] : [0x81, 0x00, ...be16(vid)];
  const type = src.length === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  const ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tag, ...type];
  const ports = [...be16(srcPort), ...be16(dstPort), 0, 0, 0, 0];
  if (src.length === 4) {
    return Uint8Array.of(
      ...ethernet,
      0x45,
      0,
      0,
      28,
      0,
      0,
      ...be16(fragment),
      64,
      protocol,
      0,
      0,
      ...src,
      ...dst,
      ...ports,
    );
  }
  const types = [...extensions.map(({ type }) => type), protocol];
  const chain = extensions.flatMap(({ rest }, index) => [types[index + 1] ?? 0, ...rest]);
  return Uint8Array.of(
    ...ethernet,
    0x60,
    0,
    0,
    0,
    ...be16(chain.length + 8),
    types[0] ?? 0,
    64,
    ...src,
    ...dst,
    ...chain,
    ...ports,
  );
}

/** `3ffe::1` is `ip6Bytes(0x3ffe, 0, 0, 0, 0, 0, 0, 1)`. */
export const ip6Bytes = (...groups: readonly number[]): number[] => groups.flatMap(be16);
