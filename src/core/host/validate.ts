/**
 * Reading snapshots. They are plain data from outside, so each field is checked and copied; what does not
 * fit is answered with null, never with a throw.
 */
import type { Mac } from '../net/mac.ts';
import { StateReader } from '../virtio/state-reader.ts';
import type { PromiscLevel } from '../viona/link.ts';
import { PROMISC_LEVELS } from '../viona/link.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** More entries than any control buffer can carry are no table but an attack on memory. */
const MAX_TABLE = 65536;
const MAX_MAC = 0xffff_ffff_ffff;

export function fieldsOf(data: unknown): Fields | null {
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Fields) : null;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Reads what states of host models are made of. */
export class ModelReader extends StateReader {
  mac(value: unknown, path: string): Mac {
    return this.count(value, path, MAX_MAC);
  }

  /** Addresses that all pass `kind`. */
  table(value: unknown, path: string, kind: (mac: Mac) => boolean, maximum = MAX_TABLE): readonly Mac[] {
    const macs = this.list(value, path, maximum).map((entry) => this.mac(entry, path));
    if (!macs.every(kind)) this.fail(`${path} holds an address that does not belong there`);
    return macs;
  }

  level(value: unknown, path: string): PromiscLevel {
    const level = PROMISC_LEVELS.find((known) => known === value);
    if (level === undefined) this.fail(`${path} is no promiscuity level`);
    return level ?? 'MULTI';
  }
}

/**
 * The state that `read` makes of the fields, or null if something was wrong with one.
 *
 * @param read straight-line code: it gets a value of the right type for every field, whatever is there
 */
export function restored<S>(data: unknown, read: (reader: ModelReader, fields: Fields) => S): S | null {
  const reader = new ModelReader();
  const state = read(reader, reader.record(data, 'the state'));
  return reader.problem === null ? state : null;
}
