import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from './faults.ts';
import { addFault, clearFaults } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import { IOCTL_NAMES } from './ioctl-table.ts';
import type { IoctlRecord, LinkState } from './link.ts';
import { createLink } from './link.ts';
import { restoreIoctlRecord, restoreLink } from './link-restore.ts';
import { ringFor, ringRuns } from './rings.ts';

const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
const GROUPS = ['01:00:5e:00:00:01', '33:33:00:00:00:01', '33:33:00:00:00:02', 'ff:ff:ff:ff:ff:ff'];
const UNICAST = ['02:00:00:00:00:15', '02:08:20:de:ad:10'];

const json = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

/** Arguments that get somewhere, and others. */
const index = fc.integer({ min: -1, max: 6 });
const address = fc.constantFrom(0, 0x1000, 0x1010, 0x2000, 0x2002, 0x3004, 2 ** 52);
const size = fc.constantFrom(0, 3, 8, 256, 32768, 65535);
const ring = fc.record({
  index,
  size,
  desc: address,
  driver: address,
  device: address,
  availIdx: fc.nat(65535),
  usedIdx: fc.nat(65535),
});
const some = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -2, max: 8 }) },
  fc.constantFrom<unknown>(0x100, 65535, 65536, 2 ** 32, -(2 ** 31), 'ALL', 'NONE', 'MULTI', null, undefined, ''),
  ring.map(({ index, size, desc, driver, device }): unknown => ({ index, size, desc, driver, device })),
  ring.map((all): unknown => all),
  fc.record({ index, size, address }),
  fc.record({ index, address, message: fc.nat() }),
  fc.record({ address, size: fc.nat() }),
  fc.array(fc.constantFrom(...GROUPS, ...UNICAST), { maxLength: 5 }),
  fc.constantFrom<unknown>(...UNICAST, Array(65).fill(GROUPS[0])),
  fc.record({ tx_header_pad: fc.integer({ min: -1, max: 300 }), tx_copy_data: fc.boolean() }, { requiredKeys: [] }),
  fc.bigInt({ min: -1n, max: 1n << 65n }),
  fc.anything(),
);

const name = fc.oneof(
  fc.constantFrom<string>(...IOCTL_NAMES),
  // What moves the state most comes up more often.
  fc.constantFrom('VNA_IOC_RING_INIT_MODERN', 'VNA_IOC_RING_KICK', 'VNA_IOC_RING_RESET', 'VNA_IOC_CREATE'),
  fc.string(),
);
const fault = fc.oneof(
  fc.record({
    kind: fc.constant('ioctl'),
    name,
    errno: fc.constantFrom('ENOMEM', 'EBUSY', 'EINTR', 'ENXIO', 'VMF_ERR_INSTALL', 'VMA_ERR_INSTALL', 'EODD'),
  }),
  fc.record({ kind: fc.constant('ring-stall'), ring: index }),
  fc.constant({ kind: 'lease' }),
  fc.anything(),
);
const kind = fc.constantFrom('ioctl' as const, 'ring-stall' as const, 'lease' as const, undefined);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('ioctl' as const), name, some) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('fault' as const), fault) },
  fc.tuple(fc.constant('clear' as const), kind),
);

describe('any sequence of ioctls and faults', () => {
  it('throws nothing, and its state and records survive JSON and a checked restore', () => {
    const start = fc.record({ version: fc.constantFrom(6 as const, 7 as const), vnic: fc.boolean() });
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 30 }), ({ version, vnic }, steps) => {
        let link = createLink(vnic ? { ...CONFIG, kind: 'vnic' } : CONFIG, version);
        for (const step of steps) {
          if (step[0] === 'ioctl') {
            const { state, record } = linkIoctl(link, step[1], step[2]);
            link = state;
            expect(restoreIoctlRecord(json(record))).toEqual(record);
          } else if (step[0] === 'fault') link = addFault(link, step[1] as Fault).state;
          else link = clearFaults(link, step[1]);
          expect(link.rings).toHaveLength(2 * link.pairs);
          if (link.exists) expect(link.rings[ringFor(link, 12345)]).toBeDefined();
          else expect(ringRuns(link, 0)).toBe(false);
        }
        expect(restoreLink(json(link))).toEqual(link);
        expect(restoreLink(structuredClone(link))).toEqual(link);
      }),
      { numRuns: 400 },
    );
  });
});

/** A link with something in every field. */
function busy(): LinkState {
  let link = createLink({ ...CONFIG, kind: 'physical' }, 7);
  const calls: readonly [string, unknown][] = [
    ['SET_FEATURES', '0x0000000100008003'],
    ['SET_PAIRS', 2],
    ['SET_USEPAIRS', 2],
    ['RING_INIT_MODERN', { index: 0, size: 8, desc: 0x1000, driver: 0x2000, device: 0x3000 }],
    ['RING_KICK', 0],
    ['RING_SET_MSI', { index: 0, address: 0xfee0_0000, message: 3 }],
    ['SET_NOTIFY_IOP', 0x1000],
    ['SET_NOTIFY_MMIO', { address: 0xfe00_0000, size: 4 }],
    ['SET_PARAMS', { tx_header_pad: 16 }],
    ['SET_MAC_FILTERS', GROUPS],
    ['SET_MAC_ADDR', UNICAST[1]],
  ];
  for (const [name, arg] of calls) link = linkIoctl(link, `VNA_IOC_${name}`, arg).state;
  return addFault(link, { kind: 'ioctl', name: 'SET_PROMISC', errno: 'EIO' }).state;
}

describe('restoreLink', () => {
  it('takes what a link is', () => {
    expect(restoreLink(json(busy()))).toEqual(busy());
  });

  it('refuses a link without one of its fields', () => {
    for (const key of Object.keys(busy())) {
      const entries = Object.entries(json(busy()) as object).filter(([each]) => each !== key);
      expect(restoreLink(Object.fromEntries(entries)), key).toBeNull();
    }
  });

  const GROUP = 0x0100_5e00_0001;
  it.each<[string, readonly (string | number)[], unknown]>([
    ['another version', ['version'], 8],
    ['an address that is none', ['config', 'mac'], 2 ** 48],
    ['an MTU that is too small', ['config', 'mtu'], 67],
    ['a kind that is none', ['config', 'kind'], 'wifi'],
    ['a level that is none', ['level'], 'SOME'],
    ['callbacks of another level', ['level'], 'ALL'],
    ['callbacks that nobody registers', ['callbacks', 'classified'], null],
    ['features that no link offers', ['features'], '0x0000000100000000'],
    ['more pairs than rings', ['pairs'], 3],
    ['more pairs in use than there are', ['usePairs'], 3],
    ['no pair in use', ['usePairs'], 0],
    ['a ring state that is none', ['rings', 0, 'state'], 'WAIT'],
    ['a ring in RESET with a size', ['rings', 0, 'state'], 'RESET'],
    ['a running ring without a size', ['rings', 0, 'size'], 0],
    ['a size that is no power of two', ['rings', 0, 'size'], 3],
    ['a worker that has work to do', ['rings', 0, 'state'], 'SETUP'],
    ['a request to a ring in RESET', ['rings', 1, 'flags'], 1],
    ['MSI at address 0', ['rings', 0, 'msi', 'address'], 0],
    ['a pad that is too large', ['params', 'tx_header_pad'], 257],
    ['a port that is too large', ['notifyIop'], 65536],
    ['a group as the address', ['unicast'], GROUP],
    ['a group as the data link’s address', ['primary'], GROUP],
    ['filters without an address', ['unicast'], null],
    ['a filter that is unicast', ['filters', 0], 0x0200_0000_0015],
    ['a filter for broadcast', ['filters', 0], 0xffff_ffff_ffff],
    ['a filter twice', ['filters'], [GROUP, GROUP]],
    ['65 filters', ['filters'], Array.from({ length: 65 }, (_, n) => GROUP + n)],
    ['a fault that cannot be', ['faults', 0, 'errno'], 'VMF_ERR_INSTALL'],
    ['a fault of no ioctl', ['faults', 0, 'name'], 'VNA_IOC_NONSENSE'],
    ['17 faults', ['faults'], Array(17).fill({ name: 'VNA_IOC_SET_MTU', errno: 'EIO' })],
    ['a deletion that waits for nothing', ['rings', 0], { ...createLink(CONFIG).rings[0] }],
    ['remains of a link that is gone', ['exists'], false],
  ])('refuses %s', (what, path, value) => {
    const data = json({ ...busy(), destroying: what.startsWith('a deletion') }) as Record<string | number, unknown>;
    let at = data;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
    at[path.at(-1) ?? ''] = value;
    expect(restoreLink(data)).toBeNull();
  });

  it('refuses filters and another address in version 6, and a VNIC whose address is not the client’s', () => {
    expect(restoreLink({ ...createLink(CONFIG), filters: [GROUP] })).toBeNull();
    expect(restoreLink({ ...createLink(CONFIG), unicast: 0x0208_20de_ad10 })).toBeNull();
    expect(restoreLink({ ...createLink({ ...CONFIG, kind: 'vnic' }, 7), unicast: 0x0208_20de_ad10 })).toBeNull();
  });

  it.each([null, undefined, 7, 'link', [], {}])('refuses %o', (data) => {
    expect(restoreLink(data)).toBeNull();
  });
});

describe('restoreIoctlRecord', () => {
  const record: IoctlRecord = {
    name: 'VNA_IOC_GET_MAC_FILTERS',
    arg: '64',
    errno: 0,
    value: { nmcast: 1, addrs: [GROUPS[0] ?? ''] },
    hint: 'A sentence.',
  };

  it('takes a record with whatever the link answers', () => {
    expect(restoreIoctlRecord(json(record))).toEqual(record);
  });

  it.each([
    ['name', 1],
    ['arg', null],
    ['errno', 5],
    ['errno', 'OK'],
    ['hint', 1],
    ['value', [[[[[[1]]]]]]],
    ['value', () => 0],
    ['value', { nmcast: Number.NaN }],
  ])('refuses %s %o', (key, value) => {
    expect(restoreIoctlRecord({ ...record, [key]: value })).toBeNull();
  });
});
