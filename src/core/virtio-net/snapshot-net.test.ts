import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { BASICS, DeviceBench } from '../testing/device-bench.ts';
import type { FakeDriver } from '../testing/fake-driver.ts';
import { ipFrame } from '../testing/ip-frames.ts';

const bits = (...numbers: number[]): bigint => numbers.reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
/** GUEST_CSUM and GUEST_TSO4 with their switch, all of the control queue, statistics, coalescing, RSS and its report. */
const FEATURES = bits(1, 2, 7, 18, 19, 20, 21, 22, 23, 40, 50, 52, 53, 57, 60);
const PAIRS = 3;

interface Pair {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
}

function machine(seed = 1): Pair {
  const bench = new DeviceBench({ queuePairs: PAIRS, memorySize: 0x2_0000 });
  const personality = { features: BASICS | FEATURES, transitional: false, msix: false, ctrlMacAddr: true };
  expect(bench.device.setPersonality(personality)).toMatchObject({ ok: true });
  const driver = bench.driver({ seed, queueSizes: Array<number>(2 * PAIRS + 1).fill(8) });
  expect(driver.features & FEATURES).toBe(FEATURES);
  return { bench, driver };
}

/** A command that changes something, chosen by `n`. */
function command(n: number): Uint8Array {
  const key = Array.from({ length: 40 }, (_, i) => (i * n + 1) & 0xff);
  const choices: (() => Uint8Array)[] = [
    () => C.rxModeCommand(n % 6, n & 1),
    () => C.macTableSet(['02:00:00:00:00:05'], n & 1 ? ['01:00:5e:00:00:01'] : []),
    () => C.macAddressSet(`02:00:00:00:01:${(n & 0xff).toString(16).padStart(2, '0')}`),
    () => C.vlan(n & 1 ? 'add' : 'del', n % 5),
    () => C.announceAck(),
    () => C.pairsSet(1 + (n % PAIRS)),
    () =>
      C.rssConfig({ types: n & 0x1ff, key, table: [n % 3, (n + 1) % 3], unclassified: 1, maxTxQueues: 1 + (n % 3) }),
    () => C.hashConfig(n & 0x1ff, key),
    () => C.offloadsSet(n & 1 ? bits(1) : bits(1, 7)),
    () => C.coalesceSet(n & 1 ? 'rx' : 'tx', n % 5, n % 7 ? 1000 : 0),
    () => C.coalesceQueueSet(n % 7, n % 3, 500),
    () => C.coalesceQueueGet(n % 7),
    () => C.statsGet([0, 1n], [1, 1n << 16n], [2 * PAIRS, 1n << 32n]),
  ];
  return choices[n % choices.length]?.() ?? C.announceAck();
}

const flow = (n: number, reply: boolean): Uint8Array => {
  const ends = { srcPort: reply ? 80 : 1000 + (n % 9), dstPort: reply ? 1000 + (n % 9) : 80 };
  return ipFrame({ src: [10, 0, 0, reply ? 2 : 1], dst: [10, 0, 0, reply ? 1 : 2], protocol: 6, ...ends });
};

const STEPS = [
  'command',
  'command',
  'receive',
  'collect',
  'post',
  'transmit',
  'reap',
  'link',
  'announce',
  'reset',
] as const;

function step({ bench, driver }: Pair, what: (typeof STEPS)[number], n: number): unknown {
  const pair = n % PAIRS;
  switch (what) {
    case 'command':
      return driver.ask(command(n), 200);
    case 'receive': {
      bench.receive(2 * n, flow(n, true));
      bench.device.flush();
      return;
    }
    case 'collect':
      return driver.collect(pair);
    case 'post':
      return driver.postReceive(n % 4, 600, { pair });
    case 'transmit':
      return driver.transmit(flow(n, false), { pair });
    case 'reap':
      return driver.reapTransmitted(pair);
    case 'link': {
      bench.device.setLinkUp(n % 2 === 0);
      return;
    }
    case 'announce':
      return bench.device.announce();
    case 'reset':
      return n % 7 === 0 ? driver.initialise() : null;
  }
}

/** What anybody outside can see of a machine; interrupts that coalescing holds back come early in a snapshot. */
const visible = ({ bench, driver }: Pair): unknown => {
  const { counters, queues, ...rest } = bench.device.describe();
  return {
    ...rest,
    counters: { ...counters, guest_errors: 0 },
    queues: queues.map((queue) => ({ ...queue, interrupts: 0 })),
    config: Array.from({ length: 28 }, (_, offset) => driver.device.read(offset, 1)),
  };
};

const life = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(400)), { maxLength: 30 });

describe('snapshot of the network device', () => {
  it('restore(snapshot(x)) behaves as x, with every feature of the control queue in use', () => {
    fc.assert(
      fc.property(life, life, fc.nat(), (before, after, seed) => {
        const stays = machine(seed);
        const moves = machine(seed);
        for (const pair of [stays, moves]) for (const [what, n] of before) step(pair, what, n);
        const saved: unknown = JSON.parse(JSON.stringify(moves.bench.device.snapshot()));
        stays.bench.device.snapshot();
        const target = machine(seed).bench;
        target.memory.bytes.set(moves.bench.memory.bytes);
        expect(target.device.restore(saved)).toEqual({ ok: true });
        target.device.resume();
        Object.assign(moves.bench.ports, target.ports);
        moves.bench.memory.redirect(target.memory);
        const moved = { bench: target, driver: moves.driver };
        expect(visible(moved)).toEqual(visible(stays));
        for (const [what, n] of after) expect(step(moved, what, n)).toEqual(step(stays, what, n));
        expect(visible(moved)).toEqual(visible(stays));
      }),
      { numRuns: 40 },
    );
  });

  it('nothing that a driver configured is lost', () => {
    const { bench, driver } = machine();
    const key = Array.from({ length: 40 }, (_, i) => i + 1);
    const rss = { types: 0x1ff, key, table: [2, 1, 0, 2], unclassified: 1, maxTxQueues: 2 };
    const commands = [
      ...[0, 1, 2, 3, 4, 5].map((flag) => C.rxModeCommand(flag, flag & 1)),
      C.macTableSet(['02:00:00:00:00:05'], ['01:00:5e:00:00:01', '33:33:00:00:00:01']),
      C.macAddressSet('02:00:00:00:01:02'),
      C.vlan('add', 0),
      C.vlan('add', 4095),
      C.rssConfig(rss),
      C.offloadsSet(bits(1)),
      C.coalesceSet('rx', 3, 30),
      C.coalesceSet('tx', 4, 40),
      C.coalesceQueueSet(2, 5, 50),
    ];
    for (const message of commands) expect(driver.ask(message, 1).bytes[0]).toBe(0);
    bench.device.setLinkUp(false);
    bench.device.announce();
    const target = machine().bench;
    target.memory.bytes.set(bench.memory.bytes);
    expect(target.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    const {
      mac,
      linkUp,
      announcePending,
      rxMode,
      tables,
      steering,
      rss: told,
      offloads,
      coalescing,
      queues,
    } = bench.device.describe();
    const configured = { mac, linkUp, announcePending, rxMode, tables, steering, rss: told, offloads, coalescing };
    const ofQueues = queues.map((queue) => ({ coalescing: queue.coalescing }));
    expect(target.device.describe()).toMatchObject({ ...configured, queues: ofQueues });
    expect(told).toMatchObject({ table: rss.table, unclassified: 1, maxTxQueues: 2 });
    expect(tables.multicast).toHaveLength(2);
  });

  it('NET-MQ-04: flows come back on the pair that they were sent on, after a restore too', () => {
    const source = machine();
    source.driver.ask(C.pairsSet(PAIRS), 1);
    const sent = [0, 1, 2, 3, 4].map((n) => ({ n, pair: (n + 1) % PAIRS }));
    for (const { n, pair } of sent) source.driver.transmit(flow(n, false), { pair });
    const { bench } = machine();
    bench.memory.bytes.set(source.bench.memory.bytes);
    expect(bench.device.restore(JSON.parse(JSON.stringify(source.bench.device.snapshot())))).toEqual({ ok: true });
    for (const { n } of sent) bench.receive(2 * n + 2, flow(n, true));
    // No buffers are posted: where a frame was lost is where it was going.
    const lost = bench.device.describe().queues.map(({ counters }) => counters.no_space ?? 0);
    expect([0, 1, 2].map((pair) => lost[2 * pair])).toEqual(
      [0, 1, 2].map((pair) => sent.filter((each) => each.pair === pair).length),
    );
  });

  it('a snapshot is a copy: what is done to it is not done to the device', () => {
    const { bench } = machine();
    for (let n = 0; n < 13; n++) step({ bench, driver: bench.driver({ initialise: false }) }, 'link', n);
    const saved = bench.device.snapshot();
    const before = JSON.stringify(bench.device.describe());
    (saved.net.filter.vlans as number[]).push(5);
    (saved.net.steering.hash.key as number[]).push(5);
    (saved.net.counters.ctrl as { ctrl_ok: number }).ctrl_ok = 77;
    expect(JSON.stringify(bench.device.describe())).toBe(before);
  });

  it('what coalescing holds back is raised before the snapshot', () => {
    const { bench, driver } = machine();
    driver.ask(C.coalesceSet('rx', 50, 100_000), 1);
    driver.postReceive(2);
    bench.receive(2, flow(1, true));
    bench.device.flush();
    expect(bench.interrupts()).not.toContain(0);
    bench.device.snapshot();
    expect(bench.interrupts()).toContain(0);
  });
});

describe('restore of what is not trusted', () => {
  const RSS = { types: 1, key: [1], table: [0], unclassified: 0, maxTxQueues: 1 };

  function restored(features: bigint, path: string, value: unknown): string {
    const options = { offers: features, queuePairs: 2, memorySize: 0x10_0000 };
    const source = new DeviceBench(options);
    source.driver();
    const state: unknown = JSON.parse(JSON.stringify(source.device.snapshot()));
    const keys = path.split('.');
    const parent = keys
      .slice(0, -1)
      .reduce((at, key) => (at as Record<string, unknown>)[key] as object, state as object);
    (parent as Record<string, unknown>)[keys.at(-1) ?? ''] = value;
    const target = new DeviceBench(options);
    target.memory.bytes.set(source.memory.bytes);
    const result = target.device.restore(state);
    return result.ok ? 'ok' : result.reason;
  }

  const everything = bits(18, 19, 21, 22, 53, 57, 60);

  it.each<[path: string, value: unknown]>([
    ['net.filter.rxMode.promisc', 'yes'],
    ['net.filter.tables.unicast', [-1]],
    ['net.filter.tables.multicast', new Array(2)],
    ['net.filter.vlans', [4096]],
    ['net.filter.vlans', [3, 2]],
    ['net.filter.vlans', [2, 2]],
    ['net.filter.vlans', [0, 0]],
    ['net.mac', 2 ** 48],
    ['net.linkUp', undefined],
    ['net.announce', 1],
    ['net.steering.pairsInUse', 0],
    ['net.steering.pairsInUse', 3],
    ['net.steering.flows', [{ number: 1, pair: 2 }]],
    ['net.steering.flows', Array.from({ length: 5000 }, () => ({ number: 1, pair: 0 }))],
    ['net.steering.rss', { ...RSS, table: [0, 0, 0] }],
    ['net.steering.rss', { ...RSS, table: [] }],
    ['net.steering.rss', { ...RSS, table: [2] }],
    ['net.steering.rss', { ...RSS, unclassified: 2 }],
    ['net.steering.hash', { types: 512, key: [] }],
    ['net.steering.hash', { types: 1, key: Array<number>(41).fill(0) }],
    ['net.steering.hash', { types: 1, key: [256] }],
    ['net.offloads', '0x0000000000000080'],
    ['net.offloads', 128],
    ['net.coalescing.defaults.rx', { maxPackets: 2 ** 32, maxUsecs: 0 }],
    ['net.coalescing.queues', []],
    ['net.counters.rx', []],
    ['net.counters.tx.1.tx_packets', '1'],
    ['net.counters.ctrl.ctrl_ok', -1],
  ])('refuses a %s that cannot be (%#)', (path, value) => {
    expect(restored(everything, path, value)).toContain(path.split('.').slice(0, 2).join('.'));
  });

  it('takes what a host may have acknowledged', () => {
    expect(restored(everything, 'net.filter.vlans', [0, 1, 4095])).toBe('ok');
    expect(restored(everything, 'net.filter.tables.multicast', [0x0100_5e00_0001])).toBe('ok');
  });

  it('says which versions it was given and reads', () => {
    expect(restored(everything, 'version', 1)).toBe('snapshot of version 1, this device reads version 2');
    expect(restored(everything, 'version', '2')).toBe('snapshot without version, this device reads version 2');
  });

  it.each<[path: string, value: unknown, reason: string]>([
    ['transport.status', 1, 'legacy without DRIVER'],
    ['transport.status', 15, 'status has unknown bits'],
    ['transport.status', 6, 'status skips a step'],
    ['transport.negotiated', '0x0000000100000020', 'negotiated has bits that were not offered to a legacy driver'],
    ['transport.negotiated', '0x0000000000000004', 'negotiated has bits that were not offered to a legacy driver'],
    ['function.kind.transitional', false, 'legacy, but the function is not transitional'],
  ])('of a legacy driver: refuses %s %o', (path, value, reason) => {
    const options = { transitional: true, memorySize: 0x10_0000 };
    const source = new DeviceBench(options);
    source.driver({ transport: 'legacy' });
    const restore = (state: unknown): unknown => {
      const target = new DeviceBench(options);
      target.memory.bytes.set(source.memory.bytes);
      return target.device.restore(state);
    };
    const state = JSON.parse(JSON.stringify(source.device.snapshot())) as Record<string, unknown>;
    expect(restore(state)).toEqual({ ok: true });
    const [part = '', ...keys] = path.split('.');
    const last = keys.pop() ?? '';
    const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, state[part] as Record<string, unknown>);
    parent[last] = value;
    expect(restore(state)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });

  const NO_VECTOR = 0xffff;
  it.each<[path: string, value: unknown, reason: string]>([
    ['signals.vectors.0', 4, 'signals.vectors names no vector'],
    ['signals.vectors.3', 0xfffe, 'signals.vectors names no vector'],
    ['signals.vectors', [0, 1, 2], 'signals.vectors'],
    ['signals.msix.control', 0x0800, 'signals.msix.control has bits that cannot be written'],
    ['signals.msix.table.3', 2, 'signals.msix.table has unknown bits'],
    ['signals.msix.table.15', 2, 'signals.msix.table has unknown bits'],
    ['signals.msix.table.0', 2, 'signals.msix.table is misaligned'],
    ['signals.msix.table.12', 1, 'signals.msix.table is misaligned'],
    ['signals.msix.table', [0], 'signals.msix.table'],
    ['signals.msix.pending.0', 16, 'signals.msix.pending names no vector'],
    ['signals.msix.pending.1', 1, 'signals.msix.pending names no vector'],
    ['signals.msix', null, 'signals'],
    ['status', 27, 'suspended without VIRTIO_F_SUSPEND'],
  ])('of a driver with MSI-X: refuses %s %o', (path, value, reason) => {
    const source = new DeviceBench();
    source.driver({ interrupts: 'msix' });
    const restore = (state: unknown): unknown => {
      const target = new DeviceBench();
      target.memory.bytes.set(source.memory.bytes);
      return target.device.restore(state);
    };
    const change = (at: string, to: unknown): unknown => {
      const state = JSON.parse(JSON.stringify(source.device.snapshot())) as { transport: Record<string, unknown> };
      const keys = at.split('.');
      const last = keys.pop() ?? '';
      const parent = keys.reduce((inner, key) => inner[key] as Record<string, unknown>, state.transport);
      parent[last] = to;
      return state;
    };
    expect(restore(change('signals.vectors.0', NO_VECTOR))).toEqual({ ok: true });
    expect(restore(change('signals.msix.pending.0', 15))).toEqual({ ok: true });
    expect(restore(change('signals.msix.table.15', 1))).toEqual({ ok: true });
    expect(restore(change(path, value))).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });

  it('refuses vectors of a function that does not show MSI-X', () => {
    const source = new DeviceBench();
    source.driver({ interrupts: 'msix' });
    const without = (change: (signals: { vectors: number[]; msix: { control: number } }) => void): unknown => {
      const state = JSON.parse(JSON.stringify(source.device.snapshot())) as {
        transport: { signals: { vectors: number[]; msix: { control: number } } };
        function: { kind: { msix: boolean } };
      };
      state.function.kind.msix = false;
      change(state.transport.signals);
      const target = new DeviceBench({ msix: false });
      target.memory.bytes.set(source.memory.bytes);
      return target.device.restore(state);
    };
    const refused = { ok: false, reason: expect.stringContaining('signals.msix is in use, but not shown') };
    expect(without(() => undefined)).toMatchObject(refused);
    expect(without(({ msix }) => (msix.control = 0))).toMatchObject(refused);
    expect(without(({ vectors }) => vectors.fill(NO_VECTOR))).toMatchObject(refused);
    expect(
      without(({ vectors, msix }) => {
        vectors.fill(NO_VECTOR);
        msix.control = 0;
      }),
    ).toEqual({ ok: true });
  });

  it.each<[name: string, features: bigint, path: string, value: unknown]>([
    ['another address', bits(23), 'net.mac', 0x0200_0000_0099],
    ['an announcement', bits(21), 'net.announce', true],
    ['pairs', bits(22), 'net.steering.pairsInUse', 2],
    ['a table', bits(60), 'net.steering.rss', RSS],
    ['a hash', bits(57), 'net.steering.hash', { types: 1, key: [1] }],
    ['coalescing', bits(53), 'net.coalescing.defaults.tx', { maxPackets: 1, maxUsecs: 1 }],
    ['an offload', bits(1), 'net.offloads', '0x0000000000000002'],
  ])('refuses %s that no driver could have brought about', (_, feature, path, value) => {
    expect(restored(bits(18), path, value)).toMatch(/^net\./);
    if (feature !== bits(23)) expect(restored(bits(18) | feature, path, value)).toBe('ok');
  });
});
