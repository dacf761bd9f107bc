/** The link's rings as pairs, and pairs that are alike as one line: there may be 256 of them. */
import type { LinkInfo } from '../protocol/api.ts';

type Ring = LinkInfo['rings'][number];

export interface RingGroup {
  /** Pairs, from the first to the last. */
  readonly first: number;
  readonly last: number;
  readonly rx: Ring;
  readonly tx: Ring;
  /** Frames are spread over it, but its receive ring does not run: they are lost, and viona counts nothing. */
  readonly loses: boolean;
}

export function ringGroups(rings: readonly Ring[]): RingGroup[] {
  const groups: RingGroup[] = [];
  for (let pair = 0; 2 * pair + 1 < rings.length; pair++) {
    const rx = rings[2 * pair] as Ring;
    const tx = rings[2 * pair + 1] as Ring;
    const before = groups.at(-1);
    if (before && alike(before.rx, rx) && alike(before.tx, tx)) groups[groups.length - 1] = { ...before, last: pair };
    else groups.push({ first: pair, last: pair, rx, tx, loses: rx.inUse && (rx.state !== 'RUN' || rx.stalled) });
  }
  return groups;
}

function alike(a: Ring, b: Ring): boolean {
  return (
    a.state === b.state &&
    a.size === b.size &&
    a.stalled === b.stalled &&
    a.inUse === b.inUse &&
    a.requests.join() === b.requests.join()
  );
}

/** `0`, or `1–10`. */
export function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}–${last}`;
}
