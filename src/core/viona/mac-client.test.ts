import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newFrameHeader } from '../net/ethernet.ts';
import type { FrameHeader } from '../net/ethernet.ts';
import type { LinkKind, LinkState, PromiscLevel } from './link.ts';
import { createLink, deleted, LEVEL_CALLBACKS } from './link.ts';
import { DELIVERIES, macDeliver, macLoopsBack } from './mac-client.ts';

const OWN = 0x0200_0000_0015;
const JOINED = 0x3333_0000_0001;
const CLASSES = {
  own: OWN,
  foreign: 0x0200_0000_0099,
  broadcast: 0xffff_ffff_ffff,
  joined: JOINED,
  multicast: 0x0100_5e01_0203,
} as const;
type FrameClass = keyof typeof CLASSES;
const NAMES = Object.keys(CLASSES) as FrameClass[];
const LEVELS: readonly PromiscLevel[] = ['NONE', 'MULTI', 'ALL'];
const KINDS: readonly LinkKind[] = ['physical', 'vnic'];

function link(level: PromiscLevel, kind: LinkKind = 'physical', more: Partial<LinkState> = {}): LinkState {
  const created = createLink({ mac: OWN, mtu: 1500, kind }, 7);
  return { ...created, level, callbacks: LEVEL_CALLBACKS[level], filters: [JOINED], ...more };
}

function frame(dst: number, vid = -1): FrameHeader {
  return { ...newFrameHeader(), valid: true, length: 60, dst, vid };
}

function deliver(client: LinkState, dst: number, vid = -1) {
  const { rule, path, cost, stripTag } = macDeliver(client, frame(dst, vid));
  return { rule, path, stripTag, cost: [cost.looked, cost.copied, cost.delivered, cost.discarded].join() };
}

/** Rule and cost: looked, copied, delivered, discarded. */
type Row = readonly [FrameClass, rule: string, cost: string];

describe('what the MAC layer delivers, and its cost: looked, copied, delivered, discarded', () => {
  const untagged: readonly (readonly [PromiscLevel, LinkKind, readonly Row[]])[] = [
    [
      'NONE',
      'physical',
      [
        ['own', 'own-unicast', '1,0,1,0'],
        ['foreign', 'unicast-foreign', '0,0,0,0'],
        ['broadcast', 'broadcast', '1,1,1,1'],
        ['joined', 'multicast-joined', '1,1,1,1'],
        ['multicast', 'multicast-no-listener', '0,0,0,0'],
      ],
    ],
    [
      'MULTI',
      'physical',
      [
        ['own', 'own-unicast', '2,0,1,0'],
        ['foreign', 'unicast-foreign', '2,0,0,1'],
        ['broadcast', 'broadcast', '3,2,1,2'],
        ['joined', 'promisc-multi', '4,2,1,2'],
        ['multicast', 'promisc-multi', '3,1,1,1'],
      ],
    ],
    [
      'ALL',
      'physical',
      [
        ['own', 'promisc-all', '2,1,1,1'],
        ['foreign', 'promisc-all', '2,1,1,1'],
        ['broadcast', 'promisc-all', '2,2,1,2'],
        ['joined', 'promisc-all', '2,2,1,2'],
        ['multicast', 'promisc-all', '2,1,1,1'],
      ],
    ],
    [
      'ALL',
      'vnic',
      [
        ['own', 'promisc-filtered', '3,1,1,1'],
        ['foreign', 'filtered-foreign', '2,0,0,1'],
        ['broadcast', 'promisc-filtered', '2,2,1,2'],
        ['joined', 'promisc-filtered', '2,2,1,2'],
        ['multicast', 'promisc-filtered', '2,1,1,1'],
      ],
    ],
  ];

  it.each(untagged)('%s on a %s link', (level, kind, rows) => {
    for (const [name, rule, cost] of rows) {
      expect(deliver(link(level, kind), CLASSES[name])).toMatchObject({ rule, cost, stripTag: false });
    }
  });

  it.each(['NONE', 'MULTI'] as const)('%s is the same on a VNIC: the listener sits on the lower MAC', (level) => {
    for (const dst of Object.values(CLASSES)) {
      for (const vid of [-1, 0, 5]) {
        expect(deliver(link(level, 'vnic'), dst, vid)).toEqual(deliver(link(level), dst, vid));
      }
    }
  });

  it('says by which of viona’s callbacks', () => {
    expect(NAMES.map((name) => deliver(link('MULTI'), CLASSES[name]).path)).toEqual([
      'classified',
      'none',
      'classified',
      'promisc-multi',
      'promisc-multi',
    ]);
    expect(deliver(link('NONE'), JOINED).path).toBe('classified');
    expect(deliver(link('ALL'), OWN).path).toBe('promisc-all');
    expect(deliver(link('ALL', 'vnic'), OWN).path).toBe('promisc-filtered');
  });

  it.each<[PromiscLevel, LinkKind, readonly Row[]]>([
    [
      'NONE',
      'physical',
      [
        ['own', 'vid-mismatch', '1,0,0,1'],
        ['foreign', 'unicast-foreign', '0,0,0,0'],
        ['broadcast', 'vid-mismatch', '1,0,0,1'],
        ['joined', 'vid-mismatch', '1,0,0,1'],
        ['multicast', 'multicast-no-listener', '0,0,0,0'],
      ],
    ],
    [
      'MULTI',
      'physical',
      [
        ['own', 'vid-mismatch', '2,0,0,1'],
        ['foreign', 'unicast-foreign', '2,0,0,1'],
        ['broadcast', 'vid-mismatch', '2,0,0,1'],
        ['joined', 'vid-mismatch', '2,0,0,1'],
        ['multicast', 'vid-mismatch', '2,0,0,1'],
      ],
    ],
    [
      'ALL',
      'vnic',
      [
        ['own', 'vid-mismatch', '2,0,0,1'],
        ['foreign', 'filtered-foreign', '2,0,0,1'],
        ['broadcast', 'vid-mismatch', '2,0,0,1'],
        ['joined', 'vid-mismatch', '2,0,0,1'],
        ['multicast', 'vid-mismatch', '2,0,0,1'],
      ],
    ],
  ])('NET-VLAN-01 is not met: frames of another VLAN under %s on a %s link', (level, kind, rows) => {
    for (const [name, rule, cost] of rows) {
      expect(deliver(link(level, kind), CLASSES[name], 5)).toEqual({ rule, path: 'none', cost, stripTag: false });
    }
  });

  it.each(NAMES)('ALL on a physical link takes %s of another VLAN, without its tag', (name) => {
    expect(deliver(link('ALL'), CLASSES[name], 5)).toMatchObject({
      rule: 'promisc-all',
      cost: '2,1,1,1',
      stripTag: true,
    });
  });

  it('a priority tag (VID 0) fits a client without VLAN, and comes off', () => {
    for (const kind of KINDS) {
      for (const level of LEVELS) {
        for (const dst of Object.values(CLASSES)) {
          const untaggedOne = deliver(link(level, kind), dst);
          const stripTag = untaggedOne.path !== 'none';
          expect(deliver(link(level, kind), dst, 0)).toEqual({ ...untaggedOne, stripTag });
        }
      }
    }
  });

  it('a frame without a header reaches nobody', () => {
    expect(macDeliver(link('ALL'), newFrameHeader())).toMatchObject({ rule: 'bad-header', path: 'none' });
  });

  it('without a link there is no client, and no cost', () => {
    for (const dst of Object.values(CLASSES)) {
      expect(deliver(deleted(link('ALL')), dst)).toMatchObject({ rule: 'no-link', path: 'none', cost: '0,0,0,0' });
    }
  });
});

describe('version 7, settled: own unicast and broadcast exactly once', () => {
  it.each(LEVELS.flatMap((level) => KINDS.map((kind) => [level, kind] as const)))('%s on a %s link', (level, kind) => {
    const client = link(level, kind);
    for (const dst of [OWN, CLASSES.broadcast]) expect(macDeliver(client, frame(dst)).cost.delivered).toBe(1);
  });

  it('listed groups once under NONE, and no others', () => {
    const groups = Array.from({ length: 64 }, (_, index) => 0x0100_5e00_0000 + 3 * index);
    for (const kind of KINDS) {
      const client = link('NONE', kind, { filters: groups });
      for (let dst = 0x0100_5e00_0000; dst < 0x0100_5e00_0100; dst++) {
        expect(macDeliver(client, frame(dst)).cost.delivered).toBe(groups.includes(dst) ? 1 : 0);
      }
    }
  });

  it('every group once under MULTI, listed or not: viona drops the classified copy', () => {
    for (const kind of KINDS) {
      for (const dst of [JOINED, CLASSES.multicast]) {
        expect(macDeliver(link('MULTI', kind), frame(dst)).cost.delivered).toBe(1);
      }
    }
    expect(macDeliver(link('MULTI'), frame(JOINED)).silent).toBe('silent_mcast_suppressed');
    expect(macDeliver(link('MULTI', 'physical', { filters: [] }), frame(JOINED)).silent).toBeNull();
  });

  it('a changed address is the own one, and the old one is foreign', () => {
    const moved = link('NONE', 'physical', { unicast: 0x0200_0000_0016 });
    expect(deliver(moved, 0x0200_0000_0016).rule).toBe('own-unicast');
    expect(deliver(moved, OWN).rule).toBe('unicast-foreign');
  });

  it('without a unicast address there is neither broadcast nor multicast; only ALL on a physical link goes on', () => {
    for (const kind of KINDS) {
      for (const level of LEVELS) {
        const client = link(level, kind, { unicast: null, filters: [] });
        for (const dst of Object.values(CLASSES)) {
          const taken = level === 'ALL' && kind === 'physical';
          expect(macDeliver(client, frame(dst)).rule).toBe(taken ? 'promisc-all' : 'no-unicast-address');
        }
      }
    }
  });
});

describe('the cost', () => {
  it('of a unicast frame under MULTI includes the extra look', () => {
    const none = macDeliver(link('NONE'), frame(OWN)).cost;
    const multi = macDeliver(link('MULTI'), frame(OWN)).cost;
    expect(multi.looked).toBe(none.looked + 1);
    expect(multi.copied).toBe(none.copied);
    expect(macDeliver(link('NONE'), frame(CLASSES.foreign)).cost.looked).toBe(0);
    expect(macDeliver(link('MULTI'), frame(CLASSES.foreign)).cost.looked).toBe(2);
  });

  it('of a broadcast under MULTI: viona_rx_mcast throws its copy away', () => {
    const { cost, silent } = macDeliver(link('MULTI'), frame(CLASSES.broadcast));
    expect(cost).toMatchObject({ delivered: 1, discarded: 2 });
    expect(silent).toBe('silent_bcast_suppressed');
    expect(macDeliver(link('NONE'), frame(CLASSES.broadcast)).silent).toBeNull();
  });

  it('of ALL: what was classified to the client meets a callback that is cleared', () => {
    for (const kind of KINDS) {
      const cleared = NAMES.filter(
        (name) => macDeliver(link('ALL', kind), frame(CLASSES[name])).silent === 'silent_classified_cleared',
      );
      expect(cleared).toEqual(['own', 'broadcast', 'joined']);
    }
  });

  it('of what nobody gets is silent too', () => {
    for (const level of LEVELS) {
      for (const kind of KINDS) {
        for (const dst of Object.values(CLASSES)) {
          for (const vid of [-1, 5]) {
            const { silent, cost } = macDeliver(link(level, kind), frame(dst, vid));
            expect(silent === 'silent_not_handed_over').toBe(cost.delivered === 0);
          }
        }
      }
    }
  });

  it('is conserved, and nothing arrives twice', () => {
    for (const { cost } of DELIVERIES) {
      expect(cost.delivered + cost.discarded).toBe(cost.looked === 0 ? 0 : 1 + cost.copied);
      expect([0, 1]).toContain(cost.delivered);
    }
  });

  it('is nothing for what the NIC keeps, and the NIC keeps nothing while there is a listener', () => {
    const level = fc.constantFrom(...LEVELS);
    const kind = fc.constantFrom(...KINDS);
    const dst = fc.oneof(fc.nat(0xffff_ffff_ffff), fc.constantFrom(...Object.values(CLASSES)));
    const unicast = fc.constantFrom(OWN, null);
    fc.assert(
      fc.property(level, kind, dst, fc.integer({ min: -1, max: 4095 }), unicast, (mode, on, address, vid, own) => {
        const client = link(mode, on, { unicast: own, filters: own === null ? [] : [JOINED] });
        const { cost, path } = macDeliver(client, frame(address, vid));
        expect(cost.delivered + cost.discarded).toBe(cost.looked === 0 ? 0 : 1 + cost.copied);
        expect(path === 'none').toBe(cost.delivered === 0);
        const passesNic = mode !== 'NONE' || address === own || [0xffff_ffff_ffff, ...client.filters].includes(address);
        expect(cost.looked > 0).toBe(passesNic);
      }),
      { numRuns: 1000 },
    );
  });
});

it('delivers exactly what the table of levels says, for any address and tag', () => {
  const level = fc.constantFrom(...LEVELS);
  const kind = fc.constantFrom(...KINDS);
  const dst = fc.oneof(fc.nat(0xffff_ffff_ffff), fc.constantFrom(...Object.values(CLASSES)));
  fc.assert(
    fc.property(level, kind, dst, fc.integer({ min: -1, max: 4095 }), (mode, on, address, vid) => {
      const group = (Math.floor(address / 2 ** 40) & 1) === 1;
      const broadcast = address === 0xffff_ffff_ffff;
      const byLevel = address === OWN || broadcast || address === JOINED || (group && mode !== 'NONE');
      const wanted = (mode === 'ALL' && on === 'physical') || (vid <= 0 && byLevel);
      const { cost, stripTag, path } = macDeliver(link(mode, on), frame(address, vid));
      expect(cost.delivered).toBe(wanted ? 1 : 0);
      expect(path !== 'none').toBe(wanted);
      expect(stripTag).toBe(wanted && vid >= 0);
    }),
    { numRuns: 1000 },
  );
});

describe('what the guest sends', () => {
  it('comes back only if it is for the guest itself, and the link is a VNIC', () => {
    const back = (on: LinkState) => NAMES.filter((name) => macLoopsBack(on, frame(CLASSES[name])));
    for (const level of LEVELS) {
      expect(back(link(level, 'vnic'))).toEqual(['own']);
      expect(back(link(level))).toEqual([]);
    }
    expect(back(deleted(link('NONE', 'vnic')))).toEqual([]);
    expect(macLoopsBack(link('NONE', 'vnic'), frame(OWN, 5))).toBe(false);
    expect(macLoopsBack(link('NONE', 'vnic'), frame(OWN, 0))).toBe(true);
    expect(macLoopsBack(link('NONE', 'vnic'), { ...frame(OWN), valid: false })).toBe(false);
  });
});
