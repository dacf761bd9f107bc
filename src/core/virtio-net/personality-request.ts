/**
 * What a user wants the device to be, on top of what the host model in force offers.
 *
 * A request names bits to add and to take away. Dependencies follow by themselves, and each that does is told
 * with its reason. The request outlives a change of the model: it is applied to what the next one offers.
 */
import type { FeatureSet } from '../virtio/features.ts';
import * as F from '../virtio/features.ts';
import { type FeatureChange, switchFeature } from './feature-rules.ts';
import { offersOf, type Personality, possibleFeatures } from './personality.ts';

export interface PersonalityRequest {
  /** Names of feature bits (`VIRTIO_F_RING_PACKED`) to offer beyond the model's. */
  readonly add?: readonly string[];
  /** Names of feature bits not to offer. */
  readonly remove?: readonly string[];
  /** With a legacy interface too (PCI id 0x1000). From the next reset of the machine on. */
  readonly transitional?: boolean;
  /** With an MSI-X capability; the default. From the next reset of the machine on. */
  readonly msix?: boolean;
}

export interface ChosenPersonality {
  readonly personality: Personality;
  /** Bits that moved along with those asked for, and why. */
  readonly changes: readonly FeatureChange[];
}

/** The machine has a timer. */
const ABILITIES = { timer: true };

/** Throws a RangeError with a sentence for the user on a name that is no feature bit. */
export function choosePersonality(offers: FeatureSet, request: PersonalityRequest): ChosenPersonality {
  const add = (request.add ?? []).map(bitOf);
  const remove = (request.remove ?? []).map(bitOf);
  // The switch that lets a guest change its address is this bit, and it is off unless asked for.
  const ctrlMacAddr = add.includes(F.VIRTIO_NET_F_CTRL_MAC_ADDR);
  const possible = possibleFeatures(ABILITIES, ctrlMacAddr);
  const { transitional = false, msix = true } = request;
  let features = offersOf({ features: offers, transitional, msix, ctrlMacAddr }, ABILITIES);
  const changes: FeatureChange[] = [];
  const change = (bit: number, on: boolean): void => {
    const closure = switchFeature(features, bit, on, possible);
    features = closure.features;
    changes.push(...closure.changes);
  };
  for (const bit of remove) change(bit, false);
  for (const bit of add) change(bit, true);
  return { personality: { features, transitional, msix, ctrlMacAddr }, changes };
}

function bitOf(name: string): number {
  const bit = (F as Readonly<Record<string, unknown>>)[name];
  if (typeof bit === 'number') return bit;
  throw new RangeError(`“${name}” is no feature bit: write its name as in the specification, VIRTIO_NET_F_MQ.`);
}
