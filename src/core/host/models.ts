/** All host models, in the order of HOST_MODEL_IDS: the order of their verdicts in packed records. */
import { cloudHypervisor } from './cloud-hypervisor.ts';
import { exact } from './exact.ts';
import type { HostModel, HostModelId } from './host-model.ts';
import { HOST_MODEL_IDS } from './host-model.ts';
import { propolis372a574 } from './propolis-372a574.ts';
import { propolisBefore1125 } from './propolis-before-1125.ts';
import { propolisV7 } from './propolis-v7.ts';
import { qemu } from './qemu.ts';

// A model's state is opaque to everybody else, so the list forgets its type. HostSide hands each model only
// states that the same model made.
const BY_ID: Readonly<Record<HostModelId, HostModel>> = {
  'propolis-before-1125': propolisBefore1125,
  'propolis-372a574': propolis372a574,
  exact: exact,
  'propolis-v7': propolisV7,
  qemu: qemu,
  'cloud-hypervisor': cloudHypervisor,
};

export const HOST_MODELS: readonly HostModel[] = HOST_MODEL_IDS.map((id) => BY_ID[id]);

export function hostModel(id: HostModelId): HostModel {
  return BY_ID[id];
}

export function isHostModelId(value: unknown): value is HostModelId {
  return (HOST_MODEL_IDS as readonly unknown[]).includes(value);
}
