import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { ipFrame } from '../testing/ip-frames.ts';
import { ack, arrival, back, flow, machine, PAIRS } from './pairs.test-kit.ts';

const OK = 0;
const ERR = 1;
const CTRL_RX = 1n << 18n;
const MQ = 1n << 22n;
const RING_RESET = 1n << 40n;
const RSS = 1n << 60n;

describe('where the control queue is', () => {
  it('at 2 without MQ, though the device has more pairs', async () => {
    const bench = new DeviceBench({ offers: MQ | CTRL_RX, queuePairs: 11, memorySize: 0x80_0000 });
    const driver = bench.driver({ features: (1n << 17n) | CTRL_RX | (1n << 32n) });
    expect(driver.common.read(18, 2)).toBe(23);
    expect(
      bench.device
        .describe()
        .queues.map(({ role }) => role)
        .slice(0, 3),
    ).toEqual(['rx', 'tx', 'ctrl']);
    expect(await driver.command(C.rxModeCommand(0, 1))).toBe(OK);
  });

  it.each([MQ, RSS, MQ | RSS])('NET-MQ-01: behind the last pair with MQ or RSS: features %d', async (feature) => {
    const bench = new DeviceBench({ offers: feature | CTRL_RX, queuePairs: 11, memorySize: 0x80_0000 });
    const driver = bench.driver();
    expect(driver.ctrl).toBe(22);
    const { queues, pairs } = bench.device.describe();
    expect(queues.map(({ role }) => role).join()).toBe(`${'rx,tx,'.repeat(11)}ctrl`);
    expect(queues.map(({ pair }) => pair).slice(-4)).toEqual([9, 10, 10, null]);
    expect(pairs).toEqual({ maximum: 11, inUse: 1 });
    expect(await driver.command(C.rxModeCommand(0, 1))).toBe(OK);
    driver.reset();
    expect(bench.device.describe().queues[2]?.role).toBe('ctrl');
  });

  it('queues behind it are none: a kick there does nothing', () => {
    const bench = new DeviceBench({ offers: MQ, queuePairs: 2, memorySize: 0x10_0000 });
    const driver = bench.driver({ initialise: false, features: (1n << 17n) | (1n << 32n) });
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    for (const queue of [0, 1, 2, 3]) driver.setUpQueue(queue);
    driver.driverOk();
    driver.transmit(back(1), { pair: 1 });
    expect(bench.sent).toEqual([]);
  });
});

describe('automatic steering', () => {
  it('NET-MQ-06: only receiveq1 after initialisation and after reset', () => {
    const m = machine(MQ);
    expect([0, 1, 2, 3, 4, 5].map((n) => arrival(m, back(n)))).toEqual([0, 0, 0, 0, 0, 0]);
    ack(m, C.pairsSet(PAIRS));
    m.driver.initialise();
    for (let pair = 0; pair < PAIRS; pair++) m.driver.postReceive(20, 1526, { pair });
    expect([0, 1, 2, 3, 4, 5].map((n) => arrival(m, back(n)))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(m.bench.device.describe().pairs.inUse).toBe(1);
  });

  it('NET-MQ-03, NET-MQ-04: a flow comes back on the pair that it was sent on last', () => {
    const m = machine(MQ);
    expect(ack(m, C.pairsSet(PAIRS))).toBe(OK);
    for (let n = 0; n < 40; n++) m.driver.transmit(ipFrame(flow(n)), { pair: n % PAIRS });
    expect(Array.from({ length: 40 }, (_, n) => arrival(m, back(n)))).toEqual(
      Array.from({ length: 40 }, (_, n) => n % PAIRS),
    );
    m.driver.transmit(ipFrame(flow(7)), { pair: 0 });
    expect(arrival(m, back(7))).toBe(0);
  });

  it('NET-MQ-04: IPv6 flows, VLANs and both directions of ports are told apart', () => {
    const m = machine(MQ);
    ack(m, C.pairsSet(PAIRS));
    const six = (n: number, reply: boolean): Uint8Array => {
      const a = [...Array<number>(15).fill(0xfd), 1];
      const b = [...Array<number>(15).fill(0xfd), 2];
      const ports = reply ? { srcPort: 443, dstPort: 2000 + n } : { srcPort: 2000 + n, dstPort: 443 };
      return ipFrame({ src: reply ? b : a, dst: reply ? a : b, protocol: 17, ...ports, vid: 5 });
    };
    for (let n = 0; n < 12; n++) m.driver.transmit(six(n, false), { pair: (n + 1) % PAIRS });
    for (let n = 0; n < 12; n++) expect(arrival(m, six(n, true))).toBe((n + 1) % PAIRS);
  });

  it('NET-MQ-05: a flow that was never sent goes to one of the pairs in use, always the same', () => {
    const m = machine(MQ);
    ack(m, C.pairsSet(3));
    const pairs = Array.from({ length: 30 }, (_, n) => arrival(m, back(n)));
    expect(new Set(pairs)).toEqual(new Set([0, 1, 2]));
    expect(Array.from({ length: 30 }, (_, n) => arrival(m, back(n)))).toEqual(pairs);
    expect(arrival(m, new Uint8Array(60))).toBe(0);
  });

  it('NET-MQ-07: no queue beyond the requested count, also for flows that were sent there', () => {
    const m = machine(MQ);
    ack(m, C.pairsSet(PAIRS));
    for (let n = 0; n < 20; n++) m.driver.transmit(ipFrame(flow(n)), { pair: 3 });
    ack(m, C.pairsSet(2));
    for (let n = 0; n < 20; n++) expect(arrival(m, back(n))).toBeLessThan(2);
    ack(m, C.pairsSet(1));
    for (let n = 0; n < 20; n++) expect(arrival(m, back(n))).toBe(0);
  });

  it.each([0, PAIRS + 1, 0x8000, 0xffff])('ctrl-bad-pairs: %d pairs are ERR, and the host is not asked', (pairs) => {
    const m = machine(MQ);
    ack(m, C.pairsSet(2));
    expect(ack(m, C.pairsSet(pairs))).toBe(ERR);
    expect(m.bench.errors()).toEqual(['ctrl-bad-pairs']);
    expect(m.bench.device.describe().pairs.inUse).toBe(2);
    expect(m.bench.hostEvents.filter(({ type }) => type === 'command')).toHaveLength(1);
  });

  it('the host decides about pairs: what it refuses is not in force', () => {
    const bench = new DeviceBench({
      offers: MQ,
      queuePairs: 2,
      memorySize: 0x10_0000,
      host: ({ type }) => ({ ack: type === 'command' ? 'ERR' : 'OK', reason: null, needsReset: false, generation: 1 }),
    });
    expect(bench.driver().ask(C.pairsSet(2), 1).bytes[0]).toBe(ERR);
    expect(bench.device.describe().pairs.inUse).toBe(1);
  });

  it('a pair that the host names beats steering; one without a queue loses the frame', () => {
    const m = machine(MQ);
    expect(arrival(m, back(1), 2)).toBe(2);
    ack(m, C.pairsSet(PAIRS));
    m.driver.transmit(ipFrame(flow(1)), { pair: 1 });
    expect(arrival(m, back(1), 3)).toBe(3);
    expect(arrival(m, back(1), PAIRS)).toBe(0); // a pair that no device of this machine has
    const single = new DeviceBench({ offers: MQ, queuePairs: 2, memorySize: 0x10_0000 });
    const driver = single.driver({ features: (1n << 17n) | (1n << 32n) });
    driver.postReceive(2);
    // Index 2 is this driver's control queue: nothing may be written there.
    expect(arrival({ bench: single, driver }, back(1), 1)).toBeNull();
    expect(single.fates().map(({ fate }) => fate)).toEqual(['ring_not_running']);
    expect(single.device.describe().counters.ring_not_running).toBe(1);
  });

  it('NET-MQ-08, NET-MQ-09: while a queue is being reset another one takes over; without any the frame is lost', () => {
    const m = machine(MQ | RING_RESET);
    ack(m, C.pairsSet(2));
    m.driver.transmit(ipFrame(flow(1)), { pair: 1 });
    m.driver.resetQueue(2);
    expect(arrival(m, back(1))).toBe(0);
    m.driver.resetQueue(0);
    expect(arrival(m, back(1))).toBeNull();
    expect(m.bench.fates().at(-1)?.fate).toBe('ring_not_running');
    m.driver.setUpQueue(2);
    m.driver.postReceive(1, 1526, { pair: 1 });
    expect(arrival(m, back(1))).toBe(1);
  });

  it('NET-MQ-08: the next queue takes over, and behind the last the first', () => {
    const m = machine(MQ | RING_RESET);
    ack(m, C.pairsSet(3));
    m.driver.transmit(ipFrame(flow(1)), { pair: 1 });
    m.driver.resetQueue(2);
    expect(arrival(m, back(1))).toBe(2);
    m.driver.resetQueue(4);
    expect(arrival(m, back(1))).toBe(0);
  });

  it('each transmit queue has its kicks, counters and used buffers', () => {
    const m = machine(MQ);
    ack(m, C.pairsSet(PAIRS));
    for (const pair of [0, 1, 1, 3]) m.driver.transmit(ipFrame(flow(pair)), { pair });
    expect([0, 1, 2, 3].map((pair) => m.driver.reapTransmitted(pair).length)).toEqual([1, 2, 0, 1]);
    const { queues, counters } = m.bench.device.describe();
    expect([1, 3, 5, 7].map((index) => queues[index]?.counters.tx_packets)).toEqual([1, 2, 0, 1]);
    expect(counters.tx_packets).toBe(4);
    expect(m.bench.sent).toHaveLength(4);
  });
});
