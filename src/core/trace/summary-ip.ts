/** The IP part of a frame's one-line summary. Any bytes, cut anywhere. */
import { ipv4, ipv6, u16 } from './ip-text.ts';

interface IpSummary {
  readonly protocol: string;
  readonly info: string;
}

const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
};

const ICMPV6_TYPES: Readonly<Record<number, string>> = {
  1: 'unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  130: 'MLD query',
  131: 'MLDv1 report',
  132: 'MLDv1 done',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'NS',
  136: 'NA',
  143: 'MLDv2 report',
};

const IP_PROTOCOLS: Readonly<Record<number, string>> = { 47: 'GRE', 50: 'ESP', 89: 'OSPF', 112: 'VRRP', 132: 'SCTP' };

const TCP_FLAGS = [
  [0x02, 'SYN'],
  [0x10, 'ACK'],
  [0x08, 'PSH'],
  [0x01, 'FIN'],
  [0x04, 'RST'],
  [0x20, 'URG'],
] as const;

export function summarizeIpv4(ip: Uint8Array): IpSummary | null {
  const header = ((ip[0] ?? 0) & 0xf) * 4;
  if (ip.length < 20 || (ip[0] ?? 0) >> 4 !== 4 || header < 20) return null;
  const from = ipv4(ip, 12);
  const to = ipv4(ip, 16);
  const fragment = (u16(ip, 6) & 0x1fff) * 8;
  const protocol = ip[9] ?? 0;
  if (fragment > 0) return { protocol: 'IPv4', info: `${from} → ${to} fragment at ${fragment}` };
  return summarizeUpper(protocol, ip.subarray(header), from, to, 'IPv4');
}

export function summarizeIpv6(ip: Uint8Array): IpSummary | null {
  if (ip.length < 40 || (ip[0] ?? 0) >> 4 !== 6) return null;
  const from = ipv6(ip, 8);
  const to = ipv6(ip, 24);
  let next = ip[6] ?? 0;
  let at = 40;
  // Hop-by-hop, routing and destination options: MLD always has the first.
  while ((next === 0 || next === 43 || next === 60) && at + 8 <= ip.length) {
    next = ip[at] ?? 0;
    at += ((ip[at + 1] ?? 0) + 1) * 8;
  }
  return summarizeUpper(next, ip.subarray(at), from, to, 'IPv6');
}

function summarizeUpper(protocol: number, data: Uint8Array, from: string, to: string, ip: string): IpSummary {
  const hosts = `${from} → ${to}`;
  switch (protocol) {
    case 1:
      return { protocol: 'ICMP', info: `${icmp(data, ICMP_TYPES, 0, 8)} ${hosts}` };
    case 2:
      return { protocol: 'IGMP', info: `${igmp(data)} ${hosts}` };
    case 58:
      return { protocol: 'ICMPv6', info: `${icmpv6(data)} ${hosts}` };
    case 17:
    case 6:
      return transport(protocol, data, from, to);
  }
  return { protocol: IP_PROTOCOLS[protocol] ?? ip, info: `${hosts} protocol ${protocol}` };
}

function icmp(data: Uint8Array, types: Readonly<Record<number, string>>, reply: number, request: number): string {
  const type = data[0] ?? 0;
  const name = types[type] ?? `type ${type}`;
  if (type !== reply && type !== request) return name;
  return `${name} id ${u16(data, 4)} seq ${u16(data, 6)}`;
}

function icmpv6(data: Uint8Array): string {
  const type = data[0] ?? 0;
  const text = icmp(data, ICMPV6_TYPES, 129, 128);
  const neighbour = type === 135 || type === 136;
  return neighbour && data.length >= 24 ? `${text} ${ipv6(data, 8)}` : text;
}

function igmp(data: Uint8Array): string {
  const group = ipv4(data, 4);
  const type = data[0] ?? 0;
  switch (type) {
    case 0x11:
      return group === '0.0.0.0' ? 'query' : `query ${group}`;
    case 0x16:
      return `join ${group}`;
    case 0x17:
      return `leave ${group}`;
    case 0x22:
      return 'v3 report';
  }
  return `type ${type}`;
}

function transport(protocol: number, data: Uint8Array, from: string, to: string): IpSummary {
  const name = protocol === 6 ? 'TCP' : 'UDP';
  if (data.length < 4) return { protocol: name, info: `${from} → ${to} cut short` };
  const [source, target] = [u16(data, 0), u16(data, 2)];
  const ports = `${source} → ${target}`;
  if (protocol === 6) return { protocol: 'TCP', info: `${ports} [${tcpFlags(data[13] ?? 0)}] ${from} → ${to}` };
  const service = source === 5353 || target === 5353 ? 'mDNS' : 'UDP';
  return { protocol: service, info: `${ports} len ${Math.max(0, u16(data, 4) - 8)} ${from} → ${to}` };
}

function tcpFlags(flags: number): string {
  return TCP_FLAGS.filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(' ');
}
