/**
 * Frames to send, by name, and when to send them.
 *
 * The presets are one frame of every class that a receive filter tells apart. Where it makes sense they
 * carry a valid UDP datagram, so that tcpdump in the guest shows something readable. They are FrameSpecs:
 * the page can put them into its form, and a test can inject them as they are.
 */
import { buildFrame, ETHER_HEADER_SIZE, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import type { FrameSpec } from './frame-spec.ts';
import { formatHex } from './frame-spec.ts';
import { GUESTS } from './guests.ts';
import { parseIp4 } from './ip-address.ts';
import type { Ip4 } from './ipv4.ts';
import { buildUdp4, ip4 } from './ipv4.ts';
import type { Ip6 } from './ipv6.ts';
import { buildUdp6, ip6 } from './ipv6.ts';
import type { Mac } from './mac.ts';
import { formatMac, MAC_BROADCAST } from './mac.ts';
import { STATION_IPV4, STATION_IPV6, STATION_MAC } from './station.ts';

/** The first guest, whom everything is sent to that names nobody else. */
export const GUEST_MAC: Mac = GUESTS[0].mac;
/** Nobody's address: unicast that is not for the guest. */
export const FOREIGN_MAC: Mac = 0x0200_0000_0099;
/** A VLAN that no client of the link is in. */
export const OTHER_VLAN = 5;

export const PRESET_IDS = [
  'own-unicast',
  'foreign-unicast',
  'broadcast',
  'all-hosts',
  'all-nodes',
  'multicast-v4',
  'multicast-v6',
  'vlan-own-unicast',
  'vlan-broadcast',
  'vlan-multicast',
  'priority-tagged',
  'runt',
  'oversize',
] as const;
export type PresetId = (typeof PRESET_IDS)[number];

export interface Preset {
  readonly id: PresetId;
  readonly title: string;
  readonly frame: FrameSpec;
}

const DISCARD_PORT = 9;
const text = (words: string): Uint8Array => Uint8Array.from(words, (letter) => letter.charCodeAt(0));
const NOTE = text('virtio-net lab frame');

/** The presets for the guest with that address, and that MTU. */
export function trafficPresets(guest: Mac = GUEST_MAC, mtu = 1500): readonly Preset[] {
  const ipv4 = parseIp4((GUESTS.find(({ mac }) => mac === guest) ?? GUESTS[0]).ipv4) ?? 0;
  const v4 = (dst: Ip4, data = NOTE): string =>
    formatHex(buildUdp4(STATION_IPV4, dst, DISCARD_PORT, DISCARD_PORT, data));
  const v6 = (dst: Ip6): string => formatHex(buildUdp6(STATION_IPV6, dst, DISCARD_PORT, DISCARD_PORT, NOTE));
  const frame4 = (dst: Mac, ip: Ip4, vlan?: number): FrameSpec => ({
    dst: formatMac(dst),
    src: formatMac(STATION_MAC),
    ...(vlan === undefined ? {} : { vlan }),
    etherType: ETHERTYPE_IPV4,
    payload: v4(ip),
  });
  const frame6 = (dst: Mac, ip: Ip6): FrameSpec => ({
    dst: formatMac(dst),
    src: formatMac(STATION_MAC),
    etherType: ETHERTYPE_IPV6,
    payload: v6(ip),
  });
  const everybody = ip4(255, 255, 255, 255);
  const group4 = ip4(239, 1, 2, 3);
  const group4Mac = 0x0100_5e01_0203;
  // 28 bytes of IP and UDP: a frame of 42 bytes, below the 60 of a wire.
  const runt = buildFrame({
    dst: guest,
    src: STATION_MAC,
    etherType: ETHERTYPE_IPV4,
    payload: buildUdp4(STATION_IPV4, ipv4, DISCARD_PORT, DISCARD_PORT, text('')),
  });
  // One byte more of layer 3 than the MTU allows; its own length fields agree with that.
  const oversize = new Uint8Array(mtu + 1 - 28).fill(0x2e);
  return [
    { id: 'own-unicast', title: 'To the guest', frame: frame4(guest, ipv4) },
    { id: 'foreign-unicast', title: 'To another station', frame: frame4(FOREIGN_MAC, ip4(10, 0, 2, 99)) },
    { id: 'broadcast', title: 'Broadcast', frame: frame4(MAC_BROADCAST, everybody) },
    {
      id: 'all-hosts',
      title: 'IPv4 all hosts, a group every guest joins',
      frame: frame4(0x0100_5e00_0001, ip4(224, 0, 0, 1)),
    },
    {
      id: 'all-nodes',
      title: 'IPv6 all nodes, a group every guest joins',
      frame: frame6(0x3333_0000_0001, ip6(0xff02, 0, 0, 0, 0, 0, 0, 1)),
    },
    { id: 'multicast-v4', title: 'IPv4 group 239.1.2.3', frame: frame4(group4Mac, group4) },
    {
      id: 'multicast-v6',
      title: 'IPv6 group ff15::1:203',
      frame: frame6(0x3333_0001_0203, ip6(0xff15, 0, 0, 0, 0, 0, 1, 0x203)),
    },
    { id: 'vlan-own-unicast', title: 'To the guest, tagged for VLAN 5', frame: frame4(guest, ipv4, OTHER_VLAN) },
    {
      id: 'vlan-broadcast',
      title: 'Broadcast, tagged for VLAN 5',
      frame: frame4(MAC_BROADCAST, everybody, OTHER_VLAN),
    },
    {
      id: 'vlan-multicast',
      title: 'IPv4 all hosts, tagged for VLAN 5',
      frame: frame4(0x0100_5e00_0001, ip4(224, 0, 0, 1), OTHER_VLAN),
    },
    { id: 'priority-tagged', title: 'To the guest, with a priority tag (VID 0)', frame: frame4(guest, ipv4, 0) },
    { id: 'runt', title: `To the guest, ${runt.length} bytes`, frame: { raw: formatHex(runt) } },
    {
      id: 'oversize',
      title: `To the guest, ${ETHER_HEADER_SIZE + mtu + 1} bytes: one more than the MTU allows`,
      frame: {
        dst: formatMac(guest),
        src: formatMac(STATION_MAC),
        etherType: ETHERTYPE_IPV4,
        payload: v4(ipv4, oversize),
      },
    },
  ];
}

/** Due frames beyond this are given up in one go: a tab that slept for an hour must not flood the guest. */
const MAX_BURST = 4096;

/**
 * A list of frames, sent round and round at a steady rate. Pure: the owner has the clock and asks
 * `due(now)`, then calls `next()` as often. Time is in nanoseconds, any origin. Without a rate a burst is always due, and
 * the owner takes of it what there is room for.
 */
export class TrafficSource<Frame> {
  readonly #frames: readonly Frame[];
  readonly #rate: number;
  readonly #start: number;
  #taken = 0;
  #position = 0;
  /** Frames that came due but were given up, because more than a burst was due at once. */
  skipped = 0;
  /** Frames handed out by `next`. */
  sent = 0;

  /** @param rate frames per second, above 0; Infinity: as many as there is room for */
  constructor(frames: readonly Frame[], rate: number, start: number) {
    if (frames.length === 0) throw new RangeError('A traffic source needs at least one frame.');
    if (!(rate > 0)) throw new RangeError('The rate must be a number above 0 frames per second.');
    this.#frames = frames;
    this.#rate = rate;
    this.#start = start;
  }

  /** How many frames are to be sent now. The first is due at once. */
  due(now: number): number {
    if (this.#rate === Infinity) return MAX_BURST;
    const total = now < this.#start ? 0 : Math.floor(((now - this.#start) * this.#rate) / 1e9) + 1;
    const late = total - this.#taken - MAX_BURST;
    if (late > 0) {
      this.skipped += late;
      this.#taken += late;
    }
    return Math.max(0, total - this.#taken);
  }

  next(): Frame {
    const frame = this.#frames[this.#position] as Frame;
    this.#position = (this.#position + 1) % this.#frames.length;
    this.#taken++;
    this.sent++;
    return frame;
  }
}
