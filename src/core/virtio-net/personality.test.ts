import { describe, expect, it } from 'vitest';
import { offersOf, readPersonality } from './personality.ts';

const WITH_TIMER = { timer: true };
/** CTRL_VQ and VERSION_1. */
const PLAIN = (1n << 17n) | (1n << 32n);
const good = { features: PLAIN, transitional: false, msix: true };

const reasonOf = (value: unknown, abilities = WITH_TIMER): string => {
  const result = readPersonality(value, abilities);
  return result.ok ? 'ok' : result.reason;
};

describe('a personality from outside', () => {
  it('is taken over as it is', () => {
    const personality = { ...good, ctrlMacAddr: false };
    expect(readPersonality(good, WITH_TIMER)).toEqual({ ok: true, personality });
    expect(readPersonality({ ...good, features: '0x0000000100020000' }, WITH_TIMER)).toEqual({ ok: true, personality });
  });

  it.each([
    [null, 'A personality is an object.'],
    ['0x1', 'A personality is an object.'],
    [{ ...good, features: 5 }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [
      { ...good, features: '0x' + '1'.repeat(33) },
      'features is neither a bigint nor hexadecimal text of up to 128 bits.',
    ],
    [{ ...good, features: '0x20 bits' }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [{ ...good, features: 'bits 0x20' }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [{ ...good, features: 0n }, 'VIRTIO_F_VERSION_1 must always be offered.'],
    [{ ...good, features: '17' }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [{ ...good, features: -1n }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [{ ...good, features: 1n << 128n }, 'features is neither a bigint nor hexadecimal text of up to 128 bits.'],
    [{ ...good, transitional: 1 }, 'transitional is not true or false.'],
    [{ features: PLAIN, transitional: false }, 'msix is not true or false.'],
    [{ ...good, ctrlMacAddr: 'yes' }, 'ctrlMacAddr is not true or false.'],
    [{ ...good, features: PLAIN | (1n << 70n) }, 'The device cannot offer VIRTIO_NET_F_IPSEC.'],
    [{ ...good, features: 1n << 17n }, 'VIRTIO_F_VERSION_1 must always be offered.'],
  ])('is refused with a reason: %#', (value, reason) => {
    expect(reasonOf(value)).toBe(reason);
  });

  it('BASE-FEAT-01: one with a feature that lacks another is refused, not mended', () => {
    const mq = (1n << 22n) | (1n << 32n);
    expect(reasonOf({ ...good, features: mq })).toBe('VIRTIO_NET_F_MQ needs VIRTIO_NET_F_CTRL_VQ.');
  });

  it('CTRL_MAC_ADDR is behind a switch that is off', () => {
    const features = PLAIN | (1n << 23n);
    expect(reasonOf({ ...good, features })).toBe('The device cannot offer VIRTIO_NET_F_CTRL_MAC_ADDR.');
    expect(reasonOf({ ...good, features, ctrlMacAddr: true })).toBe('ok');
    expect(offersOf({ ...good, features, ctrlMacAddr: false }, WITH_TIMER)).toBe(PLAIN);
    expect(offersOf({ ...good, features, ctrlMacAddr: true }, WITH_TIMER)).toBe(features);
  });

  it('BASE-FEAT-04: a machine without a timer cannot offer coalescing', () => {
    const features = PLAIN | (1n << 52n) | (1n << 53n);
    expect(offersOf({ ...good, features, ctrlMacAddr: false }, WITH_TIMER)).toBe(features);
    expect(offersOf({ ...good, features, ctrlMacAddr: false }, { timer: false })).toBe(PLAIN);
    expect(reasonOf({ ...good, features }, { timer: false })).toMatch(/NOTF_COAL/);
  });
});
