/**
 * The control queue's language: from bytes to a command, or to the guest error that they are.
 *
 *     class u8 | command u8 | data ...          reply: ack u8
 *
 *     RX   PROMISC, ALLMULTI, ...    u8, 0 or 1
 *     MAC  TABLE_SET                 le32 n, n x 6 bytes unicast; le32 m, m x 6 bytes multicast
 *
 * The data must add up exactly: bytes left over mean that driver and device disagree about the command.
 * The specification does not say what a device does with a command it cannot take; answering
 * VIRTIO_NET_ERR is what all devices do.
 *
 * @spec 5.1.9.5
 */
import { formatMac, isGroup, type Mac, macAt } from '../net/mac.ts';
import * as F from '../virtio/features.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import { RX_FLAGS, type RxFlag } from './rx-mode.ts';

/** Commands that the host decides about: what it acknowledges is in force. */
export type HostCommand =
  | { readonly type: 'rx'; readonly flag: RxFlag; readonly value: number }
  | { readonly type: 'mac-table-set'; readonly unicast: readonly Mac[]; readonly multicast: readonly Mac[] }
  | { readonly type: 'mac-addr-set'; readonly mac: Mac }
  | { readonly type: 'vlan'; readonly action: 'add' | 'del'; readonly vid: number }
  | { readonly type: 'mq-pairs'; readonly pairs: number };

/** A well-formed control command. Wire: class u8, command u8, data; reply: ack u8. @spec 5.1.9.5 */
export type ControlCommand = HostCommand;

export const VIRTIO_NET_OK = 0;
export const VIRTIO_NET_ERR = 1;

export const VIRTIO_NET_CTRL_RX = 0;
export const VIRTIO_NET_CTRL_RX_PROMISC = 0;
export const VIRTIO_NET_CTRL_RX_ALLMULTI = 1;
export const VIRTIO_NET_CTRL_MAC = 1;
export const VIRTIO_NET_CTRL_MAC_TABLE_SET = 0;

/**
 * The longest command the device takes, in bytes: a table of some thousands of addresses. No driver is
 * known to send more than the interface has groups; without a bound, a command could be 4 GiB.
 */
export const CONTROL_BYTES_MAX = 65_536;

const HEADER_SIZE = 2;
const MAC_SIZE = 6;

/** Command names by class, with the feature that each belongs to. @spec 5.1.9.5 */
const COMMANDS: readonly (readonly (readonly [name: string, feature: number])[])[] = [
  [
    ['VIRTIO_NET_CTRL_RX_PROMISC', F.VIRTIO_NET_F_CTRL_RX],
    ['VIRTIO_NET_CTRL_RX_ALLMULTI', F.VIRTIO_NET_F_CTRL_RX],
    ['VIRTIO_NET_CTRL_RX_ALLUNI', F.VIRTIO_NET_F_CTRL_RX_EXTRA],
    ['VIRTIO_NET_CTRL_RX_NOMULTI', F.VIRTIO_NET_F_CTRL_RX_EXTRA],
    ['VIRTIO_NET_CTRL_RX_NOUNI', F.VIRTIO_NET_F_CTRL_RX_EXTRA],
    ['VIRTIO_NET_CTRL_RX_NOBCAST', F.VIRTIO_NET_F_CTRL_RX_EXTRA],
  ],
  [
    ['VIRTIO_NET_CTRL_MAC_TABLE_SET', F.VIRTIO_NET_F_CTRL_RX],
    ['VIRTIO_NET_CTRL_MAC_ADDR_SET', F.VIRTIO_NET_F_CTRL_MAC_ADDR],
  ],
  [
    ['VIRTIO_NET_CTRL_VLAN_ADD', F.VIRTIO_NET_F_CTRL_VLAN],
    ['VIRTIO_NET_CTRL_VLAN_DEL', F.VIRTIO_NET_F_CTRL_VLAN],
  ],
  [['VIRTIO_NET_CTRL_ANNOUNCE_ACK', F.VIRTIO_NET_F_GUEST_ANNOUNCE]],
  [['VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET', F.VIRTIO_NET_F_MQ]],
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
  readonly result: ControlCommand | ControlError;
}

export const isControlError = (result: ControlCommand | ControlError): result is ControlError => 'code' in result;

/** Reads the command in `bytes[0, length)`. Any bytes are legal input. */
export function parseControl(bytes: Uint8Array, length: number, features: F.FeatureSet): ParsedControl {
  const commandClass = length > 0 ? (bytes[0] ?? 0) : -1;
  const command = length > 1 ? (bytes[1] ?? 0) : -1;
  const known = COMMANDS[commandClass]?.[command];
  const name = known?.[0] ?? `class ${commandClass} command ${command}`;
  const refuse = (code: ControlError['code'], reason: string): ParsedControl => ({
    class: commandClass,
    command,
    name,
    data: `${Math.max(0, length - HEADER_SIZE)} bytes`,
    result: { code, reason },
  });
  if (length < HEADER_SIZE) return refuse('ctrl-malformed', `The command has ${length} of 2 header bytes.`);
  if (!known) return refuse('ctrl-unknown', `There is no ${name}.`);
  if (!F.hasFeature(features, known[1])) {
    return refuse('ctrl-not-negotiated', `${name} needs feature bit ${known[1]}, which was not negotiated.`);
  }
  const parsed =
    commandClass === VIRTIO_NET_CTRL_RX
      ? parseRxMode(bytes, length, command)
      : commandClass === VIRTIO_NET_CTRL_MAC && command === VIRTIO_NET_CTRL_MAC_TABLE_SET
        ? parseTables(bytes, length)
        : refuseLater('ctrl-unknown', `${name} is not implemented.`);
  if (isControlError(parsed.result)) return { ...refuse(parsed.result.code, parsed.result.reason), data: parsed.data };
  return { class: commandClass, command, name, ...parsed };
}

type ParsedData = Pick<ParsedControl, 'data' | 'result'>;

const refuseLater = (code: ControlError['code'], reason: string, data = ''): ParsedData => ({
  data,
  result: { code, reason },
});

/** @spec 5.1.9.5.1 */
function parseRxMode(bytes: Uint8Array, length: number, command: number): ParsedData {
  const flag = RX_FLAGS[command];
  const size = length - HEADER_SIZE;
  if (!flag || size !== 1)
    return refuseLater('ctrl-malformed', `The data has ${size} bytes instead of 1.`, `${size} bytes`);
  const value = bytes[HEADER_SIZE] ?? 0;
  if (value > 1) return refuseLater('ctrl-bad-value', `The value is ${value}, neither 0 nor 1.`, `${value}`);
  return { data: `${value}`, result: { type: 'rx', flag, value } };
}

/** @spec 5.1.9.5.2 */
function parseTables(bytes: Uint8Array, length: number): ParsedData {
  const unicast = readTable(bytes, HEADER_SIZE, length);
  if (typeof unicast === 'string') return refuseLater('ctrl-malformed', `Unicast table: ${unicast}`);
  const multicast = readTable(bytes, unicast.end, length);
  if (typeof multicast === 'string') return refuseLater('ctrl-malformed', `Multicast table: ${multicast}`);
  if (multicast.end !== length) {
    return refuseLater('ctrl-malformed', `${length - multicast.end} bytes follow the tables.`);
  }
  const data = describeTables(unicast.macs, multicast.macs);
  const wrong = unicast.macs.find(isGroup) ?? multicast.macs.find((mac) => !isGroup(mac));
  if (wrong !== undefined) {
    const table = isGroup(wrong) ? 'unicast' : 'multicast';
    return refuseLater('ctrl-bad-table', `${formatMac(wrong)} does not belong in the ${table} table.`, data);
  }
  return { data, result: { type: 'mac-table-set', unicast: unicast.macs, multicast: multicast.macs } };
}

/** One counted table that must end at or before `end`; a sentence if it does not. */
function readTable(bytes: Uint8Array, at: number, end: number): { macs: Mac[]; end: number } | string {
  if (at + 4 > end) return `its count has ${end - at} of 4 bytes.`;
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  // Multiplied as doubles: 2^32 addresses of six bytes do not fit the 32 bits that shifts work in.
  const count = low + (bytes[at + 3] ?? 0) * 0x100_0000;
  const last = at + 4 + count * MAC_SIZE;
  if (last > end) return `${count} addresses do not fit in ${end - at - 4} bytes.`;
  const macs: Mac[] = [];
  for (let mac = at + 4; mac < last; mac += MAC_SIZE) macs.push(macAt(bytes, mac));
  return { macs, end: last };
}

const LISTED = 16;

function describeTables(unicast: readonly Mac[], multicast: readonly Mac[]): string {
  const all = [...unicast, ...multicast];
  const listed = all.slice(0, LISTED).map(formatMac).join(' ') + (all.length > LISTED ? ' …' : '');
  return `${unicast.length} unicast, ${multicast.length} multicast${all.length > 0 ? `: ${listed}` : ''}`;
}
