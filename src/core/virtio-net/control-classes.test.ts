import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import * as C from '../testing/command-bytes.ts';
import { BASICS, DeviceBench, HOST_OK } from '../testing/device-bench.ts';

const OK = 0;
const ERR = 1;
const CTRL_RX = 1n << 18n;
const CTRL_VLAN = 1n << 19n;
const CTRL_RX_EXTRA = 1n << 20n;
const ANNOUNCE = 1n << 21n;
const MQ = 1n << 22n;
const CTRL_MAC_ADDR = 1n << 23n;
const STATS = 1n << 50n;
const VQ_NOTF_COAL = 1n << 52n;
const NOTF_COAL = 1n << 53n;
const RSS = 1n << 60n;

const refuse: HostAnswer = { ack: 'ERR', reason: 'no', needsReset: false, generation: 1 };
const commands = (bench: DeviceBench): unknown[] =>
  bench.hostEvents.flatMap((event) => (event.type === 'command' ? [event.command] : []));

describe('receive modes', () => {
  it.each([
    ['NET-CTRLRX-06', 2, 'alluni'],
    ['NET-CTRLRX-08', 3, 'nomulti'],
    ['NET-CTRLRX-12', 4, 'nouni'],
    ['NET-CTRLRX-15', 5, 'nobcast'],
  ] as const)('%s: command %d switches %s on and off', async (_, command, flag) => {
    const bench = new DeviceBench({ offers: CTRL_RX | CTRL_RX_EXTRA });
    const driver = bench.driver();
    for (const value of [1, 0]) {
      expect(await driver.command(C.rxModeCommand(command, value))).toBe(OK);
      expect(bench.device.describe().rxMode[flag]).toBe(value === 1);
    }
    expect(commands(bench)).toEqual([
      { type: 'rx', flag, value: 1 },
      { type: 'rx', flag, value: 0 },
    ]);
    expect(bench.errors()).toEqual([]);
  });

  it.each([2, 3, 4, 5])('command %d without CTRL_RX_EXTRA is ERR', async (command) => {
    const bench = new DeviceBench();
    expect(await bench.driver().command(C.rxModeCommand(command, 1))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
    expect(commands(bench)).toEqual([]);
  });

  it.each([
    ['ctrl-bad-value', C.rxModeCommand(0, 2), { type: 'rx', flag: 'promisc', value: 2 }],
    [
      'ctrl-bad-table',
      C.macTableSet(['01:00:5e:00:00:01'], []),
      { type: 'mac-table-set', unicast: [0x0100_5e00_0001], multicast: [] },
    ],
  ])('%s: recorded, and the host decides', async (code, message, command) => {
    for (const [answer, ack] of [
      [HOST_OK, OK],
      [refuse, ERR],
    ] as const) {
      const bench = new DeviceBench({ host: (event) => (event.type === 'command' ? answer : HOST_OK) });
      expect(await bench.driver().command(message)).toBe(ack);
      expect(bench.errors()).toEqual([code]);
      expect(commands(bench)).toEqual([command]);
    }
  });
});

describe('VLAN filter', () => {
  it('NET-VLAN-04: empty at first, filled and emptied one by one, empty after reset', async () => {
    const bench = new DeviceBench({ offers: CTRL_VLAN });
    const driver = bench.driver();
    const vlans = (): number[] => bench.device.describe().tables.vlans;
    expect(vlans()).toEqual([]);
    for (const vid of [7, 4095, 0, 7]) expect(await driver.command(C.vlan('add', vid))).toBe(OK);
    expect(vlans()).toEqual([0, 7, 4095]);
    expect(await driver.command(C.vlan('del', 7))).toBe(OK);
    expect(vlans()).toEqual([0, 4095]);
    expect(bench.eventsOf('filter-state').at(-1)?.vlans).toEqual([0, 4095]);
    driver.initialise();
    expect(vlans()).toEqual([]);
    expect(commands(bench)[1]).toEqual({ type: 'vlan', action: 'add', vid: 4095 });
  });

  it('ctrl-bad-vid: there is no VLAN 4096', async () => {
    const bench = new DeviceBench({ offers: CTRL_VLAN });
    expect(await bench.driver().command(C.vlan('add', 4096))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-bad-vid']);
    expect(commands(bench)).toEqual([]);
  });
});

describe('the device’s own address', () => {
  const NEW = '02:11:22:33:44:55';
  const bytes = (read: (offset: number, width: number) => number): number[] =>
    [0, 1, 2, 3, 4, 5].map((i) => read(i, 1));

  function withSwitch(host?: (event: RxEvent) => HostAnswer): DeviceBench {
    const bench = new DeviceBench(host ? { host } : {});
    const features = BASICS | CTRL_RX | CTRL_MAC_ADDR;
    expect(bench.device.setPersonality({ features, transitional: false, msix: false, ctrlMacAddr: true }).ok).toBe(
      true,
    );
    return bench;
  }

  it('ADDR_SET is not offered unless switched on, and ERR then', async () => {
    const bench = new DeviceBench({ offers: CTRL_RX | CTRL_MAC_ADDR });
    const driver = bench.driver();
    expect(driver.offered() & CTRL_MAC_ADDR).toBe(0n);
    expect(await driver.command(C.macAddressSet(NEW))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
    expect(bench.device.describe().mac).toBe('02:08:20:00:00:01');
  });

  it('NET-MAC-03: configuration shows the new address before the buffer is returned', async () => {
    const bench = withSwitch();
    const driver = bench.driver();
    const generation = driver.common.read(21, 1);
    const seen: number[][] = [];
    bench.onInterrupt = () => seen.push(bytes((offset, width) => driver.device.read(offset, width)));
    expect(await driver.command(C.macAddressSet(NEW))).toBe(OK);
    expect(seen).toEqual([[2, 0x11, 0x22, 0x33, 0x44, 0x55]]);
    expect(driver.common.read(21, 1)).not.toBe(generation);
    expect(bench.device.describe().mac).toBe(NEW);
    expect(commands(bench)).toEqual([{ type: 'mac-addr-set', mac: 0x0211_2233_4455 }]);
    expect(driver.readIsr() & 2).toBe(0);
  });

  it('a reset brings the old address back', async () => {
    const bench = withSwitch();
    const driver = bench.driver();
    await driver.command(C.macAddressSet(NEW));
    driver.initialise();
    expect(bench.device.describe().mac).toBe('02:08:20:00:00:01');
  });

  it('a host that refuses it leaves it; a group address is recorded', async () => {
    const bench = withSwitch((event) => (event.type === 'command' ? refuse : HOST_OK));
    const driver = bench.driver();
    expect(await driver.command(C.macAddressSet('01:00:5e:00:00:01'))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-bad-mac']);
    expect(bench.device.describe().mac).toBe('02:08:20:00:00:01');
  });
});

describe('commands without their feature', () => {
  const samples: [name: string, feature: bigint, message: Uint8Array][] = [
    ['VLAN', CTRL_VLAN, C.vlan('add', 1)],
    ['ANNOUNCE_ACK', ANNOUNCE, C.announceAck()],
    ['VQ_PAIRS_SET', MQ, C.pairsSet(1)],
    ['RSS_CONFIG', RSS, C.rssConfig({ types: 1, key: [1], table: [0], unclassified: 0, maxTxQueues: 1 })],
    ['TX_SET', NOTF_COAL, C.coalesceSet('tx', 1, 1)],
    ['RX_SET', NOTF_COAL, C.coalesceSet('rx', 1, 1)],
    ['VQ_SET', VQ_NOTF_COAL, C.coalesceQueueSet(0, 1, 1)],
    ['STATS_QUERY', STATS, C.statsQuery()],
    ['STATS_GET', STATS, C.statsGet([0, 1n])],
  ];

  it.each(samples)('%s: ERR and no effect; OK with it', (_, feature, message) => {
    const without = new DeviceBench();
    const before = without.device.describe();
    expect(without.driver().ask(message, 1).bytes[0]).toBe(ERR);
    expect(without.errors()).toEqual(['ctrl-not-negotiated']);
    expect(without.device.describe().coalescing).toEqual(before.coalescing);
    const bench = new DeviceBench({ offers: feature });
    expect(bench.driver().ask(message, 1).bytes[0]).toBe(OK);
    expect(bench.errors()).toEqual([]);
  });

  it.each(samples)('%s: a byte too many is malformed', (_, feature, message) => {
    const bench = new DeviceBench({ offers: feature });
    expect(bench.driver().ask(Uint8Array.of(...message, 0), 1).bytes[0]).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-malformed']);
  });
});

describe('framing', () => {
  it('SPLIT-FRAME-01, NET-STATS-06: any cut of question and answer means the same', () => {
    const message = C.statsGet([0, 1n], [1, 1n << 16n], [2, 1n << 32n]);
    const room = 1 + 56 + 56 + 24;
    const cuts = (length: number): fc.Arbitrary<number[]> => fc.array(fc.nat(length), { maxLength: 6 });
    fc.assert(
      fc.property(cuts(message.length), cuts(room), fc.constantFrom('direct', 'indirect'), (split, cut, layout) => {
        const bench = new DeviceBench({ offers: STATS, memorySize: 0x1_0000 });
        const driver = bench.driver();
        driver.transmit(new Uint8Array(60));
        const { bytes, used } = driver.ask(message, room + 8, { split, layout: layout as 'direct' }, cut);
        const view = new DataView(bytes.buffer);
        expect(used).toBe(room);
        expect(bytes[0]).toBe(OK);
        expect(view.getBigUint64(1 + 56 + 8 + 8, true)).toBe(1n); // tx_packets
        expect([...bytes.subarray(room)]).toEqual(Array(8).fill(0xaa));
      }),
      { numRuns: 40 },
    );
  });
});

describe('any bytes at all', () => {
  it('are answered OK or ERR, and leave a state that a snapshot can carry', () => {
    const bench = new DeviceBench({ offers: (1n << 64n) - 1n, queuePairs: 2, memorySize: 0x4_0000 });
    const driver = bench.driver({ queueSizes: [8, 8, 8, 8, 8] });
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.constantFrom(0, 0, 0, 1, 2, 40, 255), { maxLength: 70 }).map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(fc.nat(9), fc.nat(6), data, fc.integer({ min: 1, max: 70 }), (commandClass, command, rest, room) => {
        const { bytes, used } = driver.ask(Uint8Array.of(commandClass, command, ...rest), room);
        const ackAt = commandClass === 6 && command === 3 ? Math.min(8, room - 1) : 0;
        expect([OK, ERR]).toContain(bytes[ackAt]);
        expect(used).toBeGreaterThan(ackAt);
        expect([...bytes.subarray(used)].every((byte) => byte === 0xaa)).toBe(true);
        expect(bench.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
      }),
      { numRuns: 500 },
    );
  });
});
