/**
 * Which GUEST_* offloads are in force: what the device may leave undone in the frames that it hands up.
 *
 * All that were negotiated are on at first; VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET replaces the whole set with
 * a part of them. Hot code reads the booleans.
 *
 * @spec 5.1.9.5.9
 */
import * as F from '../virtio/features.ts';

/** Offloads whose bit in the command is the bit of their feature: all that this device has. */
export const GUEST_OFFLOADS = F.featureSet(
  F.VIRTIO_NET_F_GUEST_CSUM,
  F.VIRTIO_NET_F_GUEST_TSO4,
  F.VIRTIO_NET_F_GUEST_TSO6,
  F.VIRTIO_NET_F_GUEST_ECN,
  F.VIRTIO_NET_F_GUEST_UFO,
  F.VIRTIO_NET_F_GUEST_USO4,
  F.VIRTIO_NET_F_GUEST_USO6,
);

export class OffloadState {
  #allowed = 0n;
  #bits = 0n;
  /** NEEDS_CSUM and DATA_VALID may be set. */
  csum = false;
  /** A frame may be larger than the MTU, with this gso_type. Never without `csum`, which it depends on. */
  tso4 = false;
  tso6 = false;
  uso4 = false;
  uso6 = false;
  /** Frames with a TCP gso_type may carry CWR. */
  ecn = false;

  /** What is on, as bits of the command. */
  get bits(): bigint {
    return this.#bits;
  }

  /** Everything negotiated is on. An empty set after a reset. */
  negotiated(features: F.FeatureSet): void {
    this.#allowed = features & GUEST_OFFLOADS;
    this.#apply(this.#allowed);
  }

  /** Replaces the set. False if it has a bit that was not negotiated; then nothing changed. */
  set(bits: bigint): boolean {
    if (bits & ~this.#allowed) return false;
    this.#apply(bits);
    return true;
  }

  #apply(bits: bigint): void {
    this.#bits = bits;
    const on = (bit: number): boolean => F.hasFeature(bits, bit);
    this.csum = on(F.VIRTIO_NET_F_GUEST_CSUM);
    this.tso4 = this.csum && on(F.VIRTIO_NET_F_GUEST_TSO4);
    this.tso6 = this.csum && on(F.VIRTIO_NET_F_GUEST_TSO6);
    this.uso4 = this.csum && on(F.VIRTIO_NET_F_GUEST_USO4);
    this.uso6 = this.csum && on(F.VIRTIO_NET_F_GUEST_USO6);
    this.ecn = (this.tso4 || this.tso6) && on(F.VIRTIO_NET_F_GUEST_ECN);
  }
}
