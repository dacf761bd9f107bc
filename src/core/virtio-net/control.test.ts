import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { macTableSet, rxModeCommand } from '../testing/command-bytes.ts';
import { isControlError, parseControl } from './control.ts';

/** Bits 17 and 18. */
const FEATURES = (1n << 17n) | (1n << 18n);
const parse = (bytes: Uint8Array, features = FEATURES): ReturnType<typeof parseControl> =>
  parseControl(bytes, bytes.length, features);

function errorOf(bytes: Uint8Array, features = FEATURES): string {
  const { result } = parse(bytes, features);
  return isControlError(result) ? result.code : `command ${result.type}`;
}

describe('parseControl', () => {
  it('NET-CTRLRX-01, NET-CTRLRX-04: PROMISC and ALLMULTI, on and off', () => {
    expect(parse(rxModeCommand(0, 1))).toEqual({
      class: 0,
      command: 0,
      name: 'VIRTIO_NET_CTRL_RX_PROMISC',
      data: '1',
      result: { type: 'rx', flag: 'promisc', value: 1 },
    });
    expect(parse(rxModeCommand(1, 0))).toMatchObject({
      name: 'VIRTIO_NET_CTRL_RX_ALLMULTI',
      result: { type: 'rx', flag: 'allmulti', value: 0 },
    });
  });

  it('TABLE_SET: two counted lists, unicast first', () => {
    const parsed = parse(macTableSet(['02:00:00:00:00:0a', '00:11:22:33:44:55'], ['33:33:00:00:00:01']));
    expect(parsed.name).toBe('VIRTIO_NET_CTRL_MAC_TABLE_SET');
    expect(parsed.data).toBe('2 unicast, 1 multicast: 02:00:00:00:00:0a 00:11:22:33:44:55 33:33:00:00:00:01');
    expect(parsed.result).toEqual({
      type: 'mac-table-set',
      unicast: [0x0200_0000_000a, 0x0011_2233_4455],
      multicast: [0x3333_0000_0001],
    });
  });

  it('TABLE_SET: both lists may be empty; broadcast is a group address', () => {
    expect(parse(macTableSet([], [])).result).toEqual({ type: 'mac-table-set', unicast: [], multicast: [] });
    expect(errorOf(macTableSet([], ['ff:ff:ff:ff:ff:ff']))).toBe('command mac-table-set');
  });

  it('the text of a large table is short', () => {
    const macs = Array.from({ length: 500 }, () => '02:00:00:00:00:01');
    expect(parse(macTableSet(macs, [])).data).toMatch(/^500 unicast, 0 multicast: .{270,300} …$/);
  });

  it('ctrl-bad-value: anything but 0 and 1', () => {
    expect([2, 3, 128, 255].map((value) => errorOf(rxModeCommand(0, value)))).toEqual(Array(4).fill('ctrl-bad-value'));
  });

  it('ctrl-bad-table: an address in the wrong list', () => {
    expect(errorOf(macTableSet(['01:00:5e:00:00:01'], []))).toBe('ctrl-bad-table');
    expect(errorOf(macTableSet([], ['02:00:00:00:00:01']))).toBe('ctrl-bad-table');
    expect(parse(macTableSet([], ['02:00:00:00:00:01'])).result).toMatchObject({
      reason: '02:00:00:00:00:01 does not belong in the multicast table.',
    });
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
      [5, 0],
      [255, 255],
    ] as const) {
      expect(errorOf(Uint8Array.of(commandClass, command, 0))).toBe('ctrl-unknown');
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
      .tuple(fc.nat(2), fc.nat(2), fc.array(fc.nat(3), { maxLength: 40 }))
      .map(([a, b, rest]) => Uint8Array.of(a, b, ...rest));
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyRight), fc.bigInt(0n, (1n << 64n) - 1n), (bytes, features) => {
        const { result } = parseControl(bytes, bytes.length, features);
        if (isControlError(result)) return;
        const again =
          result.type === 'rx'
            ? rxModeCommand(
                ['promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'].indexOf(result.flag),
                result.value,
              )
            : result.type === 'mac-table-set' && macTableSet(result.unicast.map(text), result.multicast.map(text));
        expect(bytes).toEqual(again);
      }),
      { numRuns: 2000 },
    );
  });

  it('bytes behind the length are not looked at', () => {
    const bytes = Uint8Array.of(...rxModeCommand(0, 1), 9, 9);
    expect(parseControl(bytes, 3, FEATURES).result).toEqual({ type: 'rx', flag: 'promisc', value: 1 });
  });
});

const text = (mac: number): string => mac.toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '';
