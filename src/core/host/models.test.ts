import { describe, expect, it } from 'vitest';
import { HOST_MODEL_IDS, type HostModelId, type RxEvent } from './host-model.ts';
import { HOST_MODELS } from './models.ts';
import {
  address,
  after,
  CONFIG,
  CTRL_RX,
  CTRL_VLAN,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  frame,
  JOINED,
  MACHINE_RESET,
  MIGRATE,
  MQ,
  negotiated,
  OWN,
  pairs,
  queue,
  rulesOf,
  rx,
  type Step,
  tables,
  VERSION_1,
  vlan,
} from './models.test-kit.ts';
import { FATES, FATE_TEXT, PATHS, RULES, verdictOf } from './verdict.ts';

const IDS: readonly HostModelId[] = [
  'propolis-before-1125',
  'propolis-372a574',
  'exact',
  'propolis-v7',
  'qemu',
  'cloud-hypervisor',
];

describe('all models', () => {
  it('stand in the order in which packed records number them, and can be shown', () => {
    expect([...HOST_MODEL_IDS]).toEqual(IDS);
    expect(HOST_MODELS.map((model) => model.id)).toEqual(IDS);
    for (const model of HOST_MODELS) {
      expect(model.title).not.toBe('');
      expect(model.source).not.toBe('');
      expect(model.summary).toMatch(/\.$/);
    }
  });

  it('say what is surprising about them in one sentence each, under one title per id', () => {
    const titles = new Map<string, string>();
    for (const { traps } of HOST_MODELS) {
      expect(new Set(traps.map(({ id }) => id)).size).toBe(traps.length);
      for (const { id, title, text } of traps) {
        expect(id).toMatch(/^[a-z0-9-]+$/);
        expect(title).toMatch(/[^.]$/);
        expect(text).toMatch(/^[^\n]+\.$/);
        expect(titles.get(id) ?? title).toBe(title);
        titles.set(id, title);
      }
    }
  });

  // Bit numbers, so that a feature that comes or goes is seen here.
  it.each<[HostModelId, number[]]>([
    ['propolis-before-1125', [0, 1, 3, 5, 7, 8, 11, 12, 15, 16, 17, 22, 24, 28, 32]],
    ['propolis-372a574', [0, 1, 3, 5, 7, 8, 11, 12, 15, 16, 17, 18, 22, 24, 28, 32]],
    ['propolis-v7', [0, 1, 3, 5, 7, 8, 11, 12, 15, 16, 17, 18, 22, 24, 28, 32]],
    [
      'qemu',
      [0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 24, 27, 28, 29, 32, 38, 40, 54, 55, 56],
    ],
    ['cloud-hypervisor', [0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 16, 17, 21, 22, 29, 32]],
    [
      'exact',
      [
        0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 24, 27, 28, 29, 32, 34, 35, 38, 39, 40, 43,
        50, 52, 53, 54, 55, 56, 57, 59, 60, 63,
      ],
    ],
  ])('%s offers what the VMM offers', (id, bits) => {
    const { offers } = after(id).model;
    expect(Array.from({ length: 71 }, (_, bit) => bit).filter((bit) => (offers >> BigInt(bit)) & 1n)).toEqual(bits);
  });

  it('none offers CTRL_MAC_ADDR (bit 23) by itself', () => {
    for (const { offers } of HOST_MODELS) expect(offers & (1n << 23n)).toBe(0n);
  });

  it('every verdict has its code, rule and path; every fate its text', () => {
    for (let code = 0; ; code++) {
      const verdict = verdictOf(code);
      if (!verdict) {
        expect(code).toBeGreaterThan(20);
        break;
      }
      expect(verdict.code).toBe(code);
      expect(verdict.accept).toBe(RULES[verdict.rule].accept);
      expect(verdict.accept).toBe(verdict.cost.delivered === 1);
      expect(PATHS[verdict.path]).toBeDefined();
    }
    for (const fate of FATES) expect(FATE_TEXT[fate]).not.toBe('');
  });

  it.each(IDS)('%s: a command that changes nothing leaves the very same state', (id) => {
    const ready = after(id, negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN), rx('promisc', 1), tables([FOREIGN], [JOINED]));
    const { model, state } = after(
      id,
      ...[negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN), rx('promisc', 1)],
      vlan('add', 5),
    );
    expect(model.next(ready.state, rx('promisc', 1)).state).toBe(ready.state);
    expect(model.next(ready.state, tables([FOREIGN], [JOINED])).state).toBe(ready.state);
    expect(model.next(state, vlan('add', 5)).state).toBe(state);
  });

  it.each(IDS)('%s: a frame without a whole header is dropped, at no cost', (id) => {
    const { model, state } = after(id, negotiated(), rx('promisc', 1));
    const { rule, cost } = model.decide(state, { ...frame(OWN), valid: false });
    expect(rule).toBe('bad-header');
    expect(cost).toEqual({ looked: 0, copied: 0, delivered: 0, discarded: 0 });
  });

  it.each(IDS.slice(2).filter((id) => id !== 'propolis-v7'))('%s has no link: ENXIO, and no faults', (id) => {
    const { model, state } = after(id);
    expect(model.link(state)).toBeNull();
    expect(model.ioctl(state, 'VNA_IOC_SET_PROMISC', 2)).toMatchObject({
      state,
      record: { errno: 'ENXIO', arg: 'ALL' },
    });
    const { error } = model.fault(state, { kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'EIO' });
    expect(error).toMatch(/no viona link/);
    expect(model.clearFaults(state)).toBe(state);
  });
});

describe('what each model answers', () => {
  type Acks = readonly ('OK' | 'ERR')[];
  // In the order of IDS.
  const ALL_OK: Acks = ['OK', 'OK', 'OK', 'OK', 'OK', 'OK'];
  const ALL_ERR: Acks = ['ERR', 'ERR', 'ERR', 'ERR', 'ERR', 'ERR'];
  const STRICT: Acks = ['ERR', 'ERR', 'ERR', 'ERR', 'OK', 'OK'];
  const QEMU_ONLY: Acks = ['ERR', 'ERR', 'ERR', 'ERR', 'OK', 'ERR'];

  it.each<[string, RxEvent, RxEvent, Acks]>([
    ['NET-CTRLRX-01: PROMISC', negotiated(), rx('promisc', 1), ['ERR', 'OK', 'OK', 'OK', 'OK', 'OK']],
    ['NET-CTRLRX-04: ALLMULTI', negotiated(), rx('allmulti', 0), ['ERR', 'OK', 'OK', 'OK', 'OK', 'OK']],
    ['TABLE_SET', negotiated(), tables([FOREIGN], [JOINED]), ['ERR', 'OK', 'OK', 'OK', 'OK', 'ERR']],
    ['RX without CTRL_RX', negotiated(CTRL_VQ), rx('promisc', 1), STRICT],
    ['TABLE_SET without CTRL_RX', negotiated(CTRL_VQ), tables([], [JOINED]), QEMU_ONLY],
    ['an RX value that is neither 0 nor 1', negotiated(), rx('promisc', 2), STRICT],
    ['ALLUNI without CTRL_RX_EXTRA', negotiated(), rx('alluni', 1), STRICT],
    ['NOMULTI without CTRL_RX_EXTRA', negotiated(), rx('nomulti', 1), STRICT],
    ['a group among the unicast addresses', negotiated(), tables([JOINED], []), QEMU_ONLY],
    ['a unicast address among the groups', negotiated(), tables([], [FOREIGN]), QEMU_ONLY],
    ['VLAN ADD', negotiated(CTRL_VQ | CTRL_VLAN), vlan('add', 5), ['OK', 'ERR', 'OK', 'ERR', 'OK', 'OK']],
    ['VLAN DEL without CTRL_VLAN', negotiated(CTRL_VQ), vlan('del', 5), ['OK', 'ERR', 'ERR', 'ERR', 'OK', 'OK']],
    ['ADDR_SET without CTRL_MAC_ADDR', negotiated(), address(FOREIGN), QEMU_ONLY],
    ['PAIRS_SET', negotiated(CTRL_VQ | MQ), pairs(2), ALL_OK],
    ['no pairs', negotiated(CTRL_VQ | MQ), pairs(0), ALL_ERR],
    ['0x8001 pairs', negotiated(CTRL_VQ | MQ), pairs(0x8001), ALL_ERR],
    ['12 pairs', negotiated(CTRL_VQ | MQ), pairs(12), ['ERR', 'ERR', 'OK', 'ERR', 'OK', 'OK']],
    ['PAIRS_SET without MQ', negotiated(CTRL_VQ), pairs(2), ['ERR', 'ERR', 'ERR', 'ERR', 'ERR', 'OK']],
  ])('%s', (_name, first, command, acks) => {
    const found = IDS.map((id) => {
      const { model, state } = after(id, first);
      const { ack, reason, state: next } = model.next(state, command);
      if (ack === 'ERR') {
        expect(reason).toMatch(/\.$/);
        expect(next).toBe(state);
      } else expect(reason).toBeNull();
      return ack;
    });
    expect(found).toEqual(acks);
  });
});

describe('restore', () => {
  const FULL: readonly Step[] = [
    negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN | MQ | VERSION_1),
    queue(0, 'enabled'),
    queue(1, 'enabled'),
    queue(0, 'kicked'),
    pairs(3),
    rx('promisc', 1),
    rx('allmulti', 1),
    tables([OWN, FOREIGN], [JOINED]),
    vlan('add', 5),
    rx('promisc', 0),
  ];
  const rounds: readonly (readonly Step[])[] = [
    [],
    FULL,
    [...FULL, DRIVER_RESET],
    [...FULL, MACHINE_RESET],
    [...FULL, MIGRATE],
  ];

  it.each(IDS)('%s: what JSON carries is the same state, and behaves the same', (id) => {
    for (const steps of rounds) {
      const { model, state } = after(id, ...steps);
      const back = model.restore(JSON.parse(JSON.stringify(state)), CONFIG.mac);
      expect(back).toEqual(state);
      expect(model.next(back, MACHINE_RESET)).toEqual(model.next(state, MACHINE_RESET));
    }
  });

  it.each(IDS)('%s: a state of a device with another MAC address is refused', (id) => {
    const { model, state } = after(id, ...FULL);
    expect(model.restore(state, FOREIGN)).toBeNull();
  });

  it.each(IDS)('%s: each field is checked', (id) => {
    const { model, state } = after(id, ...FULL);
    const good = JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
    const hostile: readonly unknown[] = [undefined, 'x', -1, 1.5, Number.NaN, 2 ** 60, {}, [{}], Array(3)];
    for (const key of Object.keys(good)) {
      for (const value of hostile) {
        // The result may only be refusal: no field takes any of these.
        expect(model.restore({ ...good, [key]: value }, CONFIG.mac), `${key} ${JSON.stringify(value)}`).toBeNull();
      }
    }
    for (const data of [null, undefined, 7, 'state', [], {}]) expect(model.restore(data, CONFIG.mac)).toBeNull();
  });

  it.each<[HostModelId, Record<string, unknown>]>([
    ['propolis-372a574', { features: '0x0000000000080000' }],
    ['propolis-372a574', { pairsInUse: 12, peakPairs: 12 }],
    ['propolis-372a574', { pairsInUse: 4, peakPairs: 3 }],
    ['propolis-372a574', { pairsInUse: 0 }],
    ['propolis-372a574', { unicast: [JOINED] }],
    ['propolis-372a574', { multicast: [FOREIGN] }],
    ['propolis-372a574', { remembered: 'SOME' }],
    ['propolis-v7', { unicast: Array.from({ length: 1025 }, (_, i) => i) }],
    ['exact', { mac: JOINED }],
    ['exact', { multicast: [FOREIGN] }],
    ['exact', { vlans: Array.from({ length: 255 }, () => 0) }],
    ['qemu', { vlans: Array.from({ length: 256 }, () => 65536) }],
    ['qemu', { promisc: 256 }],
    ['qemu', { unicast: Array.from({ length: 64 }, (_, i) => i), multicast: [JOINED] }],
  ])('%s: %o is refused', (id, damage) => {
    const { model, state } = after(id, ...FULL);
    expect(model.restore({ ...(state as object), ...damage }, CONFIG.mac)).toBeNull();
  });

  it('a link of another interface version is refused', () => {
    const six = after('propolis-372a574', ...FULL);
    const seven = after('propolis-v7', ...FULL);
    const swap = (state: unknown, link: unknown): object => ({ ...(state as object), link });
    expect(six.model.restore(swap(six.state, seven.link), CONFIG.mac)).toBeNull();
    expect(seven.model.restore(swap(seven.state, six.link), CONFIG.mac)).toBeNull();
  });
});

describe('propolis-before-1125', () => {
  it('answers every command ERR and stays in MULTI for ever', () => {
    const events = [negotiated(), rx('promisc', 1), tables([FOREIGN], [JOINED]), DRIVER_RESET, MACHINE_RESET];
    const result = after('propolis-before-1125', ...events, MIGRATE);
    expect(result.link?.level).toBe('MULTI');
    expect(result.ioctls.filter((line) => line.includes('PROMISC'))).toEqual([]);
    expect(rulesOf(result)).toEqual(['own-unicast', 'unicast-foreign', 'broadcast', 'promisc-multi', 'promisc-multi']);
    expect(after('propolis-before-1125', rx('promisc', 0)).last.ack).toBe('ERR');
  });
});

describe('cloud-hypervisor', () => {
  it('delivers everything, at the cost of the delivery alone, whatever it acknowledges', () => {
    const asked: readonly Step[] = [negotiated(), rx('nouni', 1), rx('nobcast', 1), rx('nomulti', 1), vlan('add', 5)];
    const reset: readonly Step[] = [...asked, MACHINE_RESET, MIGRATE];
    for (const steps of [[], asked, [...asked, DRIVER_RESET], reset]) {
      const result = after('cloud-hypervisor', ...steps);
      expect(rulesOf(result)).toEqual(Array.from({ length: 5 }, () => 'unfiltered'));
      expect(result.accepts(OWN, 7)).toBe(true);
      const { cost, stripTag } = result.model.decide(result.state, frame(OWN, 7));
      expect(cost).toEqual({ looked: 0, copied: 0, delivered: 1, discarded: 0 });
      expect(stripTag).toBe(false);
    }
  });
});
