/** Host models as the page shows them: in which order, under which short names, in which line. */
import { HOST_MODEL_IDS } from '../core/host/host-model.ts';
import type { HostModelId } from '../core/host/host-model.ts';

interface Display {
  /** Where a model's id would be too long, and where even that is. */
  readonly short: string;
  readonly tiny: string;
  /** A colour token, and a dash pattern: lines stay apart without colour. */
  readonly colour: string;
  readonly dash: string;
}

/** viona by its versions, then others, and last the yardstick that all are measured by. */
const DISPLAYS: Readonly<Record<string, Display>> = {
  'propolis-before-1125': { short: 'before-1125', tiny: '<1125', colour: 'var(--series-1)', dash: '' },
  'propolis-372a574': { short: '372a574', tiny: '372a', colour: 'var(--series-2)', dash: '' },
  'propolis-v7': { short: 'v7', tiny: 'v7', colour: 'var(--series-3)', dash: '7 3' },
  qemu: { short: 'qemu', tiny: 'qemu', colour: 'var(--series-4)', dash: '2 3' },
  'cloud-hypervisor': { short: 'cloud-hyp.', tiny: 'chv', colour: 'var(--series-5)', dash: '8 3 2 3' },
  exact: { short: 'exact', tiny: 'exact', colour: 'var(--series-6)', dash: '1 3' },
};

const RANKS = Object.keys(DISPLAYS);

export function modelDisplay(id: string): Display {
  return DISPLAYS[id] ?? { short: id, tiny: id.slice(0, 5), colour: 'var(--muted)', dash: '' };
}

export function shortModel(id: string): string {
  return modelDisplay(id).short;
}

/** The models as columns and rows go. Records name models by their place in HOST_MODEL_IDS instead. */
export const MODEL_ORDER: readonly HostModelId[] = [...HOST_MODEL_IDS].sort(
  (a, b) => RANKS.indexOf(a) - RANKS.indexOf(b),
);

export function inDisplayOrder<T extends { readonly model: HostModelId }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => MODEL_ORDER.indexOf(a.model) - MODEL_ORDER.indexOf(b.model));
}
