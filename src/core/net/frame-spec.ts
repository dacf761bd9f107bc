/**
 * Frames as people write them, turned into bytes. What cannot be turned is answered with a sentence that
 * says how to mend it. A frame is never padded or truncated in silence: what is written is what is sent.
 */
import { buildFrame, ETHERTYPE_EXPERIMENTAL } from './ethernet.ts';
import type { Mac } from './mac.ts';
import { parseMac } from './mac.ts';

/** A frame to inject. Hex may contain spaces and colons. (The page's name for it: src/protocol/api.ts.) */
export type FrameSpec =
  | {
      readonly dst: string;
      readonly src?: string;
      /** VID 0..4095. */
      readonly vlan?: number;
      /** Default 0x88b5 (local experimental). */
      readonly etherType?: number;
      /** Hex. */
      readonly payload?: string;
    }
  | { readonly raw: string };

/** The lab's own station: who sends when a spec names nobody. */
export const STATION_MAC: Mac = 0x0200_0000_0002;
/** A whole IP packet with Ethernet header: the most that viona takes, even by offload. @source viona_rx.c */
export const MAX_FRAME_BYTES = 65550;

export type FrameSpecResult =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly error: string };

const fail = (error: string): FrameSpecResult => ({ ok: false, error });

export function frameFromSpec(spec: FrameSpec): FrameSpecResult {
  if ('raw' in spec) {
    const bytes = parseHex(spec.raw);
    if (typeof bytes === 'string') return fail(`The frame ${bytes}`);
    if (bytes.length === 0) return fail('The frame is empty: write at least one byte of hex.');
    return sized(bytes);
  }
  const dst = parseMac(spec.dst.trim());
  if (dst === null) return fail(badMac('destination', spec.dst));
  const src = spec.src === undefined || spec.src.trim() === '' ? STATION_MAC : parseMac(spec.src.trim());
  if (src === null) return fail(badMac('source', spec.src ?? ''));
  const vid = spec.vlan;
  if (vid !== undefined && !inRange(vid, 0xfff)) {
    return fail(`VLAN ${vid} is out of range: write a number from 0 to 4095, or leave it out for an untagged frame.`);
  }
  const etherType = spec.etherType ?? ETHERTYPE_EXPERIMENTAL;
  if (!inRange(etherType, 0xffff)) {
    return fail(`EtherType ${etherType} is out of range: write a number from 0 to 65535, for example 2048 for IPv4.`);
  }
  const payload = parseHex(spec.payload ?? '');
  if (typeof payload === 'string') return fail(`The payload ${payload}`);
  return sized(buildFrame({ dst, src, vid, etherType, payload }));
}

/** The bytes, or the rest of a sentence that says what is wrong. */
export function parseHex(text: string): Uint8Array | string {
  const digits = text.replace(/0x/gi, '').replace(/[\s:]/g, '');
  const stranger = /[^0-9a-f]/i.exec(digits);
  if (stranger) return `contains “${stranger[0]}”: only the digits 0-9 and a-f, spaces and colons can stand there.`;
  if (digits.length % 2 === 1) return `has ${digits.length} hex digits: two make a byte, so add or remove one.`;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sized(bytes: Uint8Array): FrameSpecResult {
  if (bytes.length <= MAX_FRAME_BYTES) return { ok: true, bytes };
  return fail(`The frame has ${bytes.length} bytes: shorten it to ${MAX_FRAME_BYTES}, the most that a link can carry.`);
}

function badMac(which: string, text: string): string {
  return `The ${which} “${text}” is not a MAC address: write six bytes of hex with colons, for example 02:00:00:00:00:15.`;
}

function inRange(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
