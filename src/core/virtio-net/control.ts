/**
 * The control queue's language: from bytes to a command, or to the guest error that they are.
 *
 *     class u8 | command u8 | data ...          reply: ack u8, and for a few commands a result
 *
 * The data must add up exactly: bytes left over mean that driver and device disagree about the command.
 * The specification does not say what a device does with a command it cannot take; answering
 * VIRTIO_NET_ERR is what all devices do.
 *
 * Values that only a host can judge go to it as they are: a driver's mistake there is recorded, and what
 * becomes of it is one of the things in which hosts differ. What data means is in `control-data.ts`.
 *
 * @spec 5.1.9.5
 */
import type { Mac } from '../net/mac.ts';
import * as F from '../virtio/features.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { CoalescedRole, Coalesce } from './coalescing.ts';
import * as D from './control-data.ts';
import type { HashConfig, RssConfig } from './rss.ts';
import type { RxFlag } from './rx-mode.ts';
import type { StatsRequest } from './statistics.ts';

/** Commands that the host decides about: what it acknowledges is in force. */
export type HostCommand =
  | { readonly type: 'rx'; readonly flag: RxFlag; readonly value: number }
  | { readonly type: 'mac-table-set'; readonly unicast: readonly Mac[]; readonly multicast: readonly Mac[] }
  | { readonly type: 'mac-addr-set'; readonly mac: Mac }
  | { readonly type: 'vlan'; readonly action: 'add' | 'del'; readonly vid: number }
  | { readonly type: 'mq-pairs'; readonly pairs: number };

/** Commands that the device executes by itself. */
export type LocalCommand =
  | { readonly type: 'announce-ack' }
  | { readonly type: 'rss-config'; readonly config: RssConfig }
  | { readonly type: 'hash-config'; readonly config: HashConfig }
  | { readonly type: 'offloads-set'; readonly offloads: bigint }
  | { readonly type: 'coal-set'; readonly role: CoalescedRole; readonly coalesce: Coalesce }
  | { readonly type: 'coal-vq-set'; readonly queue: number; readonly coalesce: Coalesce }
  | { readonly type: 'coal-vq-get'; readonly queue: number }
  | { readonly type: 'stats-query' }
  | { readonly type: 'stats-get'; readonly requests: readonly StatsRequest[] };

/** A well-formed control command. Wire: class u8, command u8, data; reply: ack u8. @spec 5.1.9.5 */
export type ControlCommand = HostCommand | LocalCommand;

const HOST_TYPES: readonly ControlCommand['type'][] = ['rx', 'mac-table-set', 'mac-addr-set', 'vlan', 'mq-pairs'];

export const isHostCommand = (command: ControlCommand): command is HostCommand => HOST_TYPES.includes(command.type);

export const VIRTIO_NET_OK = 0;
export const VIRTIO_NET_ERR = 1;

const CLASS_NOTF_COAL = 6;
const COMMAND_VQ_GET = 3;

/**
 * The longest command the device takes, in bytes: a table of some thousands of addresses. No driver is
 * known to send more than the interface has groups; without a bound, a command could be 4 GiB.
 */
export const CONTROL_BYTES_MAX = 65_536;

const HEADER_SIZE = 2;

interface CommandSpec {
  readonly name: string;
  /** Negotiated with it. */
  readonly feature: number;
  readonly parse: (data: Uint8Array, command: number) => D.ParsedData;
}

const spec = (name: string, feature: number, parse: CommandSpec['parse']): CommandSpec => ({
  name: `VIRTIO_NET_CTRL_${name}`,
  feature,
  parse,
});

/** By class, then by command. Classes 7 (HASH_TUNNEL) and 9 (RSS_CTX) belong to features never offered. */
const COMMANDS: readonly (readonly CommandSpec[])[] = [
  [
    spec('RX_PROMISC', F.VIRTIO_NET_F_CTRL_RX, D.parseRxMode),
    spec('RX_ALLMULTI', F.VIRTIO_NET_F_CTRL_RX, D.parseRxMode),
    spec('RX_ALLUNI', F.VIRTIO_NET_F_CTRL_RX_EXTRA, D.parseRxMode),
    spec('RX_NOMULTI', F.VIRTIO_NET_F_CTRL_RX_EXTRA, D.parseRxMode),
    spec('RX_NOUNI', F.VIRTIO_NET_F_CTRL_RX_EXTRA, D.parseRxMode),
    spec('RX_NOBCAST', F.VIRTIO_NET_F_CTRL_RX_EXTRA, D.parseRxMode),
  ],
  [
    spec('MAC_TABLE_SET', F.VIRTIO_NET_F_CTRL_RX, D.parseTables),
    // @spec 5.1.3 names this feature for it; the driver clause 5.1.9.5.2.2 names CTRL_RX, and nobody goes by it
    spec('MAC_ADDR_SET', F.VIRTIO_NET_F_CTRL_MAC_ADDR, D.parseAddress),
  ],
  [
    spec('VLAN_ADD', F.VIRTIO_NET_F_CTRL_VLAN, (data) => D.parseVlan(data, 'add')),
    spec('VLAN_DEL', F.VIRTIO_NET_F_CTRL_VLAN, (data) => D.parseVlan(data, 'del')),
  ],
  [spec('ANNOUNCE_ACK', F.VIRTIO_NET_F_GUEST_ANNOUNCE, (data) => D.parseEmpty(data, { type: 'announce-ack' }))],
  [
    spec('MQ_VQ_PAIRS_SET', F.VIRTIO_NET_F_MQ, D.parsePairs),
    spec('MQ_RSS_CONFIG', F.VIRTIO_NET_F_RSS, D.parseRss),
    spec('MQ_HASH_CONFIG', F.VIRTIO_NET_F_HASH_REPORT, D.parseHash),
  ],
  [spec('GUEST_OFFLOADS_SET', F.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, D.parseOffloads)],
  [
    spec('NOTF_COAL_TX_SET', F.VIRTIO_NET_F_NOTF_COAL, (data) => D.parseCoalesce(data, 'tx')),
    spec('NOTF_COAL_RX_SET', F.VIRTIO_NET_F_NOTF_COAL, (data) => D.parseCoalesce(data, 'rx')),
    spec('NOTF_COAL_VQ_SET', F.VIRTIO_NET_F_VQ_NOTF_COAL, D.parseQueueCoalesce),
    spec('NOTF_COAL_VQ_GET', F.VIRTIO_NET_F_VQ_NOTF_COAL, D.parseQueueQuery),
  ],
  [],
  [
    spec('STATS_QUERY', F.VIRTIO_NET_F_DEVICE_STATS, (data) => D.parseEmpty(data, { type: 'stats-query' })),
    spec('STATS_GET', F.VIRTIO_NET_F_DEVICE_STATS, D.parseStats),
  ],
];

export interface ControlError {
  readonly code: Extract<GuestErrorCode, `ctrl-${string}`>;
  readonly reason: string;
}

export interface ParsedControl {
  /** -1 where the message ends before it. */
  readonly class: number;
  readonly command: number;
  readonly name: string;
  /** The data, for people. */
  readonly data: string;
  /** What to do, or null: answer ERR. */
  readonly wish: ControlCommand | null;
  /** What the driver did wrong; with a wish, that is to be recorded and no more. */
  readonly error: ControlError | null;
}

/** Reads the command in `bytes[0, length)`. Any bytes are legal input. */
export function parseControl(bytes: Uint8Array, length: number, features: F.FeatureSet): ParsedControl {
  const commandClass = length > 0 ? (bytes[0] ?? 0) : -1;
  const command = length > 1 ? (bytes[1] ?? 0) : -1;
  const known = COMMANDS[commandClass]?.[command];
  const name = known?.name ?? `class ${commandClass} command ${command}`;
  const head = { class: commandClass, command, name };
  const refuse = (code: ControlError['code'], reason: string): ParsedControl => ({
    ...head,
    data: `${Math.max(0, length - HEADER_SIZE)} bytes`,
    wish: null,
    error: { code, reason },
  });
  if (length < HEADER_SIZE) return refuse('ctrl-malformed', `The command has ${length} of 2 header bytes.`);
  if (!known) return refuse('ctrl-unknown', `There is no ${name}.`);
  if (!F.hasFeature(features, known.feature)) {
    return refuse('ctrl-not-negotiated', `${name} needs feature bit ${known.feature}, which was not negotiated.`);
  }
  return { ...head, ...known.parse(bytes.subarray(HEADER_SIZE, length), command) };
}

/**
 * Bytes that the device writes before the ack byte: VQ_GET alone has data of its own that is device-writable,
 * and by the order of `struct virtio_net_ctrl` data comes before the ack. A result comes behind it: only the
 * STATS commands have one.
 */
export function bytesBeforeAck(bytes: Uint8Array, length: number): number {
  const get = length >= HEADER_SIZE && bytes[0] === CLASS_NOTF_COAL && bytes[1] === COMMAND_VQ_GET;
  return get ? D.COALESCE_SIZE : 0;
}
