/**
 * The filter box of the packet list. Words are joined by "and"; each is a token or free text, `-` before it
 * turns it round. Text is looked for in what the row shows.
 *
 *     dropped leak rule:multicast-table-miss dst:33:33 -proto:arp len>200 10.0.2.2
 */
import { formatMac, isMulticast, MAC_BROADCAST } from '../core/net/mac.ts';
import type { FrameRow } from '../core/trace/frame-row.ts';
import { groupName } from '../core/trace/group-names.ts';
import type { FrameSummary } from '../core/trace/summary.ts';

/** `summary` is asked for only by words that need it: decoding is the dear part. */
export type RowTest = (row: FrameRow, summary: () => FrameSummary) => boolean;

const KEYWORDS: Readonly<Record<string, RowTest>> = {
  in: (row) => row.toGuest,
  out: (row) => !row.toGuest,
  delivered: (row) => row.toGuest && row.fate === 'delivered',
  dropped: (row) => row.toGuest && row.fate !== 'delivered' && row.fate !== 'pending',
  filtered: (row) => row.toGuest && row.fate === 'filtered',
  pending: (row) => row.toGuest && row.fate === 'pending',
  leak: (row) => row.toGuest && row.ruling?.judgement === 'leak',
  loss: (row) => row.toGuest && row.ruling?.judgement === 'loss',
  differ: (row) => row.toGuest && new Set(row.verdicts.map(({ verdict }) => verdict.accept)).size > 1,
  broadcast: (_, summary) => summary().dst === MAC_BROADCAST,
  multicast: (_, summary) => isMulticast(summary().dst),
  unicast: (_, summary) => summary().dst !== MAC_BROADCAST && !isMulticast(summary().dst),
};

type Field = (value: string) => RowTest;

const FIELDS: Readonly<Record<string, Field>> = {
  rule: (value) => (row) => row.toGuest && (row.ruling?.verdict.rule.includes(value) ?? false),
  fate: (value) => (row) => row.toGuest && row.fate.includes(value),
  dst: (value) => (_, summary) => formatMac(summary().dst).startsWith(value),
  src: (value) => (_, summary) => formatMac(summary().src).startsWith(value),
  vlan: (value) => (_, summary) => String(summary().vid ?? 'none') === value,
  proto: (value) => (_, summary) => summary().protocol.toLowerCase() === value,
  id: (value) => (row) => String(row.id) === value,
  leak: (value) => byModel('leak', value),
  loss: (value) => byModel('loss', value),
};

/** Words to offer when the box has the focus. */
export const FILTER_HINTS = [
  'dropped',
  'leak',
  'loss',
  'differ',
  'multicast',
  'in',
  'out',
  'rule:',
  'dst:',
  'proto:',
  'vlan:',
  'len>',
];

/** Null for an empty filter: every row. */
export function parseFilter(text: string): RowTest | null {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map(parseWord);
  if (tests.length === 0) return null;
  return (row, summary) => tests.every((test) => test(row, summary));
}

function parseWord(word: string): RowTest {
  if (word.startsWith('-') && word.length > 1) {
    const test = parseWord(word.slice(1));
    return (row, summary) => !test(row, summary);
  }
  const keyword = KEYWORDS[word];
  if (keyword) return keyword;
  const length = /^len([<>=])(\d+)$/.exec(word);
  if (length) {
    const limit = Number(length[2]);
    return ({ wire }) => (length[1] === '<' ? wire < limit : length[1] === '>' ? wire > limit : wire === limit);
  }
  const colon = word.indexOf(':');
  const field = colon > 0 ? FIELDS[word.slice(0, colon)] : undefined;
  return field ? field(word.slice(colon + 1)) : contains(word);
}

function byModel(judgement: 'leak' | 'loss', model: string): RowTest {
  return (row) =>
    row.toGuest && row.verdicts.some((each) => each.judgement === judgement && each.model.includes(model));
}

function contains(text: string): RowTest {
  return (row, summary) => {
    if (row.toGuest && (row.fate.includes(text) || row.ruling?.verdict.rule.includes(text))) return true;
    const { dst, src, protocol, info } = summary();
    return (
      protocol.toLowerCase().includes(text) ||
      info.toLowerCase().includes(text) ||
      formatMac(dst).includes(text) ||
      formatMac(src).includes(text) ||
      (groupName(dst)?.toLowerCase().includes(text) ?? false)
    );
  };
}
