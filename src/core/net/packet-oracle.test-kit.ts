/**
 * What is right about a TCP or UDP packet, written from the RFCs in the plainest way and sharing nothing with
 * the code that it judges: words of 16 bits in a list, added up.
 */

export interface Parsed {
  readonly vlan: number | null;
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly identification: number;
  readonly sequence: number;
  readonly flags: number;
  /** Extension headers, IPv6. */
  readonly extensions: number[];
  readonly payload: number[];
  /** What is wrong with lengths and checksums; empty if nothing. */
  readonly faults: string[];
}

const u16 = (bytes: readonly number[], at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);

/** One's complement sum of 16-bit words; 0xffff for what carries its right checksum. */
export function onesSum(bytes: readonly number[]): number {
  const padded = bytes.length % 2 === 0 ? bytes : [...bytes, 0];
  let sum = 0;
  for (let at = 0; at < padded.length; at += 2) {
    sum += u16(padded, at);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

export function parse(frame: Uint8Array): Parsed {
  const bytes = [...frame];
  const faults: string[] = [];
  const tagged = u16(bytes, 12) === 0x8100;
  const l3 = tagged ? 18 : 14;
  const type = u16(bytes, l3 - 2);
  const version = type === 0x0800 ? 4 : 6;
  if (version === 6 && type !== 0x86dd) throw new Error(`EtherType ${type}`);
  const packet = bytes.slice(l3);
  const extensions: number[] = [];
  let headerLength: number;
  let protocol: number;
  if (version === 4) {
    headerLength = ((packet[0] ?? 0) % 16) * 4;
    protocol = packet[9] ?? 0;
    if (u16(packet, 2) !== packet.length) faults.push(`total length ${u16(packet, 2)} of ${packet.length}`);
    if (onesSum(packet.slice(0, headerLength)) !== 0xffff) faults.push('IPv4 header checksum');
  } else {
    headerLength = 40;
    protocol = packet[6] ?? 0;
    if (u16(packet, 4) !== packet.length - 40) faults.push(`payload length ${u16(packet, 4)} of ${packet.length}`);
    while (protocol === 0 || protocol === 60) {
      const size = 8 + 8 * (packet[headerLength + 1] ?? 0);
      extensions.push(...packet.slice(headerLength, headerLength + size));
      protocol = packet[headerLength] ?? 0;
      headerLength += size;
    }
  }
  const segment = packet.slice(headerLength);
  const tcp = protocol === 6;
  if (!tcp && protocol !== 17) throw new Error(`protocol ${protocol}`);
  const length = segment.length;
  const pseudo = version === 4 ? packet.slice(12, 20) : packet.slice(8, 40);
  const sum = onesSum([...pseudo, 0, protocol, length >>> 8, length & 0xff, ...segment]);
  if (sum !== 0xffff) faults.push('transport checksum');
  if (!tcp && u16(segment, 4) !== length) faults.push(`UDP length ${u16(segment, 4)} of ${length}`);
  return {
    vlan: tagged ? u16(bytes, 14) % 4096 : null,
    version,
    protocol: tcp ? 'tcp' : 'udp',
    identification: version === 4 ? u16(packet, 4) : 0,
    sequence: tcp ? u16(segment, 4) * 0x1_0000 + u16(segment, 6) : 0,
    flags: tcp ? (segment[13] ?? 0) : 0,
    extensions,
    payload: segment.slice(tcp ? ((segment[12] ?? 0) >> 4) * 4 : 8),
    faults,
  };
}
