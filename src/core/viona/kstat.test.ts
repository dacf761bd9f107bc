import { describe, expect, it } from 'vitest';
import { linkIoctl } from './ioctl.ts';
import { LinkCounters } from './kstat.ts';
import type { LinkState } from './link.ts';
import { createLink } from './link.ts';

const call = (link: LinkState, name: string, arg: unknown = null): LinkState =>
  linkIoctl(link, `VNA_IOC_${name}`, arg).state;
const up = (link: LinkState, index: number): LinkState =>
  call(
    call(link, 'RING_INIT_MODERN', { index, size: 256, desc: 4096, driver: 8192, device: 12288 }),
    'RING_KICK',
    index,
  );
const link = createLink({ mac: 0x0200_0000_0015, mtu: 1500 });
const pairs = (n: number): LinkState => call(call(link, 'SET_PAIRS', n), 'SET_USEPAIRS', n);

describe('LinkCounters', () => {
  it('kstat shows only the live figures of the last pair in use, honest all of them', () => {
    const counters = new LinkCounters();
    counters.count(0, 'rx_packets', 3);
    counters.count(2, 'rx_packets', 5);
    counters.count(1, 'tx_bytes', 60);
    counters.count(3, 'tx_bytes', 70);
    expect(counters.kstat(2)).toMatchObject({ rx_packets: 5, tx_bytes: 70 });
    expect(counters.kstat(1)).toMatchObject({ rx_packets: 3, tx_bytes: 60 });
    expect(counters.honest()).toMatchObject({ rx_packets: 8, tx_bytes: 130, rx_drops: 0 });
    expect(Object.keys(counters.kstat(1))).toEqual([
      'rx_packets',
      'rx_bytes',
      'rx_errors',
      'rx_drops',
      'tx_packets',
      'tx_bytes',
      'tx_errors',
      'tx_drops',
    ]);
  });

  it.each(['RING_RESET', 'RING_PAUSE'])('%s folds a ring’s transfers into the totals', (name) => {
    const counters = new LinkCounters();
    const before = up(up(pairs(2), 0), 2);
    counters.count(0, 'rx_packets', 3);
    counters.count(2, 'rx_packets', 5);
    counters.count(0, 'no_space');
    counters.follow(before, call(before, name, 0));
    expect(counters.live(0, 'rx_packets')).toBe(0);
    expect(counters.live(0, 'no_space')).toBe(1);
    expect(counters.kstat(2).rx_packets).toBe(8);
    expect(counters.honest().rx_packets).toBe(8);
  });

  it('a ring that is set up anew starts at zero, and nothing of the sums is lost', () => {
    const counters = new LinkCounters();
    const before = up(link, 0);
    counters.count(0, 'rx_packets', 3);
    counters.count(0, 'no_space', 2);
    counters.count(0, 'silent_ring_not_running');
    counters.follow(before, up(call(before, 'RING_RESET', 0), 0));
    expect([counters.live(0, 'rx_packets'), counters.live(0, 'no_space')]).toEqual([0, 0]);
    expect(counters.honest().rx_packets).toBe(3);
    expect(counters.ringStats().no_space).toBe(2);
    expect(counters.silent().silent_ring_not_running).toBe(1);
  });

  it('other changes of the link leave the counts where they are', () => {
    const counters = new LinkCounters();
    const before = up(link, 0);
    counters.count(0, 'rx_packets', 3);
    counters.follow(before, call(call(before, 'SET_PROMISC', 'ALL'), 'RING_SET_MSI', 'index=0 address=1 message=1'));
    expect(counters.live(0, 'rx_packets')).toBe(3);
  });

  it('rings that SET_PAIRS took away or made anew are folded; a new link starts at zero', () => {
    const counters = new LinkCounters();
    const before = call(pairs(4), 'SET_USEPAIRS', 1);
    counters.count(6, 'rx_drops', 2);
    counters.count(0, 'no_space');
    counters.follow(before, call(before, 'SET_PAIRS', 4));
    expect([counters.live(0, 'no_space'), counters.ringStats().no_space]).toEqual([0, 1]);
    const fewer = call(before, 'SET_PAIRS', 2);
    counters.follow(before, fewer);
    expect([counters.live(6, 'rx_drops'), counters.honest().rx_drops]).toEqual([0, 2]);
    const gone = call(fewer, 'DELETE');
    counters.follow(fewer, gone);
    expect(counters.honest().rx_drops).toBe(2);
    counters.follow(gone, call(gone, 'CREATE'));
    expect(counters.honest().rx_drops).toBe(0);
  });

  it('keeps viona’s names and ours apart', () => {
    const counters = new LinkCounters();
    counters.count(0, 'silent_lease_renewal', 4);
    counters.count(0, 'rx_gro_malformed');
    expect(Object.keys(counters.ringStats())).toHaveLength(27);
    expect(counters.ringStats()).toMatchObject({ rx_gro_malformed: 1 });
    expect(counters.silent()).toMatchObject({ silent_lease_renewal: 4 });
    expect(Object.keys(counters.silent()).every((name) => name.startsWith('silent_'))).toBe(true);
  });

  it('counts for the last of 512 rings, and survives JSON', () => {
    const counters = new LinkCounters();
    counters.count(0, 'rx_bytes', 2 ** 40);
    counters.count(511, 'tx_drops', 7);
    const before = up(link, 0);
    counters.follow(before, call(before, 'RING_PAUSE', 0));
    const restored = new LinkCounters();
    expect(restored.restore(JSON.parse(JSON.stringify(counters.save())))).toBe(true);
    expect(restored.save()).toEqual(counters.save());
    expect(restored.honest()).toEqual(counters.honest());
    expect(restored.live(511, 'tx_drops')).toBe(7);
  });

  it.each<unknown>([
    null,
    {},
    { rings: [], totals: null },
    { rings: [{ rx_packets: -1 }], totals: {} },
    { rings: [{ rx_packets: 1.5 }], totals: {} },
    { rings: [], totals: { constructor: 1 } },
    { rings: [null], totals: {} },
    { rings: Array(513).fill({}), totals: {} },
  ])('refuses %o and stays as it is', (data) => {
    const counters = new LinkCounters();
    counters.count(0, 'rx_packets', 3);
    expect(counters.restore(data)).toBe(false);
    expect(counters.honest().rx_packets).toBe(3);
  });
});
