/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *     htype u16 = 1 | ptype u16 = 0x0800 | hlen u8 = 6 | plen u8 = 4 | oper u16
 *     sender MAC 6 | sender IPv4 4 | target MAC 6 | target IPv4 4
 */
import { ETHERTYPE_IPV4, u16At, writeU16 } from './ethernet.ts';
import type { Ip4 } from './ipv4.ts';
import { ip4At, writeIp4 } from './ipv4.ts';
import type { Mac } from './mac.ts';
import { macAt, writeMac } from './mac.ts';

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
export const ARP_SIZE = 2 + 2 + 1 + 1 + 2 + 6 + 4 + 6 + 4;

export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ip4;
  readonly targetMac: Mac;
  readonly targetIp: Ip4;
}

export function parseArp(bytes: Uint8Array, offset: number, length: number): ArpPacket | null {
  if (length < ARP_SIZE || u16At(bytes, offset) !== 1 || u16At(bytes, offset + 2) !== ETHERTYPE_IPV4) return null;
  if (bytes[offset + 4] !== 6 || bytes[offset + 5] !== 4) return null;
  return {
    operation: u16At(bytes, offset + 6),
    senderMac: macAt(bytes, offset + 8),
    senderIp: ip4At(bytes, offset + 14),
    targetMac: macAt(bytes, offset + 18),
    targetIp: ip4At(bytes, offset + 24),
  };
}

export function buildArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(ARP_SIZE);
  writeU16(bytes, 0, 1);
  writeU16(bytes, 2, ETHERTYPE_IPV4);
  bytes[4] = 6;
  bytes[5] = 4;
  writeU16(bytes, 6, packet.operation);
  writeMac(packet.senderMac, bytes, 8);
  writeIp4(packet.senderIp, bytes, 14);
  writeMac(packet.targetMac, bytes, 18);
  writeIp4(packet.targetIp, bytes, 24);
  return bytes;
}
