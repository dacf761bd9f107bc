import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { PRESET_IDS } from '../net/traffic.ts';
import { newFrameMeta } from '../ring/frames.ts';
import type { Fault } from '../viona/faults.ts';
import { tcpFrame } from '../viona/rx-common.test-kit.ts';
import type { HostModelId, RxEvent } from './host-model.ts';
import { HOST_MODEL_IDS } from './host-model.ts';
import { JOIN, lab, type Lab, NEGOTIATED, PROMISC_OFF, PROMISC_ON, queuesUp } from './host-side.test-kit.ts';
import { verdictOf } from './verdict.ts';

describe('any sequence of requests and frames', () => {
  const request = fc.constantFrom<RxEvent>(
    NEGOTIATED,
    PROMISC_ON,
    PROMISC_OFF,
    JOIN,
    { type: 'reset', kind: 'driver' },
    { type: 'reset', kind: 'machine' },
    { type: 'negotiated', features: (1n << 17n) | (1n << 18n) | (1n << 22n) },
    ...queuesUp(0, 1, 2),
  );
  const step = fc.oneof(
    request.map((event) => (l: Lab) => void l.host.rxEvent(event)),
    fc.constantFrom(...PRESET_IDS).map((id) => (l: Lab) => void l.inject(id)),
    fc.constantFrom<HostModelId>(...HOST_MODEL_IDS).map((id) => (l: Lab) => l.host.setModel(id)),
    fc.constantFrom('NONE', 'MULTI', 'ALL', 3).map((arg) => (l: Lab) => void l.host.ioctl('SET_PROMISC', arg)),
    fc
      .constantFrom<Fault>(
        { kind: 'ioctl', name: 'SET_PROMISC', errno: 'ENXIO' },
        { kind: 'ioctl', name: 'SET_PROMISC', errno: 'EIO' },
        { kind: 'ring-stall', ring: 0 },
        { kind: 'lease' },
      )
      .map((fault) => (l: Lab) => void l.host.fault(fault)),
    fc.constantFrom(undefined, 'lease' as const).map((kind) => (l: Lab) => l.host.clearFaults(kind)),
    fc.constantFrom('physical' as const, 'vnic' as const).map((kind) => (l: Lab) => l.host.setLinkKind(kind)),
    fc.constant((l: Lab) => void l.host.migrate()),
    fc.nat(3).map((port) => (l: Lab) => void l.input(tcpFrame(4, 100, [port, 80]))),
    fc
      .nat(1)
      .map((type) => (l: Lab) => void l.input(tcpFrame(4, 3000), { ...newFrameMeta(), gsoType: type, gsoSize: 900 })),
    fc.nat(3).map((frames) => (l: Lab) => void l.fill(frames)),
  );

  it('one fate per frame, delivered means sent, generation never falls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const l = lab();
        const seen = l.frames;
        let generation = 0;
        for (const act of steps) {
          act(l);
          expect(l.host.generation).toBeGreaterThanOrEqual(generation);
          generation = l.host.generation;
        }
        expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
        expect(seen.filter(({ fate }) => fate === 'pending').map(({ id }) => id)).toEqual(
          l.delivered.map(({ id }) => id),
        );
        for (const { fate, active, verdicts } of seen) {
          if (verdicts.length === 0) continue; // a piece
          const ruling = verdictOf(verdicts[active]!)!;
          expect(ruling.accept).toBe(fate !== 'filtered');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('restore(snapshot(x)) = x, through JSON, and goes on alike', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(step, { maxLength: 10 }), (before, then) => {
        const a = lab();
        for (const act of before) act(a);
        const snapshot = a.host.snapshot();
        const b = lab('exact');
        expect(b.host.restore(JSON.parse(JSON.stringify(snapshot)))).toBeNull();
        expect(b.host.snapshot()).toEqual(snapshot);
        a.fill(100);
        b.fill(100);
        const delivered = a.delivered.length;
        for (const act of then) {
          act(a);
          act(b);
        }
        expect(b.host.snapshot()).toEqual(a.host.snapshot());
        expect(b.delivered).toEqual(a.delivered.slice(delivered));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a damaged snapshot', () => {
  let side: Lab;
  beforeEach(() => (side = lab()));

  /** The snapshot with one field replaced, by path. */
  function damaged(snapshot: unknown, path: readonly (string | number)[], value: unknown): unknown {
    const [field, ...rest] = path;
    if (field === undefined) return value;
    const fields = snapshot as Record<string, unknown>;
    const copy = (Array.isArray(snapshot) ? [...(snapshot as unknown[])] : { ...fields }) as Record<string, unknown>;
    copy[field] = damaged(fields[field], rest, value);
    return copy;
  }

  const before = ['states', 'propolis-before-1125', 'link'];
  const propolis = ['states', 'propolis-372a574'];
  const exact = ['states', 'exact'];

  it.each<[string, readonly (string | number)[], unknown]>([
    ['no object', [], null],
    ['another version', ['version'], 1],
    ['an unknown model', ['model'], 'bhyve'],
    ['an unknown kind of link', ['linkKind'], 'bridge'],
    ['links of another kind', ['linkKind'], 'vnic'],
    ['a negative generation', ['generation'], -1],
    ['an odd frame id', ['nextId'], 3],
    ['no states', ['states'], undefined],
    ['a model without state', exact, undefined],
    ['another device', [...exact, 'device'], 1],
    ['another MAC of a link', [...before, 'config', 'mac'], 1],
    ['an impossible MTU', [...before, 'config', 'mtu'], 67],
    ['a group among unicast', [...exact, 'unicast'], [2 ** 40]],
    ['a unicast among groups', [...propolis, 'multicast'], [2]],
    ['a table that is none', [...propolis, 'multicast'], {}],
    ['a table with a hole in it', [...exact, 'multicast'], new Array(1)],
    ['more faults than can wait', [...before, 'faults'], Array(17).fill({ name: 'VNA_IOC_VERSION', errno: 'EIO' })],
    ['a flag that is none', [...propolis, 'promisc'], 1],
    ['a level of its own', [...propolis, 'remembered'], 'SOME'],
    ['callbacks that viona_rx_set never leaves', [...before, 'callbacks'], { classified: null, promisc: null }],
    ['callbacks above the level', [...before, 'level'], 'NONE'],
    ['an unknown fault', [...before, 'faults'], [{ name: 'X', errno: 'EIO' }]],
    ['no counters', ['counters'], undefined],
    ['a model without counters', ['counters', 'exact'], undefined],
    ['an unknown counter', ['counters', 'propolis-372a574', 'totals'], { rx_frames: 1 }],
    ['a counter below zero', ['counters', 'propolis-372a574', 'totals'], { rx_packets: -1 }],
    ['a strange ioctl', ['ioctls'], [{ name: 1 }]],
  ])('with %s is refused and changes nothing', (_name, path, value) => {
    side.host.rxEvent(NEGOTIATED);
    const before = side.host.snapshot();
    expect(side.host.restore(damaged(before, path, value))).toMatch(/^The host snapshot cannot be used: .*\.$/);
    expect(side.host.snapshot()).toEqual(before);
  });

  it('any JSON is refused or restored, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        side.host.restore(value);
      }),
    );
  });
});
