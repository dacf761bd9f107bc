/**
 * `struct virtio_net_hdr` as negotiated: its size, and what may stand in it.
 *
 *     modern                 12 bytes, num_buffers always there
 *     with HASH_REPORT       20
 *     legacy                 10, or 12 with MRG_RXBUF
 *
 * Features are asked once after each negotiation and kept as booleans. A legacy driver never says when it is
 * done with them, so they are followed: comparing two references costs nothing.
 *
 * @spec 5.1.9, 5.1.9.1 (LEG-17)
 */
import * as G from '../net/gso.ts';
import type { FrameMeta } from '../ring/frames.ts';
import type { Transport } from '../virtio/device.ts';
import * as F from '../virtio/features.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import * as L from './layout.ts';

export class PacketFormat {
  #features = 0n;
  #legacy = false;
  /** Bytes of the header, both ways. */
  size = L.NET_HEADER_SIZE;
  /** VIRTIO_NET_F_MRG_RXBUF: a packet may span receive buffers. */
  merge = false;
  hash = false;
  #csum = false;
  #tso4 = false;
  #tso6 = false;
  #ecn = false;
  #uso = false;

  /** To be called before a header is read or written. */
  follow(transport: Transport): void {
    if (transport.negotiated === this.#features && transport.legacy === this.#legacy) return;
    const { negotiated: features, legacy } = transport;
    this.#features = features;
    this.#legacy = legacy;
    const has = (bit: number): boolean => F.hasFeature(features, bit);
    this.merge = has(F.VIRTIO_NET_F_MRG_RXBUF);
    this.hash = has(F.VIRTIO_NET_F_HASH_REPORT);
    if (this.hash) this.size = L.NET_HEADER_SIZE_HASH;
    else this.size = legacy && !this.merge ? L.NET_HEADER_SIZE_LEGACY : L.NET_HEADER_SIZE;
    this.#csum = has(F.VIRTIO_NET_F_CSUM);
    this.#tso4 = this.#csum && has(F.VIRTIO_NET_F_HOST_TSO4);
    this.#tso6 = this.#csum && has(F.VIRTIO_NET_F_HOST_TSO6);
    this.#ecn = (this.#tso4 || this.#tso6) && has(F.VIRTIO_NET_F_HOST_ECN);
    this.#uso = this.#csum && has(F.VIRTIO_NET_F_HOST_USO);
  }

  /**
   * What a driver may not ask for in these two fields, or null. Flags that are not ours are ignored; hence
   * DATA_VALID, RSC_INFO and the SECURITY flags mean nothing on transmit. @spec 5.1.9.2.2 (NET-TX-01, -15)
   */
  refuse(flags: number, gsoType: number): GuestErrorCode | null {
    // @spec 5.1.9.2.2 MUST NOT accept the flag without a tunnel, nor what was not negotiated (NET-TX-08, -10 to -13)
    if (flags & G.VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM) return 'tx-offload-not-negotiated';
    const needsCsum = (flags & G.VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
    if (needsCsum && !this.#csum) return 'tx-offload-not-negotiated';
    if (gsoType === G.VIRTIO_NET_HDR_GSO_NONE) return null;
    if (!this.#mayUse(gsoType)) return 'tx-offload-not-negotiated';
    return needsCsum ? null : 'tx-bad-offload'; // @spec 5.1.9.2.1 a driver MUST set NEEDS_CSUM with a gso_type
  }

  #mayUse(gsoType: number): boolean {
    const ecn = (gsoType & G.VIRTIO_NET_HDR_GSO_ECN) !== 0;
    switch (gsoType & ~G.VIRTIO_NET_HDR_GSO_ECN) {
      case G.VIRTIO_NET_HDR_GSO_TCPV4:
        return this.#tso4 && (!ecn || this.#ecn);
      case G.VIRTIO_NET_HDR_GSO_TCPV6:
        return this.#tso6 && (!ecn || this.#ecn);
      case G.VIRTIO_NET_HDR_GSO_UDP_L4:
        return this.#uso && !ecn;
      default:
        return false;
    }
  }
}

/** Reads the request of a header that was not refused. `hdrLen` is left 0: nobody may rely on it (NET-TX-07). */
export function readRequest(packet: Uint8Array, into: FrameMeta): void {
  into.flags = (packet[L.NET_HEADER_FLAGS] ?? 0) & G.VIRTIO_NET_HDR_F_NEEDS_CSUM;
  into.gsoType = packet[L.NET_HEADER_GSO_TYPE] ?? 0;
  into.hdrLen = 0;
  into.gsoSize = u16(packet, L.NET_HEADER_GSO_SIZE);
  into.csumStart = u16(packet, L.NET_HEADER_CSUM_START);
  into.csumOffset = u16(packet, L.NET_HEADER_CSUM_OFFSET);
}

/** Writes the fields that a meta has; num_buffers and the hash are the receiver's. */
export function writeRequest(meta: Readonly<FrameMeta>, into: Uint8Array): void {
  into[L.NET_HEADER_FLAGS] = meta.flags;
  into[L.NET_HEADER_GSO_TYPE] = meta.gsoType;
  writeLe16(into, L.NET_HEADER_HDR_LEN, meta.hdrLen);
  writeLe16(into, L.NET_HEADER_GSO_SIZE, meta.gsoSize);
  writeLe16(into, L.NET_HEADER_CSUM_START, meta.csumStart);
  writeLe16(into, L.NET_HEADER_CSUM_OFFSET, meta.csumOffset);
}

/** Little-endian: also the native order of a legacy i386 guest. */
export function writeLe16(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
