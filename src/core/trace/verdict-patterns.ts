/**
 * Counts frames by everything that was said of them: what every model's verdict was, who was in force, and the first fate.
 *
 * Of a stream of frames few differ in that. So the count of a pattern is one addition, and is split up over models and
 * verdicts when somebody reads, or when another pattern wants its place.
 */
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { verdictOf } from '../host/verdicts.ts';
import { MAX_MODELS } from './packed.ts';

const EXACT = HOST_MODEL_IDS.indexOf('exact');
/** A power of two: more than there are kinds of traffic. */
const PLACES = 64;
/** Of the record: active, models and fate; verdicts. */
const WORDS = 1 + MAX_MODELS / 2;

/** How the models were judged on one frame is kept as bits. `model` is an index of HOST_MODEL_IDS. */
export const leakBit = (model: number): number => 1 << model;
export const lossBit = (model: number): number => 1 << (model + MAX_MODELS);

/** The literal reading accepts the frame. Without it, what the model itself says is what was asked for. */
export function isAsked(accept: boolean, judged: number, model: number): boolean {
  return accept ? (judged & leakBit(model)) === 0 : (judged & lossBit(model)) !== 0;
}

export interface PatternHead {
  readonly active: number;
  readonly models: number;
  readonly fate: number;
}

/** Takes over what was counted: so many frames more of that pattern. The array is only valid during the call. */
export type OnPattern = (head: PatternHead, verdicts: Uint16Array, judged: number, frames: number) => void;

export class VerdictPatterns {
  readonly #words = new Uint32Array(PLACES * WORDS);
  readonly #codes = new Uint16Array(this.#words.buffer);
  readonly #frames = new Float64Array(PLACES);
  readonly #judged = new Uint16Array(PLACES);
  readonly #told: OnPattern;

  constructor(told: OnPattern) {
    this.#told = told;
  }

  /**
   * @param at of FRAME_RX's word with active, models and fate, before those with verdicts
   * @returns judgement bits of the frame
   */
  add(words: Uint32Array, at: number): number {
    let hash = 0;
    for (let i = 0; i < WORDS; i++) hash = Math.imul(hash ^ (words[at + i] ?? 0), 0x9e37_79b1);
    const place = hash >>> 26;
    const own = this.#words;
    const first = place * WORDS;
    for (let i = 0; i < WORDS; i++) if (own[first + i] !== words[at + i]) return this.#replace(place, words, at);
    this.#frames[place] = (this.#frames[place] ?? 0) + 1;
    return this.#judged[place] ?? 0;
  }

  /** Tells all that was counted. */
  settle(): void {
    for (let place = 0; place < PLACES; place++) this.#tell(place);
  }

  #replace(place: number, words: Uint32Array, at: number): number {
    this.#tell(place);
    this.#words.set(words.subarray(at, at + WORDS), place * WORDS);
    this.#frames[place] = 1;
    const judged = judge(this.#head(place).models, this.#verdicts(place));
    this.#judged[place] = judged;
    return judged;
  }

  #tell(place: number): void {
    const frames = this.#frames[place] ?? 0;
    if (frames === 0) return;
    this.#frames[place] = 0;
    this.#told(this.#head(place), this.#verdicts(place), this.#judged[place] ?? 0, frames);
  }

  #head(place: number): PatternHead {
    const word = this.#words[place * WORDS] ?? 0;
    return { active: word & 0xff, models: Math.min((word >>> 8) & 0xff, MAX_MODELS), fate: word >>> 16 };
  }

  #verdicts(place: number): Uint16Array {
    const first = 2 * (place * WORDS + 1);
    return this.#codes.subarray(first, first + MAX_MODELS);
  }
}

function judge(models: number, verdicts: Uint16Array): number {
  const exact = EXACT < models ? verdictOf(verdicts[EXACT] ?? 0) : undefined;
  if (!exact) return 0;
  let judged = 0;
  for (let model = 0; model < models; model++) {
    const accept = verdictOf(verdicts[model] ?? 0)?.accept ?? false;
    if (accept !== exact.accept) judged |= accept ? leakBit(model) : lossBit(model);
  }
  return judged;
}
