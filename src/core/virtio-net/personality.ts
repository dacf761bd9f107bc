/**
 * What the device pretends to be: which features it offers, and what kind of PCI function it is.
 *
 * A personality comes from the page or from a script, so it is checked like any other input. What the page
 * edits bit by bit stays consistent through `switchFeature`; here an inconsistent set is refused, not mended,
 * so that what is asked for is what one gets.
 */
import * as F from '../virtio/features.ts';
import { CAPABLE_FEATURES, closeOver, featureName, offerable } from './feature-rules.ts';

export interface Personality {
  /** Offered from the next reset on. */
  readonly features: F.FeatureSet;
  /** With a legacy interface too. From the next reset of the machine on. */
  readonly transitional: boolean;
  /** With an MSI-X capability. From the next reset of the machine on. */
  readonly msix: boolean;
  /** Whether a driver may change the device's address: CTRL_MAC_ADDR is offered only then. */
  readonly ctrlMacAddr: boolean;
}

/** What is possible beyond what the code can do: the machine's part. */
export interface Abilities {
  /** There is a timer: notifications can be coalesced. */
  readonly timer: boolean;
}

/** What a personality may offer at most. */
export function possibleFeatures(abilities: Abilities, ctrlMacAddr: boolean): F.FeatureSet {
  const coalescing = F.featureSet(F.VIRTIO_NET_F_NOTF_COAL, F.VIRTIO_NET_F_VQ_NOTF_COAL);
  const ctrlMac = F.featureSet(F.VIRTIO_NET_F_CTRL_MAC_ADDR);
  return CAPABLE_FEATURES & ~(abilities.timer ? 0n : coalescing) & ~(ctrlMacAddr ? 0n : ctrlMac);
}

/** What is offered of the personality's features. */
export function offersOf({ features, ctrlMacAddr }: Personality, abilities: Abilities): F.FeatureSet {
  return offerable(features, possibleFeatures(abilities, ctrlMacAddr));
}

export type PersonalityResult =
  { readonly ok: true; readonly personality: Personality } | { readonly ok: false; readonly reason: string };

/** Checks data from outside. `features` may be a bigint or a string as `formatFeatures` writes it. */
export function readPersonality(value: unknown, abilities: Abilities): PersonalityResult {
  if (typeof value !== 'object' || value === null) return refuse('A personality is an object.');
  const record = value as Readonly<Record<string, unknown>>;
  const features = readFeatures(record.features);
  if (features === null) return refuse('features is neither a bigint nor hexadecimal text of up to 128 bits.');
  for (const name of ['transitional', 'msix'] as const) {
    if (typeof record[name] !== 'boolean') return refuse(`${name} is not true or false.`);
  }
  const { ctrlMacAddr = false } = record;
  if (typeof ctrlMacAddr !== 'boolean') return refuse('ctrlMacAddr is not true or false.');
  const { transitional, msix } = record as { transitional: boolean; msix: boolean };
  const foreign = F.featureBits(features & ~possibleFeatures(abilities, ctrlMacAddr));
  if (foreign.length > 0) return refuse(`The device cannot offer ${foreign.map(featureName).join(', ')}.`);
  if (!F.hasFeature(features, F.VIRTIO_F_VERSION_1)) return refuse('VIRTIO_F_VERSION_1 must always be offered.');
  const [gone] = closeOver(features).changes;
  if (gone) return refuse(gone.reason);
  return { ok: true, personality: { features, transitional, msix, ctrlMacAddr } };
}

const refuse = (reason: string): PersonalityResult => ({ ok: false, reason });

function readFeatures(value: unknown): F.FeatureSet | null {
  if (typeof value === 'bigint') return value >= 0n && value < 1n << 128n ? value : null;
  return typeof value === 'string' && /^0x[0-9a-f]{1,32}$/i.test(value) ? F.parseFeatures(value) : null;
}
