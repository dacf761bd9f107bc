/**
 * What this device can offer, and which feature needs which.
 *
 * @spec 5.1.3.1
 */
import type { FeatureFault } from '../virtio/device.ts';
import * as F from '../virtio/features.ts';

/** Offered whatever the host can do. @spec 6.2 MUST offer VERSION_1 (RSVD-01) */
export const BASE_FEATURES = F.featureSet(
  F.VIRTIO_F_VERSION_1,
  F.VIRTIO_F_INDIRECT_DESC,
  F.VIRTIO_NET_F_MAC,
  F.VIRTIO_NET_F_STATUS,
  F.VIRTIO_NET_F_CTRL_VQ,
  F.VIRTIO_NET_F_MTU,
);

/** Offered if the host has them too. */
export const HOST_FEATURES = F.featureSet(F.VIRTIO_NET_F_CTRL_RX);

/**
 * Bits that need one other bit. Rows for features beyond those we offer stay out of reach until we do, and
 * are here so that the day we offer one its rule is not forgotten.
 */
export const FEATURE_REQUIREMENTS: readonly { readonly bit: number; readonly needs: number }[] = [
  { bit: F.VIRTIO_NET_F_CTRL_RX, needs: F.VIRTIO_NET_F_CTRL_VQ },
  { bit: F.VIRTIO_NET_F_CTRL_VLAN, needs: F.VIRTIO_NET_F_CTRL_VQ },
  { bit: F.VIRTIO_NET_F_GUEST_ANNOUNCE, needs: F.VIRTIO_NET_F_CTRL_VQ },
  { bit: F.VIRTIO_NET_F_MQ, needs: F.VIRTIO_NET_F_CTRL_VQ },
  { bit: F.VIRTIO_NET_F_CTRL_MAC_ADDR, needs: F.VIRTIO_NET_F_CTRL_VQ },
];

/** @spec 2.2.2 MUST NOT offer what it could not honour (BASE-FEAT-04) */
export function offerable(host: F.FeatureSet): F.FeatureSet {
  return BASE_FEATURES | (host & HOST_FEATURES);
}

/** @spec 2.2.2 SHOULD accept every legal subset (BASE-FEAT-02): only a missing prerequisite is illegal. */
export function judgeDependencies(features: F.FeatureSet): FeatureFault | null {
  const broken = FEATURE_REQUIREMENTS.find(
    ({ bit, needs }) => F.hasFeature(features, bit) && !F.hasFeature(features, needs),
  );
  if (!broken) return null;
  return { code: 'feature-dependency', reason: `Bit ${broken.bit} was accepted without bit ${broken.needs}.` };
}
