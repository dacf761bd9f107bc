/**
 * A VLAN table: which of the 4096 VIDs pass. Plain data that is never changed in place: 256 words of 16
 * bits, lowest VID in the lowest bit of the first word.
 */
import type { ModelReader } from './validate.ts';

export type VlanMap = readonly number[];

const WORDS = 256;
const ALL_BITS = 0xffff;
export const VID_MAX = 0xfff;

export const NO_VLANS: VlanMap = Object.freeze(Array.from({ length: WORDS }, () => 0));
export const ALL_VLANS: VlanMap = Object.freeze(Array.from({ length: WORDS }, () => ALL_BITS));

/** Hot path. @param vid 0..4095 */
export function hasVlan(map: VlanMap, vid: number): boolean {
  return ((map[vid >> 4] ?? 0) & (1 << (vid & 15))) !== 0;
}

/** The map with that VID in it or not; the same map if nothing changes. */
export function withVlan(map: VlanMap, vid: number, passes: boolean): VlanMap {
  if (hasVlan(map, vid) === passes) return map;
  return map.map((word, index) => (index === vid >> 4 ? word ^ (1 << (vid & 15)) : word));
}

export function readVlans(reader: ModelReader, value: unknown, path: string): VlanMap {
  return reader.counts(value, path, WORDS, ALL_BITS);
}
