/** Control commands as a driver writes them, from the tables in 5.1.9.5. Constants declared again on purpose. */

/** Class 0: PROMISC 0, ALLMULTI 1, ALLUNI 2, NOMULTI 3, NOUNI 4, NOBCAST 5. */
export function rxModeCommand(command: number, value: number): Uint8Array {
  return Uint8Array.of(0, command, value);
}

/** Class 1, command 0. Addresses as text, `01:00:5e:00:00:01`. */
export function macTableSet(unicast: readonly string[], multicast: readonly string[]): Uint8Array {
  return Uint8Array.of(1, 0, ...table(unicast), ...table(multicast));
}

function table(macs: readonly string[]): number[] {
  return [...le32(macs.length), ...macs.flatMap((mac) => mac.split(':').map((byte) => Number.parseInt(byte, 16)))];
}

/** Class 1, command 1. */
export function macAddressSet(mac: string): Uint8Array {
  return Uint8Array.of(1, 1, ...table([mac]).slice(4));
}

/** Class 2: ADD 0, DEL 1. */
export function vlan(action: 'add' | 'del', vid: number): Uint8Array {
  return Uint8Array.of(2, action === 'add' ? 0 : 1, ...le16(vid));
}

/** Class 3, command 0. */
export const announceAck = (): Uint8Array => Uint8Array.of(3, 0);

/** Class 4, command 0. */
export function pairsSet(pairs: number): Uint8Array {
  return Uint8Array.of(4, 0, ...le16(pairs));
}

export interface RssParameters {
  readonly types: number;
  readonly key: readonly number[];
  readonly table: readonly number[];
  readonly unclassified: number;
  readonly maxTxQueues: number;
}

/** Class 4, command 1. */
export function rssConfig({ types, key, table: entries, unclassified, maxTxQueues }: RssParameters): Uint8Array {
  const fixed = [...le32(types), ...le16(entries.length - 1), ...le16(unclassified)];
  return Uint8Array.of(4, 1, ...fixed, ...entries.flatMap(le16), ...le16(maxTxQueues), key.length, ...key);
}

/** Class 4, command 2. */
export function hashConfig(types: number, key: readonly number[], reserved = [0, 0, 0, 0]): Uint8Array {
  return Uint8Array.of(4, 2, ...le32(types), ...reserved.flatMap(le16), key.length, ...key);
}

/** Class 5, command 0. */
export function offloadsSet(offloads: bigint): Uint8Array {
  return Uint8Array.of(5, 0, ...le64(offloads));
}

/** Class 6: TX_SET 0, RX_SET 1. */
export function coalesceSet(role: 'rx' | 'tx', maxPackets: number, maxUsecs: number): Uint8Array {
  return Uint8Array.of(6, role === 'tx' ? 0 : 1, ...le32(maxPackets), ...le32(maxUsecs));
}

/** Class 6, command 2. */
export function coalesceQueueSet(queue: number, maxPackets: number, maxUsecs: number, reserved = 0): Uint8Array {
  return Uint8Array.of(6, 2, ...le16(queue), ...le16(reserved), ...le32(maxPackets), ...le32(maxUsecs));
}

/** Class 6, command 3. */
export function coalesceQueueGet(queue: number, reserved = 0): Uint8Array {
  return Uint8Array.of(6, 3, ...le16(queue), ...le16(reserved));
}

/** Class 8, command 0. */
export const statsQuery = (): Uint8Array => Uint8Array.of(8, 0);

/** Class 8, command 1. */
export function statsGet(...requests: readonly (readonly [queue: number, types: bigint])[]): Uint8Array {
  const entries = requests.flatMap(([queue, types]) => [...le16(queue), 0, 0, 0, 0, 0, 0, ...le64(types)]);
  return Uint8Array.of(8, 1, ...entries);
}

function le16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

function le32(value: number): number[] {
  return [...le16(value), ...le16(value >>> 16)];
}

function le64(value: bigint): number[] {
  return [...le32(Number(value & 0xffff_ffffn)), ...le32(Number((value >> 32n) & 0xffff_ffffn))];
}
