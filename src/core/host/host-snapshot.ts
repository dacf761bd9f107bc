/** The host side as plain data, and reading it back: untrusted on the way in. */
import type { Mac } from '../net/mac.ts';
import type { CounterSnapshot } from '../viona/kstat.ts';
import { LinkCounters } from '../viona/kstat.ts';
import type { IoctlRecord, LinkKind } from '../viona/link.ts';
import { restoreIoctlRecord } from '../viona/link-restore.ts';
import type { HostModelId } from './host-model.ts';
import { MAX_IOCTL_HISTORY } from './host-side-log.ts';
import { HOST_MODELS, isHostModelId } from './models.ts';
import { fieldsOf, isCount } from './validate.ts';

export const HOST_SNAPSHOT_VERSION = 2;

export interface HostSnapshot {
  readonly version: typeof HOST_SNAPSHOT_VERSION;
  readonly model: HostModelId;
  /** What links are opened on. */
  readonly linkKind: LinkKind;
  readonly generation: number;
  readonly nextId: number;
  /** By model id; each model knows its own shape. */
  readonly states: Readonly<Record<string, unknown>>;
  /** By model id: what each model's link has counted. */
  readonly counters: Readonly<Record<string, CounterSnapshot>>;
  readonly ioctls: readonly IoctlRecord[];
}

export type HostSnapshotResult =
  | {
      readonly ok: true;
      readonly snapshot: Pick<HostSnapshot, 'model' | 'linkKind' | 'generation' | 'nextId' | 'ioctls'>;
      /** In the order of HOST_MODEL_IDS. */
      readonly states: unknown[];
      readonly counters: LinkCounters[];
    }
  | { readonly ok: false; readonly error: string };

const MAX_U32 = 0xffff_ffff;

export function readHostSnapshot(data: unknown, mac: Mac): HostSnapshotResult {
  const fail = (what: string): HostSnapshotResult => ({
    ok: false,
    error: `The host snapshot cannot be used: ${what}.`,
  });
  const fields = fieldsOf(data);
  if (!fields) return fail('it is not an object');
  if (fields.version !== HOST_SNAPSHOT_VERSION) return fail(`its version is not ${HOST_SNAPSHOT_VERSION}`);
  const { model, linkKind, generation, nextId } = fields;
  if (!isHostModelId(model)) return fail('it names no known host model');
  if (linkKind !== 'physical' && linkKind !== 'vnic') return fail('it names no kind of link');
  if (!isCount(generation) || generation > MAX_U32) return fail('its generation is not a 32-bit number');
  if (!isCount(nextId) || nextId > MAX_U32 || nextId < 2 || nextId % 2 === 1)
    return fail('its next frame id is not even');

  const given = fieldsOf(fields.states);
  const counts = fieldsOf(fields.counters);
  const states: unknown[] = [];
  const counters: LinkCounters[] = [];
  for (const known of HOST_MODELS) {
    const state = known.restore(given?.[known.id], mac);
    if (state === null) return fail(`the state of ${known.id} is damaged, or of a device with another MAC address`);
    const link = known.link(state);
    if (link !== null && (link.config.kind ?? 'physical') !== linkKind) {
      return fail(`the link of ${known.id} is not of the kind ${linkKind}`);
    }
    const counted = new LinkCounters();
    if (!counted.restore(counts?.[known.id])) return fail(`the counters of ${known.id} are damaged`);
    states.push(state);
    counters.push(counted);
  }
  const ioctls = readIoctls(fields.ioctls);
  if (!ioctls) return fail('its ioctl history is damaged');
  return { ok: true, snapshot: { model, linkKind, generation, nextId, ioctls }, states, counters };
}

function readIoctls(data: unknown): IoctlRecord[] | null {
  if (!Array.isArray(data) || data.length > MAX_IOCTL_HISTORY) return null;
  const records: IoctlRecord[] = [];
  for (const entry of data as readonly unknown[]) {
    const record = restoreIoctlRecord(entry);
    if (record === null) return null;
    records.push(record);
  }
  return records;
}
