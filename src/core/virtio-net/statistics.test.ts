import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { newCounters } from './counters.ts';
import { readStats, supportedStats } from './statistics.ts';

const OK = 0;
const ERR = 1;
const CSUM = 0;
const GUEST_CSUM = 1;
const GUEST_TSO4 = 7;
const HOST_TSO4 = 11;
const HOST_USO = 56;
const STATS = 1n << 50n;
const bit = (n: number): bigint => 1n << BigInt(n);

const RX_BASIC = 0;
const RX_CSUM = 1;
const RX_GSO = 2;
const RX_SPEED = 3;
const TX_BASIC = 16;
const TX_CSUM = 17;
const TX_GSO = 18;
const CVQ = 32;

interface Reply {
  readonly type: number;
  readonly queue: number;
  readonly size: number;
  readonly values: number[];
}

function decode(bytes: Uint8Array): Reply[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const replies: Reply[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = view.getUint16(at + 6, true);
    const values = Array.from({ length: (size - 8) / 8 }, (_, i) => Number(view.getBigUint64(at + 8 + 8 * i, true)));
    replies.push({ type: view.getUint8(at), queue: view.getUint16(at + 2, true), size, values });
    at += size;
  }
  return replies;
}

function ask(driver: FakeDriver, message: Uint8Array, room = 2000): { ack: number; used: number; result: Uint8Array } {
  const { bytes, used } = driver.ask(message, room);
  return { ack: bytes[0] ?? -1, used, result: bytes.subarray(1, used) };
}

describe('device statistics', () => {
  it('NET-STATS-01: QUERY answers behind the ack with the types there are', () => {
    const { ack, used, result } = ask(new DeviceBench({ offers: STATS }).driver(), C.statsQuery());
    expect([ack, used]).toEqual([OK, 9]);
    expect(new DataView(result.buffer, result.byteOffset).getBigUint64(0, true)).toBe(
      bit(RX_BASIC) | bit(TX_BASIC) | bit(CVQ),
    );
  });

  it('NET-STATS-01: types of offloads are there if one of their features was negotiated', () => {
    const types = (...features: number[]): bigint =>
      new DataView(supportedStats(features.reduce((set, n) => set | bit(n), 0n)).buffer).getBigUint64(0, true);
    const basic = bit(RX_BASIC) | bit(TX_BASIC) | bit(CVQ);
    expect(types(CSUM)).toBe(basic | bit(TX_CSUM));
    expect(types(GUEST_CSUM)).toBe(basic | bit(RX_CSUM));
    expect(types(GUEST_TSO4)).toBe(basic | bit(RX_GSO));
    expect(types(8)).toBe(basic | bit(RX_GSO));
    for (const feature of [HOST_TSO4, 12, HOST_USO]) expect(types(feature)).toBe(basic | bit(TX_GSO));
    expect(types(63)).toBe(basic);
  });

  it('NET-STATS-04, NET-STATS-05: each reply says its type, queue and size, in the order of the request', () => {
    const driver = new DeviceBench({ offers: STATS }).driver();
    const { ack, result } = ask(driver, C.statsGet([CTRL, bit(CVQ)], [TX, bit(TX_BASIC)], [RX, bit(RX_BASIC)]));
    expect(ack).toBe(OK);
    expect(decode(result).map(({ type, queue, size }) => [type, queue, size])).toEqual([
      [CVQ, CTRL, 24],
      [TX_BASIC, TX, 56],
      [RX_BASIC, RX, 56],
    ]);
  });

  it('the numbers are those of the page', () => {
    const bench = new DeviceBench({ offers: STATS, send: (_, __, ___, length) => length !== 99 });
    const driver = bench.driver();
    driver.postReceive(2);
    for (let i = 0; i < 3; i++) bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    bench.receive(2, new Uint8Array(5000));
    for (const length of [60, 80, 99, 2]) driver.transmit(new Uint8Array(length));
    driver.ask(Uint8Array.of(99, 0), 1);
    const { result } = ask(driver, C.statsGet([RX, bit(RX_BASIC)], [TX, bit(TX_BASIC)], [CTRL, bit(CVQ)]));
    const [rx, tx, ctrl] = decode(result);
    // notifications, packets, bytes, interrupts, drops, and overruns or malformed ones
    expect(rx?.values).toEqual([1, 2, 120, 1, 2, 1]);
    expect(tx?.values).toEqual([4, 2, 140, 4, 2, 1]);
    // the current command included
    expect(ctrl?.values).toEqual([2, 1]);
    const { queues, counters } = bench.device.describe();
    expect(queues.map(({ kicks, interrupts }) => [kicks, interrupts]).slice(0, 2)).toEqual([
      [1, 1],
      [4, 4],
    ]);
    expect(queues.map((queue) => Object.keys(queue.counters)[0])).toEqual(['rx_packets', 'tx_packets', 'ctrl_ok']);
    expect(queues[CTRL]?.counters).toEqual({ ctrl_ok: 1, ctrl_err: 1 });
    expect(counters).toMatchObject({ rx_packets: 2, rx_drops: 2, no_space: 1, rx_drop_over_mtu: 1 });
    expect(counters).toMatchObject({ tx_packets: 2, tx_drops: 2, tx_drop_malformed: 1, ctrl_ok: 1, ctrl_err: 1 });
  });

  it('each queue has counters of its own', () => {
    const bench = new DeviceBench({ offers: STATS | bit(22), queuePairs: 2, memorySize: 0x10_0000 });
    const driver = bench.driver();
    driver.transmit(new Uint8Array(60));
    driver.transmit(new Uint8Array(70), { pair: 1 });
    driver.transmit(new Uint8Array(70), { pair: 1 });
    const { result } = ask(driver, C.statsGet([1, bit(TX_BASIC)], [3, bit(TX_BASIC)], [4, bit(CVQ)]));
    expect(decode(result).map(({ values }) => values.slice(0, 3))).toEqual([
      [1, 1, 60],
      [2, 2, 140],
      [1, 1],
    ]);
    const second = ask(driver, C.statsGet([2, bit(RX_BASIC)]));
    expect(decode(second.result)).toMatchObject([{ queue: 2 }]);
  });

  it.each([
    ['a queue that does not exist', [3, bit(TX_BASIC)]],
    ['another that does not exist', [4, bit(RX_BASIC)]],
    ['an unknown type', [RX, bit(5)]],
    ['a type that no speed limit stands behind', [RX, bit(RX_SPEED)]],
    ['a type of another kind of queue', [TX, bit(RX_BASIC)]],
    ['a type of the control queue for another', [RX, bit(CVQ)]],
    ['a type whose feature was not negotiated', [RX, bit(RX_CSUM)]],
  ] as const)('NET-STATS-02, NET-STATS-03: %s fails the whole command', (_, wrong) => {
    const bench = new DeviceBench({ offers: STATS });
    const driver = bench.driver();
    for (const requests of [[wrong], [[RX, bit(RX_BASIC)] as const, wrong], [wrong, [RX, bit(RX_BASIC)] as const]]) {
      expect(ask(driver, C.statsGet(...requests))).toMatchObject({ ack: ERR, used: 1 });
    }
    expect(bench.errors()).toEqual(['ctrl-bad-stats', 'ctrl-bad-stats', 'ctrl-bad-stats']);
  });

  it('NET-STATS-06: a shorter buffer gets as much as fits, a longer one no more than there is', () => {
    const driver = new DeviceBench({ offers: STATS }).driver();
    const message = C.statsGet([RX, bit(RX_BASIC)]);
    const short = driver.ask(message, 1 + 20);
    expect(short.used).toBe(21);
    expect([...short.bytes.subarray(0, 9)]).toEqual([OK, RX_BASIC, 0, RX, 0, 0, 0, 56, 0]);
    expect(driver.ask(message, 1).used).toBe(1);
    const long = driver.ask(message, 1 + 56 + 5);
    expect(long.used).toBe(57);
    expect([...long.bytes.subarray(57)]).toEqual([0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
  });

  it.each([0, 8, 17])('ctrl-malformed: GET with %d bytes of entries', (length) => {
    const bench = new DeviceBench({ offers: STATS });
    expect(ask(bench.driver(), Uint8Array.of(8, 1, ...Array<number>(length).fill(0))).ack).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-malformed']);
  });

  it('NET-STATS-07: a counter that has no room in 64 bits begins again at zero', () => {
    const counters = newCounters(1);
    const [rx] = counters.rx;
    if (rx) Object.assign(rx, { rx_packets: 2 ** 64, rx_bytes: 2 ** 64 + 4096 });
    const source = { features: STATS, counters, ctrlQueue: 2, kicks: [0, 0, 0], interrupts: [0, 0, 0] };
    const bytes = readStats([{ queue: 0, types: 1n }], source);
    expect(decode(bytes as Uint8Array)[0]?.values.slice(1, 3)).toEqual([0, 4096]);
  });

  it('offload counters, in the order of the structures', () => {
    const counters = newCounters(1);
    Object.assign(counters.rx[0] ?? {}, { rx_csum_valid: 1, rx_needs_csum: 2, rx_csum_none: 3, rx_csum_bad: 4 });
    Object.assign(counters.rx[0] ?? {}, { rx_gso_packets: 5, rx_gso_bytes: 6 });
    Object.assign(counters.tx[0] ?? {}, { tx_csum_none: 7, tx_needs_csum: 8, tx_gso_packets: 9, tx_gso_bytes: 10 });
    Object.assign(counters.tx[0] ?? {}, { tx_gso_segments: 11, tx_gso_segments_bytes: 12 });
    Object.assign(counters.tx[0] ?? {}, { tx_gso_packets_noseg: 13, tx_gso_bytes_noseg: 14 });
    const features = STATS | bit(CSUM) | bit(GUEST_CSUM) | bit(GUEST_TSO4) | bit(HOST_TSO4);
    const source = { features, counters, ctrlQueue: 2, kicks: [0, 0, 0], interrupts: [0, 0, 0] };
    const requests = [
      { queue: 0, types: bit(RX_CSUM) | bit(RX_GSO) },
      { queue: 1, types: bit(TX_CSUM) | bit(TX_GSO) },
    ];
    expect(
      decode(readStats(requests, source) as Uint8Array).map(({ type, size, values }) => [type, size, values]),
    ).toEqual([
      [RX_CSUM, 40, [1, 2, 3, 4]],
      [RX_GSO, 40, [5, 6, 0, 0]],
      [TX_CSUM, 24, [7, 8]],
      [TX_GSO, 56, [9, 10, 11, 12, 13, 14]],
    ]);
  });
});
