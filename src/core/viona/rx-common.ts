/**
 * What viona does with a frame that the MAC layer has handed over, before it goes into the guest's ring:
 * the link-side steps of viona_rx_common (5 to 7), and the tag that MAC has taken off before.
 *
 *     longer than 14 + MTU      dropped, `rx_drop_over_mtu`, E2BIG (so one error and one drop)
 *     exactly 56 bytes          a 60-byte frame that lost its tag: 4 bytes of recycled padding, not counted
 *     shorter than 60           zero padded, `rx_pad_short`
 *
 * A frame that keeps its tag may be 4 bytes longer. @source viona_rx.c viona_rx_common
 */
import type { FrameHeader } from '../net/ethernet.ts';
import { ETHER_HEADER_SIZE, ETHER_MIN_FRAME, VLAN_TAG_SIZE } from '../net/ethernet.ts';

const MAC_ADDRESSES_SIZE = 12;
const MIN_WITHOUT_TAG = ETHER_MIN_FRAME - VLAN_TAG_SIZE;

/** True if a frame of that length is more than the link may deliver. A tag does not count as payload. */
export function overMtu(header: FrameHeader, mtu: number): boolean {
  const tag = header.vid >= 0 ? VLAN_TAG_SIZE : 0;
  return header.length > ETHER_HEADER_SIZE + tag + mtu;
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

/** Writes the frame as the guest will see it to `into` and returns its length. */
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
