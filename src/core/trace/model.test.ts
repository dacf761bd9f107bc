import { describe, expect, it } from 'vitest';
import { formatFeatures } from '../virtio/features.ts';
import type { StampedEvent, TraceEvent } from './event.ts';
import { fold, foldAll, INITIAL_MODEL, needsReprobe } from './model.ts';

const stamp = (events: readonly TraceEvent[]): StampedEvent[] =>
  events.map((event, seq) => ({ seq, time: seq * 1000, source: 'machine', event }));

const OFFERED = formatFeatures(0x1_0007_0020n);
const SESSION = stamp([
  { type: 'boot', stage: 'userspace', loadedBytes: 0, totalBytes: 0 },
  { type: 'host-model', model: 'propolis-372a574', offers: OFFERED, generation: 1 },
  { type: 'device-reset', kind: 'driver', epoch: 1, offered: OFFERED },
  { type: 'status-write', value: 3, before: 1, after: 3 },
  { type: 'features-judged', ok: true, offered: OFFERED, accepted: OFFERED, reason: null },
  { type: 'queue-enabled', queue: 1, role: 'transmitq1', size: 256, desc: 1, driver: 2, device: 3 },
  { type: 'queue-enabled', queue: 0, role: 'receiveq1', size: 256, desc: 4, driver: 5, device: 6 },
  { type: 'status-write', value: 15, before: 11, after: 15 },
  { type: 'carrier', up: false, announce: false },
  {
    type: 'ioctl',
    name: 'VNA_IOC_SET_PROMISC',
    arg: 'MULTI',
    errno: 0,
    by: 'vmm',
    model: 'propolis-372a574',
    generation: 2,
  },
  { type: 'lost', what: 'trace records', count: 2 },
  { type: 'lost', what: 'trace records', count: 3 },
]);

describe('LabModel', () => {
  it('tells a start from a snapshot from a boot, which is what a reset brings', () => {
    const refused = { type: 'snapshot', outcome: 'refused', from: 'storage', detail: 'It is damaged.' } as const;
    const used = { type: 'snapshot', outcome: 'used', from: 'server', detail: '' } as const;
    const found = { type: 'snapshot', outcome: 'found', from: 'storage', detail: '' } as const;
    const kept = { type: 'snapshot', outcome: 'kept', from: 'storage', detail: '' } as const;
    expect(foldAll(stamp([refused])).warm).toBe(false);
    expect(foldAll(stamp([found])).warm).toBe(true);
    expect(foldAll(stamp([found, refused])).warm).toBe(false);
    const restored = foldAll(stamp([found, refused, used, kept]));
    expect(restored).toMatchObject({ warm: true, snapshots: [found, refused, used, kept] });
    expect(foldAll(stamp([{ type: 'machine-reset' }]), restored)).toMatchObject({
      warm: false,
      snapshots: [found, refused, used, kept],
    });
  });

  it('is what the events say', () => {
    const model = foldAll(SESSION);
    expect(model).toMatchObject({
      boot: { stage: 'userspace' },
      status: 15,
      epoch: 1,
      offered: OFFERED,
      negotiated: OFFERED,
      host: 'propolis-372a574',
      lost: { 'trace records': 5 },
    });
    expect(model.queues.map(({ queue }) => queue)).toEqual([0, 1]);
    expect(model.ioctls.entries).toHaveLength(1);
    expect(model.negotiation.entries).toHaveLength(7);
  });

  it('is the same whenever it is folded, in one go or resumed anywhere', () => {
    const whole = foldAll(SESSION);
    for (let at = 0; at <= SESSION.length; at++) {
      expect(foldAll(SESSION.slice(at), foldAll(SESSION.slice(0, at)))).toEqual(whole);
    }
  });

  it('does not touch the model it starts from', () => {
    const before = foldAll(SESSION.slice(0, 5));
    const copy = structuredClone(before);
    foldAll(SESSION.slice(5), before);
    expect(before).toEqual(copy);
  });

  it('forgets the negotiation on a reset and keeps what the host decided', () => {
    const [reset] = stamp([{ type: 'device-reset', kind: 'driver', epoch: 2, offered: OFFERED }]);
    const model = fold(foldAll(SESSION), reset!);
    expect(model).toMatchObject({ status: 0, epoch: 2, accepted: null, negotiated: null, queues: [] });
    expect(model.host).toBe('propolis-372a574');
  });

  it('asks for a re-probe when a bound driver was offered something else', () => {
    const [change] = stamp([{ type: 'offers-changed', next: formatFeatures(1n) }]);
    expect(needsReprobe(foldAll(SESSION))).toBe(false);
    expect(needsReprobe(fold(foldAll(SESSION), change!))).toBe(true);
    expect(needsReprobe(fold(INITIAL_MODEL, change!)), 'nobody to ask').toBe(false);
  });

  it('knows what is injected, what the function is, and which queues are left', () => {
    const stall = { kind: 'ring-stall', ring: 2 } as const;
    const model = foldAll(
      stamp([
        { type: 'personality', msix: true, transitional: false },
        { type: 'faults', model: 'propolis-372a574', faults: [stall], generation: 3 },
        { type: 'queue-reset', queue: 1 },
        { type: 'device-suspended', suspended: true },
        { type: 'migrated', acks: { exact: 'OK' }, reason: null, generation: 4 },
      ]),
      foldAll(SESSION),
    );
    expect(model).toMatchObject({
      personality: { msix: true, transitional: false },
      faults: [stall],
      suspended: true,
    });
    expect(model.queues.map(({ queue }) => queue)).toEqual([0]);
    expect(model.negotiation.entries.slice(-4).map(({ event }) => event.type)).toEqual([
      'personality',
      'queue-reset',
      'device-suspended',
      'migrated',
    ]);
    const [cleared, reset] = stamp([
      { type: 'faults', model: 'propolis-372a574', faults: [], generation: 5 },
      { type: 'device-reset', kind: 'driver', epoch: 2, offered: OFFERED },
    ]);
    expect(fold(model, cleared!).faults).toEqual([]);
    expect(fold(model, reset!), 'a reset ends a suspension, and no fault of the host').toMatchObject({
      suspended: false,
      faults: [stall],
    });
  });

  it('bounds its logs and counts what they let go', () => {
    const event = { type: 'config-write', offset: 0, width: 1, value: 0 } as const;
    const model = foldAll(stamp(Array.from({ length: 1005 }, () => event)));
    expect(model.guestErrors.entries).toHaveLength(1000);
    expect(model.guestErrors.dropped).toBe(5);
    expect(model.guestErrors.entries[0]?.seq).toBe(5);
  });
});
