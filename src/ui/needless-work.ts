/**
 * How much of what a host did was needless, as a number with its derivation.
 *
 * The measure is what a link in NONE that had joined just the guest's groups would spend: one look at each
 * frame that the guest asked for, to see whose it is, and none at the others, which its NIC keeps. Looks beyond
 * that are needless. What the guest asked for is what the specification, read literally, accepts.
 */
import type { VerdictCount } from '../core/trace/frame-counters.ts';
import type { RuleId } from '../core/host/verdict.ts';
import { formatCount, plural } from './format.ts';

/** Frames that fared alike: a line of the derivation. */
export interface NeedlessPart {
  readonly rule: RuleId;
  readonly asked: boolean;
  readonly accept: boolean;
  readonly frames: number;
  /** Looks at each of the frames. */
  readonly each: number;
  readonly looks: number;
  readonly needed: number;
  readonly needless: number;
}

export interface NeedlessWork {
  readonly frames: number;
  readonly looks: number;
  readonly needed: number;
  readonly needless: number;
  /** Of the needless looks: those at frames that the guest had not asked for. */
  readonly unasked: number;
  /** Frames looked at that the guest had not asked for. */
  readonly unaskedFrames: number;
  /** Frames handed over that the guest had not asked for. */
  readonly leaks: number;
  /** The most needless first. */
  readonly parts: readonly NeedlessPart[];
}

export function needlessWork(counts: readonly VerdictCount[]): NeedlessWork {
  const parts = new Map<string, NeedlessPart>();
  const sum = { frames: 0, looks: 0, needed: 0, needless: 0, unasked: 0, unaskedFrames: 0, leaks: 0 };
  for (const { verdict, asked, frames } of counts) {
    const each = verdict.cost.looked;
    const looks = frames * each;
    const needed = asked && each > 0 ? frames : 0;
    sum.frames += frames;
    sum.looks += looks;
    sum.needed += needed;
    sum.needless += looks - needed;
    if (!asked) {
      sum.unasked += looks;
      if (each > 0) sum.unaskedFrames += frames;
      if (verdict.accept) sum.leaks += frames;
    }
    const key = `${verdict.rule} ${each} ${asked}`;
    const before = parts.get(key) ?? { frames: 0, looks: 0, needed: 0, needless: 0 };
    parts.set(key, {
      rule: verdict.rule,
      asked,
      accept: verdict.accept,
      each,
      frames: before.frames + frames,
      looks: before.looks + looks,
      needed: before.needed + needed,
      needless: before.needless + looks - needed,
    });
  }
  return { ...sum, parts: [...parts.values()].sort((a, b) => b.needless - a.needless || b.frames - a.frames) };
}

/** The answer in one sentence. */
export function needlessSentence(work: NeedlessWork): string {
  const of = `Of ${plural(work.looks, 'look')} at ${plural(work.frames, 'frame')}`;
  if (work.needless === 0) return `${of}, none was needless.`;
  const again = work.needless - work.unasked;
  const reasons = [
    ...(work.unasked > 0
      ? [`${formatCount(work.unasked)} at ${plural(work.unaskedFrames, 'frame')} that the guest had not asked for`]
      : []),
    ...(again > 0 ? [`${formatCount(again)} beyond the first at frames that it had asked for`] : []),
  ];
  return `${of}, ${formatCount(work.needless)} ${work.needless === 1 ? 'was' : 'were'} needless: ${reasons.join(', and ')}.`;
}

/** Multicast frames that a driver without CTRL_RX could not ask for, and so was taken to want. */
export function withoutSay(exact: readonly VerdictCount[]): number {
  return exact.reduce((sum, { verdict, frames }) => sum + (verdict.rule === 'no-ctrl-rx' ? frames : 0), 0);
}
