// CONTRACT (host-side owner completes)
import type { Mac } from './mac.ts';

/** What filters look at, read once per frame into one reused object: the hot path allocates none. */
export interface FrameHeader {
  /** Whole frame in bytes, without FCS. */
  length: number;
  /** False if the frame is shorter than 14 bytes; then nothing below is meaningful. */
  valid: boolean;
  dst: Mac;
  src: Mac;
  /** EtherType behind any VLAN tag, or the 802.3 length. */
  etherType: number;
  /** VID of an 802.1Q tag (TPID 0x8100), or -1 for an untagged frame. */
  vid: number;
  /** Bytes up to the payload: 14, or 18 with a tag. */
  headerLength: number;
}
