/** How an outcome is written: always a sign and a word, the colour only repeats it. */
import { FATE_TEXT, RULES } from '../core/host/verdict.ts';
import type { ModelVerdict, ReceivedRow } from '../core/trace/frame-row.ts';

export interface Mark {
  readonly sign: string;
  readonly word: string;
  /** A class of `styles.ts`. */
  readonly tone: 'accept' | 'drop' | 'leak' | 'loss' | 'muted';
}

/** Up for too much, down for too little. */
const LEAK: Mark = { sign: '▲', word: 'leak', tone: 'leak' };
const LOSS: Mark = { sign: '▼', word: 'loss', tone: 'loss' };
const TAKEN: Mark = { sign: '✓', word: 'accepted', tone: 'accept' };
const LEFT: Mark = { sign: '✕', word: 'dropped', tone: 'drop' };

/** The outcome of a frame under the model in force. */
export function outcome({ fate, ruling }: ReceivedRow): Mark {
  const judgement = ruling?.judgement;
  if (fate === 'pending') return { sign: '…', word: 'pending', tone: 'muted' };
  if (fate === 'delivered') return judgement === 'leak' ? LEAK : { sign: '✓', word: 'delivered', tone: 'accept' };
  if (fate === 'filtered') return judgement === 'loss' ? LOSS : LEFT;
  return LEFT;
}

/** What one model would do with the frame. */
export function opinion({ verdict, judgement }: ModelVerdict): Mark {
  if (judgement === 'leak') return LEAK;
  if (judgement === 'loss') return LOSS;
  return verdict.accept ? TAKEN : LEFT;
}

/** The same in a sentence. */
export function ruleText(row: ReceivedRow): string {
  const { fate, ruling } = row;
  return reasonOf(row) === fate || !ruling ? FATE_TEXT[fate] : RULES[ruling.verdict.rule].text;
}

/** The rule of the filter, or where on the way behind it the frame ended. */
export function reasonOf({ fate, ruling }: ReceivedRow): string {
  const byFilter = fate === 'filtered' || fate === 'delivered' || fate === 'pending';
  return byFilter ? (ruling?.verdict.rule ?? '') : fate;
}
