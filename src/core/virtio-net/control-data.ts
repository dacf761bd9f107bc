/**
 * What the data of each control command says. All numbers are little-endian: a legacy driver's native order
 * is the same one on this machine.
 *
 *     RX        u8, 0 or 1
 *     MAC       TABLE_SET le32 n, n x 6 bytes unicast; le32 m, m x 6 bytes multicast.  ADDR_SET 6 bytes
 *     VLAN      le16 vid
 *     MQ        VQ_PAIRS_SET le16 pairs
 *               RSS_CONFIG   le32 hash_types, le16 mask, le16 unclassified, le16 table[mask + 1],
 *                            le16 max_tx_vq, u8 key length, key
 *               HASH_CONFIG  le32 hash_types, le16 reserved[4], u8 key length, key
 *     OFFLOADS  le64
 *     NOTF_COAL TX_SET, RX_SET le32 max_packets, le32 max_usecs; VQ_SET, VQ_GET le16 vq, le16 reserved before it
 *     STATS     GET: entries of le16 vq, le16 reserved[3], le64 types
 *
 * Checks that need nothing but the bytes are made here; what depends on the device's state is not.
 *
 * @spec 5.1.9.5.1 to 5.1.9.5.11
 */
import { formatMac, isGroup, type Mac, macAt } from '../net/mac.ts';
import type { CoalescedRole, Coalesce } from './coalescing.ts';
import type { ControlCommand, ControlError, ParsedControl } from './control.ts';
import { type HashConfig, RSS_MAX_KEY_SIZE, RSS_MAX_TABLE_LENGTH, SUPPORTED_HASH_TYPES } from './rss.ts';
import { RX_FLAGS } from './rx-mode.ts';

export type ParsedData = Pick<ParsedControl, 'data' | 'wish' | 'error'>;

/** `struct virtio_net_ctrl_coal` */
export const COALESCE_SIZE = 8;

const MAC_SIZE = 6;
const VID_MAX = 4095;
const STATS_ENTRY_SIZE = 16;

const done = (data: string, wish: ControlCommand, error: ControlError | null = null): ParsedData => ({
  data,
  wish,
  error,
});

const refuse = (code: ControlError['code'], reason: string, data: string): ParsedData => ({
  data,
  wish: null,
  error: { code, reason },
});

const malformed = (data: Uint8Array, reason: string): ParsedData =>
  refuse('ctrl-malformed', reason, `${data.length} bytes`);

const wrongSize = (data: Uint8Array, size: number): ParsedData =>
  malformed(data, `The data has ${data.length} bytes instead of ${size}.`);

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.length);

export function parseEmpty(data: Uint8Array, wish: ControlCommand): ParsedData {
  return data.length === 0 ? done('', wish) : wrongSize(data, 0);
}

/** @spec 5.1.9.5.1 */
export function parseRxMode(data: Uint8Array, command: number): ParsedData {
  const flag = RX_FLAGS[command];
  if (!flag || data.length !== 1) return wrongSize(data, 1);
  const value = data[0] ?? 0;
  const error: ControlError = { code: 'ctrl-bad-value', reason: `The value is ${value}, neither 0 nor 1.` };
  return done(`${value}`, { type: 'rx', flag, value }, value > 1 ? error : null);
}

/** @spec 5.1.9.5.2 */
export function parseTables(data: Uint8Array): ParsedData {
  const unicast = readTable(data, 0);
  if (typeof unicast === 'string') return malformed(data, `Unicast table: ${unicast}`);
  const multicast = readTable(data, unicast.end);
  if (typeof multicast === 'string') return malformed(data, `Multicast table: ${multicast}`);
  if (multicast.end !== data.length) {
    return malformed(data, `${data.length - multicast.end} bytes follow the tables.`);
  }
  const wrong = unicast.macs.find(isGroup) ?? multicast.macs.find((mac) => !isGroup(mac));
  return done(
    describeTables(unicast.macs, multicast.macs),
    { type: 'mac-table-set', unicast: unicast.macs, multicast: multicast.macs },
    wrong === undefined ? null : { code: 'ctrl-bad-table', reason: wrongTable(wrong) },
  );
}

function wrongTable(mac: Mac): string {
  return `${formatMac(mac)} does not belong in the ${isGroup(mac) ? 'unicast' : 'multicast'} table.`;
}

/** One counted table that must end within the data; a sentence if it does not. */
function readTable(data: Uint8Array, at: number): { macs: Mac[]; end: number } | string {
  const end = data.length;
  if (at + 4 > end) return `its count has ${end - at} of 4 bytes.`;
  const count = viewOf(data).getUint32(at, true);
  // Multiplied as doubles: 2^32 addresses of six bytes do not fit the 32 bits that shifts work in.
  const last = at + 4 + count * MAC_SIZE;
  if (last > end) return `${count} addresses do not fit in ${end - at - 4} bytes.`;
  const macs: Mac[] = [];
  for (let mac = at + 4; mac < last; mac += MAC_SIZE) macs.push(macAt(data, mac));
  return { macs, end: last };
}

const LISTED = 16;

function describeTables(unicast: readonly Mac[], multicast: readonly Mac[]): string {
  const all = [...unicast, ...multicast];
  const listed = all.slice(0, LISTED).map(formatMac).join(' ') + (all.length > LISTED ? ' …' : '');
  return `${unicast.length} unicast, ${multicast.length} multicast${all.length > 0 ? `: ${listed}` : ''}`;
}

/** @spec 5.1.9.5.2 */
export function parseAddress(data: Uint8Array): ParsedData {
  if (data.length !== MAC_SIZE) return wrongSize(data, MAC_SIZE);
  const mac = macAt(data, 0);
  const text = formatMac(mac);
  const error: ControlError = { code: 'ctrl-bad-mac', reason: `${text} is a group address.` };
  return done(text, { type: 'mac-addr-set', mac }, isGroup(mac) ? error : null);
}

/** @spec 5.1.9.5.3 */
export function parseVlan(data: Uint8Array, action: 'add' | 'del'): ParsedData {
  if (data.length !== 2) return wrongSize(data, 2);
  const vid = viewOf(data).getUint16(0, true);
  if (vid > VID_MAX) return refuse('ctrl-bad-vid', `There is no VLAN ${vid}.`, `${vid}`);
  return done(`${vid}`, { type: 'vlan', action, vid });
}

/** @spec 5.1.9.5.6 */
export function parsePairs(data: Uint8Array): ParsedData {
  if (data.length !== 2) return wrongSize(data, 2);
  const pairs = viewOf(data).getUint16(0, true);
  return done(`${pairs} pairs`, { type: 'mq-pairs', pairs });
}

/** @spec 5.1.9.5.7.1 */
export function parseRss(data: Uint8Array): ParsedData {
  const fixed = 8;
  if (data.length < fixed) return malformed(data, `The data has ${data.length} of ${fixed} fixed bytes.`);
  const view = viewOf(data);
  const length = view.getUint16(4, true) + 1;
  const tail = fixed + 2 * length;
  if (tail + 3 > data.length) return malformed(data, `A table of ${length} entries does not fit.`);
  const table = Array.from({ length }, (_, index) => view.getUint16(fixed + 2 * index, true));
  const unclassified = view.getUint16(6, true);
  const maxTxQueues = view.getUint16(tail, true);
  const hash = readHash(data, tail + 2);
  if (typeof hash === 'string') return malformed(data, hash);
  const text = `${describeHash(hash)}, table of ${length}, unclassified to pair ${unclassified}, ${maxTxQueues} tx`;
  if (length > RSS_MAX_TABLE_LENGTH || (length & (length - 1)) !== 0) {
    const reason = `A table of ${length} entries is no power of two up to ${RSS_MAX_TABLE_LENGTH}.`;
    return refuse('ctrl-bad-rss', reason, text);
  }
  const fault = judgeHash(hash);
  if (fault !== null) return refuse('ctrl-bad-rss', fault, text);
  return done(text, { type: 'rss-config', config: { ...hash, table, unclassified, maxTxQueues } });
}

/** @spec 5.1.9.5.6.4 */
export function parseHash(data: Uint8Array): ParsedData {
  const fixed = 12;
  if (data.length <= fixed) return malformed(data, `The data has ${data.length} of ${fixed + 1} fixed bytes.`);
  const hash = readHash(data, fixed);
  if (typeof hash === 'string') return malformed(data, hash);
  const text = describeHash(hash);
  const fault = judgeHash(hash);
  if (fault !== null) return refuse('ctrl-bad-rss', fault, text);
  // The device goes on: Linux sends this command in the layout of RSS_CONFIG, with max_tx_vq in the last word.
  const reserved = data.subarray(4, fixed).some((byte) => byte !== 0);
  const error: ControlError = { code: 'ctrl-reserved-set', reason: 'The four reserved words are not all zero.' };
  return done(text, { type: 'hash-config', config: hash }, reserved ? error : null);
}

/** Types in front, and at `at` the key behind its length, which must end the data. A sentence if it does not. */
function readHash(data: Uint8Array, at: number): HashConfig | string {
  const length = data[at] ?? 0;
  const key = data.subarray(at + 1);
  if (key.length !== length) return `The key has ${key.length} bytes instead of ${length}.`;
  return { types: viewOf(data).getUint32(0, true), key: [...key] };
}

function judgeHash({ types, key }: HashConfig): string | null {
  const unsupported = (types & ~SUPPORTED_HASH_TYPES) >>> 0;
  if (unsupported !== 0) return `Hash types 0x${unsupported.toString(16)} are not supported.`;
  if (key.length > RSS_MAX_KEY_SIZE) return `The key is longer than ${RSS_MAX_KEY_SIZE} bytes.`;
  return types !== 0 && key.length === 0 ? 'There are hash types but no key.' : null;
}

const describeHash = ({ types, key }: HashConfig): string =>
  `types 0x${types.toString(16)}, key of ${key.length} bytes`;

/** @spec 5.1.9.5.9.1 */
export function parseOffloads(data: Uint8Array): ParsedData {
  if (data.length !== 8) return wrongSize(data, 8);
  const offloads = viewOf(data).getBigUint64(0, true);
  return done(`0x${offloads.toString(16)}`, { type: 'offloads-set', offloads });
}

/** @spec 5.1.9.5.10 */
export function parseCoalesce(data: Uint8Array, role: CoalescedRole): ParsedData {
  if (data.length !== COALESCE_SIZE) return wrongSize(data, COALESCE_SIZE);
  const coalesce = readCoalesce(data, 0);
  return done(describeCoalesce(coalesce), { type: 'coal-set', role, coalesce });
}

/** @spec 5.1.9.5.10.6 MUST ignore the reserved field (NET-COAL-01) */
export function parseQueueCoalesce(data: Uint8Array): ParsedData {
  const size = 4 + COALESCE_SIZE;
  if (data.length !== size) return wrongSize(data, size);
  const queue = viewOf(data).getUint16(0, true);
  const coalesce = readCoalesce(data, 4);
  return done(`queue ${queue}: ${describeCoalesce(coalesce)}`, { type: 'coal-vq-set', queue, coalesce });
}

/** @spec 5.1.9.5.10 of the structure, the driver writes the index and the reserved field */
export function parseQueueQuery(data: Uint8Array): ParsedData {
  if (data.length !== 4) return wrongSize(data, 4);
  const queue = viewOf(data).getUint16(0, true);
  return done(`queue ${queue}`, { type: 'coal-vq-get', queue });
}

function readCoalesce(data: Uint8Array, at: number): Coalesce {
  const view = viewOf(data);
  return { maxPackets: view.getUint32(at, true), maxUsecs: view.getUint32(at + 4, true) };
}

const describeCoalesce = ({ maxPackets, maxUsecs }: Coalesce): string => `${maxPackets} packets, ${maxUsecs} µs`;

/** @spec 5.1.9.5.11.2 */
export function parseStats(data: Uint8Array): ParsedData {
  if (data.length === 0 || data.length % STATS_ENTRY_SIZE !== 0) {
    return malformed(data, `${data.length} bytes are no list of entries of ${STATS_ENTRY_SIZE}.`);
  }
  const view = viewOf(data);
  const requests = Array.from({ length: data.length / STATS_ENTRY_SIZE }, (_, index) => ({
    queue: view.getUint16(STATS_ENTRY_SIZE * index, true),
    types: view.getBigUint64(STATS_ENTRY_SIZE * index + 8, true),
  }));
  return done(`${requests.length} queues`, { type: 'stats-get', requests });
}
