import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newFrameHeader } from '../net/ethernet.ts';
import type { FrameHeader } from '../net/ethernet.ts';
import type { PromiscLevel } from './link.ts';
import { LEVEL_CALLBACKS } from './link.ts';
import { DELIVERIES, macDeliver } from './mac-client.ts';

const OWN = 0x0200_0000_0015;
const CLASSES = {
  own: OWN,
  foreign: 0x0200_0000_0099,
  broadcast: 0xffff_ffff_ffff,
  multicast: 0x0100_5e01_0203,
} as const;

function frame(dst: number, vid = -1): FrameHeader {
  return { ...newFrameHeader(), valid: true, length: 60, dst, vid };
}

function deliver(level: PromiscLevel, dst: number, vid = -1) {
  const { rule, path, cost, stripTag } = macDeliver(LEVEL_CALLBACKS[level], OWN, frame(dst, vid));
  return { rule, path, stripTag, cost: [cost.looked, cost.copied, cost.delivered, cost.discarded].join() };
}

describe('what the MAC layer delivers, and its cost: looked, copied, delivered, discarded', () => {
  it.each<[PromiscLevel, keyof typeof CLASSES, string, string, string]>([
    ['NONE', 'own', 'own-unicast', 'classified', '1,0,1,0'],
    ['NONE', 'foreign', 'unicast-foreign', 'none', '0,0,0,0'],
    ['NONE', 'broadcast', 'broadcast', 'classified', '1,1,1,1'],
    ['NONE', 'multicast', 'multicast-no-listener', 'none', '0,0,0,0'],
    ['MULTI', 'own', 'own-unicast', 'classified', '2,0,1,0'],
    ['MULTI', 'foreign', 'unicast-foreign', 'none', '2,0,0,1'],
    ['MULTI', 'broadcast', 'broadcast', 'classified', '3,2,1,2'],
    ['MULTI', 'multicast', 'promisc-multi', 'promisc-multi', '3,1,1,1'],
    ['ALL', 'own', 'promisc-all', 'promisc-all', '2,1,1,1'],
    ['ALL', 'foreign', 'promisc-all', 'promisc-all', '2,1,1,1'],
    ['ALL', 'broadcast', 'promisc-all', 'promisc-all', '2,2,1,2'],
    ['ALL', 'multicast', 'promisc-all', 'promisc-all', '2,1,1,1'],
  ])('%s, %s: %s', (level, kind, rule, path, cost) => {
    expect(deliver(level, CLASSES[kind])).toEqual({ rule, path, cost, stripTag: false });
  });

  it.each<[PromiscLevel, keyof typeof CLASSES, string, string]>([
    ['NONE', 'own', 'vid-mismatch', '1,0,0,1'],
    ['NONE', 'foreign', 'unicast-foreign', '0,0,0,0'],
    ['NONE', 'broadcast', 'vid-mismatch', '1,0,0,1'],
    ['NONE', 'multicast', 'multicast-no-listener', '0,0,0,0'],
    ['MULTI', 'own', 'vid-mismatch', '2,0,0,1'],
    ['MULTI', 'foreign', 'unicast-foreign', '2,0,0,1'],
    ['MULTI', 'broadcast', 'vid-mismatch', '2,0,0,1'],
    ['MULTI', 'multicast', 'vid-mismatch', '2,0,0,1'],
  ])('NET-VLAN-01 is not met: %s, %s of another VLAN: %s', (level, kind, rule, cost) => {
    expect(deliver(level, CLASSES[kind], 5)).toEqual({ rule, path: 'none', cost, stripTag: false });
  });

  it.each(['own', 'foreign', 'broadcast', 'multicast'] as const)(
    'ALL takes %s of another VLAN, without its tag',
    (kind) => {
      expect(deliver('ALL', CLASSES[kind], 5)).toMatchObject({ rule: 'promisc-all', stripTag: true });
    },
  );

  it('a priority tag (VID 0) fits a client without VLAN, and comes off', () => {
    expect(deliver('NONE', OWN, 0)).toMatchObject({ rule: 'own-unicast', stripTag: true });
    expect(deliver('MULTI', CLASSES.multicast, 0)).toMatchObject({ rule: 'promisc-multi', stripTag: true });
  });

  it('the cost shown for a unicast frame under MULTI includes the extra look', () => {
    const none = macDeliver(LEVEL_CALLBACKS.NONE, OWN, frame(OWN)).cost;
    const multi = macDeliver(LEVEL_CALLBACKS.MULTI, OWN, frame(OWN)).cost;
    expect(multi.looked).toBe(none.looked + 1);
    expect(multi.copied).toBe(none.copied);
    expect(macDeliver(LEVEL_CALLBACKS.NONE, OWN, frame(CLASSES.foreign)).cost.looked).toBe(0);
    expect(macDeliver(LEVEL_CALLBACKS.MULTI, OWN, frame(CLASSES.foreign)).cost.looked).toBe(2);
  });

  it('broadcast under MULTI arrives once: viona_rx_mcast throws its copy away', () => {
    const { delivered, discarded } = macDeliver(LEVEL_CALLBACKS.MULTI, OWN, frame(CLASSES.broadcast)).cost;
    expect({ delivered, discarded }).toEqual({ delivered: 1, discarded: 2 });
  });

  it('a frame without a header reaches nobody', () => {
    expect(macDeliver(LEVEL_CALLBACKS.ALL, OWN, newFrameHeader())).toMatchObject({ rule: 'bad-header', path: 'none' });
  });

  it('what enters software is conserved, and nothing arrives twice', () => {
    for (const { cost } of DELIVERIES) {
      expect(cost.delivered + cost.discarded).toBe(cost.looked === 0 ? 0 : 1 + cost.copied);
      expect([0, 1]).toContain(cost.delivered);
    }
  });

  it('delivers exactly what the table of levels says, for any address and tag', () => {
    const level = fc.constantFrom<PromiscLevel>('NONE', 'MULTI', 'ALL');
    const dst = fc.oneof(fc.nat(0xffff_ffff_ffff), fc.constantFrom(...Object.values(CLASSES)));
    fc.assert(
      fc.property(level, dst, fc.integer({ min: -1, max: 4095 }), (mode, address, vid) => {
        const group = (Math.floor(address / 2 ** 40) & 1) === 1;
        const broadcast = address === 0xffff_ffff_ffff;
        const wanted = mode === 'ALL' || (vid <= 0 && (address === OWN || broadcast || (group && mode === 'MULTI')));
        const { cost, stripTag, path } = macDeliver(LEVEL_CALLBACKS[mode], OWN, frame(address, vid));
        expect(cost.delivered).toBe(wanted ? 1 : 0);
        expect(path !== 'none').toBe(wanted);
        expect(stripTag).toBe(wanted && vid >= 0);
      }),
      { numRuns: 500 },
    );
  });
});
