/**
 * Which packets to show by what the models said of them: all, those that the models differ on, the leaks, or
 * the losses; of one model or of any. It goes with the filter box, and is tested without decoding anything.
 */
import { HOST_MODEL_IDS } from '../core/host/host-model.ts';
import type { HostModelId } from '../core/host/host-model.ts';
import { leakBit, lossBit } from '../core/trace/verdict-patterns.ts';

export interface VerdictChoice {
  readonly kind: 'all' | 'differ' | 'leak' | 'loss';
  /** Null for any model; only leaks and losses have one. */
  readonly model: HostModelId | null;
}

export const ALL_VERDICTS: VerdictChoice = { kind: 'all', model: null };

/** The bits of `FrameTable.judged` of which a row must have one; 0 for every row. */
export function judgedMask({ kind, model }: VerdictChoice): number {
  if (kind === 'all') return 0;
  let mask = 0;
  for (const [index, id] of HOST_MODEL_IDS.entries()) {
    if (model !== null && id !== model) continue;
    if (kind !== 'loss') mask |= leakBit(index);
    if (kind !== 'leak') mask |= lossBit(index);
  }
  return mask;
}

/** As the value of an option: `loss qemu`. */
export function choiceText({ kind, model }: VerdictChoice): string {
  return model === null ? kind : `${kind} ${model}`;
}

export function parseChoice(text: string): VerdictChoice {
  const [word, id] = text.split(' ');
  const kind = (['differ', 'leak', 'loss'] as const).find((known) => known === word);
  if (!kind) return ALL_VERDICTS;
  return { kind, model: HOST_MODEL_IDS.find((known) => known === id) ?? null };
}

export function sameChoice(a: VerdictChoice, b: VerdictChoice): boolean {
  return a.kind === b.kind && a.model === b.model;
}
