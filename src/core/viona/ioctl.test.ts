import { describe, expect, it } from 'vitest';
import { addFault, clearFaults } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import { IOCTL_NAMES } from './ioctl-table.ts';
import type { Errno, LinkState } from './link.ts';
import { createLink } from './link.ts';

const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
const link = createLink(CONFIG);

/** Issues an ioctl as a user would. */
const call = (state: LinkState, name: string, arg: unknown = 0) => linkIoctl(state, `VNA_IOC_${name}`, arg);
const errno = (state: LinkState, name: string, arg: unknown = 0): Errno => call(state, name, arg).record.errno;
const value = (state: LinkState, name: string, arg: unknown = 0): unknown => call(state, name, arg).record.value;

function failing(state: LinkState, name: string, ...errnos: readonly string[]): LinkState {
  for (const each of errnos) state = addFault(state, { kind: 'ioctl', name, errno: each }).state;
  return state;
}

/** With a ring in RUN. */
function running(state: LinkState): LinkState {
  const ring = { index: 0, size: 256, desc: 0x1000, driver: 0x2000, device: 0x3000 };
  return call(call(state, 'RING_INIT_MODERN', ring).state, 'RING_KICK', 0).state;
}

describe('without a link', () => {
  const gone = call(link, 'DELETE').state;

  it('DELETE leaves nothing that receives', () => {
    expect(gone).toMatchObject({ exists: false, callbacks: { classified: null, promisc: null }, rings: [], pairs: 0 });
  });

  it('all but four ioctls are ENXIO, also a number that nobody knows', () => {
    const works = ['CREATE', 'DELETE', 'VERSION', 'DEFAULT_PARAMS'];
    for (const name of IOCTL_NAMES.map((each) => each.slice(8))) {
      expect(errno(gone, name, null), name).toBe(works.includes(name) ? 0 : 'ENXIO');
    }
    expect(errno(gone, 'NONSENSE')).toBe('ENXIO');
    expect(errno(link, 'NONSENSE')).toBe('ENOTTY');
  });

  it('DELETE again is success; CREATE makes a fresh link with the default MTU', () => {
    expect(call(gone, 'DELETE').state).toBe(gone);
    const used = call(call(link, 'SET_MTU', 9000).state, 'SET_PROMISC', 'ALL').state;
    const created = call(call(used, 'DELETE').state, 'CREATE').state;
    expect(created).toEqual({ ...link, creations: 2 });
    expect(created.config.mtu).toBe(1500);
  });

  it('an injected fault is not used up by an ioctl that finds no link', () => {
    expect(call(failing(gone, 'SET_MTU', 'EIO'), 'SET_MTU', 9000).state.faults).toHaveLength(1);
  });
});

describe('VNA_IOC_CREATE', () => {
  const gone = call(link, 'DELETE').state;

  it('is EEXIST while there is a link, before it looks at the descriptor', () => {
    expect(errno(link, 'CREATE', { linkid: 1, vmfd: -1 })).toBe('EEXIST');
  });

  it('is EBADF for a descriptor that is none, before it looks for the data link', () => {
    expect(errno(gone, 'CREATE', { linkid: 0, vmfd: -1 })).toBe('EBADF');
    expect(errno(gone, 'CREATE', { linkid: 0, vmfd: 3 })).toBe('ENOENT');
    expect(errno(gone, 'CREATE', { linkid: 1, vmfd: 0 })).toBe(0);
  });

  it('an injected failure leaves no link', () => {
    const { state, record } = call(failing(gone, 'CREATE', 'EIO'), 'CREATE');
    expect([record.errno, state.exists]).toEqual(['EIO', false]);
    expect(errno(state, 'CREATE')).toBe(0);
  });
});

describe('VNA_IOC_DELETE', () => {
  it('stops rings and takes hooks and filters away', () => {
    const hooked = call(call(running(link), 'SET_NOTIFY_IOP', 0x1000).state, 'SET_NOTIFY_MMIO', {
      address: 0xfe00_0000,
      size: 4,
    }).state;
    expect(hooked).toMatchObject({ notifyIop: 0x1000, notifyMmio: { address: 0xfe00_0000, size: 4 } });
    const { state, record } = call(hooked, 'DELETE');
    expect(record).toEqual({ name: 'VNA_IOC_DELETE', arg: '', errno: 0 });
    expect(state).toMatchObject({ exists: false, notifyIop: 0, notifyMmio: null });
  });

  it('waits for a stalled ring: ENXIO for the others, EAGAIN for a second DELETE, and done when it stops', () => {
    const stalled = addFault(running(link), { kind: 'ring-stall', ring: 0 }).state;
    const { state, record } = call(stalled, 'DELETE');
    expect(record).toMatchObject({ errno: 0, value: { waitsFor: [0] } });
    expect(errno(state, 'GET_MTU')).toBe('ENXIO');
    expect(errno(state, 'DELETE')).toBe('EAGAIN');
    expect(errno(state, 'CREATE')).toBe('EEXIST');
    expect(clearFaults(state)).toMatchObject({ exists: false, destroying: false });
  });
});

describe('numbers', () => {
  it('VERSION and GET_MTU return a value', () => {
    expect(call(link, 'VERSION').record).toEqual({ name: 'VNA_IOC_VERSION', arg: '', errno: 0, value: 6 });
    expect(value(createLink(CONFIG, 7), 'VERSION')).toBe(7);
    expect(value(link, 'GET_MTU')).toBe(1500);
  });

  it('SET_MTU takes 68 to 65535', () => {
    expect([67, 65536, 1.5, Number.NaN, 'big'].map((mtu) => errno(link, 'SET_MTU', mtu))).toEqual(
      Array(5).fill('EINVAL'),
    );
    expect(call(link, 'SET_MTU', 68).state.config.mtu).toBe(68);
    expect(call(link, 'SET_MTU', '0xffff').state.config.mtu).toBe(65535);
  });

  it('SET_NOTIFY_IOP takes a port, and 0 clears', () => {
    expect([-1, 65536].map((port) => errno(link, 'SET_NOTIFY_IOP', port))).toEqual(['EINVAL', 'EINVAL']);
    const hooked = call(link, 'SET_NOTIFY_IOP', 65535).state;
    expect(hooked.notifyIop).toBe(65535);
    expect(call(hooked, 'SET_NOTIFY_IOP', 0).state.notifyIop).toBe(0);
  });

  it('a notify hook that cannot be installed takes the old one with it', () => {
    const iop = failing(call(link, 'SET_NOTIFY_IOP', 7).state, 'SET_NOTIFY_IOP', 'EBUSY');
    expect(call(iop, 'SET_NOTIFY_IOP', 8)).toMatchObject({ record: { errno: 'EBUSY' }, state: { notifyIop: 0 } });
    const mmio = failing(call(link, 'SET_NOTIFY_MMIO', 'address=4096 size=4').state, 'SET_NOTIFY_MMIO', 'EBUSY');
    expect(mmio.notifyMmio).toEqual({ address: 4096, size: 4 });
    const failed = call(mmio, 'SET_NOTIFY_MMIO', 'address=8192 size=4');
    expect(failed).toMatchObject({ record: { errno: 'EBUSY' }, state: { notifyMmio: null, faults: [] } });
    expect(call(mmio, 'SET_NOTIFY_MMIO', 0)).toMatchObject({ record: { errno: 0 }, state: { notifyMmio: null } });
  });
});

describe('pairs', () => {
  it('SET_PAIRS takes 1 to 0x100', () => {
    expect([0, -1, 0x101, 65535, 65536].map((pairs) => errno(link, 'SET_PAIRS', pairs))).toEqual(
      Array(5).fill('EINVAL'),
    );
    const many = call(link, 'SET_PAIRS', 0x100).state;
    expect(many.rings).toHaveLength(512);
    expect([value(many, 'GET_PAIRS'), value(many, 'GET_USEPAIRS')]).toEqual([256, 1]);
  });

  it('SET_PAIRS is EINVAL below the number in use, before EBUSY for a ring that is not in RESET', () => {
    const used = running(call(call(link, 'SET_PAIRS', 4).state, 'SET_USEPAIRS', 3).state);
    expect(errno(used, 'SET_PAIRS', 2)).toBe('EINVAL');
    expect(errno(used, 'SET_PAIRS', 8)).toBe('EBUSY');
    const idle = call(used, 'RING_RESET', 0).state;
    expect(errno(idle, 'SET_PAIRS', 2)).toBe('EINVAL');
    expect(call(idle, 'SET_PAIRS', 3).state).toMatchObject({ pairs: 3, usePairs: 3 });
  });

  it('SET_PAIRS makes new rings: nothing of the old ones is left', () => {
    const msi = call(link, 'RING_SET_MSI', { index: 0, address: 0xfee0_0000, message: 1 }).state;
    expect(call(msi, 'SET_PAIRS', 1).state.rings[0]?.msi).toBeNull();
  });

  it('a fault on SET_PAIRS meets mac_promisc_add, whose result is ignored; in NONE nothing calls it', () => {
    const { state, record } = call(failing(link, 'SET_PAIRS', 'ENOMEM'), 'SET_PAIRS', 2);
    expect(record.errno).toBe(0);
    expect(state).toMatchObject({ level: 'MULTI', callbacks: { promisc: null }, pairs: 2, faults: [] });
    const none = call(link, 'SET_PROMISC', 'NONE').state;
    expect(call(failing(none, 'SET_PAIRS', 'ENOMEM'), 'SET_PAIRS', 2).state.faults).toHaveLength(1);
    expect(errno(failing(link, 'SET_PAIRS', 'ENXIO'), 'SET_PAIRS', 2)).toBe('ENXIO');
  });

  it('SET_USEPAIRS takes 1 to the allocated pairs', () => {
    const four = call(link, 'SET_PAIRS', 4).state;
    expect([0, 5, 65537].map((pairs) => errno(four, 'SET_USEPAIRS', pairs))).toEqual(Array(3).fill('EINVAL'));
    expect(call(four, 'SET_USEPAIRS', 4).state.usePairs).toBe(4);
  });
});

describe('features', () => {
  const CSUM = 1n << 0n;
  const GUEST_CSUM = 1n << 1n;
  const GUEST_TSO4 = 1n << 7n;
  const GUEST_TSO6 = 1n << 8n;
  const HOST_TSO4 = 1n << 11n;
  const HOST_TSO6 = 1n << 12n;
  const MRG_RXBUF = 1n << 15n;
  const NOTIFY_ON_EMPTY = 1n << 24n;
  const INDIRECT_DESC = 1n << 28n;
  const EVENT_IDX = 1n << 29n;
  const VERSION_1 = 1n << 32n;
  const hex = (set: bigint): string => `0x${set.toString(16).padStart(16, '0')}`;
  const set = (features: bigint) => {
    const { modern, features: kept } = call(link, 'SET_FEATURES', hex(features)).state;
    return { modern, kept: BigInt(kept) };
  };

  it('GET_FEATURES tells what the link could offer: no EVENT_IDX, no VERSION_1', () => {
    const all = CSUM | GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6 | HOST_TSO4 | HOST_TSO6 | MRG_RXBUF;
    expect(value(link, 'GET_FEATURES')).toBe(hex(all | NOTIFY_ON_EMPTY | INDIRECT_DESC));
  });

  it('SET_FEATURES remembers VERSION_1 and masks it away with all that the link does not offer', () => {
    expect(set(VERSION_1 | EVENT_IDX | MRG_RXBUF)).toEqual({ modern: true, kept: MRG_RXBUF });
    expect(set(MRG_RXBUF)).toEqual({ modern: false, kept: MRG_RXBUF });
  });

  it('SET_FEATURES drops segmentation without its checksum', () => {
    expect(set(HOST_TSO4 | HOST_TSO6).kept).toBe(0n);
    expect(set(GUEST_TSO4 | GUEST_TSO6).kept).toBe(0n);
    expect(set(CSUM | GUEST_TSO4 | HOST_TSO4 | HOST_TSO6).kept).toBe(CSUM | HOST_TSO4 | HOST_TSO6);
    expect(set(GUEST_CSUM | HOST_TSO4 | GUEST_TSO6).kept).toBe(GUEST_CSUM | GUEST_TSO6);
  });
});

describe('parameters', () => {
  it('GET_PARAMS and DEFAULT_PARAMS tell them, or how much room they need', () => {
    const padded = call(link, 'SET_PARAMS', { tx_header_pad: 64 }).state;
    const params = { tx_copy_data: true, tx_header_pad: 64 };
    expect(value(padded, 'GET_PARAMS', null)).toEqual({ size: 96, params });
    expect(value(padded, 'DEFAULT_PARAMS', null)).toEqual({ size: 96, params: { ...params, tx_header_pad: 0 } });
    expect(call(padded, 'GET_PARAMS', 95).record).toMatchObject({ errno: 'E2BIG', value: { size: 96 } });
    expect(errno(padded, 'GET_PARAMS', 96)).toBe(0);
  });

  it('SET_PARAMS applies all or nothing, and names each bad key', () => {
    const bad = { tx_copy_data: false, tx_header_pad: 257, mtu: 9 };
    const { state, record } = call(link, 'SET_PARAMS', bad);
    expect(record).toMatchObject({
      errno: 'EINVAL',
      value: { errors: { tx_header_pad: 'value out of range', mtu: 'unknown key' } },
    });
    expect(state).toBe(link);
    expect(call(link, 'SET_PARAMS', { tx_header_pad: 65536, tx_copy_data: 1 }).record.value).toEqual({
      errors: { tx_header_pad: 'invalid type', tx_copy_data: 'invalid type' },
    });
    const good = call(link, 'SET_PARAMS', { tx_copy_data: false, tx_header_pad: 256 }).state;
    expect(good.params).toEqual({ tx_copy_data: false, tx_header_pad: 256 });
  });

  it('SET_PARAMS without a list is EINVAL, with one above 4096 bytes E2BIG', () => {
    expect(call(link, 'SET_PARAMS').record).toMatchObject({ errno: 'EINVAL' });
    expect(errno(link, 'SET_PARAMS', {})).toBe(0);
    expect(errno(link, 'SET_PARAMS', { tx_header_pad: 'x'.repeat(4096) })).toBe('E2BIG');
  });
});

describe('arguments that are none', () => {
  it('are EINVAL by value, EFAULT as structures, with a hint; the door and a missing link come before', () => {
    expect(call(link, 'SET_PROMISC', 'SOME').record).toEqual({
      name: 'VNA_IOC_SET_PROMISC',
      arg: 'SOME',
      errno: 'EINVAL',
      hint: 'VNA_IOC_SET_PROMISC takes NONE, MULTI, ALL, or a number.',
    });
    const half = { index: 0, size: 8 };
    expect(call(link, 'RING_INIT_MODERN', half).record).toMatchObject({
      errno: 'EFAULT',
      hint: /needs the field desc/,
    });
    expect(errno(failing(link, 'SET_PROMISC', 'ENXIO'), 'SET_PROMISC', 'SOME')).toBe('ENXIO');
    expect(errno(call(link, 'DELETE').state, 'RING_INIT_MODERN', half)).toBe('ENXIO');
  });

  it('a level can be given by name, and is shown by it', () => {
    expect(call(link, 'SET_PROMISC', 'all')).toMatchObject({ state: { level: 'ALL' }, record: { arg: 'ALL' } });
    expect(call(link, 'SET_PROMISC', 2).record.arg).toBe('ALL');
    expect(call(link, 'SET_PROMISC', 7).record).toMatchObject({ arg: '7', errno: 'EINVAL' });
  });

  it('index out of range is EINVAL for every ioctl of one ring', () => {
    for (const name of ['RING_RESET', 'RING_KICK', 'RING_PAUSE', 'RING_INTR_CLR', 'RING_GET_STATE']) {
      expect(
        [2, -1].map((index) => errno(link, name, index)),
        name,
      ).toEqual(['EINVAL', 'EINVAL']);
    }
    expect(errno(link, 'RING_SET_MSI', { index: 2, address: 0, message: 0 })).toBe('EINVAL');
  });
});
