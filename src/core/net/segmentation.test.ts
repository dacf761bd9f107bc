import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameFromSpec, type FrameSpec } from './frame-spec.ts';
import { completeChecksum } from './gso.ts';
import { parse } from './packet-oracle.test-kit.ts';
import { segment } from './segmentation.ts';

const NONE = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 0xffff };
const TCPV4 = 1;
const UDP = 3;
const TCPV6 = 4;
const UDP_L4 = 5;
const ECN = 0x80;
const NEEDS_CSUM = 1;
const GUEST = '02:00:00:00:00:15';

function built(spec: FrameSpec) {
  const made = frameFromSpec(spec);
  if (!made.ok) throw new Error(made.error);
  return made;
}

function pieces(bytes: Uint8Array, meta: Parameters<typeof segment>[3], offset = 0, length = bytes.length) {
  const out: Uint8Array[] = [];
  const fault = segment(bytes, offset, length, meta, (from, at, size) => out.push(from.slice(at, at + size)));
  return { fault, out };
}

/** Puts extension headers between IPv6 header and transport: hop-by-hop and destination options, padded. */
function withExtensions(frame: Uint8Array, l3: number): Uint8Array {
  const next = frame[l3 + 6] ?? 0;
  const hop = [60, 0, 1, 4, 0, 0, 0, 0];
  const destination = [next, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const out = Uint8Array.from([...frame.slice(0, l3 + 40), ...hop, ...destination, ...frame.slice(l3 + 40)]);
  out[l3 + 6] = 0;
  const length = out.length - l3 - 40;
  out.set([length >> 8, length & 0xff], l3 + 4);
  return out;
}

const large = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  tcp: fc.boolean(),
  vlan: fc.option(fc.nat({ max: 4095 }), { nil: undefined }),
  bytes: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 9000 }) }, fc.nat({ max: 65_000 })),
  size: fc.oneof(fc.integer({ min: 40, max: 3000 }), fc.integer({ min: 1, max: 65_535 })),
  flags: fc.nat({ max: 255 }),
  sequence: fc.nat({ max: 0xffff_ffff }),
  needsCsum: fc.boolean(),
  extended: fc.boolean(),
  identification: fc.nat({ max: 0xffff }),
});

describe('segmentation', () => {
  it('what was cut and put together again is what it was, and every piece is valid by itself', () => {
    fc.assert(
      fc.property(
        large,
        fc.nat({ max: 7 }),
        ({ version, tcp, vlan, bytes, size, flags, sequence, needsCsum, extended, identification }, offset) => {
          fc.pre(bytes <= size * 100);
          const to = version === 4 ? '10.0.2.15' : 'fd00:0:0:2::15';
          const type = tcp ? (version === 4 ? 'tcpv4' : 'tcpv6') : 'udp';
          const packet = tcp ? { tcp: { to, bytes, flags, sequence } } : { udp: { to, bytes } };
          const tag = vlan === undefined ? {} : { vlan };
          const made = built({ dst: GUEST, ...tag, ...packet, gso: { type, size }, needsCsum });
          const l3 = vlan === undefined ? 14 : 18;
          let frame: Uint8Array = Uint8Array.from(made.bytes);
          let meta = { ...made.meta };
          if (version === 4) frame.set([identification >> 8, identification & 0xff], l3 + 4);
          else if (extended) {
            frame = withExtensions(frame, l3);
            if (needsCsum) meta = { ...meta, csumStart: meta.csumStart + 24 };
          }
          const source = new Uint8Array(offset + frame.length + 3); // with padding behind
          source.set(frame, offset);
          const before = source.slice();
          const { fault, out } = pieces(source, meta, offset, frame.length + 3);
          expect(fault).toBeNull();
          expect(source).toEqual(before);
          expect(out).toHaveLength(Math.max(1, Math.ceil(bytes / size)));

          const read = out.map(parse);
          expect(read.flatMap(({ faults }) => faults)).toEqual([]);
          expect(read.flatMap(({ payload }) => payload)).toEqual(Array.from({ length: bytes }, (_, i) => i & 0xff));
          const extensions = version === 6 && extended ? [...frame.slice(l3 + 40, l3 + 64)] : [];
          read.forEach((piece, index) => {
            const last = index === read.length - 1;
            if (!last) expect(piece.payload).toHaveLength(size);
            expect(out[index]?.slice(0, 12)).toEqual(frame.slice(0, 12));
            expect(piece).toMatchObject({ version, vlan: vlan ?? null, extensions, protocol: tcp ? 'tcp' : 'udp' });
            if (version === 4) expect(piece.identification).toBe((identification + index) & 0xffff);
            if (!tcp) return;
            expect(piece.sequence).toBe((sequence + index * size) % 2 ** 32);
            // FIN 1 and PSH 8 only in the last, CWR 0x80 only in the first, all others everywhere.
            expect(piece.flags).toBe(flags & ~(last ? 0 : 0x09) & ~(index === 0 ? 0 : 0x80));
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('NET-TX-07, NET-TX-06: hdr_len changes nothing', () => {
    const { bytes, meta } = built({
      dst: GUEST,
      tcp: { to: '10.0.2.15', bytes: 5000 },
      gso: { type: 'tcpv4', size: 1448 },
    });
    const { out } = pieces(bytes, meta);
    for (const hdrLen of [0, 1, 13, 54, 9000, 65_535]) expect(pieces(bytes, { ...meta, hdrLen }).out).toEqual(out);
  });

  it('options of IPv4 and TCP are repeated in every piece', () => {
    // 24 bytes of IPv4 header, 32 of TCP: no-operations.
    const payload = Array.from({ length: 250 }, (_, i) => i);
    const total = 24 + 32 + payload.length;
    const ip = [0x46, 0, total >> 8, total & 0xff, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15, 1, 1, 1, 1];
    const tcp = [0, 9, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0x80, 0x10, 255, 255, 0, 0, 0, 0, ...Array<number>(12).fill(1)];
    const frame = Uint8Array.from([2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 8, 0, ...ip, ...tcp, ...payload]);
    const { out } = pieces(frame, { ...NONE, gsoType: TCPV4, gsoSize: 100 });
    expect(out.map((piece) => parse(piece).faults)).toEqual([[], [], []]);
    expect(out.flatMap((piece) => parse(piece).payload)).toEqual(payload);
    for (const piece of out) expect([...piece.slice(34, 38), ...piece.slice(58, 70)]).toEqual(Array(16).fill(1));
  });

  it('a call from within a piece does not disturb the others', () => {
    const { bytes, meta } = built({
      dst: GUEST,
      tcp: { to: '10.0.2.15', bytes: 3000 },
      gso: { type: 'tcpv4', size: 1000 },
    });
    const expected = pieces(bytes, meta).out;
    const outer: Uint8Array[] = [];
    segment(bytes, 0, bytes.length, meta, (from, at, size) => {
      expect(pieces(bytes, meta).out).toEqual(expected);
      outer.push(from.slice(at, at + size));
    });
    expect(outer).toEqual(expected);
  });

  const tcp4 = built({ dst: GUEST, tcp: { to: '10.0.2.15', bytes: 3000 }, gso: { type: 'tcpv4', size: 1000 } });
  const udp6 = built({ dst: GUEST, udp: { to: 'fd00::1', bytes: 3000 }, gso: { type: 'udp', size: 1000 } });
  const patched = (at: number, ...values: number[]): Uint8Array => {
    const bytes = Uint8Array.from(tcp4.bytes);
    bytes.set(values, at);
    return bytes;
  };
  it.each<[string, Uint8Array, object, string]>([
    ['the type of the other version', tcp4.bytes, { gsoType: TCPV6 }, 'gso-type'],
    ['UDP for TCP', tcp4.bytes, { gsoType: UDP_L4 }, 'gso-type'],
    ['fragments of a datagram', udp6.bytes, { gsoType: UDP }, 'gso-type'],
    ['no type but ECN', tcp4.bytes, { gsoType: ECN }, 'gso-type'],
    ['ECN of UDP', udp6.bytes, { gsoType: UDP_L4 | ECN, csumStart: 54, csumOffset: 6 }, 'gso-type'],
    ['an unknown type', tcp4.bytes, { gsoType: 2 }, 'gso-type'],
    ['a tunnel', tcp4.bytes, { gsoType: TCPV4 | 0x20 }, 'gso-type'],
    ['no size', tcp4.bytes, { gsoSize: 0 }, 'gso-size'],
    ['a checksum elsewhere', tcp4.bytes, { csumStart: 33 }, 'csum-place'],
    ['a checksum field elsewhere', tcp4.bytes, { csumOffset: 6 }, 'csum-place'],
    ['more segments than anybody makes', tcp4.bytes, { gsoSize: 1 }, 'too-many-segments'],
    ['a frame that is no IP', patched(12, 0x88, 0xb5), {}, 'not-transport'],
    ['a first fragment', patched(20, 0x20, 0x00), {}, 'not-transport'],
    ['another protocol', patched(23, 1), {}, 'not-transport'],
    ['an IPv4 header shorter than one', patched(14, 0x44), {}, 'not-transport'],
    ['a TCP header shorter than one', patched(46, 0x40), {}, 'bad-length'],
    ['a total length beyond the frame', patched(16, 0xff, 0xff), {}, 'bad-length'],
    ['a total length within the headers', patched(16, 0, 39), {}, 'bad-length'],
    ['nothing', new Uint8Array(0), {}, 'not-transport'],
  ])('refuses %s and emits nothing', (_name, bytes, change, fault) => {
    expect(pieces(bytes, { ...tcp4.meta, ...change })).toEqual({ fault, out: [] });
  });

  it('whatever the bytes and the request are, it ends with a fault or with pieces no longer than the frame', () => {
    const meta = fc.record({
      flags: fc.nat({ max: 255 }),
      gsoType: fc.oneof(fc.constantFrom(1, 3, 4, 5, 0x81, 0x84), fc.nat({ max: 255 })),
      hdrLen: fc.nat({ max: 65_535 }),
      gsoSize: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 65_535 })),
      csumStart: fc.oneof(fc.constantFrom(34, 38, 54, 58), fc.nat({ max: 65_535 })),
      csumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat({ max: 65_535 })),
      pair: fc.nat({ max: 65_535 }),
    });
    const patches = fc.array(fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 255 })), { maxLength: 6 });
    const bases = [tcp4.bytes, udp6.bytes, built({ dst: GUEST, vlan: 5, tcp: { to: 'fd00::1', bytes: 500 } }).bytes];
    let cut = 0;
    fc.assert(
      fc.property(fc.constantFrom(...bases), patches, meta, fc.nat({ max: 3100 }), (base, changes, request, length) => {
        const bytes = Uint8Array.from(base.slice(0, Math.max(14, length)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const { fault, out } = pieces(bytes, request);
        expect(out.length === 0).toBe(fault !== null);
        expect(out.length).toBeLessThanOrEqual(2048);
        for (const piece of out) expect(piece.length).toBeLessThanOrEqual(bytes.length);
        if (fault === null) cut++;
      }),
      { numRuns: 3000 },
    );
    expect(cut).toBeGreaterThan(10);
  });
});

describe('completing a checksum', () => {
  it('NET-RX-20: makes a valid packet of one that was begun', () => {
    const spec = fc.record({
      to: fc.constantFrom('10.0.2.15', 'fd00::1'),
      bytes: fc.nat({ max: 2000 }),
      tcp: fc.boolean(),
      tagged: fc.boolean(),
    });
    fc.assert(
      fc.property(spec, fc.nat({ max: 5 }), ({ to, bytes, tcp, tagged }, offset) => {
        const tag = tagged ? { vlan: 5 } : {};
        const { bytes: begun, meta } = built({
          dst: GUEST,
          ...tag,
          [tcp ? 'tcp' : 'udp']: { to, bytes },
          needsCsum: true,
        });
        expect(parse(begun).faults).toEqual(['transport checksum']);
        const copy = new Uint8Array(offset + begun.length);
        copy.set(begun, offset);
        expect(completeChecksum(copy, offset, begun.length, meta)).toBeNull();
        expect(parse(copy.slice(offset)).faults).toEqual([]);
      }),
    );
  });

  it('never writes zero, which means "no checksum" in UDP', () => {
    // Words that add up to 0xffff: their checksum would be 0.
    const bytes = new Uint8Array(60);
    bytes.set([0xff, 0xff], 20);
    expect(completeChecksum(bytes, 0, 60, { ...NONE, flags: NEEDS_CSUM, csumStart: 14, csumOffset: 0 })).toBeNull();
    expect([...bytes.slice(14, 16)]).toEqual([0xff, 0xff]);
  });

  it('NET-TX-02: without NEEDS_CSUM nothing is touched', () => {
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i);
    expect(completeChecksum(bytes, 0, 60, { ...NONE, csumStart: 14, csumOffset: 2 })).toBeNull();
    expect([...bytes]).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it.each([
    ['the field reaches over the end', 40, 19],
    ['the sum begins behind the end', 61, 0],
    ['both are far away', 65_535, 65_535],
    ['the sum begins in the Ethernet header', 13, 0],
  ])('refuses when %s', (_name, csumStart, csumOffset) => {
    const bytes = new Uint8Array(60).fill(7);
    const meta = { ...NONE, flags: NEEDS_CSUM, csumStart, csumOffset };
    expect(completeChecksum(bytes, 0, 60, meta)).toBe('csum-range');
    expect([...bytes]).toEqual(Array(60).fill(7));
    if (csumStart === 40) expect(completeChecksum(bytes, 0, 60, { ...meta, csumOffset: 18 })).toBeNull();
  });
});
