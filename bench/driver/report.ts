/** What is printed at the end: ratios and nothing else, since only they mean the same on another machine. */
import type { CaseResult } from './case.ts';
import { isMet, type Target, targetsOf } from './targets.ts';

const NOTHING = '–';
const HEAD = ['', 'ours / v86', 'ours / limit', 'range of ours', 'target'];
/** Words stand at the left, figures at the right. */
const WORDS: readonly number[] = [0, 4];

/** A table, one case a line. */
export function summary(results: readonly CaseResult[]): string {
  const rows = [HEAD, ...results.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) =>
          WORDS.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('   '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

function row(result: CaseResult): string[] {
  const { name, ratios } = result;
  return [name, ratio(ratios.v86), ratio(ratios.limit), spread(result), targets(result)];
}

const ratio = (value: number | null): string => (value === null ? NOTHING : value.toFixed(2));

function targets(result: CaseResult): string {
  const told = targetsOf(result.name).map((target) => {
    const met = isMet(target, result);
    return met === null ? '' : `${met ? '✓' : '✗'} ${describe(target)}`;
  });
  return told.filter((text) => text !== '').join(', ');
}

const describe = ({ of, bound, factor }: Target): string => `${bound} ${factor} of ${of}`;

/** How far the samples lie from their median, in percent. */
function spread({ ours, range }: CaseResult): string {
  if (ours === null || ours === 0 || range.ours === undefined) return NOTHING;
  const percent = (value: number): string => {
    const off = Math.round((value / ours - 1) * 100);
    return off < 0 ? `−${-off} %` : `+${off} %`;
  };
  return `${percent(range.ours.min)} ${percent(range.ours.max)}`;
}

/** The content of the file that `--json` writes. */
export function json(results: readonly CaseResult[]): string {
  return `${JSON.stringify({ cases: results }, undefined, 2)}\n`;
}
