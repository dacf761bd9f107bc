import { describe, expect, it } from 'vitest';
import { addFault } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import type { LinkKind, LinkState } from './link.ts';
import { createLink } from './link.ts';

const OWN = '02:00:00:00:00:15';
const OTHER = '02:08:20:de:ad:10';
const A = '01:00:5e:00:00:01';
const B = '33:33:00:00:00:01';
const C = '33:33:00:00:00:02';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const OWN_MAC = 0x0200_0000_0015;

const fresh = (kind?: LinkKind): LinkState =>
  createLink({ mac: OWN_MAC, mtu: 1500, ...(kind === undefined ? {} : { kind }) }, 7);
const call = (link: LinkState, name: string, arg: unknown = null) => linkIoctl(link, `VNA_IOC_${name}`, arg);
const value = (link: LinkState, name: string, arg: unknown = null): unknown => call(link, name, arg).record.value;
const table = (link: LinkState, ...macs: readonly string[]): LinkState => call(link, 'SET_MAC_FILTERS', macs).state;
/** The installed table, in whatever order. */
const installed = (link: LinkState): string[] => {
  const { addrs } = value(link, 'GET_MAC_FILTERS') as { addrs: string[] };
  return [...addrs].sort();
};
const failing = (link: LinkState, name: string, ...codes: readonly string[]): LinkState => {
  for (const errno of codes) link = addFault(link, { kind: 'ioctl', name, errno }).state;
  return link;
};

describe('interface version 6', () => {
  it('knows nothing of filters and addresses', () => {
    const old = createLink({ mac: OWN_MAC, mtu: 1500 });
    for (const name of ['SET_MAC_FILTERS', 'GET_MAC_FILTERS', 'SET_MAC_ADDR', 'GET_MAC_ADDR']) {
      expect(call(old, name).record.errno, name).toBe('ENOTTY');
    }
    expect(addFault(old, { kind: 'ioctl', name: 'SET_MAC_ADDR', errno: 'EIO' }).error).toMatch(/no ioctl/);
  });
});

describe('VNA_IOC_SET_MAC_FILTERS', () => {
  it('replaces the whole table, and none clears it', () => {
    const two = table(fresh(), A, B);
    expect(installed(two)).toEqual([A, B]);
    expect(installed(table(two, C))).toEqual([C]);
    expect(installed(table(two))).toEqual([]);
  });

  it('drops duplicates and broadcast without an error', () => {
    const { state, record } = call(fresh(), 'SET_MAC_FILTERS', [A, A, BROADCAST, B]);
    expect(record).toMatchObject({ errno: 0, value: { err: 'VMF_OK', nmcast: 4 } });
    expect(installed(state)).toEqual([A, B]);
  });

  it('the same table again touches nothing', () => {
    const two = table(fresh(), A, B);
    expect(table(two, B, A)).toBe(two);
  });

  it('takes 64 entries; for 65 it tells the capacity, duplicates or not, and whatever they are', () => {
    const groups = Array.from({ length: 64 }, (_, n) => `33:33:00:00:00:${n.toString(16).padStart(2, '0')}`);
    const full = table(fresh(), ...groups);
    expect(installed(full)).toHaveLength(64);
    const before = table(fresh(), A);
    const { state, record } = call(before, 'SET_MAC_FILTERS', Array(65).fill(OTHER));
    expect(record).toMatchObject({ errno: 0, value: { err: 'VMF_ERR_COUNT', nmcast: 64 } });
    expect(state).toBe(before);
  });

  it('names an entry without the group bit and touches nothing', () => {
    const before = table(fresh(), A);
    const { state, record } = call(before, 'SET_MAC_FILTERS', [B, OTHER, OWN]);
    expect(record).toMatchObject({ errno: 0, value: { err: 'VMF_ERR_NOT_MCAST', nmcast: 3, erraddr: OTHER } });
    expect(state).toBe(before);
  });

  it('a refusal by MAC comes after old entries went and earlier new ones came', () => {
    const before = failing(table(fresh(), A, C), 'SET_MAC_FILTERS', 'VMF_ERR_INSTALL');
    const groups = ['33:33:00:00:00:07', '33:33:00:00:00:08'];
    const { state, record } = call(before, 'SET_MAC_FILTERS', [C, ...groups]);
    expect(record).toMatchObject({ errno: 0, value: { err: 'VMF_ERR_INSTALL', erraddr: groups[1] } });
    expect(installed(state)).toEqual([C, groups[0]]);
    expect(installed(table(state, C, ...groups))).toEqual([C, ...groups]);
  });

  it('a refusal waits for a table with a new entry that gets so far', () => {
    const before = failing(table(fresh(), A, B), 'SET_MAC_FILTERS', 'VMF_ERR_INSTALL');
    expect(table(before, OTHER).faults).toHaveLength(1);
    expect(table(before, A).faults).toHaveLength(1);
    expect(table(before, A, C).faults).toHaveLength(0);
  });

  it('is independent of the level', () => {
    const two = table(fresh(), A, B);
    expect(two.level).toBe('MULTI');
    expect(installed(call(two, 'SET_PROMISC', 'NONE').state)).toEqual([A, B]);
  });

  it('an errno fails at the door: no result, nothing touched', () => {
    const before = failing(fresh(), 'SET_MAC_FILTERS', 'EFAULT');
    const { state, record } = call(before, 'SET_MAC_FILTERS', [A]);
    expect(record).toEqual({ name: 'VNA_IOC_SET_MAC_FILTERS', arg: A, errno: 'EFAULT' });
    expect(state.filters).toEqual([]);
  });
});

describe('VNA_IOC_GET_MAC_FILTERS', () => {
  it('copies as many as there is room for, and tells how many there are', () => {
    const two = table(fresh(), A, B);
    expect(value(two, 'GET_MAC_FILTERS', 0)).toEqual({ nmcast: 2, addrs: [] });
    const { nmcast, addrs } = value(two, 'GET_MAC_FILTERS', 1) as { nmcast: number; addrs: string[] };
    expect(nmcast).toBe(2);
    expect(addrs).toHaveLength(1);
    expect([A, B]).toContain(addrs[0]);
  });

  it('a link that was deleted and created again has no filters', () => {
    const gone = call(table(fresh(), A), 'DELETE').state;
    expect(call(gone, 'GET_MAC_FILTERS').record.errno).toBe('ENXIO');
    const again = call(gone, 'CREATE').state;
    expect(installed(again)).toEqual([]);
    expect(again.level).toBe('MULTI');
  });
});

describe.each(['physical', 'vnic'] as const)('VNA_IOC_SET_MAC_ADDR on a %s link', (kind) => {
  const SET = 'SET_MAC_ADDR';

  it('starts with the address of the data link; another one replaces it; filters stay', () => {
    const start = table(fresh(kind), A, B);
    expect(value(start, 'GET_MAC_ADDR')).toEqual({ present: true, addr: OWN });
    const { state, record } = call(start, SET, OTHER);
    expect(record).toMatchObject({ errno: 0, arg: OTHER, value: { err: 'VMA_OK', present: true } });
    expect(value(state, 'GET_MAC_ADDR')).toEqual({ present: true, addr: OTHER });
    expect(installed(state)).toEqual([A, B]);
    expect(value(call(state, SET, OWN).state, 'GET_MAC_ADDR')).toEqual({ present: true, addr: OWN });
  });

  it('the present address again is success and touches nothing, also if MAC would refuse it', () => {
    const start = failing(fresh(kind), SET, 'VMA_ERR_INSTALL');
    const { state, record } = call(start, SET, OWN);
    expect(record.value).toEqual({ err: 'VMA_OK', present: true });
    expect(state).toBe(start);
  });

  it('a group address is VMA_ERR_NOT_UNICAST', () => {
    const start = fresh(kind);
    for (const mac of [A, BROADCAST]) {
      const { state, record } = call(start, SET, mac);
      expect(record).toMatchObject({ errno: 0, value: { err: 'VMA_ERR_NOT_UNICAST', present: true } });
      expect(state).toBe(start);
    }
  });

  it('what MAC refuses leaves the old address and the filters', () => {
    const { state, record } = call(failing(table(fresh(kind), A, B), SET, 'VMA_ERR_INSTALL'), SET, OTHER);
    expect(record).toMatchObject({ errno: 0, value: { err: 'VMA_ERR_INSTALL', present: true } });
    expect(value(state, 'GET_MAC_ADDR')).toEqual({ present: true, addr: OWN });
    expect(installed(state)).toEqual([A, B]);
    expect(state.faults).toEqual([]);
  });

  it('after DELETE and CREATE the address is the data link’s own, which on a VNIC has moved', () => {
    const moved = call(fresh(kind), SET, OTHER).state;
    const again = call(call(moved, 'DELETE').state, 'CREATE').state;
    expect(value(again, 'GET_MAC_ADDR')).toEqual({ present: true, addr: kind === 'vnic' ? OTHER : OWN });
  });
});

describe('the swap on a physical link', () => {
  const SET = 'SET_MAC_ADDR';

  it('a filter that cannot be put back is lost: VMA_ERR_MCAST_RESTORE, with the new address in force', () => {
    const { state, record } = call(failing(table(fresh(), A, B), SET, 'VMA_ERR_MCAST_RESTORE'), SET, OTHER);
    expect(record.value).toEqual({ err: 'VMA_ERR_MCAST_RESTORE', present: true });
    expect(state.unicast).toBe(0x0208_20de_ad10);
    expect(installed(state)).toHaveLength(1);
  });

  it('without filters there is nothing to put back, and on a VNIC nothing was taken away', () => {
    const none = call(failing(fresh(), SET, 'VMA_ERR_MCAST_RESTORE'), SET, OTHER);
    expect(none.record.value).toEqual({ err: 'VMA_OK', present: true });
    expect(none.state.faults).toHaveLength(1);
    const vnic = call(failing(table(fresh('vnic'), A), SET, 'VMA_ERR_MCAST_RESTORE'), SET, OTHER);
    expect(vnic.record.value).toEqual({ err: 'VMA_OK', present: true });
    expect(installed(vnic.state)).toEqual([A]);
  });

  it('a refusal and a filter that is lost on the way back is VMA_ERR_INSTALL, with a shorter table', () => {
    const start = failing(table(fresh(), A, B), SET, 'VMA_ERR_INSTALL', 'VMA_ERR_MCAST_RESTORE');
    const { state, record } = call(start, SET, OTHER);
    expect(record.value).toEqual({ err: 'VMA_ERR_INSTALL', present: true });
    expect([state.unicast, installed(state).length, state.faults.length]).toEqual([OWN_MAC, 1, 0]);
  });

  it('if even the restoration fails there is no address and no table, until an address is installed', () => {
    const start = failing(table(fresh(), A, B), SET, 'VMA_ERR_INSTALL', 'VMA_ERR_INSTALL');
    const { state, record } = call(start, SET, OTHER);
    expect(record.value).toEqual({ err: 'VMA_ERR_INSTALL', present: false });
    expect(value(state, 'GET_MAC_ADDR')).toEqual({ present: false, addr: null });
    expect(installed(state)).toEqual([]);
    expect(value(state, 'SET_MAC_FILTERS', [A])).toEqual({ err: 'VMF_ERR_NO_UNICAST', nmcast: 1 });
    expect(value(failing(state, SET, 'VMA_ERR_INSTALL'), SET, OTHER)).toEqual({
      err: 'VMA_ERR_INSTALL',
      present: false,
    });
    const mended = call(state, SET, OWN).state;
    expect(value(mended, 'GET_MAC_ADDR')).toEqual({ present: true, addr: OWN });
    expect(installed(table(mended, A))).toEqual([A]);
  });
});
