import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { ack, arrival, back, type Machine, machine, PAIRS } from './pairs.test-kit.ts';

const OK = 0;
const ERR = 1;
const MQ = 1n << 22n;
const RING_RESET = 1n << 40n;
const HASH_REPORT = 1n << 57n;
const RSS = 1n << 60n;
const TCPV4 = 2;
const IPV4 = 1;
const KEY = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) & 0xff);

describe('receive-side scaling', () => {
  const config = {
    types: TCPV4 | IPV4,
    key: KEY,
    table: [3, 1, 2, 1, 0, 2, 3, 3],
    unclassified: 2,
    maxTxQueues: PAIRS,
  };

  /** Toeplitz as the definition reads: the window of the key for each bit that is set. */
  function toeplitz(input: number[]): number {
    let key = KEY.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) & ((1n << 320n) - 1n);
    let hash = 0n;
    for (const byte of input) {
      for (let bit = 7; bit >= 0; bit--) {
        if ((byte >> bit) & 1) hash ^= key >> 288n;
        key = (key << 1n) & ((1n << 320n) - 1n);
      }
    }
    return Number(hash & 0xffff_ffffn);
  }
  const hashOf = (n: number): number => toeplitz([10, 0, 0, 2, 10, 0, 0, 1, 0, 80, (1000 + n) >> 8, (1000 + n) & 0xff]);

  it('NET-RSS-01, NET-RSS-03: the entry of the table that hash AND mask names', () => {
    const m = machine(RSS | MQ);
    expect(ack(m, C.rssConfig(config))).toBe(OK);
    const expected = Array.from({ length: 30 }, (_, n) => config.table[hashOf(n) & 7]);
    expect(Array.from({ length: 30 }, (_, n) => arrival(m, back(n)))).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(2);
  });

  it('NET-RSS-02: unclassified_queue for what has no hash', () => {
    const m = machine(RSS);
    ack(m, C.rssConfig(config));
    expect(arrival(m, new Uint8Array(60))).toBe(2);
    ack(m, C.rssConfig({ ...config, types: 8, unclassified: 3 }));
    expect(arrival(m, back(1))).toBe(3);
  });

  it('what the driver configured is told, and nothing before it did', () => {
    const m = machine(RSS | HASH_REPORT);
    const rss = (): unknown => m.bench.device.describe().rss;
    const key = KEY.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    expect(rss()).toBeNull();
    ack(m, C.hashConfig(1, KEY));
    expect(rss()).toEqual({ hashTypes: 1, key, table: null, unclassified: null, maxTxQueues: null });
    ack(m, C.rssConfig({ ...config, types: 0 }));
    const { table, unclassified, maxTxQueues } = config;
    expect(rss()).toEqual({ hashTypes: 0, key, table, unclassified, maxTxQueues });
  });

  it('NET-RSS-04: a frame for a queue that is being reset is dropped', () => {
    const m = machine(RSS | RING_RESET);
    ack(m, C.rssConfig({ ...config, table: [1] }));
    expect(arrival(m, back(1))).toBe(1);
    m.driver.resetQueue(2);
    expect(arrival(m, back(1))).toBeNull();
    expect(m.bench.fates().at(-1)?.fate).toBe('ring_not_running');
  });

  it('NET-MQ-02: the latest command decides between the two', () => {
    const m = machine(RSS | MQ);
    ack(m, C.rssConfig({ ...config, table: [3] }));
    expect(arrival(m, back(1))).toBe(3);
    expect(m.bench.device.describe().steering).toBe('rss');
    ack(m, C.pairsSet(1));
    expect(arrival(m, back(1))).toBe(0);
    expect(m.bench.device.describe().steering).toBe('automatic');
    ack(m, C.rssConfig({ ...config, table: [2, 2] }));
    expect(arrival(m, back(1))).toBe(2);
    m.driver.initialise();
    m.driver.postReceive(2);
    expect(arrival(m, back(1))).toBe(0);
    expect(m.bench.device.describe().rss).toBeNull();
  });

  it('the page can show what is in force', () => {
    const m = machine(RSS);
    ack(m, C.rssConfig({ ...config, key: [1, 0xab] }));
    expect(m.bench.device.describe().rss).toEqual({
      hashTypes: 3,
      key: '01ab',
      table: config.table,
      unclassified: 2,
      maxTxQueues: 4,
    });
  });

  it.each([
    ['an unsupported hash type', { types: 0x200 }],
    ['types without a key', { key: [] }],
    ['a key of 41 bytes', { key: [...KEY, 0] }],
    ['three entries', { table: [0, 1, 2] }],
    ['256 entries', { table: Array<number>(256).fill(0) }],
    ['a queue that does not exist', { table: [0, PAIRS] }],
    ['an unclassified queue that does not exist', { unclassified: 0x8000 }],
    ['no transmit queue', { maxTxQueues: 0 }],
    ['more transmit queues than there are', { maxTxQueues: PAIRS + 1 }],
  ])('ctrl-bad-rss: %s', (_, wrong) => {
    const m = machine(RSS);
    ack(m, C.rssConfig({ ...config, table: [1] }));
    expect(ack(m, C.rssConfig({ ...config, ...wrong }))).toBe(ERR);
    expect(m.bench.errors()).toEqual(['ctrl-bad-rss']);
    expect(arrival(m, back(1))).toBe(1);
  });

  it('NET-RSS-03: tables of one and of 128 entries are fine', () => {
    const m = machine(RSS);
    const table = Array.from({ length: 128 }, (_, i) => i % PAIRS);
    expect(ack(m, C.rssConfig({ ...config, table }))).toBe(OK);
    expect(arrival(m, back(3))).toBe(table[hashOf(3) & 127]);
  });

  it('ctrl-malformed: cut short anywhere', () => {
    const message = C.rssConfig({ ...config, key: [1, 2, 3] });
    const m = machine(RSS);
    for (let length = 2; length < message.length; length++) {
      expect(ack(m, message.slice(0, length))).toBe(ERR);
    }
    expect(new Set(m.bench.errors())).toEqual(new Set(['ctrl-malformed']));
    expect(m.bench.device.describe().rss).toBeNull();
  });

  describe('hash reports', () => {
    /** hash_value and hash_report of a received frame. */
    function report(m: Machine, frame: Uint8Array): [value: number, type: number] {
      m.bench.receive(2, frame);
      m.bench.device.flush();
      for (let pair = 0; pair < m.driver.pairs; pair++) {
        const [received] = m.driver.collect(pair);
        if (!received) continue;
        expect(received.frame).toEqual(frame);
        const view = new DataView(received.header.buffer);
        expect(received.header).toHaveLength(20);
        return [view.getUint32(12, true), view.getUint16(16, true)];
      }
      throw new Error('nothing was received');
    }

    it('NET-HASH-04, NET-HASH-03, NET-HASH-02, NET-HASH-06: NONE until HASH_CONFIG, with one pair too', () => {
      const m = machine(HASH_REPORT, 1);
      expect(report(m, back(1))).toEqual([0, 0]);
      expect(ack(m, C.hashConfig(TCPV4 | IPV4, KEY))).toBe(OK);
      expect(report(m, back(1))).toEqual([hashOf(1), 2]);
      expect(report(m, new Uint8Array(60))).toEqual([0, 0]);
      m.driver.initialise();
      m.driver.postReceive(1);
      expect(report(m, back(1))).toEqual([0, 0]);
    });

    it('NET-HASH-01, NET-HASH-06: RSS_CONFIG configures the report as well, with one pair too', () => {
      const m = machine(HASH_REPORT | RSS, 1);
      const one = { ...config, table: [0], unclassified: 0, maxTxQueues: 1 };
      expect(ack(m, C.rssConfig(one))).toBe(OK);
      expect(report(m, back(2))).toEqual([hashOf(2), 2]);
    });

    it('NET-HASH-03: reports go on under automatic steering', () => {
      const m = machine(HASH_REPORT | MQ);
      ack(m, C.hashConfig(TCPV4, KEY));
      ack(m, C.pairsSet(PAIRS));
      for (let n = 0; n < 8; n++) expect(report(m, back(n))).toEqual([hashOf(n), 2]);
    });

    it('reserved words that are not zero are recorded and tolerated: Linux sends some', () => {
      const m = machine(HASH_REPORT, 1);
      expect(ack(m, C.hashConfig(TCPV4, KEY, [0, 0, 0, 1]))).toBe(OK);
      expect(m.bench.errors()).toEqual(['ctrl-reserved-set']);
      expect(report(m, back(1))).toEqual([hashOf(1), 2]);
    });
  });
});
