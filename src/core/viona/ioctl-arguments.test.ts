import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParsedArgument } from './ioctl-arguments.ts';
import { ioctlArgumentText, parseIoctlArgument } from './ioctl-arguments.ts';
import { IOCTL_NAMES } from './ioctl-table.ts';

const parse = (name: string, arg: unknown): ParsedArgument => parseIoctlArgument(`VNA_IOC_${name}`, arg);
const argOf = (name: string, arg: unknown): unknown => {
  const parsed = parse(name, arg);
  return parsed.ok ? parsed.arg : undefined;
};
const errorOf = (name: string, arg: unknown): string | undefined => {
  const parsed = parse(name, arg);
  return parsed.ok ? undefined : parsed.error;
};
const text = (name: string, arg: unknown): string => ioctlArgumentText(`VNA_IOC_${name}`, arg);

describe('reading an argument', () => {
  it.each([
    ['SET_PROMISC', 'none', 0],
    ['SET_PROMISC', ' ALL ', 2],
    ['SET_PROMISC', '7', 7],
    ['SET_MTU', '0x5dc', 1500],
    ['SET_MTU', -1, -1],
    ['SET_MTU', 9000n, 9000],
    ['RING_KICK', '', 0],
    ['GET_MTU', 'anything', null],
    ['GET_PARAMS', null, 4096],
    ['GET_MAC_FILTERS', null, 64],
    ['GET_MAC_FILTERS', 0, 0],
    ['CREATE', null, { linkid: 1, vmfd: 3 }],
    ['CREATE', { vmfd: -1 }, { linkid: 1, vmfd: -1 }],
    ['RING_INIT', 'index=1 size=256 address=0x1000', { index: 1, size: 256, address: 0x1000 }],
    ['RING_INIT', '{"index": 1, "size": "256", "address": 4096}', { index: 1, size: 256, address: 0x1000 }],
    ['SET_NOTIFY_MMIO', 0, null],
    ['SET_NOTIFY_MMIO', { address: '0xfe000000', size: 4 }, { address: 0xfe00_0000, size: 4 }],
    ['SET_FEATURES', 0x18000, '0x0000000000018000'],
    ['SET_FEATURES', '0x100000000', '0x0000000100000000'],
    ['SET_FEATURES', 1n << 63n, '0x8000000000000000'],
    ['SET_PARAMS', 'tx_copy_data=false tx_header_pad=64', { tx_copy_data: false, tx_header_pad: 64 }],
    ['SET_PARAMS', { tx_header_pad: '64' }, { tx_header_pad: '64' }],
    ['SET_MAC_ADDR', '02:00:00:00:00:15', 0x0200_0000_0015],
    ['SET_MAC_FILTERS', null, []],
    ['SET_MAC_FILTERS', '01:00:5e:00:00:01, 33:33:00:00:00:01', [0x0100_5e00_0001, 0x3333_0000_0001]],
    ['SET_MAC_FILTERS', '["01:00:5e:00:00:01"]', [0x0100_5e00_0001]],
    ['SET_MAC_FILTERS', ['01:00:5e:00:00:01', 0x3333_0000_0001], [0x0100_5e00_0001, 0x3333_0000_0001]],
  ] as const)('%s %o', (name, given, arg) => {
    expect(argOf(name, given)).toEqual(arg);
  });

  it.each([
    ['NONSENSE', 0, 'The link has no ioctl VNA_IOC_NONSENSE.'],
    ['SET_PROMISC', 'SOME', 'VNA_IOC_SET_PROMISC takes NONE, MULTI, ALL, or a number.'],
    ['SET_MTU', 1.5, 'VNA_IOC_SET_MTU takes a whole number, for example 1.'],
    ['SET_MTU', {}, 'VNA_IOC_SET_MTU takes a whole number, for example 1.'],
    ['RING_INIT', 7, 'VNA_IOC_RING_INIT takes {index, size, address}.'],
    ['RING_INIT', 'index 1', 'VNA_IOC_RING_INIT takes {index, size, address}.'],
    ['RING_INIT', '{"index"', 'VNA_IOC_RING_INIT takes {index, size, address}.'],
    ['RING_INIT', { index: 0, size: 8 }, 'VNA_IOC_RING_INIT needs the field address: it takes {index, size, address}.'],
    ['RING_INIT', { idx: 0 }, 'VNA_IOC_RING_INIT has no field “idx”: it takes {index, size, address}.'],
    ['RING_INIT', { index: 65536, size: 8, address: 0 }, 'VNA_IOC_RING_INIT: index is a whole number from 0 to 65535.'],
    ['SET_FEATURES', 1n << 64n, "VNA_IOC_SET_FEATURES takes a feature set of 64 bits, for example '0x100018000'."],
    ['SET_PARAMS', [1], 'VNA_IOC_SET_PARAMS takes parameters, for example {tx_header_pad: 64}.'],
    ['SET_MAC_ADDR', '02:00', "VNA_IOC_SET_MAC_ADDR takes a MAC address, for example '02:00:00:00:00:15'."],
    [
      'SET_MAC_FILTERS',
      ['01:00:5e:00:00:01', 'x'],
      "VNA_IOC_SET_MAC_FILTERS: entry 1 is not a MAC address like '01:00:5e:00:00:01'.",
    ],
    [
      'SET_MAC_FILTERS',
      { length: 1 },
      "VNA_IOC_SET_MAC_FILTERS takes a list of at most 4096 MAC addresses, for example ['01:00:5e:00:00:01'].",
    ],
  ] as const)('%s %o is refused with a sentence', (name, given, error) => {
    expect(errorOf(name, given)).toBe(error);
  });
});

describe('writing an argument', () => {
  it('is what people would have written', () => {
    expect(text('SET_PROMISC', 1)).toBe('MULTI');
    expect(text('SET_PROMISC', 'SOME')).toBe('SOME');
    expect(text('GET_MTU', 0)).toBe('');
    expect(text('NONSENSE', 5)).toBe('5');
    expect(text('RING_INIT', { index: 0, size: 8, address: 4096 })).toBe('index=0 size=8 address=0x1000');
    expect(text('SET_MAC_FILTERS', ['01:00:5E:00:00:01', 0x3333_0000_0001])).toBe(
      '01:00:5e:00:00:01 33:33:00:00:00:01',
    );
    expect(text('SET_MAC_FILTERS', Array(70).fill('01:00:5e:00:00:01'))).toMatch(/01 and 6 more$/);
    expect(text('SET_PARAMS', { tx_copy_data: false })).toBe('{"tx_copy_data":false}');
  });

  it('is bounded, also for what is no argument', () => {
    expect(text('SET_MTU', 'x'.repeat(1000))).toHaveLength(80);
    expect(text('SET_MTU', Array(1000).fill(1))).toBe('a list of 1000');
    expect(text('SET_MTU', { a: 1 })).toBe('(object)');
  });
});

const name = fc.constantFrom(...IOCTL_NAMES);

it('whatever is given, parsing answers, and what it takes is read again from its own text', () => {
  const number = fc.oneof(fc.nat(0xffff), fc.maxSafeInteger());
  const macs = fc.array(fc.nat(0xffff_ffff), { maxLength: 64 });
  const ring = fc.record(
    Object.fromEntries(
      ['index', 'size', 'desc', 'driver', 'device', 'availIdx', 'usedIdx', 'address', 'message', 'linkid', 'vmfd'].map(
        (key) => [key, fc.nat(0xffff)],
      ),
    ),
    { requiredKeys: [] },
  );
  const params = fc.dictionary(fc.string(), fc.oneof(fc.boolean(), fc.nat(), fc.string()), { maxKeys: 5 });
  const arg = fc.oneof(number, macs, ring, params, fc.string(), fc.anything());
  fc.assert(
    fc.property(name, arg, (name, given) => {
      const parsed = parseIoctlArgument(name, given);
      const written = ioctlArgumentText(name, given);
      expect(typeof written).toBe('string');
      if (!parsed.ok) expect(parsed.error).toMatch(/^VNA_IOC_.*\.$/s);
      else expect(parseIoctlArgument(name, written)).toEqual(parsed);
    }),
    { numRuns: 1000 },
  );
});
