import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostAnswer } from '../host/host-model.ts';
import { macTableSet, rxModeCommand } from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';
import { CTRL, type FakeDriver } from '../testing/fake-driver.ts';

const UNICAST = '02:00:00:00:00:05';

interface Pair {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
}

const STEPS = [
  'receive',
  'flush',
  'collect',
  'post',
  'transmit',
  'reap',
  'promisc',
  'table',
  'bad',
  'isr',
  'reinit',
  'link',
] as const;

/** One step of a machine's life. Everything it does is decided by `n`. */
function step({ bench, driver }: Pair, what: (typeof STEPS)[number], n: number): unknown {
  switch (what) {
    case 'receive': {
      bench.receive(2 * n, new Uint8Array(n % 1600).fill(n));
      return;
    }
    case 'flush': {
      bench.device.flush();
      return;
    }
    case 'collect':
      return driver.collect();
    case 'post':
      return driver.postReceive(n % 4, 1000);
    case 'transmit':
      return driver.transmit(new Uint8Array(60 + n).fill(n), { layout: n % 2 ? 'direct' : 'indirect' });
    case 'reap':
      return driver.reapTransmitted();
    case 'promisc':
      return driver.ackNow(driver.sendCommand(rxModeCommand(n % 2, n & 1)));
    case 'table':
      return driver.ackNow(driver.sendCommand(macTableSet([UNICAST], n % 2 ? [] : ['01:00:5e:00:00:01'])));
    case 'bad':
      return driver.ackNow(driver.sendCommand(Uint8Array.of(n)));
    case 'isr':
      return driver.readIsr();
    case 'reinit':
      return n % 5 === 0 ? driver.initialise() : null;
    case 'link': {
      bench.device.setLinkUp(n % 2 === 0);
      return;
    }
  }
}

/** What anybody outside can see of a machine. */
const visible = ({ bench }: Pair): unknown => ({
  description: bench.device.describe(),
  memory: Buffer.from(bench.memory.bytes).toString('latin1'),
  pin: bench.pin.high,
  command: bench.ports.configRead(4, 4),
  generation: bench.device.barRead(4, 21, 1),
});

const life = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(200)), { maxLength: 25 });

function freshPair(seed: number): Pair {
  const bench = new DeviceBench({ memorySize: 0x2_0000 });
  return { bench, driver: bench.driver({ seed, queueSizes: [8, 8, 4] }) };
}

describe('snapshot', () => {
  it('restore(snapshot(x)) behaves as x: a machine moved between any two steps lives the same life', () => {
    fc.assert(
      fc.property(life, life, fc.nat(), (before, after, seed) => {
        const stays = freshPair(seed);
        const moves = freshPair(seed);
        for (const pair of [stays, moves]) for (const [what, n] of before) step(pair, what, n);
        // The copy crosses a file, the way a saved machine does. Flushing is part of taking it.
        stays.bench.device.flush();
        const saved: unknown = JSON.parse(JSON.stringify(moves.bench.device.snapshot()));
        const target = new DeviceBench({ memorySize: 0x2_0000 });
        target.memory.bytes.set(moves.bench.memory.bytes);
        expect(target.device.restore(saved)).toEqual({ ok: true });
        target.device.resume();
        const moved = moveDriver(moves, target);
        for (const [what, n] of after) expect(step(moved, what, n)).toEqual(step(stays, what, n));
        expect(withoutErrors(visible(moved))).toEqual(withoutErrors(visible(stays)));
      }),
      { numRuns: 60 },
    );
  });

  it('a command that waits for the host is executed anew after a restore', () => {
    const never = new Promise<HostAnswer>(() => undefined);
    const source = new DeviceBench({ host: (event) => (event.type === 'command' ? never : HOST_OK) });
    const driver = source.driver();
    const sent = driver.sendCommand(rxModeCommand(0, 1));
    const target = new DeviceBench();
    target.memory.bytes.set(source.memory.bytes);
    expect(target.device.restore(source.device.snapshot())).toEqual({ ok: true });
    expect(target.device.describe().rxMode.promisc).toBeNull();
    target.device.resume();
    expect(target.device.describe().rxMode.promisc).toBe(true);
    const ack = new Uint8Array(1);
    target.memory.read(sent.ackAddr, ack, 0, 1);
    expect(ack[0]).toBe(0);
    // The source itself is undisturbed: the command still waits.
    source.device.resume();
    expect(source.hostEvents.filter(({ type }) => type === 'command')).toHaveLength(1);
  });

  it('an answer from before a restore is dropped', async () => {
    let answer: (value: HostAnswer) => void = () => undefined;
    const bench = new DeviceBench({
      host: (event) => (event.type === 'command' ? new Promise((resolve) => (answer = resolve)) : HOST_OK),
    });
    const driver = bench.driver();
    const idle = bench.device.snapshot();
    driver.sendCommand(rxModeCommand(0, 1));
    bench.device.restore(idle);
    const memory = bench.memory.bytes.slice();
    answer(HOST_OK);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect(Buffer.compare(bench.memory.bytes, memory)).toBe(0);
    expect(bench.device.describe().rxMode.promisc).toBeNull();
  });

  it('the interrupt pin is driven anew', () => {
    const source = new DeviceBench();
    source.driver().postReceive(1);
    source.receive(2, new Uint8Array(60));
    source.device.flush();
    const target = new DeviceBench();
    target.memory.bytes.set(source.memory.bytes);
    target.device.restore(source.device.snapshot());
    expect(target.pin.high).toBe(true);
    target.device.restore(new DeviceBench().device.snapshot());
    expect(target.pin.high).toBe(false);
  });

  it('negotiated features are in force after a restore', () => {
    const source = new DeviceBench();
    const driver = source.driver();
    driver.queueFrame(new Uint8Array(60), { layout: 'indirect' });
    const target = new DeviceBench();
    target.memory.bytes.set(source.memory.bytes);
    target.device.restore(source.device.snapshot());
    target.device.resume();
    expect(target.sent).toHaveLength(1);
    expect(target.errors()).toEqual([]);
  });
});

describe('restore of what is not trusted', () => {
  const good = (): Record<string, unknown> => {
    const bench = new DeviceBench();
    bench.driver();
    return structuredClone(bench.device.snapshot()) as unknown as Record<string, unknown>;
  };

  it.each<[reason: string, path: string, value: unknown]>([
    ['version', 'version', 1],
    ['transport', 'transport', undefined],
    ['status', 'transport.status', 32],
    ['status is not', 'transport.status', -1],
    ['offered', 'transport.features.offered', '0xffffffffffffffff'],
    ['negotiated has', 'transport.negotiated', '0x0000000500000000'],
    ['negotiated without', 'transport.status', 3],
    ['FEATURES_OK', 'transport.negotiated', '0x0000000000000000'],
    ['what the driver wrote', 'transport.negotiated', '0x0000000100000000'],
    ['status skips', 'transport.status', 7],
    ['features.driver', 'transport.features.driver', [0]],
    ['features.driver', 'transport.features.driver', new Array(4)],
    ['kicks', 'transport.kicks', new Array(3)],
    ['command', 'transport.command', 0x800],
    ['queues', 'transport.queues', []],
    ['size', 'transport.queues.0.state.size', 12],
    ['size', 'transport.queues.2.state.size', 128],
    ['position', 'transport.queues.0.state.position', 65_536],
    ['desc', 'transport.queues.1.state.desc', 1.5],
    ['not enabled', 'transport.queues.2.state.enabled', false],
    ['queue 1', 'transport.queues.1.state.desc', 0xfff_fff0],
    ['queue 0', 'transport.queues.0.state.driver', 3],
    ['isr', 'transport.signals.isr', 4],
    ['window', 'function.window', []],
    ['transitional', 'function.kind.transitional', 1],
  ])('refuses a bad %s, with a reason that names it', (name, path, value) => {
    const state = good();
    put(state, path.split('.'), value);
    const bench = new DeviceBench();
    const result = bench.device.restore(state);
    expect(result).toMatchObject({ ok: false });
    expect(result.ok ? '' : result.reason).toContain(name);
    expect(bench.device.describe().status).toBe(0);
  });

  it('refuses an interrupt that no live device raised, and a feature without the one it needs', () => {
    const state = new DeviceBench().device.snapshot() as unknown;
    put(state, ['transport', 'signals', 'isr'], 1);
    expect(new DeviceBench().device.restore(state)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('isr'),
    });
    const other = good();
    put(other, ['transport', 'negotiated'], '0x0000000110050028'); // CTRL_RX, bit 18, without CTRL_VQ, bit 17
    put(other, ['transport', 'features', 'driver'], [0x1005_0028, 1, 0, 0]);
    expect(new DeviceBench().device.restore(other)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('CTRL_VQ'),
    });
  });

  it('overlapping rings and a used index ahead cannot make the device offer itself work for ever', () => {
    const bench = new DeviceBench();
    const ring = bench.driver({ queueSizes: [0, 0, 1] }).splitRing(CTRL);
    const state: unknown = structuredClone(bench.device.snapshot());
    ring.writeDescriptor(0, 0x100, 1, 2, 0);
    const at = ['transport', 'queues', 2, 'state'];
    // What the device publishes as used is what it reads as available.
    put(state, [...at, 'driver'], ring.device);
    put(state, [...at, 'position'], 1);
    bench.memory.writeU16(ring.device + 2, 1);
    bench.device.restore(state);
    bench.device.resume();
    expect(bench.device.describe().counters.ctrl_err).toBeLessThanOrEqual(1);
  });

  it('no value makes it throw', () => {
    const bench = new DeviceBench();
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
        expect(bench.device.restore(value).ok).toBe(false);
      }),
    );
    const paths = leaves(good());
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.anything(), (path, value) => {
        const state = good();
        put(state, path, value);
        const { ok } = bench.device.restore(state);
        if (ok) bench.device.resume();
      }),
      { numRuns: 300 },
    );
  });
});

/** The same driver, in front of another machine that has the same memory. */
function moveDriver(from: Pair, target: DeviceBench): Pair {
  // The driver's view is its ports and its memory: forward both to the new machine.
  Object.assign(from.bench.ports, target.ports);
  from.bench.memory.redirect(target.memory);
  return { bench: target, driver: from.driver };
}

/** Counts of guest errors belong to a device object, not to its state. */
function withoutErrors(view: unknown): unknown {
  const copy = structuredClone(view) as { description: { counters: Record<string, number> } };
  delete copy.description.counters.guest_errors;
  return copy;
}

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function put(root: unknown, path: Path, value: unknown): void {
  const last = path.at(-1);
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root);
  if (last !== undefined) (parent as Record<string, unknown>)[last] = value;
}
