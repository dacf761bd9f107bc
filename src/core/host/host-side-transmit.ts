/**
 * What the guest sends: through the link, and complete onto the wire.
 *
 * viona counts it, and looks at what the guest asks to be done. A checksum request that does not fit the packet
 * is counted and the packet goes all the same; a large segment that is none is dropped. What is left is the
 * NIC's work: the stations on the wire get complete frames, each no longer than the guest said.
 *
 *     shorter than 14 or longer than 65535    `tx_errors`, `tx_drops`
 *     checksum request that does not fit      `fail_hcksum`, in IPv6 `fail_hcksum6`, of no IP `fail_hcksum_proto`
 *     large segment that does not fit         `tx_gso_fail`, `tx_errors`, `tx_drops`
 *
 * A frame to the guest's own address comes back where MAC says so (`macLoopsBack`), and does not reach the wire.
 *
 * Without a link the same is counted, because something has to: the names are viona's.
 *
 * @source viona_tx.c viona_tx, viona_tx_offloads
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, newFrameHeader, readHeader } from '../net/ethernet.ts';
import { MAX_FRAME_BYTES } from '../net/frame-spec.ts';
import {
  checkChecksumRequest,
  completeChecksum,
  newGsoHeaders,
  readGso,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
} from '../net/gso.ts';
import type { EmitPiece } from '../net/segmentation.ts';
import { segment } from '../net/segmentation.ts';
import type { FrameMeta } from '../ring/frames.ts';
import { NO_PAIR } from '../ring/frames.ts';
import type { LinkCounters } from '../viona/kstat.ts';
import type { LinkState } from '../viona/link.ts';
import { macLoopsBack } from '../viona/mac-client.ts';

const TX_MIN = 14;
const TX_MAX = 65535;

export class LinkTransmitter {
  readonly #header = newFrameHeader();
  readonly #gso = newGsoHeaders();
  readonly #finished = new Uint8Array(MAX_FRAME_BYTES);
  readonly #toWire: EmitPiece;
  readonly #back: EmitPiece;

  /** @param toWire takes complete frames; `back` those that come back to the guest */
  constructor(toWire: EmitPiece, back: EmitPiece) {
    this.#toWire = toWire;
    this.#back = back;
  }

  transmit(
    link: LinkState | null,
    counters: LinkCounters,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): void {
    const ring = meta.pair === NO_PAIR ? 1 : 2 * meta.pair + 1;
    const large = meta.gsoType !== 0;
    const sized = length >= TX_MIN && length <= TX_MAX;
    const header = this.#header;
    readHeader(bytes, offset, length, header);
    const refused = sized && large && readGso(bytes, offset, length, meta, this.#gso) !== null;
    if (refused) counters.count(ring, 'tx_gso_fail');
    if (refused || !sized) {
      counters.count(ring, 'tx_errors');
      counters.count(ring, 'tx_drops');
      return;
    }
    const partial = (meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
    const unfit = partial && !large && !this.#fits(length, meta);
    if (unfit) counters.count(ring, this.#failure());
    counters.count(ring, 'tx_packets');
    counters.count(ring, 'tx_bytes', length);

    // NO_TX_LOOP: the sender's own listener is skipped, so nothing else comes back to the guest by itself.
    const emit = link !== null && macLoopsBack(link, header) ? this.#back : this.#toWire;
    if (large) {
      segment(bytes, offset, length, meta, emit);
    } else if (partial && !unfit) {
      this.#finished.set(bytes.subarray(offset, offset + length));
      completeChecksum(this.#finished, 0, length, meta);
      emit(this.#finished, 0, length);
    } else {
      emit(bytes, offset, length);
    }
  }

  #fits(length: number, meta: Readonly<FrameMeta>): boolean {
    const { etherType, headerLength } = this.#header;
    const ip = etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6;
    return ip && meta.csumStart >= headerLength && checkChecksumRequest(length, meta) === null;
  }

  #failure(): 'fail_hcksum' | 'fail_hcksum6' | 'fail_hcksum_proto' {
    const { etherType } = this.#header;
    if (etherType === ETHERTYPE_IPV4) return 'fail_hcksum';
    return etherType === ETHERTYPE_IPV6 ? 'fail_hcksum6' : 'fail_hcksum_proto';
  }
}
