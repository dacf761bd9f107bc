import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addFault } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import type { Errno, LinkState } from './link.ts';
import { createLink, levelInForce, setPairs, setPromisc, vionaRxSet } from './link.ts';

const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
const SET = 'VNA_IOC_SET_PROMISC';
const CLASSIFIED_ONLY = { classified: 'viona_rx_classified', promisc: null };
const WITH_MCAST = { classified: 'viona_rx_classified', promisc: { kind: 'MULTI', handler: 'viona_rx_mcast' } };
const PROMISCUOUS = { classified: null, promisc: { kind: 'ALL', handler: 'viona_rx_classified' } };

/** Issues SET_PROMISC calls one after the other. */
function run(link: LinkState, ...modes: readonly number[]): { link: LinkState; errnos: Errno[] } {
  const errnos: Errno[] = [];
  for (const mode of modes) {
    const { state, record } = linkIoctl(link, SET, mode);
    link = state;
    errnos.push(record.errno);
  }
  return { link, errnos };
}

const failing = (link: LinkState, errno: string): LinkState =>
  addFault(link, { kind: 'ioctl', name: SET, errno }).state;

describe('a new link', () => {
  it('is in MULTI before any driver exists (viona_main.c viona_ioc_create)', () => {
    expect(createLink(CONFIG)).toMatchObject({
      config: CONFIG,
      version: 6,
      exists: true,
      level: 'MULTI',
      callbacks: WITH_MCAST,
      modern: false,
      features: '0x0000000000000000',
      pairs: 1,
      usePairs: 1,
      rings: [{ state: 'RESET' }, { state: 'RESET' }],
      params: { tx_copy_data: true, tx_header_pad: 0 },
      unicast: 0x0200_0000_0015,
      filters: [],
      faults: [],
    });
  });
});

describe('viona_rx_set', () => {
  it.each([
    ['NONE', CLASSIFIED_ONLY],
    ['MULTI', WITH_MCAST],
    ['ALL', PROMISCUOUS],
  ] as const)('%s registers its combination of callbacks', (level, callbacks) => {
    expect(vionaRxSet(level)).toEqual({ callbacks, errno: 0 });
  });

  it('leaves the callbacks of NONE when mac_promisc_add fails, and NONE cannot fail', () => {
    expect(vionaRxSet('MULTI', 'ENOMEM')).toEqual({ callbacks: CLASSIFIED_ONLY, errno: 'ENOMEM' });
    expect(vionaRxSet('ALL', 'ENOMEM')).toEqual({ callbacks: CLASSIFIED_ONLY, errno: 'ENOMEM' });
    expect(vionaRxSet('NONE', 'ENOMEM')).toEqual({ callbacks: CLASSIFIED_ONLY, errno: 0 });
  });
});

describe('VNA_IOC_SET_PROMISC', () => {
  it.each([
    [0, 'NONE', CLASSIFIED_ONLY],
    [1, 'MULTI', WITH_MCAST],
    [2, 'ALL', PROMISCUOUS],
  ] as const)('mode %d sets %s from every other level', (mode, level, callbacks) => {
    for (const from of [0, 1, 2]) {
      const { link, errnos } = run(createLink(CONFIG), from, mode);
      expect(link).toMatchObject({ level, callbacks });
      expect(errnos).toEqual([0, 0]);
    }
  });

  it.each([3, 4, -1, 1.5, Number.NaN])('mode %d is EINVAL and touches nothing', (mode) => {
    const link = createLink(CONFIG);
    expect(setPromisc(link, mode)).toEqual({ link, errno: 'EINVAL' });
    expect(setPromisc(link, mode).link).toBe(link);
  });

  it('the recorded level again is success and touches nothing', () => {
    const link = createLink(CONFIG);
    expect(setPromisc(link, 1, 'ENOMEM')).toEqual({ link, errno: 0 });
  });

  it('trap: after a failure the level is the old one, the callbacks are those of NONE', () => {
    const { link, errnos } = run(failing(createLink(CONFIG), 'ENOMEM'), 2);
    expect(errnos).toEqual(['ENOMEM']);
    expect(link).toMatchObject({ level: 'MULTI', callbacks: CLASSIFIED_ONLY, faults: [] });
  });

  it('trap: rolling back to the old level reports success and mends nothing; another level does', () => {
    const rolledBack = run(failing(createLink(CONFIG), 'ENOMEM'), 2, 1);
    expect(rolledBack.errnos).toEqual(['ENOMEM', 0]);
    expect(rolledBack.link.callbacks).toEqual(CLASSIFIED_ONLY);
    const mended = run(rolledBack.link, 0, 1);
    expect(mended.link).toMatchObject({ level: 'MULTI', callbacks: WITH_MCAST });
  });

  it('an injected ENXIO fails at the door: nothing is touched', () => {
    const { link, errnos } = run(failing(createLink(CONFIG), 'ENXIO'), 2);
    expect(errnos).toEqual(['ENXIO']);
    expect(link).toMatchObject({ level: 'MULTI', callbacks: WITH_MCAST, faults: [] });
  });

  it('a fault waits for a call that gets as far as mac_promisc_add', () => {
    const { link, errnos } = run(failing(createLink(CONFIG), 'EBUSY'), 1, 3, 0, 1);
    expect(errnos).toEqual([0, 'EINVAL', 0, 'EBUSY']);
    expect(link).toMatchObject({ level: 'NONE', callbacks: CLASSIFIED_ONLY, faults: [] });
  });

  it('level and callbacks only ever differ by a failure, and then the callbacks are those of NONE', () => {
    const step = fc.record({ mode: fc.integer({ min: 0, max: 3 }), fail: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let link = createLink(CONFIG);
        for (const { mode, fail } of steps) {
          const before = link;
          const result = setPromisc(link, mode, fail ? 'EIO' : 0);
          link = result.link;
          const inForce = levelInForce(link.callbacks);
          expect([link.level, 'NONE']).toContain(inForce);
          if (result.errno !== 0) expect(link.level).toBe(before.level);
          else if (link !== before) expect(inForce).toBe(link.level);
        }
      }),
    );
  });
});

describe('VNA_IOC_SET_PAIRS', () => {
  it('ignores that the callbacks could not be installed again: success, and the callbacks of NONE', () => {
    const { link, errno } = setPairs(createLink(CONFIG), 2, 'ENOMEM');
    expect(errno).toBe(0);
    expect(link).toMatchObject({ level: 'MULTI', callbacks: CLASSIFIED_ONLY, pairs: 2 });
  });

  it('mends what the trap has left, even when it is refused', () => {
    const trapped = setPromisc(createLink(CONFIG), 2, 'ENOMEM').link;
    expect(trapped.callbacks).toEqual(CLASSIFIED_ONLY);
    expect(setPairs(trapped, 0)).toEqual({ link: { ...trapped, callbacks: WITH_MCAST }, errno: 'EINVAL' });
  });

  it('takes the callbacks away and puts those of the recorded level back', () => {
    const all = setPromisc(createLink(CONFIG), 2).link;
    expect(setPairs(all, 4).link).toMatchObject({ level: 'ALL', callbacks: PROMISCUOUS, pairs: 4, usePairs: 1 });
    const none = setPromisc(createLink(CONFIG), 0).link;
    expect(setPairs(none, 4, 'ENOMEM').link).toMatchObject({ level: 'NONE', callbacks: CLASSIFIED_ONLY });
  });
});
