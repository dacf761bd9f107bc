import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { macTableSet, rxModeCommand } from '../testing/command-bytes.ts';
import { type ControlCommand, parseControl } from './control.ts';

/** Bits 17 and 18. */
const FEATURES = (1n << 17n) | (1n << 18n);
const parse = (bytes: Uint8Array, features = FEATURES): ReturnType<typeof parseControl> =>
  parseControl(bytes, bytes.length, features);

/** Why it is refused, or what it is. */
function errorOf(bytes: Uint8Array, features = FEATURES): string {
  const { wish, error } = parse(bytes, features);
  return wish ? `command ${wish.type}` : (error?.code ?? '');
}

describe('parseControl', () => {
  it('NET-CTRLRX-01, NET-CTRLRX-04: PROMISC and ALLMULTI, on and off', () => {
    expect(parse(rxModeCommand(0, 1))).toEqual({
      class: 0,
      command: 0,
      name: 'VIRTIO_NET_CTRL_RX_PROMISC',
      data: '1',
      wish: { type: 'rx', flag: 'promisc', value: 1 },
      error: null,
    });
    expect(parse(rxModeCommand(1, 0))).toMatchObject({
      name: 'VIRTIO_NET_CTRL_RX_ALLMULTI',
      wish: { type: 'rx', flag: 'allmulti', value: 0 },
    });
  });

  it('TABLE_SET: two counted lists, unicast first', () => {
    const parsed = parse(macTableSet(['02:00:00:00:00:0a', '00:11:22:33:44:55'], ['33:33:00:00:00:01']));
    expect(parsed.name).toBe('VIRTIO_NET_CTRL_MAC_TABLE_SET');
    expect(parsed.data).toBe('2 unicast, 1 multicast: 02:00:00:00:00:0a 00:11:22:33:44:55 33:33:00:00:00:01');
    expect(parsed.wish).toEqual({
      type: 'mac-table-set',
      unicast: [0x0200_0000_000a, 0x0011_2233_4455],
      multicast: [0x3333_0000_0001],
    });
  });

  it('TABLE_SET: both lists may be empty; broadcast is a group address', () => {
    expect(parse(macTableSet([], [])).wish).toEqual({ type: 'mac-table-set', unicast: [], multicast: [] });
    expect(errorOf(macTableSet([], ['ff:ff:ff:ff:ff:ff']))).toBe('command mac-table-set');
  });

  it('the text of a large table is short', () => {
    const macs = Array.from({ length: 500 }, () => '02:00:00:00:00:01');
    expect(parse(macTableSet(macs, [])).data).toMatch(/^500 unicast, 0 multicast: .{270,300} …$/);
  });

  it('ctrl-bad-value: anything but 0 and 1 is the host’s to judge', () => {
    for (const value of [2, 3, 128, 255]) {
      const { wish, error } = parse(rxModeCommand(0, value));
      expect(wish).toEqual({ type: 'rx', flag: 'promisc', value });
      expect(error?.code).toBe('ctrl-bad-value');
    }
  });

  it('ctrl-bad-table: an address in the wrong list is the host’s to judge', () => {
    const unicast = parse(macTableSet(['01:00:5e:00:00:01'], []));
    expect(unicast).toMatchObject({ wish: { unicast: [0x0100_5e00_0001] }, error: { code: 'ctrl-bad-table' } });
    const multicast = parse(macTableSet([], ['02:00:00:00:00:01']));
    expect(multicast.wish).toMatchObject({ multicast: [0x0200_0000_0001] });
    expect(multicast.error?.reason).toBe('02:00:00:00:00:01 does not belong in the multicast table.');
  });

  it('ctrl-malformed: data missing or left over', () => {
    const table = macTableSet(['02:00:00:00:00:01'], ['01:00:5e:00:00:01']);
    for (let length = 0; length < table.length; length++) {
      if (length !== 1) expect(errorOf(table.slice(0, length))).toBe('ctrl-malformed');
    }
    expect(errorOf(Uint8Array.of(...table, 0))).toBe('ctrl-malformed');
    expect(errorOf(Uint8Array.of(0, 0))).toBe('ctrl-malformed');
    expect(errorOf(Uint8Array.of(0, 0, 1, 0))).toBe('ctrl-malformed');
    expect(errorOf(Uint8Array.of(0))).toBe('ctrl-malformed');
  });

  const EVERYTHING = (1n << 64n) - 1n;
  const KEY = [1, 2, 3];
  const RSS = { types: 1, key: KEY, table: [0, 1], unclassified: 0, maxTxQueues: 1 };
  it.each([
    ['RX_PROMISC', rxModeCommand(0, 1)],
    ['MAC_TABLE_SET', macTableSet(['02:00:00:00:00:01'], ['01:00:5e:00:00:01'])],
    ['MAC_ADDR_SET', C.macAddressSet('02:00:00:00:00:01')],
    ['VLAN_ADD', C.vlan('add', 4095)],
    ['VLAN_DEL', C.vlan('del', 0)],
    ['ANNOUNCE_ACK', C.announceAck()],
    ['MQ_VQ_PAIRS_SET', C.pairsSet(1)],
    ['MQ_RSS_CONFIG', C.rssConfig(RSS)],
    ['MQ_HASH_CONFIG', C.hashConfig(1, KEY)],
    ['GUEST_OFFLOADS_SET', C.offloadsSet(1n)],
    ['NOTF_COAL_TX_SET', C.coalesceSet('tx', 1, 2)],
    ['NOTF_COAL_VQ_SET', C.coalesceQueueSet(0, 1, 2)],
    ['NOTF_COAL_VQ_GET', C.coalesceQueueGet(0)],
    ['STATS_QUERY', C.statsQuery()],
    ['STATS_GET', C.statsGet([0, 1n], [1, 3n])],
  ])('ctrl-malformed: a byte less or more than %s has', (name, bytes) => {
    expect(parse(bytes, EVERYTHING)).toMatchObject({ name: `VIRTIO_NET_CTRL_${name}`, error: null });
    const data = bytes.length - 2;
    const more = Uint8Array.of(...bytes, 0);
    expect(parse(more, EVERYTHING)).toMatchObject({
      data: `${data + 1} bytes`,
      wish: null,
      error: { code: 'ctrl-malformed' },
    });
    for (let length = 2; length < bytes.length; length++) {
      // Half of a list is a shorter list.
      const list = name === 'STATS_GET' && (length - 2) % 16 === 0 && length > 2;
      expect(errorOf(bytes.slice(0, length), EVERYTHING)).toBe(list ? 'command stats-get' : 'ctrl-malformed');
    }
  });

  it('ctrl-malformed: the reason says how much there is and how much there should be', () => {
    const reasonOf = (bytes: Uint8Array): string | undefined => parse(bytes, EVERYTHING).error?.reason;
    const tables = macTableSet(['02:00:00:00:00:01'], ['01:00:5e:00:00:01']);
    expect(reasonOf(tables.slice(0, 5))).toBe('Unicast table: its count has 3 of 4 bytes.');
    expect(reasonOf(tables.slice(0, 10))).toBe('Unicast table: 1 addresses do not fit in 4 bytes.');
    expect(reasonOf(tables.slice(0, 14))).toBe('Multicast table: its count has 2 of 4 bytes.');
    expect(reasonOf(tables.slice(0, 19))).toBe('Multicast table: 1 addresses do not fit in 3 bytes.');
    expect(reasonOf(Uint8Array.of(...tables, 7, 7))).toBe('2 bytes follow the tables.');
    expect(reasonOf(C.offloadsSet(1n).slice(0, 4))).toBe('The data has 2 bytes instead of 8.');
    expect(reasonOf(C.rssConfig(RSS).slice(0, 9))).toBe('The data has 7 of 8 fixed bytes.');
    expect(reasonOf(C.rssConfig(RSS).slice(0, 10))).toBe('A table of 2 entries does not fit.');
    expect(reasonOf(C.hashConfig(1, KEY).slice(0, 14))).toBe('The data has 12 of 13 fixed bytes.');
    expect(reasonOf(C.hashConfig(1, KEY).slice(0, 16))).toBe('The key has 1 bytes instead of 3.');
    expect(reasonOf(Uint8Array.of(0))).toBe('The command has 1 of 2 header bytes.');
  });

  it('ctrl-malformed: without a header there is no class or command', () => {
    expect(parse(new Uint8Array(0))).toMatchObject({ class: -1, command: -1, data: '0 bytes', wish: null });
    expect(parse(Uint8Array.of(0))).toMatchObject({ class: 0, command: -1, data: '0 bytes', wish: null });
    expect(parse(Uint8Array.of(77, 3, 1, 1, 1))).toMatchObject({ class: 77, command: 3, data: '3 bytes' });
  });

  it('HASH_CONFIG: reserved words that are set are recorded, and the command goes on', () => {
    for (const reserved of [
      [1, 0, 0, 0],
      [0, 0, 0, 0x8000],
    ]) {
      const { wish, error } = parse(C.hashConfig(1, KEY, reserved), EVERYTHING);
      expect([wish?.type, error?.code]).toEqual(['hash-config', 'ctrl-reserved-set']);
    }
    expect(parse(C.hashConfig(0, []), EVERYTHING).error).toBeNull();
    expect(parse(C.hashConfig(1, []), EVERYTHING).error?.reason).toBe('There are hash types but no key.');
  });

  it('the text of a table lists sixteen addresses, and says when there are more', () => {
    const macs = (count: number): string[] => Array.from({ length: count }, () => '02:00:00:00:00:01');
    expect(parse(macTableSet([], [])).data).toBe('0 unicast, 0 multicast');
    expect(parse(macTableSet(macs(16), [])).data).not.toMatch(/…/);
    expect(parse(macTableSet(macs(17), [])).data).toMatch(/…$/);
  });

  it('ctrl-malformed: counts whose byte size overflows 32 bits', () => {
    // 0x2aaaaaab * 6 is 2 modulo 2^32; 0x80000000 is negative as a signed number.
    for (const count of [0x2aaa_aaab, 0x8000_0000, 0xffff_ffff]) {
      for (let length = 6; length < 24; length++) {
        const bytes = new Uint8Array(length);
        bytes[0] = 1;
        new DataView(bytes.buffer).setUint32(2, count, true);
        expect(errorOf(bytes)).toBe('ctrl-malformed');
      }
    }
  });

  it('ctrl-unknown: no such class or command', () => {
    for (const [commandClass, command] of [
      [0, 6],
      [1, 2],
      [2, 2],
      [3, 1],
      [4, 3],
      [5, 1],
      [6, 4],
      [7, 0],
      [8, 2],
      [9, 0],
      [255, 255],
    ] as const) {
      expect(errorOf(Uint8Array.of(commandClass, command, 0), (1n << 128n) - 1n)).toBe('ctrl-unknown');
    }
  });

  it('ctrl-not-negotiated: the class exists, its feature was not agreed on', () => {
    expect(errorOf(rxModeCommand(0, 1), 1n << 17n)).toBe('ctrl-not-negotiated');
    expect(errorOf(macTableSet([], []), 0n)).toBe('ctrl-not-negotiated');
    for (const bytes of [rxModeCommand(2, 1), rxModeCommand(5, 1), Uint8Array.of(2, 0, 1, 0), Uint8Array.of(3, 0)]) {
      expect(errorOf(bytes)).toBe('ctrl-not-negotiated');
    }
    expect(parse(Uint8Array.of(2, 1, 1, 0)).name).toBe('VIRTIO_NET_CTRL_VLAN_DEL');
  });

  it('no bytes make it throw, and what it accepts is what the bytes say', () => {
    const anyBytes = fc.uint8Array({ maxLength: 64 });
    const nearlyRight = fc
      .tuple(fc.nat(9), fc.nat(6), fc.array(fc.nat(3), { maxLength: 40 }))
      .map(([a, b, rest]) => Uint8Array.of(a, b, ...rest));
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyRight), fc.bigInt(0n, (1n << 64n) - 1n), (bytes, features) => {
        const { wish } = parseControl(bytes, bytes.length, features);
        const again = wish && write(wish);
        if (again) expect(bytes).toEqual(again);
      }),
      { numRuns: 2000 },
    );
  });

  it('bytes behind the length are not looked at', () => {
    const bytes = Uint8Array.of(...rxModeCommand(0, 1), 9, 9);
    expect(parseControl(bytes, 3, FEATURES).wish).toEqual({ type: 'rx', flag: 'promisc', value: 1 });
  });
});

/** The bytes of a command, for those in which every byte says something. */
function write(wish: ControlCommand): Uint8Array | null {
  switch (wish.type) {
    case 'rx':
      return rxModeCommand(
        ['promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'].indexOf(wish.flag),
        wish.value,
      );
    case 'mac-table-set':
      return macTableSet(wish.unicast.map(text), wish.multicast.map(text));
    case 'mac-addr-set':
      return C.macAddressSet(text(wish.mac));
    case 'vlan':
      return C.vlan(wish.action, wish.vid);
    case 'mq-pairs':
      return C.pairsSet(wish.pairs);
    case 'announce-ack':
      return Uint8Array.of(3, 0);
    case 'rss-config':
      return C.rssConfig(wish.config);
    case 'offloads-set':
      return C.offloadsSet(wish.offloads);
    case 'coal-set':
      return C.coalesceSet(wish.role, wish.coalesce.maxPackets, wish.coalesce.maxUsecs);
    case 'stats-query':
      return Uint8Array.of(8, 0);
    default:
      return null; // these have reserved fields
  }
}

const text = (mac: number): string => mac.toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '';
