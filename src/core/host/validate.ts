/**
 * Reading snapshots. They are plain data from outside, so each field is checked and copied; what does not
 * fit is answered with null, never with a throw.
 */
import type { Mac } from '../net/mac.ts';
import { FAULT_ERRNOS, IOCTL_NAMES, MAX_FAULTS, VIONA_MAX_MTU, VIONA_MIN_MTU } from '../viona/ioctl.ts';
import type { Errno, ErrnoName, LinkCallbacks, LinkConfig, LinkState, PromiscLevel } from '../viona/link.ts';
import { LEVEL_CALLBACKS, levelInForce, PROMISC_LEVELS } from '../viona/link.ts';

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

export function isMac(value: unknown): value is Mac {
  return isCount(value) && value <= MAX_MAC;
}

export function isMtu(value: unknown): value is number {
  return isCount(value) && value >= VIONA_MIN_MTU && value <= VIONA_MAX_MTU;
}

export function isLevel(value: unknown): value is PromiscLevel {
  return (PROMISC_LEVELS as readonly unknown[]).includes(value);
}

/** Addresses that all pass `kind`, or null. */
export function restoreTable(data: unknown, kind: (mac: Mac) => boolean): readonly Mac[] | null {
  if (!Array.isArray(data) || data.length > MAX_TABLE) return null;
  const entries = Array.from<unknown>(data); // holes become undefined, which `every` does not pass by
  return entries.every((entry) => isMac(entry) && kind(entry)) ? (entries as Mac[]) : null;
}

function restoreConfig(data: unknown): LinkConfig | null {
  const fields = fieldsOf(data);
  if (!fields || !isMac(fields.mac) || !isMtu(fields.mtu)) return null;
  return { mac: fields.mac, mtu: fields.mtu };
}

/** One of the three combinations that viona_rx_set can leave behind. */
function restoreCallbacks(data: unknown): LinkCallbacks | null {
  const fields = fieldsOf(data);
  const promisc = fieldsOf(fields?.promisc);
  if (!fields || (fields.promisc !== null && !promisc)) return null;
  const found = PROMISC_LEVELS.map((level) => LEVEL_CALLBACKS[level]).find(
    (callbacks) =>
      callbacks.classified === fields.classified &&
      (callbacks.promisc?.kind ?? null) === (promisc?.kind ?? null) &&
      (callbacks.promisc?.handler ?? null) === (promisc?.handler ?? null),
  );
  return found ?? null;
}

export function restoreLink(data: unknown): LinkState | null {
  const fields = fieldsOf(data);
  if (!fields) return null;
  const config = restoreConfig(fields.config);
  const callbacks = restoreCallbacks(fields.callbacks);
  if (!config || !callbacks || !isLevel(fields.level) || !Array.isArray(fields.faults)) return null;
  if (fields.faults.length > MAX_FAULTS) return null;
  // Level and callbacks agree, or a failed ioctl left the callbacks of NONE.
  const inForce = levelInForce(callbacks);
  if (inForce !== fields.level && inForce !== 'NONE') return null;
  const faults: { name: string; errno: ErrnoName }[] = [];
  for (const entry of fields.faults as readonly unknown[]) {
    const fault = fieldsOf(entry);
    const name = IOCTL_NAMES.find((known) => known === fault?.name);
    const errno = FAULT_ERRNOS.find((known) => known === fault?.errno);
    if (!name || !errno) return null;
    faults.push({ name, errno });
  }
  return { config, level: fields.level, callbacks, faults };
}

export function isErrno(value: unknown): value is Errno {
  return value === 0 || (typeof value === 'string' && value.startsWith('E'));
}
