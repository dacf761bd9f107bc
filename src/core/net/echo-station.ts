/**
 * A station on the link that answers: something for the guest to ping.
 *
 * It speaks ARP, IPv6 neighbour discovery and ICMP echo in both versions, knows one IPv4 and two IPv6
 * addresses, and keeps no state at all: replies go to where the question came from, so it needs no
 * neighbour table. What it does not understand, it ignores; no bytes make it throw. It is not a hot path
 * and may allocate.
 */
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from './arp.ts';
import type { FrameHeader } from './ethernet.ts';
import {
  buildFrame,
  ETHER_MIN_FRAME,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  newFrameHeader,
  readHeader,
} from './ethernet.ts';
import type { Ip4 } from './ipv4.ts';
import { buildIpv4, icmpEchoReply, IPPROTO_ICMP, parseIpv4 } from './ipv4.ts';
import type { Ip6 } from './ipv6.ts';
import { STATION_IPV4, STATION_IPV6, STATION_MAC } from './station.ts';
import {
  buildAdvertisement,
  groupMac6,
  icmpv6EchoReply,
  icmpv6Sound,
  ip6,
  IPPROTO_ICMPV6,
  linkLocalOf,
  parseIpv6,
  parseSolicitation,
  sameIp6,
  solicitedNodeOf,
  UNSPECIFIED,
} from './ipv6.ts';
import type { Mac } from './mac.ts';
import { isGroup, MAC_BROADCAST } from './mac.ts';

/** Takes a frame that the station sends. The bytes are the receiver's to keep. */
export type Reply = (bytes: Uint8Array, offset: number, length: number) => void;

/** Anything that hangs on the link and sees what the guest sends. */
export interface Station {
  onFrame(bytes: Uint8Array, offset: number, length: number, reply: Reply): void;
}

const ALL_NODES = ip6(0xff02, 0, 0, 0, 0, 0, 0, 1);

export class EchoStation implements Station {
  readonly mac: Mac;
  readonly ipv4: Ip4;
  readonly ipv6: readonly Ip6[];
  readonly #header: FrameHeader = newFrameHeader();
  readonly #groups: readonly Ip6[];

  constructor(mac: Mac = STATION_MAC, ipv4: Ip4 = STATION_IPV4, ipv6: Ip6 = STATION_IPV6) {
    this.mac = mac;
    this.ipv4 = ipv4;
    this.ipv6 = [ipv6, linkLocalOf(mac)];
    this.#groups = [ALL_NODES, ...this.ipv6.map(solicitedNodeOf)];
  }

  onFrame(bytes: Uint8Array, offset: number, length: number, reply: Reply): void {
    const header = this.#header;
    readHeader(bytes, offset, length, header);
    // Tagged frames belong to other networks than this station's; its own echo would be a loop.
    if (!header.valid || header.vid > 0 || header.src === this.mac || isGroup(header.src)) return;
    if (!this.#listensTo(header.dst)) return;
    const at = offset + header.headerLength;
    const size = length - header.headerLength;
    if (header.etherType === ETHERTYPE_ARP) this.#arp(bytes, at, size, reply);
    else if (header.etherType === ETHERTYPE_IPV4) this.#ipv4(bytes, at, size, header.src, reply);
    else if (header.etherType === ETHERTYPE_IPV6) this.#ipv6(bytes, at, size, header.src, reply);
  }

  #listensTo(dst: Mac): boolean {
    if (dst === this.mac || dst === MAC_BROADCAST) return true;
    return this.#groups.some((group) => groupMac6(group) === dst);
  }

  #arp(bytes: Uint8Array, at: number, size: number, reply: Reply): void {
    const request = parseArp(bytes, at, size);
    if (request?.operation !== ARP_REQUEST || request.targetIp !== this.ipv4) return;
    const answer = buildArp({
      operation: ARP_REPLY,
      senderMac: this.mac,
      senderIp: this.ipv4,
      targetMac: request.senderMac,
      targetIp: request.senderIp,
    });
    this.#send(request.senderMac, ETHERTYPE_ARP, answer, reply);
  }

  #ipv4(bytes: Uint8Array, at: number, size: number, from: Mac, reply: Reply): void {
    const packet = parseIpv4(bytes, at, size);
    if (packet?.dst !== this.ipv4 || packet.protocol !== IPPROTO_ICMP) return;
    const message = icmpEchoReply(bytes, packet.payloadOffset, packet.payloadLength);
    if (message) this.#send(from, ETHERTYPE_IPV4, buildIpv4(this.ipv4, packet.src, IPPROTO_ICMP, message), reply);
  }

  #ipv6(bytes: Uint8Array, at: number, size: number, from: Mac, reply: Reply): void {
    const packet = parseIpv6(bytes, at, size);
    if (packet?.nextHeader !== IPPROTO_ICMPV6 || !icmpv6Sound(bytes, packet)) return;
    const own = this.ipv6.find((address) => sameIp6(address, packet.dst));
    const known = own !== undefined || this.#groups.some((group) => sameIp6(group, packet.dst));
    if (!known) return;

    const solicitation = parseSolicitation(bytes, packet);
    if (solicitation) {
      const target = this.ipv6.find((address) => sameIp6(address, solicitation.target));
      if (!target) return;
      // Somebody without an address is asking whether ours is taken: the answer goes to everybody.
      // RFC 4861 section 7.2.4.
      const anonymous = sameIp6(packet.src, UNSPECIFIED);
      const dst = anonymous ? ALL_NODES : packet.src;
      const mac = anonymous ? groupMac6(ALL_NODES) : (solicitation.linkAddress ?? from);
      this.#send(mac, ETHERTYPE_IPV6, buildAdvertisement(target, dst, this.mac, !anonymous), reply);
      return;
    }
    const echo = icmpv6EchoReply(bytes, packet, own ?? this.#sourceFor(packet.src));
    if (echo) this.#send(from, ETHERTYPE_IPV6, echo, reply);
  }

  /** To a question asked of a group the answer comes from the address of the same scope. */
  #sourceFor(dst: Ip6): Ip6 {
    const linkLocal = dst[0] === 0xfe && ((dst[1] ?? 0) & 0xc0) === 0x80;
    return this.ipv6[linkLocal ? 1 : 0] ?? UNSPECIFIED;
  }

  /** Padded to the minimum of a wire, as a NIC would. */
  #send(dst: Mac, etherType: number, packet: Uint8Array, reply: Reply): void {
    const payload = new Uint8Array(Math.max(packet.length, ETHER_MIN_FRAME - 14));
    payload.set(packet);
    const frame = buildFrame({ dst, src: this.mac, etherType, payload });
    reply(frame, 0, frame.length);
  }
}
