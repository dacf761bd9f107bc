/**
 * Frames as people write them, turned into bytes. What cannot be turned is answered with a sentence that
 * says how to mend it. A frame is never padded or truncated in silence: what is written is what is sent.
 */
import { type FrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import { buildFrame, ETHERTYPE_EXPERIMENTAL } from './ethernet.ts';
import { parseMac } from './mac.ts';
import { buildPacket, fillChecksum, offloadMeta, type OffloadSpec, type PacketSpec } from './packet-spec.ts';
import { STATION_MAC } from './station.ts';

/**
 * A frame to inject. Hex may contain spaces and colons. (The page's name for it: src/protocol/api.ts.)
 *
 *     { dst: '02:00:00:00:00:15', payload: '01 02' }
 *     { dst: '02:00:00:00:00:15', tcp: { to: '10.0.2.15', bytes: 20000 }, gso: { type: 'tcpv4', size: 1448 } }
 */
export type FrameSpec = OffloadSpec &
  (
    | {
        readonly dst: string;
        readonly src?: string;
        /** VID 0..4095. */
        readonly vlan?: number;
        /** Default 0x88b5 (local experimental). */
        readonly etherType?: number;
        /** Hex. */
        readonly payload?: string;
        /** Instead of `etherType` and `payload`: a TCP packet that is valid to the last checksum. */
        readonly tcp?: PacketSpec;
        /** Likewise. */
        readonly udp?: PacketSpec;
      }
    | { readonly raw: string }
  );

/** A whole IP packet with Ethernet header: the most that viona takes, even by offload. @source viona_rx.c */
export const MAX_FRAME_BYTES = 65550;

export type FrameSpecResult =
  | {
      readonly ok: true;
      readonly bytes: Uint8Array;
      /** What is left to do with it; PLAIN_FRAME if nothing. */
      readonly meta: Readonly<FrameMeta>;
    }
  | { readonly ok: false; readonly error: string };

const fail = (error: string): FrameSpecResult => ({ ok: false, error });

export function frameFromSpec(spec: FrameSpec): FrameSpecResult {
  if ('raw' in spec) {
    const bytes = parseHex(spec.raw);
    if (typeof bytes === 'string') return fail(`The frame ${bytes}`);
    if (bytes.length === 0) return fail('The frame is empty: write at least one byte of hex.');
    return finished(bytes, spec);
  }
  const dst = parseMac(spec.dst.trim());
  if (dst === null) return fail(badMac('destination', spec.dst));
  const from = spec.src?.trim() ?? '';
  const src = from === '' ? STATION_MAC : parseMac(from);
  if (src === null) return fail(badMac('source', spec.src ?? ''));
  const vid = spec.vlan;
  if (vid !== undefined && !inRange(vid, 0xfff)) {
    return fail(`VLAN ${vid} is out of range: write a number from 0 to 4095, or leave it out for an untagged frame.`);
  }
  const { tcp, udp } = spec;
  if (tcp ?? udp) {
    if ((tcp && udp) || spec.etherType !== undefined || spec.payload !== undefined) {
      return fail('A frame holds one of tcp, udp, and etherType with payload: leave the others out.');
    }
    const packet = tcp ? buildPacket('tcp', tcp) : buildPacket('udp', udp as PacketSpec);
    if (typeof packet === 'string') return fail(packet);
    const result = finished(buildFrame({ dst, src, vid, ...packet }), spec);
    if (result.ok) fillChecksum(result.bytes, result.meta);
    return result;
  }
  const etherType = spec.etherType ?? ETHERTYPE_EXPERIMENTAL;
  if (!inRange(etherType, 0xffff)) {
    return fail(`EtherType ${etherType} is out of range: write a number from 0 to 65535, for example 2048 for IPv4.`);
  }
  const payload = parseHex(spec.payload ?? '');
  if (typeof payload === 'string') return fail(`The payload ${payload}`);
  return finished(buildFrame({ dst, src, vid, etherType, payload }), spec);
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

function finished(bytes: Uint8Array, spec: OffloadSpec): FrameSpecResult {
  if (bytes.length > MAX_FRAME_BYTES) {
    return fail(
      `The frame has ${bytes.length} bytes: shorten it to ${MAX_FRAME_BYTES}, the most that a link can carry.`,
    );
  }
  const meta = (spec.gso ?? spec.needsCsum) ? offloadMeta(bytes, spec) : PLAIN_FRAME;
  return typeof meta === 'string' ? fail(meta) : { ok: true, bytes, meta };
}

function badMac(which: string, text: string): string {
  return `The ${which} “${text}” is not a MAC address: write six bytes of hex with colons, for example 02:00:00:00:00:15.`;
}

function inRange(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
