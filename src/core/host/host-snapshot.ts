/** The host side as plain data, and reading it back: untrusted on the way in. */
import type { Mac } from '../net/mac.ts';
import { KSTAT_NAMES, RING_STAT_NAMES } from '../viona/kstat.ts';
import type { IoctlRecord } from '../viona/link.ts';
import type { HostModelId } from './host-model.ts';
import { HOST_MODELS, isHostModelId } from './models.ts';
import { fieldsOf, isCount, isErrno } from './validate.ts';

export const HOST_SNAPSHOT_VERSION = 1;

export interface HostSnapshot {
  readonly version: typeof HOST_SNAPSHOT_VERSION;
  readonly model: HostModelId;
  readonly generation: number;
  readonly nextId: number;
  /** By model id; each model knows its own shape. */
  readonly states: Readonly<Record<string, unknown>>;
  readonly kstats: Readonly<Record<string, number>>;
  readonly ioctls: readonly IoctlRecord[];
}

export type HostSnapshotResult =
  | { readonly ok: true; readonly snapshot: HostSnapshot; readonly states: unknown[] }
  | { readonly ok: false; readonly error: string };

/** The history that `describe` shows; the trace has all of it. */
export const MAX_IOCTL_HISTORY = 512;
const MAX_U32 = 0xffff_ffff;
const COUNTERS: readonly string[] = [...KSTAT_NAMES, ...RING_STAT_NAMES];

export function readHostSnapshot(data: unknown, mac: Mac): HostSnapshotResult {
  const fail = (what: string): HostSnapshotResult => ({
    ok: false,
    error: `The host snapshot cannot be used: ${what}.`,
  });
  const fields = fieldsOf(data);
  if (!fields) return fail('it is not an object');
  if (fields.version !== HOST_SNAPSHOT_VERSION) return fail(`its version is not ${HOST_SNAPSHOT_VERSION}`);
  const { model, generation, nextId } = fields;
  if (!isHostModelId(model)) return fail('it names no known host model');
  if (!isCount(generation) || generation > MAX_U32) return fail('its generation is not a 32-bit number');
  if (!isCount(nextId) || nextId > MAX_U32 || nextId < 2 || nextId % 2 === 1)
    return fail('its next frame id is not even');

  const given = fieldsOf(fields.states);
  const states: unknown[] = [];
  for (const known of HOST_MODELS) {
    const state = known.restore(given?.[known.id], mac);
    if (state === null) return fail(`the state of ${known.id} is damaged, or of a device with another MAC address`);
    states.push(state);
  }
  const kstats = readKstats(fields.kstats);
  if (!kstats) return fail('its kstats are damaged');
  const ioctls = readIoctls(fields.ioctls);
  if (!ioctls) return fail('its ioctl history is damaged');
  const snapshot: HostSnapshot = {
    version: HOST_SNAPSHOT_VERSION,
    model,
    generation,
    nextId,
    states: given ?? {},
    kstats,
    ioctls,
  };
  return { ok: true, snapshot, states };
}

function readKstats(data: unknown): Record<string, number> | null {
  const fields = fieldsOf(data);
  if (!fields) return null;
  const kstats: Record<string, number> = {};
  for (const name of COUNTERS) {
    const value = fields[name];
    if (!isCount(value)) return null;
    kstats[name] = value;
  }
  return kstats;
}

function readIoctls(data: unknown): IoctlRecord[] | null {
  if (!Array.isArray(data) || data.length > MAX_IOCTL_HISTORY) return null;
  const records: IoctlRecord[] = [];
  for (const entry of data as readonly unknown[]) {
    const fields = fieldsOf(entry);
    if (!fields) return null;
    const { name, arg, errno, value } = fields;
    if (typeof name !== 'string' || typeof arg !== 'string' || !isErrno(errno)) return null;
    if (value !== undefined && !isCount(value)) return null;
    records.push({ name, arg, errno, ...(value === undefined ? {} : { value }) });
  }
  return records;
}
