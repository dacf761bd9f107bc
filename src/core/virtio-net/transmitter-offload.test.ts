/** What a driver may leave undone in a packet that it sends, and what of it reaches the wire. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameFromSpec, type FrameSpec } from '../net/frame-spec.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, TX } from '../testing/fake-driver.ts';

const bit = (...bits: number[]): bigint => bits.reduce((set, n) => set | (1n << BigInt(n)), 0n);
const CSUM = 0;
const HOST_TSO4 = 11;
const HOST_TSO6 = 12;
const HOST_ECN = 13;
const MQ = 22;
const HASH_REPORT = 57;
const HOST_USO = 56;
const GUEST_HDRLEN = 59;
const ALL = bit(CSUM, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_USO);

const PLAIN = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 0xffff };
const GUEST = '02:00:00:00:00:15';

interface Header {
  flags?: number;
  gsoType?: number;
  hdrLen?: number;
  gsoSize?: number;
  csumStart?: number;
  csumOffset?: number;
}

function header(fields: Header, size = 12): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = fields.flags ?? 0;
  bytes[1] = fields.gsoType ?? 0;
  view.setUint16(2, fields.hdrLen ?? 0, true);
  view.setUint16(4, fields.gsoSize ?? 0, true);
  view.setUint16(6, fields.csumStart ?? 0, true);
  view.setUint16(8, fields.csumOffset ?? 0, true);
  return bytes;
}

function open(offers: bigint): { bench: DeviceBench; driver: FakeDriver } {
  const bench = new DeviceBench({ memorySize: 0x40_0000, offers });
  return { bench, driver: bench.driver() };
}

function packet(spec: Omit<Extract<FrameSpec, { dst: string }>, 'dst'>): Uint8Array {
  const made = frameFromSpec({ dst: GUEST, needsCsum: true, ...spec });
  if (!made.ok) throw new Error(made.error);
  return made.bytes;
}

const TCP4 = packet({ tcp: { to: '10.0.2.2', bytes: 5000 } });
const TCP6 = packet({ tcp: { to: 'fd00:0:0:2::2', bytes: 5000 } });
const UDP4 = packet({ udp: { to: '10.0.2.2', bytes: 5000 } });
const SMALL = packet({ tcp: { to: '10.0.2.2', bytes: 100 } });

/** Sends one packet; answers the guest errors. */
function send({ bench, driver }: ReturnType<typeof open>, frame: Uint8Array, fields: Header): string[] {
  const before = bench.errors().length;
  driver.queueFrame(frame, {}, header(fields));
  driver.kick(TX);
  driver.reapTransmitted();
  return bench.errors().slice(before);
}

describe('offloads on transmit', () => {
  it('NET-TX-01, NET-TX-15: flags that nobody knows change nothing', () => {
    const line = open(0n);
    for (const flags of [0x02, 0x04, 0x10, 0x20, 0x40, 0x80, 0xf6]) {
      expect(send(line, SMALL, { flags, hdrLen: 0xffff, gsoSize: 0xffff })).toEqual([]);
    }
    expect(line.bench.sent.map(({ meta }) => meta)).toEqual(Array(7).fill(PLAIN));
    expect(line.bench.sent.every(({ frame }) => Buffer.from(frame).equals(SMALL))).toBe(true);
  });

  it('NET-TX-02, NET-TX-14: without NEEDS_CSUM the places of a checksum mean nothing, whatever is there', () => {
    const line = open(ALL);
    for (const csumStart of [0, 34, 0xffff]) send(line, SMALL, { csumStart, csumOffset: 0xffff });
    expect(line.bench.sent.map(({ meta }) => meta)).toEqual(Array(3).fill(PLAIN));
    expect(line.bench.errors()).toEqual([]);
  });

  it('a checksum left to be finished goes to the wire as it is, with its place', () => {
    const line = open(bit(CSUM));
    expect(send(line, SMALL, { flags: 1, csumStart: 34, csumOffset: 16, hdrLen: 7, gsoSize: 9 })).toEqual([]);
    expect(line.bench.sent).toEqual([
      { id: 1, frame: SMALL, meta: { ...PLAIN, flags: 1, csumStart: 34, csumOffset: 16, pair: 0 } },
    ]);
    expect(line.bench.device.describe().counters).toMatchObject({ tx_needs_csum: 1, tx_csum_none: 0 });
    send(line, SMALL, {});
    expect(line.bench.device.describe().counters).toMatchObject({
      tx_packets: 2,
      tx_bytes: 2 * SMALL.length,
      tx_needs_csum: 1,
      tx_csum_none: 1,
      tx_gso_packets: 0,
      tx_gso_bytes: 0,
    });
  });

  it.each<[string, Uint8Array, Header, number]>([
    ['TCP over IPv4', TCP4, { gsoType: 1, csumStart: 34, csumOffset: 16 }, 54],
    ['TCP over IPv6', TCP6, { gsoType: 4, csumStart: 54, csumOffset: 16 }, 74],
    ['TCP with ECN', TCP4, { gsoType: 0x81, csumStart: 34, csumOffset: 16 }, 54],
    ['UDP', UDP4, { gsoType: 5, csumStart: 34, csumOffset: 6 }, 42],
  ])(
    'NET-TX-07, NET-TX-05, NET-TX-06: a large segment (%s) goes whole, and hdr_len is never believed',
    (_name, frame, fields, hdrLen) => {
      for (const offers of [ALL, ALL | bit(GUEST_HDRLEN)]) {
        const line = open(offers);
        for (const claimed of [0, 1, 14, hdrLen, 5000, 0xffff]) {
          expect(send(line, frame, { flags: 1, gsoSize: 1448, hdrLen: claimed, ...fields })).toEqual([]);
        }
        const meta = { ...PLAIN, flags: 1, gsoSize: 1448, ...fields, hdrLen, pair: 0 };
        expect(line.bench.sent.map((sent) => sent.meta)).toEqual(Array(6).fill(meta));
        expect(line.bench.sent.every((sent) => Buffer.from(sent.frame).equals(frame))).toBe(true);
        expect(line.bench.device.describe().counters).toMatchObject({
          tx_gso_packets: 6,
          tx_gso_bytes: 6 * frame.length,
          tx_gso_packets_noseg: 6,
          tx_gso_bytes_noseg: 6 * frame.length,
          tx_csum_none: 0,
          tx_gso_segments: 0,
          tx_packets: 6,
        });
        const { gsoType = 0 } = fields;
        expect(line.bench.transmitted()[0]).toEqual({
          id: 1,
          queue: TX,
          length: frame.length,
          flags: 1,
          gsoType,
          gsoSize: 1448,
        });
      }
    },
  );

  it('the largest IP packet goes whole', () => {
    const line = open(ALL);
    const frame = packet({ tcp: { to: '10.0.2.2', bytes: 65_495 } });
    expect(send(line, frame, { flags: 1, gsoType: 1, gsoSize: 1448, csumStart: 34, csumOffset: 16 })).toEqual([]);
    expect(line.bench.sent[0]?.frame).toEqual(frame);
  });

  it('NET-CFG-06: frames up to MTU and layer-2 header go whole, a tag besides', () => {
    const line = open(ALL);
    for (const length of [14, 1514]) expect(send(line, new Uint8Array(length).fill(3), {})).toEqual([]);
    const tagged = new Uint8Array(1518).fill(3);
    tagged.set([0x81, 0], 12);
    expect(send(line, tagged, {})).toEqual([]);
    expect(line.bench.sent.map(({ frame }) => frame.length)).toEqual([14, 1514, 1518]);
  });

  const tcp: Header = { flags: 1, gsoType: 1, gsoSize: 1448, csumStart: 34, csumOffset: 16 };
  it.each<[string, bigint, Uint8Array, Header]>([
    ['a checksum', 0n, SMALL, { flags: 1, csumStart: 34, csumOffset: 16 }],
    ['TCPv4 segments', bit(CSUM, HOST_TSO6, HOST_USO), TCP4, tcp],
    ['TCPv6 segments', bit(CSUM, HOST_TSO4, HOST_USO), TCP6, { ...tcp, gsoType: 4, csumStart: 54 }],
    ['UDP segments', bit(CSUM, HOST_TSO4, HOST_TSO6), UDP4, { ...tcp, gsoType: 5, csumOffset: 6 }],
    ['ECN', bit(CSUM, HOST_TSO4, HOST_TSO6, HOST_USO), TCP4, { ...tcp, gsoType: 0x81 }],
    ['ECN of UDP', ALL, UDP4, { ...tcp, gsoType: 0x85, csumOffset: 6 }],
    ['UDP fragments, which nobody offers', ALL, UDP4, { ...tcp, gsoType: 3, csumOffset: 6 }],
    ['an unknown gso_type', ALL, TCP4, { ...tcp, gsoType: 2 }],
    ['NET-TX-12: a tunnel without inner type', ALL, TCP4, { ...tcp, gsoType: 0x20 }],
    ['NET-TX-08: both tunnels', ALL, TCP4, { ...tcp, gsoType: 0x61 }],
    ['NET-TX-10: a tunnel without NEEDS_CSUM', ALL, TCP4, { ...tcp, flags: 0, gsoType: 0x21 }],
    ['NET-TX-11: a tunnel with DATA_VALID', ALL, TCP4, { ...tcp, flags: 3, gsoType: 0x41 }],
    ['NET-TX-13: the tunnel’s checksum flag without a tunnel', ALL, TCP4, { ...tcp, flags: 9 }],
    ['NET-TX-13: the flag alone', ALL, SMALL, { flags: 8 }],
  ])('tx-offload-not-negotiated: %s', (_name, offers, frame, fields) => {
    const line = open(offers);
    expect(send(line, frame, fields)).toEqual(['tx-offload-not-negotiated']);
    expect(line.bench.sent).toEqual([]);
    expect(line.bench.device.describe().counters).toMatchObject({ tx_drop_malformed: 1, tx_packets: 0 });
    expect(send(line, SMALL, {})).toEqual([]); // and the queue goes on
    expect(line.bench.sent).toHaveLength(1);
  });

  it.each<[string, Uint8Array, Header]>([
    ['a checksum behind the end', SMALL, { flags: 1, csumStart: 34, csumOffset: SMALL.length - 35 }],
    ['a checksum far away', SMALL, { flags: 1, csumStart: 0xffff, csumOffset: 0xffff }],
    ['a sum over the Ethernet header', SMALL, { flags: 1, csumStart: 0, csumOffset: 50 }],
    ['segments without NEEDS_CSUM', TCP4, { ...tcp, flags: 0 }],
    ['segments of no size', TCP4, { ...tcp, gsoSize: 0 }],
    ['too many segments', TCP4, { ...tcp, gsoSize: 1 }],
    ['segments of the other version', TCP6, { ...tcp, csumStart: 54 }],
    ['segments of another protocol', UDP4, { ...tcp, csumOffset: 6 }],
    ['segments with another checksum', TCP4, { ...tcp, csumStart: 20 }],
    ['segments of no IP', new Uint8Array(3000), tcp],
    ['segments of a frame cut short', TCP4.slice(0, 50), tcp],
  ])('tx-bad-offload: %s', (_name, frame, fields) => {
    const line = open(ALL);
    expect(send(line, frame, fields)).toEqual(['tx-bad-offload']);
    expect(line.bench.sent).toEqual([]);
    expect(line.bench.device.describe().counters).toMatchObject({ tx_drop_malformed: 1 });
  });

  it('a guest error says what was asked for, and what is wrong with it', () => {
    const line = open(ALL);
    send(line, TCP4, { ...tcp, gsoType: 0x21 });
    send(line, TCP4, { ...tcp, gsoSize: 0 });
    expect(line.bench.eventsOf('guest-error').map(({ queue, detail }) => [queue, detail])).toEqual([
      [TX, 'flags 0x1, gso_type 0x21'],
      [TX, expect.stringMatching(/^flags 0x1, gso_type 0x1: ./)],
    ]);
  });

  it('a frame says on which pair it was sent', async () => {
    const bench = new DeviceBench({ memorySize: 0x40_0000, offers: bit(CSUM, MQ), queuePairs: 3 });
    const driver = bench.driver();
    expect(await driver.command(Uint8Array.of(4, 0, 3, 0))).toBe(0); // VQ_PAIRS_SET
    for (const pair of [0, 1, 2]) driver.transmit(SMALL, { pair });
    driver.queueFrame(SMALL, { pair: 2 }, header({ flags: 1, csumStart: 34, csumOffset: 16 }));
    driver.kick(TX + 4);
    expect(bench.sent.map(({ meta }) => [meta.pair, meta.flags])).toEqual([
      [0xffff, 0], // the first pair goes without saying
      [1, 0],
      [2, 0],
      [2, 1],
    ]);
    expect(bench.transmitted().map(({ queue }) => queue)).toEqual([1, 3, 5, 5]);
  });

  it('the header has 20 bytes with HASH_REPORT, on transmit too', () => {
    const { bench, driver } = open(ALL | bit(HASH_REPORT));
    driver.queueFrame(SMALL, {}, header({ flags: 1, csumStart: 34, csumOffset: 16 }, 20));
    driver.kick(TX);
    expect(bench.sent[0]).toMatchObject({ frame: SMALL, meta: { flags: 1, csumStart: 34 } });
  });

  it('any header before any packet: it is sent with a request that its own headers bear out, or is refused', () => {
    const frames = fc.constantFrom(SMALL, TCP4, TCP6, UDP4, new Uint8Array(60));
    const patch = fc.array(fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 255 })), { maxLength: 3 });
    const fields = fc.oneof(
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      fc
        .record({
          flags: fc.constantFrom(0, 1, 3),
          gsoType: fc.constantFrom(0, 1, 4, 5, 0x81),
          gsoSize: fc.nat({ max: 3000 }),
          csumStart: fc.constantFrom(34, 54, 60),
          csumOffset: fc.constantFrom(6, 16),
        })
        .map((some) => header(some)),
    );
    const line = open(ALL);
    let sent = 0;
    let refused = 0;
    fc.assert(
      fc.property(frames, patch, fields, fc.nat({ max: 5100 }), (base, changes, head, length) => {
        const frame = Uint8Array.from(base.slice(0, Math.max(14, length)));
        for (const [at, value] of changes) if (at < frame.length) frame[at] = value;
        line.bench.sent.length = 0;
        line.driver.queueFrame(frame, {}, head);
        line.driver.kick(TX);
        expect(line.driver.reapTransmitted()).toHaveLength(1);
        const [last] = line.bench.sent;
        refused += last ? 0 : 1;
        expect(line.bench.device.describe().counters.tx_drop_malformed).toBe(refused);
        if (!last) return;
        sent++;
        expect(Buffer.from(last.frame).equals(frame)).toBe(true);
        const { flags, gsoType, csumStart, csumOffset, hdrLen } = last.meta;
        expect([0, 1]).toContain(flags);
        if (flags === 1) expect(csumStart + csumOffset + 2).toBeLessThanOrEqual(frame.length);
        if (gsoType !== 0) {
          expect(flags).toBe(1);
          expect(hdrLen).toBeLessThanOrEqual(frame.length);
        }
      }),
      { numRuns: 1500 },
    );
    expect(sent).toBeGreaterThan(100);
  });
});
