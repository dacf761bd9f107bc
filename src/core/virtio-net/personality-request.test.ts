import { describe, expect, it } from 'vitest';
import { choosePersonality } from './personality-request.ts';

/** CTRL_VQ and VERSION_1. */
const PLAIN = (1n << 17n) | (1n << 32n);
const CTRL_RX = 1n << 18n;
const CTRL_RX_EXTRA = 1n << 20n;
const MQ = 1n << 22n;
const CTRL_MAC_ADDR = 1n << 23n;
const NOTF_COAL = 1n << 53n;

describe('what a user wants the device to be', () => {
  it('nothing: what the model offers, with MSI-X and without a legacy interface', () => {
    const personality = { features: PLAIN, transitional: false, msix: true, ctrlMacAddr: false };
    expect(choosePersonality(PLAIN, {})).toEqual({ personality, changes: [] });
  });

  it('bits are named as in the specification, and added and taken away', () => {
    const chosen = choosePersonality(PLAIN | CTRL_RX, { add: ['VIRTIO_NET_F_MQ'], remove: ['VIRTIO_NET_F_CTRL_RX'] });
    expect(chosen.personality.features).toBe(PLAIN | MQ);
  });

  it('BASE-FEAT-01: dependencies move along, each with its reason', () => {
    const added = choosePersonality(1n << 32n, { add: ['VIRTIO_NET_F_CTRL_RX_EXTRA'] });
    expect(added.personality.features & (CTRL_RX_EXTRA | (1n << 17n))).toBe(CTRL_RX_EXTRA | (1n << 17n));
    expect(added.changes.map(({ bit, on }) => [bit, on])).toContainEqual([17, true]);
    const removed = choosePersonality(PLAIN | CTRL_RX | MQ, { remove: ['VIRTIO_NET_F_CTRL_VQ'] });
    expect(removed.personality.features).toBe(1n << 32n);
    expect(removed.changes.map(({ bit, on }) => [bit, on]).sort()).toEqual([
      [18, false],
      [22, false],
    ]);
    for (const { reason } of [...added.changes, ...removed.changes]) expect(reason).toMatch(/CTRL_VQ/);
  });

  it('the shape of the device', () => {
    expect(choosePersonality(PLAIN, { transitional: true, msix: false }).personality).toMatchObject({
      transitional: true,
      msix: false,
    });
  });

  it('CTRL_MAC_ADDR: only what was asked for, never because a model offers it', () => {
    expect(choosePersonality(PLAIN | CTRL_MAC_ADDR, {}).personality).toMatchObject({
      features: PLAIN,
      ctrlMacAddr: false,
    });
    expect(choosePersonality(PLAIN, { add: ['VIRTIO_NET_F_CTRL_MAC_ADDR'] }).personality).toMatchObject({
      features: PLAIN | CTRL_MAC_ADDR,
      ctrlMacAddr: true,
    });
  });

  it('the lab has a timer, so coalescing can be offered', () => {
    expect(choosePersonality(PLAIN | NOTF_COAL, {}).personality.features).toBe(PLAIN | NOTF_COAL);
    expect(choosePersonality(PLAIN, { add: ['VIRTIO_NET_F_NOTF_COAL'] }).personality.features).toBe(PLAIN | NOTF_COAL);
  });

  it.each(['VIRTIO_NET_F_NOTHING', 'mq', '22', '__proto__', 'featureNames'])(
    '“%s” is refused with the way out',
    (name) => {
      const sentence = `“${name}” is no feature bit: write its name as in the specification, VIRTIO_NET_F_MQ.`;
      expect(() => choosePersonality(PLAIN, { add: [name] })).toThrow(new RangeError(sentence));
      expect(() => choosePersonality(PLAIN, { remove: [name] })).toThrow(RangeError);
    },
  );
});
