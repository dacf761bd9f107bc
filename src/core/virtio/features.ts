/**
 * Feature bits, by their names in the specification, and the one representation of a feature set.
 *
 * Bits run past 64 (net bits reach 70), so a set is a `bigint`; this is control-rate data. Hot code asks
 * once at negotiation and keeps booleans.
 *
 * @spec 2.2, 5.1.3, 6
 */

export const VIRTIO_NET_F_MTU = 3;
export const VIRTIO_NET_F_MAC = 5;
export const VIRTIO_NET_F_STATUS = 16;
export const VIRTIO_NET_F_CTRL_VQ = 17;
export const VIRTIO_NET_F_CTRL_RX = 18;
export const VIRTIO_NET_F_CTRL_VLAN = 19;
export const VIRTIO_NET_F_CTRL_RX_EXTRA = 20;
export const VIRTIO_NET_F_GUEST_ANNOUNCE = 21;
export const VIRTIO_NET_F_MQ = 22;
export const VIRTIO_NET_F_CTRL_MAC_ADDR = 23;
export const VIRTIO_F_INDIRECT_DESC = 28;
export const VIRTIO_F_VERSION_1 = 32;

/** A set of feature bits: bit n of the number is feature n. */
export type FeatureSet = bigint;

export function featureSet(...bits: readonly number[]): FeatureSet {
  return bits.reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
}

export function hasFeature(set: FeatureSet, bit: number): boolean {
  return ((set >> BigInt(bit)) & 1n) === 1n;
}

/** The 32-bit word `index` of the set, as an unsigned number. @spec 4.1.4.3 device_feature */
export function featureWord(set: FeatureSet, index: number): number {
  return Number((set >> (32n * BigInt(index))) & 0xffff_ffffn);
}

/** The set as `0x…` with at least 16 digits: how pages, tests and traces write it. */
export function formatFeatures(set: FeatureSet): string {
  return `0x${set.toString(16).padStart(16, '0')}`;
}

export function parseFeatures(hex: string): FeatureSet {
  return BigInt(hex);
}

/** Bit numbers in ascending order. */
export function featureBits(set: FeatureSet): number[] {
  const bits: number[] = [];
  for (let rest = set, bit = 0; rest !== 0n; rest >>= 1n, bit++) if (rest & 1n) bits.push(bit);
  return bits;
}
