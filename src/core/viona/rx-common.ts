/**
 * What viona does with a frame that the MAC layer has handed over, before it goes into the guest's ring: the
 * link-side steps of viona_rx_common, in their order. (Step 1, network hooks, has nobody who would set one;
 * 8, the copy, is the device's receiver.)
 *
 *     2   LSO without MSS or without headers    dropped, `rx_gro_malformed`, EINVAL (one error and one drop)
 *     3   LSO of a type that was negotiated,    passed whole, whatever the MTU
 *         and not above 65550 bytes
 *     4   any other LSO packet                  split in software, `rx_gro_fallback`: the pieces go on as frames of
 *                                               their own. If nothing comes of it, `rx_gro_fallback_fail`: an error
 *                                               without a drop, because the packet is gone already
 *     5   longer than 14 + MTU, and not LSO     dropped, `rx_drop_over_mtu`, E2BIG (one error and one drop)
 *     6   exactly 56 bytes                      a 60-byte frame that lost its tag: 4 bytes of recycled padding, not
 *                                               counted
 *     7   shorter than 60                       zero padded, `rx_pad_short`
 *
 * A frame that keeps its tag may be 4 bytes longer.
 *
 * The header that the guest sees is all zero, except for type and MSS of an LSO packet, and DATA_VALID if MAC
 * has verified the checksum and the guest negotiated GUEST_CSUM. NEEDS_CSUM is never set. So what the sender left
 * undone MAC has to do first: the checksum of a partial frame is finished in software and then counts as verified.
 *
 * Of an LSO packet nobody finishes the checksum, and viona says nothing of it either, against NET-RX-27. The device
 * here writes its headers by the specification, and says NEEDS_CSUM in any case: where the sum belongs travels on
 * with the packet, so that it need not be looked for, nor begun, a second time.
 *
 * @source viona_rx.c viona_rx_common, viona_recv_plain, viona_recv_merged; mac_sched.c mac_tx_send (mac_hw_emul)
 */
import { ETHER_HEADER_SIZE, ETHER_MIN_FRAME, VLAN_TAG_SIZE } from '../net/ethernet.ts';
import { MAX_FRAME_BYTES } from '../net/frame-spec.ts';
import {
  type GsoHeaders,
  type OffloadFault,
  readGso,
  VIRTIO_NET_HDR_F_DATA_VALID,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_ECN,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
} from '../net/gso.ts';
import type { FrameMeta } from '../ring/frames.ts';
import {
  type FeatureSet,
  hasFeature,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
} from '../virtio/features.ts';

const MAC_ADDRESSES_SIZE = 12;
const MIN_WITHOUT_TAG = ETHER_MIN_FRAME - VLAN_TAG_SIZE;

/** What the guest negotiated, as far as rx_common asks. */
export interface RxOffloads {
  readonly checksum: boolean;
  readonly tso4: boolean;
  readonly tso6: boolean;
}

export function rxOffloads(features: FeatureSet): RxOffloads {
  return {
    checksum: hasFeature(features, VIRTIO_NET_F_GUEST_CSUM),
    tso4: hasFeature(features, VIRTIO_NET_F_GUEST_TSO4),
    tso6: hasFeature(features, VIRTIO_NET_F_GUEST_TSO6),
  };
}

/** Steps 2 to 4: what becomes of an LSO packet. */
export type LsoStep = 'whole' | 'split' | 'unsplittable' | 'malformed';

/** Of these packets MAC can tell nothing. With any other fault there are headers, but no pieces to be made. */
const UNREADABLE: readonly (OffloadFault | null)[] = ['gso-size', 'gso-type', 'not-transport'];

/** @param headers is written: the packet's headers, as far as they were found */
export function lsoStep(
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
  offloads: RxOffloads,
  headers: GsoHeaders,
): LsoStep {
  const fault = readGso(bytes, offset, length, meta, headers);
  if (UNREADABLE.includes(fault)) return 'malformed';
  const type = meta.gsoType & ~VIRTIO_NET_HDR_GSO_ECN;
  const negotiated =
    (type === VIRTIO_NET_HDR_GSO_TCPV4 && offloads.tso4) || (type === VIRTIO_NET_HDR_GSO_TCPV6 && offloads.tso6);
  if (negotiated && length <= MAX_FRAME_BYTES) return 'whole';
  return fault === null ? 'split' : 'unsplittable';
}

/**
 * Writes what the guest's header will say to `into`.
 * @param finished the checksum was calculated on the way, so it counts as verified
 */
export function guestMeta(
  meta: Readonly<FrameMeta>,
  finished: boolean,
  offloads: RxOffloads,
  pair: number,
  into: FrameMeta,
): void {
  const verified = finished || (meta.flags & VIRTIO_NET_HDR_F_DATA_VALID) !== 0;
  const large = meta.gsoType !== 0;
  const begun = large && (meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
  if (begun) into.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  else into.flags = verified && offloads.checksum ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
  into.gsoType = meta.gsoType & ~VIRTIO_NET_HDR_GSO_ECN;
  into.gsoSize = large ? meta.gsoSize : 0;
  into.hdrLen = 0;
  into.csumStart = begun ? meta.csumStart : 0;
  into.csumOffset = begun ? meta.csumOffset : 0;
  into.pair = pair;
}

/** Step 5: true if a frame of that length is more than the link may deliver. A tag does not count as payload. */
export function overMtu(length: number, tagged: boolean, mtu: number): boolean {
  return length > ETHER_HEADER_SIZE + (tagged ? VLAN_TAG_SIZE : 0) + mtu;
}

/** True if the frame can be handed on as it is. */
export function unchanged(length: number, stripTag: boolean): boolean {
  return !stripTag && length >= ETHER_MIN_FRAME;
}

/** True if viona counts the padding that a frame of that length gets. */
export function countsAsShort(length: number, stripTag: boolean): boolean {
  const size = stripTag ? length - VLAN_TAG_SIZE : length;
  return size < ETHER_MIN_FRAME && size !== MIN_WITHOUT_TAG;
}

/** Steps 6 and 7: writes the frame as the guest will see it to `into` and returns its length. */
export function stripAndPad(
  bytes: Uint8Array,
  offset: number,
  length: number,
  stripTag: boolean,
  into: Uint8Array,
): number {
  const size = stripTag ? length - VLAN_TAG_SIZE : length;
  if (stripTag) {
    into.set(bytes.subarray(offset, offset + MAC_ADDRESSES_SIZE));
    into.set(bytes.subarray(offset + MAC_ADDRESSES_SIZE + VLAN_TAG_SIZE, offset + length), MAC_ADDRESSES_SIZE);
  } else {
    into.set(bytes.subarray(offset, offset + length));
  }
  if (size >= ETHER_MIN_FRAME) return size;
  into.fill(0, size, ETHER_MIN_FRAME);
  return ETHER_MIN_FRAME;
}
