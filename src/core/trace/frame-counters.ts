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
import type { Fate, RuleId, Verdict } from '../host/verdict.ts';
import { CostHistory } from './cost-history.ts';
import { AT, MAX_MODELS } from './packed.ts';
import { isAsked, type PatternHead, VerdictPatterns } from './verdict-patterns.ts';

const PENDING = FATES.indexOf('pending');
const FILTERED = FATES.indexOf('filtered');

/** Frames of which a model said the same, and of which the guest had wanted the same. */
export interface VerdictCount {
  readonly verdict: Verdict;
  /** What the literal reading says: it accepts what the guest asked for, and nothing else. */
  readonly asked: boolean;
  readonly frames: number;
}

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
  /** Frames that host software looked at, once or more often. */
  readonly seen: number;
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
  /** Frames that went by while none were recorded: they are in no other count. */
  unrecordedToGuest = 0;
  unrecordedFromGuest = 0;
  /** Facts that contradict "exactly one fate per frame": a second fate, or too many fates without a frame. */
  inconsistent = 0;
  /** The totals of `models()` over time. */
  readonly history = new CostHistory();
  readonly #fates = new Float64Array(FATES.length);
  /** Per model: how often each verdict code was given to a frame that was asked for, and to one that was not. */
  readonly #asked: number[][] = Array.from({ length: MAX_MODELS }, () => []);
  readonly #unasked: number[][] = Array.from({ length: MAX_MODELS }, () => []);
  /** Verdict codes of the model in force, for frames that it filtered. */
  readonly #filtered: number[] = [];
  /** Verdict codes of the model in force, for all frames. */
  readonly #ruled: number[] = [];
  readonly #patterns = new VerdictPatterns((head, verdicts, judged, frames) => {
    this.#addVerdicts(head, verdicts, judged, frames);
  });
  readonly #totals = (): readonly ModelTotals[] => this.models();

  /** In both directions. */
  get unrecorded(): number {
    return this.unrecordedToGuest + this.unrecordedFromGuest;
  }

  fate(fate: Fate): number {
    return this.#fates[FATES.indexOf(fate)] ?? 0;
  }

  get pending(): number {
    return this.#fates[PENDING] ?? 0;
  }

  /**
   * Counts a judged frame from its record, which begins at `words[word]`. Returns how its models were judged: bits as
   * `leakBit` and `lossBit` say.
   */
  addRx(words: Uint32Array, word: number, time: number): number {
    if (time >= this.history.end) this.history.advance(time, this.#totals);
    const fate = (words[word + AT.rxActive / 4] ?? 0) >>> 16;
    this.injected++;
    this.injectedBytes += words[word + AT.wire / 4] ?? 0;
    if (fate === PENDING) this.forwarded++;
    this.#fates[fate] = (this.#fates[fate] ?? 0) + 1;
    return this.#patterns.add(words, word + AT.rxActive / 4);
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
    this.#patterns.settle();
    return sumByRule(this.#ruled);
  }

  /** Frames with fate `filtered`, by the rule that dropped them. Adds up to `fate('filtered')`. */
  filteredByRule(): Map<RuleId, number> {
    this.#patterns.settle();
    return sumByRule(this.#filtered);
  }

  /** What a model said, split so that every cost and every judgement can be worked out of it. */
  verdicts(model: HostModelId): VerdictCount[] {
    this.#patterns.settle();
    const index = HOST_MODEL_IDS.indexOf(model);
    return [...verdictCounts(this.#asked[index], true), ...verdictCounts(this.#unasked[index], false)];
  }

  models(): ModelTotals[] {
    return HOST_MODEL_IDS.map((model) => {
      const sum = { accepted: 0, dropped: 0, leak: 0, loss: 0, seen: 0 };
      const cost = { looked: 0, copied: 0, delivered: 0, discarded: 0 };
      for (const { verdict, asked, frames } of this.verdicts(model)) {
        if (verdict.accept) sum.accepted += frames;
        else sum.dropped += frames;
        if (verdict.accept && !asked) sum.leak += frames;
        if (!verdict.accept && asked) sum.loss += frames;
        if (verdict.cost.looked > 0) sum.seen += frames;
        cost.looked += frames * verdict.cost.looked;
        cost.copied += frames * verdict.cost.copied;
        cost.delivered += frames * verdict.cost.delivered;
        cost.discarded += frames * verdict.cost.discarded;
      }
      return { model, judged: sum.accepted + sum.dropped, ...sum, ...cost };
    });
  }

  /** So many frames had the same verdicts and the same first fate. */
  #addVerdicts(head: PatternHead, verdicts: Uint16Array, judged: number, frames: number): void {
    for (let model = 0; model < head.models; model++) {
      const code = verdicts[model] ?? 0;
      if (model === head.active) {
        count(this.#ruled, code, frames);
        if (head.fate === FILTERED) count(this.#filtered, code, frames);
      }
      const asked = isAsked(verdictOf(code)?.accept ?? false, judged, model);
      count((asked ? this.#asked : this.#unasked)[model] ?? [], code, frames);
    }
  }
}

function count(counts: number[], code: number, frames: number): void {
  // Codes are small; filling from the end of the array keeps it dense.
  while (counts.length <= code) counts.push(0);
  counts[code] = (counts[code] ?? 0) + frames;
}

function verdictCounts(counts: readonly number[] | undefined, asked: boolean): VerdictCount[] {
  const found: VerdictCount[] = [];
  counts?.forEach((frames, code) => {
    const verdict = verdictOf(code);
    if (verdict && frames > 0) found.push({ verdict, asked, frames });
  });
  return found;
}

function sumByRule(counts: readonly number[]): Map<RuleId, number> {
  const rules = new Map<RuleId, number>();
  counts.forEach((times, code) => {
    const verdict = verdictOf(code);
    if (verdict && times > 0) rules.set(verdict.rule, (rules.get(verdict.rule) ?? 0) + times);
  });
  return rules;
}
