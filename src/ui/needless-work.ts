/** What a host did beyond what the guest asked for: one sentence, and the sums behind it. */
import type { ModelTotals } from '../core/trace/frame-counters.ts';
import { formatCount, plural, shortModel } from './format.ts';

export interface NeedlessWork {
  readonly sentence: string;
  /** Empty for the yardstick itself. */
  readonly sums: readonly string[];
}

/** @param exact the model that does what was asked for, and no more */
export function needlessWork(active: ModelTotals, exact: ModelTotals): NeedlessWork {
  const frames = plural(active.judged, 'frame');
  if (active.model === exact.model) {
    return {
      sentence: `For ${frames} this host did what the guest had asked for and no more: it is the yardstick for the others.`,
      sums: [],
    };
  }
  const looks = active.looked - exact.looked;
  const copies = active.copied - exact.copied;
  const extra = [
    ...(looks > 0 ? [`looked ${plural(looks, 'time')} more than needed`] : []),
    ...(copies > 0 ? [`made ${plural(copies, 'needless copy', 'needless copies')}`] : []),
    ...(active.leak > 0 ? [`handed over ${plural(active.leak, 'frame')} that the guest had not asked for`] : []),
    ...(active.loss > 0 ? [`withheld ${formatCount(active.loss)} that it had asked for`] : []),
  ];
  const n = formatCount;
  return {
    sentence:
      extra.length > 0
        ? `For ${frames} this host ${list(extra)}.`
        : `For ${frames} this host did nothing that the guest had not asked for.`,
    sums: [
      difference('looks', active.looked, exact.looked),
      difference('copies', active.copied, exact.copied),
      `${n(active.accepted)} accepted = ${n(exact.accepted)} asked for + ${n(active.leak)} leaks − ${n(active.loss)} losses`,
    ],
  };

  function difference(what: string, mine: number, least: number): string {
    return `${signed(mine - least)} ${what} = ${n(mine)} − ${n(least)} in ${shortModel(exact.model)}`;
  }
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

function signed(count: number): string {
  return count < 0 ? `−${formatCount(-count)}` : formatCount(count);
}
