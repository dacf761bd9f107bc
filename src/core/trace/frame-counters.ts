/**
 * Exact counts over every frame since the trace was cleared. They do not depend on which rows the table still
 * holds. Always: injected = sum over all fates, of which `pending` is one.
 *
 * The hot path counts verdict codes; what people read (rules, costs) is worked out from those on demand.
 */
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import type { HostModelId } from '../host/host-model.ts';
import { FATES } from '../host/verdict.ts';
import { verdictOf } from '../host/verdicts.ts';
import type { Fate, RuleId } from '../host/verdict.ts';
import { AT, MAX_MODELS } from './packed.ts';

const EXACT = HOST_MODEL_IDS.indexOf('exact');
const PENDING = FATES.indexOf('pending');
const FILTERED = FATES.indexOf('filtered');

/** What one model did with all frames, or would have done. */
export interface ModelTotals {
  readonly model: HostModelId;
  readonly judged: number;
  readonly accepted: number;
  readonly dropped: number;
  /** Accepted although the literal reading drops: legal. */
  readonly leak: number;
  /** Dropped although the literal reading accepts: the bug. */
  readonly loss: number;
  readonly looked: number;
  readonly copied: number;
  readonly delivered: number;
  readonly discarded: number;
}

export class FrameCounters {
  /** Frames towards the guest that were judged. */
  injected = 0;
  injectedBytes = 0;
  /** Of these, how many went on to the device. */
  forwarded = 0;
  /** Frames from the guest. */
  sent = 0;
  sentBytes = 0;
  /** Facts that contradict "exactly one fate per frame": a second fate, or too many fates without a frame. */
  inconsistent = 0;
  readonly #fates = new Float64Array(FATES.length);
  /** Per model: how often each verdict code was given. */
  readonly #verdicts: number[][] = Array.from({ length: MAX_MODELS }, () => []);
  /** Verdict codes of the model in force, for frames that it filtered. */
  readonly #filtered: number[] = [];
  /** Verdict codes of the model in force, for all frames. */
  readonly #ruled: number[] = [];
  readonly #leak = new Float64Array(MAX_MODELS);
  readonly #loss = new Float64Array(MAX_MODELS);

  fate(fate: Fate): number {
    return this.#fates[FATES.indexOf(fate)] ?? 0;
  }

  get pending(): number {
    return this.#fates[PENDING] ?? 0;
  }

  /** Counts a judged frame from its record. */
  addRx(view: DataView, at: number): void {
    const fate = view.getUint16(at + AT.rxFate, true);
    const active = view.getUint8(at + AT.rxActive);
    const models = view.getUint8(at + AT.rxModels);
    this.injected++;
    this.injectedBytes += view.getUint32(at + AT.wire, true);
    if (fate === PENDING) this.forwarded++;
    this.#fates[fate] = (this.#fates[fate] ?? 0) + 1;
    const exact = verdictOf(view.getUint16(at + AT.rxVerdicts + 2 * EXACT, true));
    for (let model = 0; model < models; model++) {
      const code = view.getUint16(at + AT.rxVerdicts + 2 * model, true);
      count(this.#verdicts[model] ?? [], code);
      if (model === active) {
        count(this.#ruled, code);
        if (fate === FILTERED) count(this.#filtered, code);
      }
      const verdict = EXACT < models ? verdictOf(code) : undefined;
      if (!verdict || !exact || verdict.accept === exact.accept) continue;
      const into = verdict.accept ? this.#leak : this.#loss;
      into[model] = (into[model] ?? 0) + 1;
    }
  }

  addTx(bytes: number): void {
    this.sent++;
    this.sentBytes += bytes;
  }

  settle(fate: number): void {
    this.#fates[PENDING] = (this.#fates[PENDING] ?? 0) - 1;
    this.#fates[fate] = (this.#fates[fate] ?? 0) + 1;
  }

  /** How often the model in force decided by each rule. */
  byRule(): Map<RuleId, number> {
    return sumByRule(this.#ruled);
  }

  /** Frames with fate `filtered`, by the rule that dropped them. Adds up to `fate('filtered')`. */
  filteredByRule(): Map<RuleId, number> {
    return sumByRule(this.#filtered);
  }

  models(): ModelTotals[] {
    return HOST_MODEL_IDS.map((model, index) => {
      const sum = { judged: 0, accepted: 0, dropped: 0, looked: 0, copied: 0, delivered: 0, discarded: 0 };
      this.#verdicts[index]?.forEach((times, code) => {
        sum.judged += times;
        const verdict = verdictOf(code);
        if (!verdict) return;
        if (verdict.accept) sum.accepted += times;
        else sum.dropped += times;
        sum.looked += times * verdict.cost.looked;
        sum.copied += times * verdict.cost.copied;
        sum.delivered += times * verdict.cost.delivered;
        sum.discarded += times * verdict.cost.discarded;
      });
      return { model, ...sum, leak: this.#leak[index] ?? 0, loss: this.#loss[index] ?? 0 };
    });
  }
}

function count(counts: number[], code: number): void {
  // Codes are small; filling from the end of the array keeps it dense.
  while (counts.length <= code) counts.push(0);
  counts[code] = (counts[code] ?? 0) + 1;
}

function sumByRule(counts: readonly number[]): Map<RuleId, number> {
  const rules = new Map<RuleId, number>();
  counts.forEach((times, code) => {
    const verdict = verdictOf(code);
    if (verdict && times > 0) rules.set(verdict.rule, (rules.get(verdict.rule) ?? 0) + times);
  });
  return rules;
}
