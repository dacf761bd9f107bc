/** Reading what people write for an ioctl's argument: untrusted, so nothing here throws. */
import type { ParamList, ParamValue } from './params.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** More keys than any structure or parameter list has. */
const MAX_KEYS = 64;
const MAX_TEXT = 65536;

/** A whole number that is exact, from a number or from decimal or hexadecimal text; null if it is none. */
export function wholeNumber(given: unknown): number | null {
  let number = given;
  if (typeof given === 'string' && /^(-?\d+|0x[0-9a-f]+)$/i.test(given.trim())) number = Number(given.trim());
  if (typeof given === 'bigint') number = Number(given);
  return Number.isSafeInteger(number) ? (number as number) + 0 : null;
}

/** What stands between commas and blanks, out of brackets and quotes. */
export function words(text: string): string[] {
  return text
    .slice(0, MAX_TEXT)
    .split(/[\s,;[\]"']+/)
    .filter((word) => word !== '');
}

/** The fields of an object, of JSON, or of `index=0 size=256`; nothing at all has no fields. */
export function readFields(given: unknown): Fields | null {
  if (given === null) return {};
  if (typeof given === 'string') return textFields(given);
  if (typeof given !== 'object' || Array.isArray(given)) return null;
  return Object.keys(given).length <= MAX_KEYS ? (given as Fields) : null;
}

function textFields(text: string): Fields | null {
  if (isJson(text)) return jsonFields(text);
  const fields: [string, string][] = [];
  for (const word of words(text)) {
    const at = word.indexOf('=');
    if (at <= 0 || fields.length >= MAX_KEYS) return null;
    fields.push([word.slice(0, at), word.slice(at + 1)]);
  }
  return Object.fromEntries(fields);
}

function isJson(text: string): boolean {
  return text.trim().startsWith('{');
}

function jsonFields(text: string): Fields | null {
  if (text.length > MAX_TEXT) return null;
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? (read as Fields) : null;
  } catch {
    return null;
  }
}

/** A parameter list: the kernel judges keys, types and ranges, so all that an nvlist could hold is taken. */
export function readParams(given: unknown): ParamList | null {
  const fields = readFields(given);
  if (fields === null) return null;
  const bare = typeof given === 'string' && !isJson(given);
  const params: [string, ParamValue][] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) params.push([key, value]);
    else if (typeof value === 'string') params.push([key, bare ? fromText(value) : value]);
    else return null;
  }
  return Object.fromEntries(params);
}

/** In `tx_copy_data=false tx_header_pad=64` types show only in how a value is written. */
function fromText(value: string): ParamValue {
  if (value === 'true' || value === 'false') return value === 'true';
  return wholeNumber(value) ?? value;
}
