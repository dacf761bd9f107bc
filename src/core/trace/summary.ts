/**
 * A frame in one line, as packet lists show it. Made from captured bytes, which may be cut anywhere and may be
 * anything: reading past the end is normal here and yields a shorter summary, never an error.
 */
import { formatMac, macAt } from '../net/mac.ts';
import type { Mac } from '../net/mac.ts';
import { ipv4, u16 } from './ip-text.ts';
import { summarizeIpv4, summarizeIpv6 } from './summary-ip.ts';

export interface FrameSummary {
  readonly dst: Mac;
  readonly src: Mac;
  /** VID of an 802.1Q tag, or null. */
  readonly vid: number | null;
  /** EtherType behind any tag, or an 802.3 length. */
  readonly etherType: number;
  /** Short: `ARP`, `ICMPv6`, `0x88b5`. */
  readonly protocol: string;
  /** What it says: `who-has 10.0.2.2 tell 10.0.2.15`. */
  readonly info: string;
}

const EMPTY: FrameSummary = { dst: 0, src: 0, vid: null, etherType: 0, protocol: 'short', info: 'no Ethernet header' };

const ETHER_TYPES: Readonly<Record<number, string>> = {
  0x0806: 'ARP',
  0x0800: 'IPv4',
  0x86dd: 'IPv6',
  0x88cc: 'LLDP',
  0x8863: 'PPPoE',
  0x8864: 'PPPoE',
  0x88f7: 'PTP',
  0x8809: 'slow',
};

export function summarize(bytes: Uint8Array): FrameSummary {
  if (bytes.length < 14) return EMPTY;
  const outer = u16(bytes, 12);
  const tagged = outer === 0x8100 && bytes.length >= 18;
  const at = tagged ? 18 : 14;
  const etherType = tagged ? u16(bytes, 16) : outer;
  const addresses = {
    dst: macAt(bytes, 0),
    src: macAt(bytes, 6),
    vid: tagged ? u16(bytes, 14) & 0xfff : null,
    etherType,
  };
  const payload = bytes.subarray(at);
  return { ...addresses, ...summarizePayload(etherType, payload) };
}

interface PayloadSummary {
  readonly protocol: string;
  readonly info: string;
}

function summarizePayload(etherType: number, payload: Uint8Array): PayloadSummary {
  switch (etherType) {
    case 0x0806:
      return { protocol: 'ARP', info: summarizeArp(payload) };
    case 0x0800:
      return summarizeIpv4(payload) ?? { protocol: 'IPv4', info: 'header cut short' };
    case 0x86dd:
      return summarizeIpv6(payload) ?? { protocol: 'IPv6', info: 'header cut short' };
  }
  if (etherType < 0x600) return { protocol: '802.3', info: `LLC, ${etherType} bytes` };
  const name = ETHER_TYPES[etherType];
  const hex = `0x${etherType.toString(16).padStart(4, '0')}`;
  return { protocol: name ?? hex, info: printable(payload) };
}

function summarizeArp(arp: Uint8Array): string {
  if (arp.length < 28) return 'cut short';
  const sender = ipv4(arp, 14);
  const target = ipv4(arp, 24);
  switch (u16(arp, 6)) {
    case 1:
      return sender === target ? `announce ${target}` : `who-has ${target} tell ${sender}`;
    case 2:
      return `${sender} is-at ${formatMac(macAt(arp, 8))}`;
  }
  return `operation ${u16(arp, 6)}`;
}

/** Leading text of a payload, if that is what it is. */
function printable(payload: Uint8Array): string {
  let text = '';
  for (const byte of payload.subarray(0, 48)) {
    if (byte === 0) break;
    if (byte < 0x20 || byte > 0x7e) return `${payload.length} bytes`;
    text += String.fromCharCode(byte);
  }
  return text === '' ? `${payload.length} bytes` : `“${text}”`;
}
