/** Editing what the device offers, bit by bit, against what the host model offers. No elements. */
import type { FeatureSet } from '../core/virtio/features.ts';
import * as F from '../core/virtio/features.ts';
import { featureName } from '../core/virtio-net/feature-rules.ts';
import { possibleFeatures } from '../core/virtio-net/personality.ts';
import { choosePersonality } from '../core/virtio-net/personality-request.ts';
import type { PersonalityRequest } from '../core/virtio-net/personality-request.ts';

/** All that can be switched on by hand; the machine has a timer. */
export const POSSIBLE: FeatureSet = possibleFeatures({ timer: true }, true);

const LEGACY: readonly number[] = [F.VIRTIO_F_NOTIFY_ON_EMPTY, F.VIRTIO_F_ANY_LAYOUT];

/** What the device offers under a model as long as nobody edits anything. */
export function modelOffers(offers: FeatureSet): FeatureSet {
  return choosePersonality(offers, {}).personality.features;
}

export interface EditRow {
  readonly bit: number;
  /** The model offers it. */
  readonly byModel: boolean;
  readonly on: boolean;
  /** Why it cannot be switched, or null. */
  readonly fixed: string | null;
}

/** Every bit that the device can do, and those of the model that it cannot. */
export function editRows(offers: FeatureSet, edited: FeatureSet): EditRow[] {
  return F.featureBits(POSSIBLE | offers).map((bit) => ({
    bit,
    byModel: F.hasFeature(offers, bit),
    on: F.hasFeature(edited, bit),
    fixed: whyFixed(bit),
  }));
}

function whyFixed(bit: number): string | null {
  if (bit === F.VIRTIO_F_VERSION_1) return 'The specification demands it (6.2).';
  if (F.hasFeature(POSSIBLE, bit)) return null;
  return LEGACY.includes(bit)
    ? 'A transitional function offers it to legacy drivers, and to no others.'
    : 'The model has it, this device has not.';
}

/** The request that makes `edited` of what the model offers. */
export function requestOf(
  base: FeatureSet,
  edited: FeatureSet,
  pci: { readonly transitional: boolean; readonly msix: boolean },
): PersonalityRequest {
  return {
    add: F.featureBits(edited & ~base).map(featureName),
    remove: F.featureBits(base & ~edited).map(featureName),
    ...pci,
  };
}
