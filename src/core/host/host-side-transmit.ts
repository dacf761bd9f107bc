/**
 * What the guest sends: through the link, and onto the wire as it is.
 *
 * viona counts it, and looks at what the guest asks to be done. A checksum request that does not fit the packet
 * is counted and the packet goes all the same, with nothing asked for; a large segment that is none is dropped.
 * Nothing is cut or summed for the wire: what is left to do travels with the frame, and falls to whoever gets it.
 *
 *     shorter than 14 or longer than 65535    `tx_errors`, `tx_drops`
 *     checksum request that does not fit      `fail_hcksum`, in IPv6 `fail_hcksum6`, of no IP `fail_hcksum_proto`
 *     large segment that does not fit         `tx_gso_fail`, `tx_errors`, `tx_drops`
 *
 * A frame to the guest's own address comes back where MAC says so (`macLoopsBack`), complete, and does not reach the
 * wire.
 *
 * Without a link the same is counted, because something has to: the names are viona's.
 *
 * @source viona_tx.c viona_tx, viona_tx_offloads
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, newFrameHeader, readHeader } from '../net/ethernet.ts';
import { checkChecksumRequest, newGsoHeaders, readGso, VIRTIO_NET_HDR_F_NEEDS_CSUM } from '../net/gso.ts';
import type { EmitPiece } from '../net/segmentation.ts';
import { finish } from '../net/segmentation.ts';
import type { FrameMeta, Wire } from '../ring/frames.ts';
import { newFrameMeta, NO_PAIR, PLAIN_FRAME } from '../ring/frames.ts';
import type { LinkCounters } from '../viona/kstat.ts';
import type { LinkState } from '../viona/link.ts';
import { macLoopsBack } from '../viona/mac-client.ts';

const TX_MIN = 14;
const TX_MAX = 65535;

export class LinkTransmitter {
  readonly #header = newFrameHeader();
  readonly #gso = newGsoHeaders();
  readonly #meta = newFrameMeta();
  readonly #toWire: Wire;
  readonly #back: EmitPiece;

  /** @param back takes what comes back to the guest: complete frames */
  constructor(toWire: Wire, back: EmitPiece) {
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

    const left = this.#left(meta, partial && !unfit);
    // NO_TX_LOOP: the sender's own listener is skipped, so nothing else comes back to the guest by itself.
    if (link !== null && macLoopsBack(link, header)) finish(bytes, offset, length, left, this.#back);
    else this.#toWire(bytes, offset, length, left);
  }

  /** What is left to do, for somebody who knows nothing of this guest's queue pairs. */
  #left(meta: Readonly<FrameMeta>, partial: boolean): Readonly<FrameMeta> {
    if (!partial && meta.gsoType === 0) return PLAIN_FRAME;
    const left = this.#meta;
    left.flags = partial ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
    left.gsoType = meta.gsoType;
    left.hdrLen = meta.hdrLen;
    left.gsoSize = meta.gsoSize;
    left.csumStart = partial ? meta.csumStart : 0;
    left.csumOffset = partial ? meta.csumOffset : 0;
    return left;
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
