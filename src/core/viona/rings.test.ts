import { describe, expect, it } from 'vitest';
import { addFault, clearFaults } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import type { Errno, LinkState } from './link.ts';
import { createLink } from './link.ts';
import { legacyAddresses, ringFor, ringInterrupt, ringRequests, ringRuns } from './rings.ts';

const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
const VERSION_1 = '0x0000000100000000';

/** A link whose driver has acknowledged VERSION_1, so that rings need only modern alignment. */
function modern(pairs = 1): LinkState {
  const { state } = linkIoctl(createLink(CONFIG), 'VNA_IOC_SET_FEATURES', VERSION_1);
  return linkIoctl(state, 'VNA_IOC_SET_PAIRS', pairs).state;
}

const RING = { index: 0, size: 8, desc: 0x1000, driver: 0x2000, device: 0x3000 };
const UP = ['RING_INIT_MODERN index=0 size=8 desc=0x1000 driver=0x2000 device=0x3000', 'RING_KICK 0'];

/** Issues ioctls written as `RING_KICK 0`, and tells their errnos. */
function run(link: LinkState, ...calls: readonly string[]): { link: LinkState; errnos: Errno[] } {
  const errnos: Errno[] = [];
  for (const call of calls) {
    const [name = '', ...words] = call.split(' ');
    const { state, record } = linkIoctl(link, `VNA_IOC_${name}`, words.join(' '));
    link = state;
    errnos.push(record.errno);
  }
  return { link, errnos };
}

const after = (link: LinkState, ...calls: readonly string[]): string | undefined =>
  run(link, ...calls).link.rings[0]?.state;
const stalled = (link: LinkState, ring = 0): LinkState => addFault(link, { kind: 'ring-stall', ring }).state;

describe('the life of a ring', () => {
  it('goes from RESET to INIT, by a kick to RUN, by a pause back to INIT, by a reset to RESET', () => {
    expect(after(modern())).toBe('RESET');
    expect(after(modern(), UP[0] ?? '')).toBe('INIT');
    expect(after(modern(), ...UP)).toBe('RUN');
    expect(after(modern(), ...UP, 'RING_PAUSE 0')).toBe('INIT');
    expect(after(modern(), ...UP, 'RING_PAUSE 0', 'RING_KICK 0')).toBe('RUN');
    expect(after(modern(), ...UP, 'RING_RESET 0')).toBe('RESET');
    expect(run(modern(), ...UP, 'RING_PAUSE 0', 'RING_RESET 0', 'RING_RESET 0').errnos).toEqual([0, 0, 0, 0, 0]);
  });

  it('a kick of a ring that runs only wakes its worker; in RESET it is EBUSY', () => {
    const { link, errnos } = run(modern(), ...UP, 'RING_KICK 0');
    expect(errnos).toEqual([0, 0, 0]);
    expect(run(link, 'RING_KICK 0').link).toBe(link);
    expect(run(modern(), 'RING_KICK 0').errnos).toEqual(['EBUSY']);
  });

  it('only that ring moves', () => {
    const { link } = run(modern(), ...UP);
    expect(link.rings.map((ring) => ring.state)).toEqual(['RUN', 'RESET']);
  });

  it('a reset takes size, addresses and avail position, and leaves used position and MSI', () => {
    const state = 'RING_SET_STATE index=0 size=8 desc=0x1000 driver=0x2000 device=0x3000 availIdx=5 usedIdx=4';
    const { link } = run(modern(), state, 'RING_SET_MSI index=0 address=0xfee00000 message=0x41', 'RING_RESET 0');
    expect(link.rings[0]).toMatchObject({
      state: 'RESET',
      size: 0,
      desc: 0,
      driver: 0,
      device: 0,
      availIdx: 0,
      usedIdx: 4,
      msi: { address: 0xfee0_0000, message: 0x41 },
    });
    expect(run(link, ...UP).link.rings[0]).toMatchObject({ usedIdx: 0, msi: null });
  });

  it('SET_STATE puts the positions, GET_STATE reads them', () => {
    const state = 'RING_SET_STATE index=1 size=8 desc=0x1000 driver=0x2000 device=0x3000 availIdx=5 usedIdx=65535';
    const { link } = run(modern(), state);
    expect(linkIoctl(link, 'VNA_IOC_RING_GET_STATE', 1).record.value).toEqual({
      index: 1,
      size: 8,
      desc: 0x1000,
      driver: 0x2000,
      device: 0x3000,
      availIdx: 5,
      usedIdx: 65535,
    });
  });
});

describe('setting a ring up', () => {
  const init = (link: LinkState, change: Partial<typeof RING>): Errno =>
    linkIoctl(link, 'VNA_IOC_RING_INIT_MODERN', { ...RING, ...change }).record.errno;

  it.each([
    ['an index that is not there', { index: 2 }],
    ['size 0', { size: 0 }],
    ['a size that is no power of two', { size: 12 }],
    ['a size above 32768', { size: 65535 }],
    ['no descriptors', { desc: 0 }],
    ['no driver area', { driver: 0 }],
    ['no device area', { device: 0 }],
    ['descriptors off 16 bytes', { desc: 0x1008 }],
    ['a driver area off 2 bytes', { driver: 0x2001 }],
    ['a device area off 4 bytes', { device: 0x3002 }],
    ['memory that no guest has', { device: 2 ** 52 - 4 }],
  ])('%s is EINVAL', (_, change) => {
    expect(init(modern(), change)).toBe('EINVAL');
  });

  it.each([1, 2, 32768])('size %d is good', (size) => {
    expect(init(modern(), { size, driver: 0x10_0000, device: 0x20_0000 })).toBe(0);
  });

  it('alignments of 16, 2 and 4 bytes are good with VERSION_1; without it every part must lie on a page', () => {
    const odd = { desc: 0x1010, driver: 0x2002, device: 0x3004 };
    expect(init(modern(), odd)).toBe(0);
    expect(init(createLink(CONFIG), odd)).toBe('EINVAL');
    expect(init(createLink(CONFIG), {})).toBe(0);
  });

  it('index, size and addresses are looked at before the state, the state before alignment and mapping', () => {
    const { link } = run(modern(), ...UP);
    expect(init(link, { index: 2 })).toBe('EINVAL');
    expect(init(link, { size: 3 })).toBe('EINVAL');
    expect(init(link, { desc: 0 })).toBe('EINVAL');
    expect(init(link, { desc: 0x1008 })).toBe('EBUSY');
    expect(init(link, {})).toBe('EBUSY');
  });

  it('without a lease it is EBUSY, also if the alignment is wrong', () => {
    const link = addFault(modern(), { kind: 'lease' }).state;
    expect(init(link, { desc: 0x1008 })).toBe('EBUSY');
    expect(init(link, { desc: 0 })).toBe('EINVAL');
    expect(init(clearFaults(link), {})).toBe(0);
  });

  it('legacy: parts follow one base; below 256 entries they do not lie on pages', () => {
    expect(legacyAddresses(0x1_0000, 256)).toEqual({ desc: 0x1_0000, driver: 0x1_1000, device: 0x1_2000 });
    expect(legacyAddresses(0x1_0000, 1024)).toEqual({ desc: 0x1_0000, driver: 0x1_4000, device: 0x1_5000 });
    const link = createLink(CONFIG);
    const legacy = (index: number, size: number, address: number): Errno =>
      linkIoctl(link, 'VNA_IOC_RING_INIT', { index, size, address }).record.errno;
    expect(legacy(0, 256, 0x1_0000)).toBe(0);
    expect(legacy(0, 128, 0x1_0000)).toBe('EINVAL');
    expect(legacy(0, 256, 0x1_0010)).toBe('EINVAL');
    expect(legacy(0, 256, 0)).toBe('EINVAL');
    expect(legacy(2, 256, 0x1_0000)).toBe('EINVAL');
  });

  it('a failure after the checks leaves the ring in RESET with nothing in it', () => {
    const failing = addFault(modern(), { kind: 'ioctl', name: 'RING_INIT_MODERN', errno: 'ENOMEM' }).state;
    expect(init(failing, { size: 0 })).toBe('EINVAL');
    const { state, record } = linkIoctl(failing, 'VNA_IOC_RING_INIT_MODERN', RING);
    expect(record.errno).toBe('ENOMEM');
    expect(state.rings[0]).toMatchObject({ state: 'RESET', size: 0, desc: 0 });
    expect(init(state, {})).toBe(0);
  });
});

describe('a stalled worker', () => {
  it('starts, but does not come to INIT; it does so when the stall ends, and further if it was kicked', () => {
    const { link, errnos } = run(stalled(modern()), ...UP);
    expect(errnos).toEqual([0, 0]);
    expect(link.rings[0]?.state).toBe('SETUP');
    expect(ringRequests(link, 0)).toEqual(['START']);
    expect(clearFaults(link, 'ring-stall').rings[0]?.state).toBe('RUN');
    expect(run(link, 'RING_PAUSE 0').errnos).toEqual([0]);
    expect(clearFaults(run(link, 'RING_PAUSE 0').link).rings[0]?.state).toBe('INIT');
  });

  it('holds a reset up: EINTR, then EBUSY for kick and pause, and RESET when the stall ends', () => {
    const { link } = run(modern(), ...UP);
    const asked = run(stalled(link), 'RING_RESET 0', 'RING_KICK 0', 'RING_PAUSE 0', 'RING_RESET 0');
    expect(asked.errnos).toEqual(['EINTR', 'EBUSY', 'EBUSY', 'EINTR']);
    expect(asked.link.rings[0]?.state).toBe('STOP');
    expect(ringRequests(asked.link, 0)).toEqual(['STOP']);
    expect(clearFaults(asked.link).rings[0]?.state).toBe('RESET');
  });

  it('holds a pause up: EINTR, and INIT when the stall ends; a reset that comes in between wins', () => {
    const { link } = run(modern(), ...UP);
    const asked = run(stalled(link), 'RING_PAUSE 0', 'RING_KICK 0');
    expect(asked.errnos).toEqual(['EINTR', 'EBUSY']);
    expect(ringRequests(asked.link, 0)).toEqual(['PAUSE']);
    expect(clearFaults(asked.link).rings[0]?.state).toBe('INIT');
    const both = run(asked.link, 'RING_RESET 0');
    expect(both.errnos).toEqual(['EINTR']);
    expect(clearFaults(both.link).rings[0]?.state).toBe('RESET');
  });

  it('a caller who is interrupted leaves a worker that goes on', () => {
    const { link } = run(modern(), ...UP);
    const interrupt = (name: string): LinkState => addFault(link, { kind: 'ioctl', name, errno: 'EINTR' }).state;
    const reset = run(interrupt('RING_RESET'), 'RING_RESET 1', 'RING_RESET 0');
    expect(reset.errnos).toEqual([0, 'EINTR']);
    expect(reset.link.rings[0]?.state).toBe('RESET');
    const pause = run(interrupt('RING_PAUSE'), 'RING_PAUSE 0');
    expect(pause.errnos).toEqual(['EINTR']);
    expect(pause.link.rings[0]?.state).toBe('INIT');
  });
});

describe('ringRuns', () => {
  it('is true in RUN only, not while the worker is stalled or the lease is renewed', () => {
    const { link } = run(modern(), ...UP);
    expect([ringRuns(modern(), 0), ringRuns(link, 0), ringRuns(link, 1), ringRuns(link, 9)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(ringRuns(stalled(link), 0)).toBe(false);
    const renewing = addFault(link, { kind: 'lease' }).state;
    expect(ringRuns(renewing, 0)).toBe(false);
    expect(ringRequests(renewing, 0)).toEqual(['RENEW']);
    expect(ringRuns(clearFaults(renewing), 0)).toBe(true);
  });
});

describe('ringFor', () => {
  it('takes ring 0 with one pair in use, and spreads by the hash over the receive rings of the others', () => {
    const link = modern(4);
    expect(ringFor(link, 7)).toBe(0);
    const spread = run(link, 'SET_USEPAIRS 3').link;
    expect([0, 1, 2, 3, 0xffff_ffff, -1].map((hash) => ringFor(spread, hash))).toEqual([0, 2, 4, 0, 0, 0]);
  });
});

describe('interrupts', () => {
  it('wait for INTR_POLL without MSI, and go past it with MSI', () => {
    const link = ringInterrupt(modern(2), 1);
    expect(linkIoctl(link, 'VNA_IOC_INTR_POLL', null).record.value).toEqual({ count: 1, rings: [1] });
    expect(ringInterrupt(link, 1)).toBe(link);
    const cleared = run(link, 'RING_INTR_CLR 1').link;
    expect(linkIoctl(cleared, 'VNA_IOC_INTR_POLL', null).record.value).toEqual({ count: 0, rings: [] });
    const withMsi = run(modern(), 'RING_SET_MSI index=1 address=0xfee00000 message=1').link;
    expect(ringInterrupt(withMsi, 1)).toBe(withMsi);
    const without = run(withMsi, 'RING_SET_MSI index=1 address=0 message=1').link;
    expect(ringInterrupt(without, 1).rings[1]?.intr).toBe(true);
  });

  it('INTR_POLL knows the first pair, INTR_POLL_MQ as many rings as are in use', () => {
    const link = ringInterrupt(run(modern(4), 'SET_USEPAIRS 2').link, 3);
    expect(linkIoctl(link, 'VNA_IOC_INTR_POLL', null).record.value).toEqual({ count: 0, rings: [] });
    expect(linkIoctl(link, 'VNA_IOC_INTR_POLL_MQ', 4).record.value).toEqual({ count: 1, rings: [3] });
    expect(linkIoctl(link, 'VNA_IOC_INTR_POLL_MQ', 3).record.value).toEqual({ count: 0, rings: [] });
    expect(run(link, 'INTR_POLL_MQ 0', 'INTR_POLL_MQ 5').errnos).toEqual(['EINVAL', 'EINVAL']);
  });
});
