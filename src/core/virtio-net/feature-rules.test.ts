import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CAPABLE_FEATURES,
  closeOver,
  featureName,
  judgeDependencies,
  offerable,
  switchFeature,
} from './feature-rules.ts';

const set = (...bits: number[]): bigint => bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const CTRL_VQ = 17;

/** The table of 5.1.3.1: a bit, and the sets of which it needs one each. */
const NEEDS: [bit: number, sufficient: number[][], insufficient: number[][]][] = [
  [7, [[1]], [[], [0]]],
  [8, [[1]], [[]]],
  [
    9,
    [
      [1, 7],
      [1, 8],
    ],
    [[1]],
  ],
  [10, [[1]], [[]]],
  [11, [[0]], [[], [1]]],
  [12, [[0]], [[]]],
  [
    13,
    [
      [0, 11],
      [0, 12],
    ],
    [[0]],
  ],
  [14, [[0]], [[]]],
  [18, [[17]], [[]]],
  [19, [[17]], [[]]],
  [21, [[17]], [[]]],
  [22, [[17]], [[]]],
  [23, [[17]], [[]]],
  [
    51,
    [
      [17, 60],
      [17, 57],
    ],
    [[17], [57]],
  ],
  [52, [[17]], [[]]],
  [53, [[17]], [[]]],
  [54, [[1]], [[]]],
  [55, [[1]], [[]]],
  [56, [[0]], [[]]],
  [60, [[17]], [[]]],
  [
    61,
    [
      [0, 11],
      [0, 12],
    ],
    [[0], [1, 7]],
  ],
  [64, [[17, 60]], [[17]]],
  [
    65,
    [[1, 7, 8, 54, 55]],
    [
      [1, 7, 8, 54],
      [1, 7, 8, 55],
      [1, 7, 54, 55],
      [1, 8, 54, 55],
    ],
  ],
  [66, [[1, 7, 8, 54, 55, 65]], [[1, 7, 8, 54, 55]]],
  [
    67,
    [[0, 11, 12, 56]],
    [
      [0, 11, 12],
      [0, 11, 56],
      [0, 12, 56],
    ],
  ],
  [68, [[0, 11, 12, 56, 67]], [[0, 11, 12, 56]]],
];

describe('dependencies between features', () => {
  it.each(NEEDS.map(([bit, ...rest]) => [String(bit).padStart(2, '0'), bit, ...rest] as const))(
    'NET-DEP-%s: a driver that accepts it without its prerequisites is refused',
    (_, bit, sufficient, insufficient) => {
      for (const others of sufficient) expect(judgeDependencies(set(bit, ...others))).toBeNull();
      for (const others of insufficient) {
        const fault = judgeDependencies(set(bit, ...others));
        expect(fault?.code).toBe('feature-dependency');
        expect(fault?.reason).toMatch(/^VIRTIO_NET_F_\w+ needs VIRTIO_NET_F_\w+( or VIRTIO_NET_F_\w+)?\.$/);
      }
    },
  );

  it('BASE-FEAT-02: what has no rule of its own stands alone', () => {
    for (const bit of [0, 1, 2, 3, 5, 15, 16, 17, 20, 28, 32, 50, 57, 59, 63]) {
      expect(judgeDependencies(set(bit))).toBeNull();
    }
  });

  it('NET-CFG-13, NET-CFG-14: HASH_REPORT and CTRL_RX_EXTRA are not offered without CTRL_VQ', () => {
    const wanted = set(57, 20, 2, 50);
    expect(closeOver(wanted).features).toBe(0n);
    expect(closeOver(wanted | set(CTRL_VQ)).features).toBe(wanted | set(CTRL_VQ));
  });

  it('BASE-FEAT-01, BASE-FEAT-04: whatever is asked for, the offer has its prerequisites and nothing unknown', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (wanted) => {
        const offered = offerable(wanted);
        expect(judgeDependencies(offered)).toBeNull();
        expect(offered & ~(wanted | set(32))).toBe(0n);
        expect(offered & ~CAPABLE_FEATURES).toBe(0n);
      }),
    );
  });

  it('RSVD-01: VERSION_1 is always offered', () => {
    expect(offerable(0n)).toBe(set(32));
    expect(switchFeature(set(32, 17), 32, false).features).toBe(set(32, 17));
  });

  it('RSVD-10, BASE-FEAT-04: what this device has not is never offered', () => {
    for (const bit of [6, 33, 36, 37, 41, 42, 51, 61, 62, 64, 65, 66, 67, 68, 69, 70]) {
      expect(CAPABLE_FEATURES & set(bit)).toBe(0n);
    }
  });
});

describe('a switch of one feature', () => {
  it('on: brings its prerequisites, and says why', () => {
    expect(switchFeature(set(32), 22, true)).toEqual({
      features: set(32, 17, 22),
      changes: [{ bit: 17, on: true, reason: 'VIRTIO_NET_F_MQ needs VIRTIO_NET_F_CTRL_VQ.' }],
    });
  });

  it('on: brings what its prerequisites need, the first of several', () => {
    const possible = set(0, 11, 12, 13, 32);
    const { features, changes } = switchFeature(set(32), 13, true, possible);
    expect(features).toBe(set(0, 11, 13, 32));
    expect(changes.map(({ bit, on }) => [bit, on])).toEqual([
      [11, true],
      [0, true],
    ]);
    expect(switchFeature(set(32), 13, true, possible & ~set(11)).features).toBe(set(0, 12, 13, 32));
  });

  it('off: takes its dependents away, and theirs, each with a sentence', () => {
    const all = set(0, 11, 12, 13, 32);
    expect(switchFeature(all, 11, false).features).toBe(all & ~set(11));
    const { features, changes } = switchFeature(all, 0, false);
    expect(features).toBe(set(32));
    expect(changes.map(({ bit, on }) => [bit, on])).toEqual([
      [11, false],
      [12, false],
      [13, false],
    ]);
    expect(changes.at(-1)?.reason).toBe(
      'VIRTIO_NET_F_HOST_ECN needs VIRTIO_NET_F_HOST_TSO4 or VIRTIO_NET_F_HOST_TSO6.',
    );
  });

  it('on: what the device cannot do stays off, and so does what needs it', () => {
    const closure = switchFeature(set(32), 70, true);
    expect(closure.features).toBe(set(32));
    expect(closure.changes).toEqual([
      { bit: 70, on: false, reason: 'VIRTIO_NET_F_IPSEC is nothing that this device can do.' },
    ]);
    expect(switchFeature(set(32), 22, true, set(22, 32)).features).toBe(set(32));
  });

  it('off and on again never leaves an inconsistent set', () => {
    const bits = fc.nat(63);
    fc.assert(
      fc.property(fc.array(fc.tuple(bits, fc.boolean()), { maxLength: 30 }), (steps) => {
        let features = offerable(0n);
        for (const [bit, on] of steps) {
          ({ features } = switchFeature(features, bit, on));
          expect(judgeDependencies(features)).toBeNull();
          expect(features & ~CAPABLE_FEATURES).toBe(0n);
        }
      }),
    );
  });

  it('bits have names', () => {
    expect([17, 32, 42].map(featureName)).toEqual(['VIRTIO_NET_F_CTRL_VQ', 'VIRTIO_F_VERSION_1', 'bit 42']);
  });
});
