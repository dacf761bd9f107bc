/**
 * Carries out what the model in force said of a frame: dropped, or through the link and on to the device.
 *
 * With a viona link that is the link's part of the way, in viona's order: is the frame's ring in RUN, then the
 * steps of `rx-common.ts`, then the channel. Every loss is counted under viona's name, or under ours where
 * viona is silent. Without a link a frame goes on as it came, with what is still to be done to it.
 *
 * A large segment that the guest cannot take is split: `split` sends the pieces as frames with ids of their own,
 * which follow the parent's. The parent's fate is `rx_gro_fallback`, the pieces have theirs. They were judged
 * with their parent, so their records hold no verdicts and cost nothing twice.
 */
import type { FrameHeader } from '../net/ethernet.ts';
import { u16At, VLAN_TAG_SIZE, writeU16 } from '../net/ethernet.ts';
import { MAX_FRAME_BYTES } from '../net/frame-spec.ts';
import {
  completeChecksum,
  newGsoHeaders,
  VIRTIO_NET_HDR_F_DATA_VALID,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
} from '../net/gso.ts';
import { segment } from '../net/segmentation.ts';
import type { FrameMeta, FrameSender } from '../ring/frames.ts';
import { newFrameMeta } from '../ring/frames.ts';
import { parseFeatures } from '../virtio/features.ts';
import type { LinkCounters } from '../viona/kstat.ts';
import type { LinkState } from '../viona/link.ts';
import { macDeliver } from '../viona/mac-client.ts';
import { ringFor, ringRuns } from '../viona/rings.ts';
import type { RxOffloads } from '../viona/rx-common.ts';
import { countsAsShort, guestMeta, lsoStep, overMtu, rxOffloads, stripAndPad, unchanged } from '../viona/rx-common.ts';
import { fateCode, type Verdict } from './verdict.ts';

const FATE_PENDING = fateCode('pending');
const FATE_FILTERED = fateCode('filtered');
const FATE_OVER_MTU = fateCode('rx_drop_over_mtu');
const FATE_CHANNEL_FULL = fateCode('channel_full');
const FATE_RING_NOT_RUNNING = fateCode('ring_not_running');
const FATE_LEASE_RENEWAL = fateCode('lease_renewal');
const FATE_CSUM_MALFORMED = fateCode('csum_malformed');
const FATE_GRO_MALFORMED = fateCode('rx_gro_malformed');
const FATE_GRO_FALLBACK_FAIL = fateCode('rx_gro_fallback_fail');
export const FATE_GRO_FALLBACK = fateCode('rx_gro_fallback');

/** A piece is complete, and MAC has calculated its checksum itself. */
const PIECE: Readonly<FrameMeta> = Object.freeze({ ...newFrameMeta(), flags: VIRTIO_NET_HDR_F_DATA_VALID });

/** Who gives the pieces of a split frame their ids, and records them. */
export interface PieceRecorder {
  nextId(): number;
  piece(id: number, bytes: Uint8Array, offset: number, length: number, fate: number): void;
}

export class LinkReceiver {
  readonly #deliver: FrameSender;
  readonly #mtu: number;
  readonly #recorder: PieceRecorder;
  /** Zero padding included, no frame that passes is longer. */
  readonly #scratch = new Uint8Array(MAX_FRAME_BYTES + 64);
  readonly #meta: FrameMeta = newFrameMeta();
  readonly #gso = newGsoHeaders();
  #counters: LinkCounters;
  #link: LinkState | null = null;
  #features = '0x0';
  #offloads: RxOffloads = rxOffloads(0n);

  /** The frame that is being split. */
  readonly #parent = { stripTag: false, tagged: false, ring: 0 };
  readonly #piece = (bytes: Uint8Array, offset: number, length: number): void => {
    const { stripTag, tagged, ring } = this.#parent;
    const id = this.#recorder.nextId();
    const fate = overMtu(length, tagged, this.#link?.config.mtu ?? this.#mtu)
      ? this.#overMtu(ring)
      : this.#send(stripTag, ring, id, bytes, offset, length, PIECE);
    this.#recorder.piece(id, bytes, offset, length, fate);
  };

  /** @param mtu of a model without a link */
  constructor(deliver: FrameSender, mtu: number, counters: LinkCounters, recorder: PieceRecorder) {
    this.#deliver = deliver;
    this.#mtu = mtu;
    this.#counters = counters;
    this.#recorder = recorder;
  }

  /** The link of the model in force, after every change of it, and what counts for it. */
  follow(link: LinkState | null, counters: LinkCounters): void {
    this.#link = link;
    this.#counters = counters;
    const features = link?.features ?? '0x0';
    if (features === this.#features) return;
    this.#features = features;
    this.#offloads = rxOffloads(parseFeatures(features));
  }

  /**
   * Hot path. Returns the code of the frame's fate: pending if it went on, FATE_GRO_FALLBACK if it is to be split.
   */
  receive(
    verdict: Verdict,
    header: FrameHeader,
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): number {
    const link = this.#link;
    if (link === null) return this.#withoutLink(verdict, header, id, bytes, offset, length, meta);

    const ring = ringFor(link, header.flow);
    const counters = this.#counters;
    const { silent } = macDeliver(link, header);
    if (silent !== null) counters.count(ring, silent);
    if (!verdict.accept) {
      if (verdict.rule === 'ring-not-running') counters.count(ring, 'silent_ring_not_running');
      return FATE_FILTERED;
    }
    if (!ringRuns(link, ring)) return this.#ringDown(link, ring);

    if (meta.gsoType !== 0) {
      const step = lsoStep(bytes, offset, length, meta, this.#offloads, this.#gso);
      if (step === 'split') {
        counters.count(ring, 'rx_gro_fallback');
        return FATE_GRO_FALLBACK;
      }
      if (step !== 'whole') return this.#badLso(ring, step);
    } else if (overMtu(length, header.vid >= 0, link.config.mtu)) {
      return this.#overMtu(ring);
    }
    if ((meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0 || meta.gsoType !== 0 || length > MAX_FRAME_BYTES) {
      return this.#send(verdict.stripTag, ring, id, bytes, offset, length, meta);
    }
    return this.#finish(verdict.stripTag, ring, id, bytes, offset, length, meta);
  }

  /** Cuts the frame that `receive` has just answered FATE_GRO_FALLBACK for, and sends the pieces. */
  split(
    verdict: Verdict,
    header: FrameHeader,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): void {
    const parent = this.#parent;
    parent.stripTag = verdict.stripTag;
    parent.tagged = header.vid >= 0;
    parent.ring = this.#link === null ? 0 : ringFor(this.#link, header.flow);
    segment(bytes, offset, length, meta, this.#piece);
  }

  #ringDown(link: LinkState, ring: number): number {
    const state = link.rings[ring];
    const renewal = link.leaseRenewal && state?.state === 'RUN' && !state.stalled;
    this.#counters.count(ring, renewal ? 'silent_lease_renewal' : 'silent_ring_not_running');
    return renewal ? FATE_LEASE_RENEWAL : FATE_RING_NOT_RUNNING;
  }

  #overMtu(ring: number): number {
    const counters = this.#counters;
    counters.count(ring, 'rx_drop_over_mtu');
    counters.count(ring, 'rx_errors');
    counters.count(ring, 'rx_drops');
    return FATE_OVER_MTU;
  }

  #badLso(ring: number, step: 'malformed' | 'unsplittable'): number {
    const counters = this.#counters;
    counters.count(ring, 'rx_errors');
    if (step === 'unsplittable') {
      // The packet went when the pieces did not come, so that nobody is left to count a drop.
      counters.count(ring, 'rx_gro_fallback_fail');
      return FATE_GRO_FALLBACK_FAIL;
    }
    counters.count(ring, 'rx_gro_malformed');
    counters.count(ring, 'rx_drops');
    return FATE_GRO_MALFORMED;
  }

  /**
   * What the sender left to the hardware MAC does in software, and drops what it cannot do. The sum is put into the
   * sender's own bytes and taken out again: the copy into the channel is the only one.
   */
  #finish(
    stripTag: boolean,
    ring: number,
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): number {
    const at = offset + meta.csumStart + meta.csumOffset;
    const begun = u16At(bytes, at);
    if (completeChecksum(bytes, offset, length, meta) !== null) {
      this.#counters.count(ring, 'silent_not_handed_over');
      return FATE_CSUM_MALFORMED;
    }
    const fate = this.#send(stripTag, ring, id, bytes, offset, length, meta, true);
    writeU16(bytes, at, begun);
    return fate;
  }

  /** Strips, pads, and puts the frame into the channel. */
  #send(
    stripTag: boolean,
    ring: number,
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
    finished = false,
  ): number {
    const counters = this.#counters;
    guestMeta(meta, finished, this.#offloads, ring / 2, this.#meta);
    if (stripTag && this.#meta.csumStart > 0) this.#meta.csumStart -= VLAN_TAG_SIZE;
    const asIs = unchanged(length, stripTag);
    const size = asIs ? length : stripAndPad(bytes, offset, length, stripTag, this.#scratch);
    if (!asIs && countsAsShort(length, stripTag)) counters.count(ring, 'rx_pad_short');
    const sent = asIs
      ? this.#deliver.send(id, bytes, offset, size, this.#meta)
      : this.#deliver.send(id, this.#scratch, 0, size, this.#meta);
    return this.#sent(sent, ring, size);
  }

  #withoutLink(
    verdict: Verdict,
    header: FrameHeader,
    id: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    meta: Readonly<FrameMeta>,
  ): number {
    if (!verdict.accept) return FATE_FILTERED;
    if (meta.gsoType === 0 && overMtu(length, header.vid >= 0, this.#mtu)) return this.#overMtu(0);
    return this.#sent(this.#deliver.send(id, bytes, offset, length, meta), 0, length);
  }

  #sent(sent: boolean, ring: number, size: number): number {
    const counters = this.#counters;
    if (!sent) {
      counters.count(ring, 'rx_drops');
      return FATE_CHANNEL_FULL;
    }
    counters.count(ring, 'rx_packets');
    counters.count(ring, 'rx_bytes', size);
    return FATE_PENDING;
  }
}
