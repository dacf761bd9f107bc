/**
 * The arguments of the link's ioctls: as types for VMM models, and as what people write.
 *
 * People may write numbers and addresses as text, structures as objects, as JSON or as `index=0 size=256`,
 * and leave away what has a default. `parseIoctlArgument` makes the typed argument of it, or says how to
 * mend it; `ioctlArgumentText` is the way back. Neither throws, whatever it is given. Values that the
 * kernel would judge itself (a mode of 7, a ring that is not there) are left to it.
 */
import type { Mac } from '../net/mac.ts';
import { formatMac, parseMac } from '../net/mac.ts';
import { formatFeatures } from '../virtio/features.ts';
import { readFields, readParams, wholeNumber, words } from './argument-text.ts';
import type { ArgumentForm, IoctlEntry, IoctlField, IoctlName } from './ioctl-table.ts';
import { IOCTLS, isIoctlName } from './ioctl-table.ts';
import { PROMISC_LEVELS } from './link.ts';
import type { ParamList } from './params.ts';
import type { RingAddresses } from './rings.ts';

type NoArgument = null | 0;

/** By name; by-value arguments are numbers. */
export interface IoctlArguments {
  VNA_IOC_CREATE: { readonly linkid: number; readonly vmfd: number };
  VNA_IOC_DELETE: NoArgument;
  VNA_IOC_VERSION: NoArgument;
  /** Bytes of the buffer. */
  VNA_IOC_DEFAULT_PARAMS: number;
  VNA_IOC_RING_INIT: { readonly index: number; readonly size: number; readonly address: number };
  VNA_IOC_RING_RESET: number;
  VNA_IOC_RING_KICK: number;
  VNA_IOC_RING_SET_MSI: { readonly index: number; readonly address: number; readonly message: number };
  VNA_IOC_RING_INTR_CLR: number;
  VNA_IOC_RING_SET_STATE: RingAddresses & {
    readonly index: number;
    readonly size: number;
    readonly availIdx: number;
    readonly usedIdx: number;
  };
  VNA_IOC_RING_GET_STATE: number;
  VNA_IOC_RING_PAUSE: number;
  VNA_IOC_RING_INIT_MODERN: RingAddresses & { readonly index: number; readonly size: number };
  VNA_IOC_INTR_POLL: NoArgument;
  /** As `formatFeatures` writes it. */
  VNA_IOC_SET_FEATURES: string;
  VNA_IOC_GET_FEATURES: NoArgument;
  VNA_IOC_SET_NOTIFY_IOP: number;
  /** Position in PROMISC_LEVELS. */
  VNA_IOC_SET_PROMISC: number;
  VNA_IOC_GET_PARAMS: number;
  /** Null for a list of no bytes. */
  VNA_IOC_SET_PARAMS: ParamList | null;
  VNA_IOC_GET_MTU: NoArgument;
  VNA_IOC_SET_MTU: number;
  /** Null clears. */
  VNA_IOC_SET_NOTIFY_MMIO: { readonly address: number; readonly size: number } | null;
  /** Rings to look at. */
  VNA_IOC_INTR_POLL_MQ: number;
  VNA_IOC_SET_MAC_FILTERS: readonly Mac[];
  /** Entries that the buffer has room for. */
  VNA_IOC_GET_MAC_FILTERS: number;
  VNA_IOC_SET_MAC_ADDR: Mac;
  VNA_IOC_GET_MAC_ADDR: NoArgument;
  VNA_IOC_GET_PAIRS: NoArgument;
  VNA_IOC_SET_PAIRS: number;
  VNA_IOC_GET_USEPAIRS: NoArgument;
  VNA_IOC_SET_USEPAIRS: number;
}

export type IoctlArgument = IoctlArguments[IoctlName];
/** What may be passed for a name: typed if the name is known to the compiler. */
export type ArgumentOf<N extends string> = N extends IoctlName ? IoctlArguments[N] : unknown;

export type ParsedArgument<A = IoctlArgument> =
  { readonly ok: true; readonly arg: A } | { readonly ok: false; readonly error: string };

/** A table longer than any VMM passes on; the link itself takes 64. */
const MAX_LIST = 4096;
/** Entries of a list that its text shows. */
const MAX_LIST_TEXT = 64;
const MAX_MAC = 0xffff_ffff_ffff;
const MAX_FEATURES = (1n << 64n) - 1n;
const MAX_PLAIN_TEXT = 80;

const bad = (error: string): ParsedArgument<never> => ({ ok: false, error });

export function parseIoctlArgument<N extends IoctlName>(name: N, arg: unknown): ParsedArgument<IoctlArguments[N]>;
export function parseIoctlArgument(name: string, arg: unknown): ParsedArgument;
export function parseIoctlArgument(name: string, arg: unknown): ParsedArgument {
  if (!isIoctlName(name)) return bad(`The link has no ioctl ${name}.`);
  const entry = IOCTLS[name];
  const given = typeof arg === 'string' && arg.trim() === '' ? null : (arg ?? null);
  return PARSERS[entry.form](given, name, entry);
}

type Parser = (given: unknown, name: IoctlName, entry: IoctlEntry) => ParsedArgument;

const PARSERS: Readonly<Record<ArgumentForm, Parser>> = {
  none: () => ({ ok: true, arg: null }),
  number: parseNumber,
  level(given, name) {
    const level = typeof given === 'string' ? given.trim().toUpperCase() : '';
    const mode = (PROMISC_LEVELS as readonly string[]).indexOf(level);
    const number = mode >= 0 ? mode : wholeNumber(given ?? 0);
    return number === null
      ? bad(`${name} takes ${PROMISC_LEVELS.join(', ')}, or a number.`)
      : { ok: true, arg: number };
  },
  features(given, name) {
    const features = bits(given ?? 0);
    if (features !== null) return { ok: true, arg: formatFeatures(features) };
    return bad(`${name} takes a feature set of 64 bits, for example '0x100018000'.`);
  },
  fields: parseFields,
  'fields-or-none': (given, name, entry) =>
    given === null || given === 0 || given === '0' ? { ok: true, arg: null } : parseFields(given, name, entry),
  params(given, name) {
    if (given === null || given === 0) return { ok: true, arg: null };
    const params = readParams(given);
    return params === null
      ? bad(`${name} takes parameters, for example {tx_header_pad: 64}.`)
      : { ok: true, arg: params };
  },
  mac(given, name) {
    const mac = macOf(given);
    return mac === null ? bad(`${name} takes a MAC address, for example '02:00:00:00:00:15'.`) : { ok: true, arg: mac };
  },
  macs(given, name) {
    if (given === null || given === 0) return { ok: true, arg: [] };
    const list = typeof given === 'string' ? words(given) : given;
    if (!Array.isArray(list) || list.length > MAX_LIST) {
      return bad(`${name} takes a list of at most ${MAX_LIST} MAC addresses, for example ['01:00:5e:00:00:01'].`);
    }
    const macs: Mac[] = [];
    for (const entry of list as readonly unknown[]) {
      const mac = macOf(entry);
      if (mac === null) return bad(`${name}: entry ${macs.length} is not a MAC address like '01:00:5e:00:00:01'.`);
      macs.push(mac);
    }
    return { ok: true, arg: macs };
  },
};

function parseNumber(given: unknown, name: IoctlName, entry: IoctlEntry): ParsedArgument {
  const { otherwise = 0 } = entry;
  const number = wholeNumber(given ?? otherwise);
  return number === null
    ? bad(`${name} takes a whole number, for example ${otherwise || 1}.`)
    : { ok: true, arg: number };
}

function parseFields(given: unknown, name: IoctlName, { layout }: IoctlEntry): ParsedArgument {
  const shape = `{${layout.map((field) => field.name).join(', ')}}`;
  // 0 is what a caller who passes nothing has always passed.
  const fields = readFields(given === 0 ? null : given);
  if (fields === null) return bad(`${name} takes ${shape}.`);
  const unknown = Object.keys(fields).find((key) => !layout.some((field) => field.name === key));
  if (unknown !== undefined)
    return bad(`${name} has no field “${unknown.slice(0, MAX_PLAIN_TEXT)}”: it takes ${shape}.`);
  const arg: Record<string, number> = {};
  for (const field of layout) {
    const most = Math.min(2 ** (8 * field.size) - 1, Number.MAX_SAFE_INTEGER);
    const given = Object.hasOwn(fields, field.name) ? fields[field.name] : field.otherwise;
    if (given === undefined) return bad(`${name} needs the field ${field.name}: it takes ${shape}.`);
    const value = wholeNumber(given);
    // An int, and the only one: a descriptor that is not there is the kernel's to refuse.
    const least = field.name === 'vmfd' ? -1 : 0;
    if (value === null || value < least || value > most) {
      return bad(`${name}: ${field.name} is a whole number from ${least} to ${most}.`);
    }
    arg[field.name] = value;
  }
  return { ok: true, arg: arg as unknown as IoctlArgument };
}

function macOf(given: unknown): Mac | null {
  if (typeof given === 'string') return parseMac(given.trim());
  return typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= MAX_MAC ? given : null;
}

function bits(given: unknown): bigint | null {
  let set: bigint;
  if (typeof given === 'bigint') set = given;
  else if (typeof given === 'number' && Number.isSafeInteger(given)) set = BigInt(given);
  else if (typeof given === 'string' && /^(0x[0-9a-f]{1,32}|\d{1,39})$/i.test(given.trim())) set = BigInt(given.trim());
  else return null;
  return set >= 0n && set <= MAX_FEATURES ? set : null;
}

/** The argument as people write it: what `parseIoctlArgument` reads, if the argument is one. */
export function ioctlArgumentText(name: string, arg: unknown): string {
  const parsed = parseIoctlArgument(name, arg);
  return parsed.ok && isIoctlName(name) ? textOf(IOCTLS[name], parsed.arg) : plainText(arg);
}

function textOf({ form, layout }: IoctlEntry, arg: IoctlArgument): string {
  if (form === 'mac') return formatMac(arg as Mac);
  if (arg === null || form === 'none') return '';
  if (form === 'params') return JSON.stringify(arg);
  if (form === 'macs') return listText(arg as readonly Mac[]);
  if (typeof arg === 'number') return (form === 'level' ? PROMISC_LEVELS[arg] : undefined) ?? String(arg);
  if (typeof arg === 'string') return arg;
  const fields = arg as unknown as Readonly<Record<string, number>>;
  return layout.map((field) => `${field.name}=${fieldText(field, fields[field.name] ?? 0)}`).join(' ');
}

function fieldText(field: IoctlField, value: number): string {
  return field.hex ? `0x${value.toString(16)}` : String(value);
}

function listText(macs: readonly Mac[]): string {
  const text = macs.slice(0, MAX_LIST_TEXT).map(formatMac).join(' ');
  const more = macs.length - MAX_LIST_TEXT;
  return more > 0 ? `${text} and ${more} more` : text;
}

/** Something that is no argument, in a few words. */
function plainText(arg: unknown): string {
  if (typeof arg === 'string') return arg.slice(0, MAX_PLAIN_TEXT);
  if (typeof arg === 'number' || typeof arg === 'boolean') return String(arg);
  if (typeof arg === 'bigint') return arg.toString().slice(0, MAX_PLAIN_TEXT);
  if (arg === null || arg === undefined) return '';
  return Array.isArray(arg) ? `a list of ${arg.length}` : `(${typeof arg})`;
}
