/**
 * What this device can offer, which feature needs which, and what follows from switching one.
 *
 * A rule says that one bit needs one of some others; a bit with several rules needs them all. The rules of
 * the specification bind offers and drivers alike. Some more bind offers alone, because the feature is of no
 * use without the other: a driver may still choose such a set, and it is accepted.
 *
 * @spec 5.1.3.1
 */
import type { FeatureFault } from '../virtio/device.ts';
import * as F from '../virtio/features.ts';

/** Fields of the configuration, and the link. */
const CONFIGURATION = F.featureSet(
  F.VIRTIO_NET_F_MTU,
  F.VIRTIO_NET_F_MAC,
  F.VIRTIO_NET_F_STATUS,
  F.VIRTIO_NET_F_SPEED_DUPLEX,
);

/** The control queue and its classes. */
const CONTROL = F.featureSet(
  F.VIRTIO_NET_F_CTRL_VQ,
  F.VIRTIO_NET_F_CTRL_RX,
  F.VIRTIO_NET_F_CTRL_RX_EXTRA,
  F.VIRTIO_NET_F_CTRL_VLAN,
  F.VIRTIO_NET_F_CTRL_MAC_ADDR,
  F.VIRTIO_NET_F_GUEST_ANNOUNCE,
  F.VIRTIO_NET_F_MQ,
  F.VIRTIO_NET_F_RSS,
  F.VIRTIO_NET_F_NOTF_COAL,
  F.VIRTIO_NET_F_VQ_NOTF_COAL,
  F.VIRTIO_NET_F_DEVICE_STATS,
);

/** What can be left to the other side in a packet, and what headers say of it. */
const PACKETS = F.featureSet(
  F.VIRTIO_NET_F_CSUM,
  F.VIRTIO_NET_F_GUEST_CSUM,
  F.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  F.VIRTIO_NET_F_GUEST_TSO4,
  F.VIRTIO_NET_F_GUEST_TSO6,
  F.VIRTIO_NET_F_GUEST_ECN,
  F.VIRTIO_NET_F_GUEST_USO4,
  F.VIRTIO_NET_F_GUEST_USO6,
  F.VIRTIO_NET_F_HOST_TSO4,
  F.VIRTIO_NET_F_HOST_TSO6,
  F.VIRTIO_NET_F_HOST_ECN,
  F.VIRTIO_NET_F_HOST_USO,
  F.VIRTIO_NET_F_MRG_RXBUF,
  F.VIRTIO_NET_F_HASH_REPORT,
  F.VIRTIO_NET_F_GUEST_HDRLEN,
);

/** Rings and notifications. */
const RINGS = F.featureSet(
  F.VIRTIO_F_INDIRECT_DESC,
  F.VIRTIO_F_EVENT_IDX,
  F.VIRTIO_F_RING_PACKED,
  F.VIRTIO_F_IN_ORDER,
  F.VIRTIO_F_NOTIFICATION_DATA,
  F.VIRTIO_F_NOTIF_CONFIG_DATA,
  F.VIRTIO_F_RING_RESET,
  F.VIRTIO_F_SUSPEND,
);

/** @spec 6.2 MUST be offered (RSVD-01), whatever the host has */
const ALWAYS = F.featureSet(F.VIRTIO_F_VERSION_1);

/** Everything that this device can do. @spec 2.2.2 MUST NOT offer more (BASE-FEAT-04) */
export const CAPABLE_FEATURES = CONFIGURATION | CONTROL | PACKETS | RINGS | ALWAYS;

export interface FeatureRule {
  readonly bit: number;
  /** At least one of these must be there. */
  readonly anyOf: readonly number[];
}

const rule = (bit: number, ...anyOf: readonly number[]): FeatureRule => ({ bit, anyOf });

/** The rules of the specification, whether or not the feature is one of ours. Tests name them NET-DEP-<bit>. */
export const FEATURE_RULES: readonly FeatureRule[] = [
  rule(F.VIRTIO_NET_F_GUEST_TSO4, F.VIRTIO_NET_F_GUEST_CSUM),
  rule(F.VIRTIO_NET_F_GUEST_TSO6, F.VIRTIO_NET_F_GUEST_CSUM),
  rule(F.VIRTIO_NET_F_GUEST_ECN, F.VIRTIO_NET_F_GUEST_TSO4, F.VIRTIO_NET_F_GUEST_TSO6),
  rule(F.VIRTIO_NET_F_GUEST_UFO, F.VIRTIO_NET_F_GUEST_CSUM),
  rule(F.VIRTIO_NET_F_GUEST_USO4, F.VIRTIO_NET_F_GUEST_CSUM),
  rule(F.VIRTIO_NET_F_GUEST_USO6, F.VIRTIO_NET_F_GUEST_CSUM),
  rule(F.VIRTIO_NET_F_HOST_TSO4, F.VIRTIO_NET_F_CSUM),
  rule(F.VIRTIO_NET_F_HOST_TSO6, F.VIRTIO_NET_F_CSUM),
  rule(F.VIRTIO_NET_F_HOST_ECN, F.VIRTIO_NET_F_HOST_TSO4, F.VIRTIO_NET_F_HOST_TSO6),
  rule(F.VIRTIO_NET_F_HOST_UFO, F.VIRTIO_NET_F_CSUM),
  rule(F.VIRTIO_NET_F_HOST_USO, F.VIRTIO_NET_F_CSUM),
  rule(F.VIRTIO_NET_F_CTRL_RX, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_CTRL_VLAN, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_GUEST_ANNOUNCE, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_MQ, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_CTRL_MAC_ADDR, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_VQ_NOTF_COAL, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_NOTF_COAL, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_RSS, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_RSC_EXT, F.VIRTIO_NET_F_HOST_TSO4, F.VIRTIO_NET_F_HOST_TSO6),
  rule(F.VIRTIO_NET_F_HASH_TUNNEL, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_HASH_TUNNEL, F.VIRTIO_NET_F_RSS, F.VIRTIO_NET_F_HASH_REPORT),
  rule(F.VIRTIO_NET_F_RSS_CONTEXT, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_RSS_CONTEXT, F.VIRTIO_NET_F_RSS),
  rule(F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_GUEST_TSO4),
  rule(F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_GUEST_TSO6),
  rule(F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_GUEST_USO4),
  rule(F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_GUEST_USO6),
  rule(F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM, F.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO),
  rule(F.VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_HOST_TSO4),
  rule(F.VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_HOST_TSO6),
  rule(F.VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO, F.VIRTIO_NET_F_HOST_USO),
  rule(F.VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM, F.VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO),
];

/** Rules for offers alone. @spec 5.1.4.1 SHOULD NOT offer without CTRL_VQ (NET-CFG-13, -14); the rest are commands */
const OFFER_RULES: readonly FeatureRule[] = [
  ...FEATURE_RULES,
  rule(F.VIRTIO_NET_F_HASH_REPORT, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_CTRL_RX_EXTRA, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, F.VIRTIO_NET_F_CTRL_VQ),
  rule(F.VIRTIO_NET_F_DEVICE_STATS, F.VIRTIO_NET_F_CTRL_VQ),
];

const NAMES = new Map<number, string>(
  Object.entries(F).flatMap(([name, bit]) => (typeof bit === 'number' ? [[bit, name] as const] : [])),
);

/** `VIRTIO_NET_F_MQ`, or `bit 42` for one that has no name here. */
export const featureName = (bit: number): string => NAMES.get(bit) ?? `bit ${bit}`;

const isMet = (features: F.FeatureSet, { anyOf }: FeatureRule): boolean =>
  anyOf.some((bit) => F.hasFeature(features, bit));

const sentence = ({ bit, anyOf }: FeatureRule): string =>
  `${featureName(bit)} needs ${anyOf.map(featureName).join(' or ')}.`;

/** @spec 2.2.2 SHOULD accept every legal subset (BASE-FEAT-02): only a missing prerequisite is illegal. */
export function judgeDependencies(features: F.FeatureSet): FeatureFault | null {
  const broken = FEATURE_RULES.find((rule) => F.hasFeature(features, rule.bit) && !isMet(features, rule));
  return broken ? { code: 'feature-dependency', reason: sentence(broken) } : null;
}

/** One bit that moved, and why. */
export interface FeatureChange {
  readonly bit: number;
  readonly on: boolean;
  readonly reason: string;
}

export interface FeatureClosure {
  readonly features: F.FeatureSet;
  /** What is different from the set that was asked for, in the order in which one follows from another. */
  readonly changes: readonly FeatureChange[];
}

/** The largest part of the set that can be offered: what lacks a prerequisite goes, and so on. */
export function closeOver(features: F.FeatureSet): FeatureClosure {
  const changes: FeatureChange[] = [];
  let set = features;
  const broken = (): FeatureRule | undefined =>
    OFFER_RULES.find((rule) => F.hasFeature(set, rule.bit) && !isMet(set, rule));
  for (let rule = broken(); rule; rule = broken()) {
    set &= ~F.featureSet(rule.bit);
    changes.push({ bit: rule.bit, on: false, reason: sentence(rule) });
  }
  return { features: set, changes };
}

/**
 * The set after a switch of one bit: on brings its prerequisites with it, off takes its dependents away.
 *
 * @param possible what the device can offer
 */
export function switchFeature(
  features: F.FeatureSet,
  bit: number,
  on: boolean,
  possible: F.FeatureSet = CAPABLE_FEATURES,
): FeatureClosure {
  if (!on) return closeOver((features & ~F.featureSet(bit)) | ALWAYS);
  const changes: FeatureChange[] = [];
  let set = features | F.featureSet(bit);
  const missing = (): FeatureRule | undefined =>
    OFFER_RULES.find((rule) => F.hasFeature(set & possible, rule.bit) && !isMet(set, rule));
  for (let rule = missing(); rule; rule = missing()) {
    const needed = rule.anyOf.find((candidate) => F.hasFeature(possible, candidate));
    if (needed === undefined) break;
    set |= F.featureSet(needed);
    changes.push({ bit: needed, on: true, reason: sentence(rule) });
  }
  const rest = offerable(set, possible);
  const gone = F.featureBits(set & ~rest).map((gone) => ({
    bit: gone,
    on: false,
    reason: `${featureName(gone)} is nothing that this device can do.`,
  }));
  return { features: rest, changes: [...changes, ...gone] };
}

/** What is offered of a set: what the device can do of it, prerequisites included. */
export function offerable(wanted: F.FeatureSet, possible: F.FeatureSet = CAPABLE_FEATURES): F.FeatureSet {
  return closeOver((wanted & possible) | ALWAYS).features;
}
