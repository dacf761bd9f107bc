/** What holds of every frame towards the guest; and the longest header. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GUEST_CSUM,
  TSO4,
  TSO6,
  ECN,
  MRG_RXBUF,
  USO4,
  USO6,
  HASH_REPORT,
  LARGE,
  open,
  built,
  SUM4,
  SUM6,
  TCP4,
  TCP6,
  UDP4,
  UDP6,
  CWR,
  receive,
  headerOf,
} from './offload.test-kit.ts';

describe('VIRTIO_NET_F_HASH_REPORT', () => {
  it('NET-HASH-04, NET-HASH-06: 20 bytes of header, type NONE until hashing is configured, then value and type', async () => {
    const line = open(HASH_REPORT, MRG_RXBUF);
    line.driver.postReceive(4, 60);
    const flow = built({ tcp: { to: '161.142.100.80', toPort: 1766, from: '66.9.149.187', fromPort: 2794 } });
    const first = receive(line, flow);
    expect(first).toMatchObject({ fate: 'delivered', buffers: 2, used: 20 + 54 });
    expect([...(first.got[0]?.header ?? [])]).toEqual([...Array<number>(10).fill(0), 2, ...Array<number>(9).fill(0)]);
    // The key and the flow of the verification suite that NDIS publishes: 0x51ccc178 for TCP over IPv4.
    const key =
      '6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa'
        .match(/../g)
        ?.map((byte) => Number.parseInt(byte, 16)) ?? [];
    const command = Uint8Array.from([4, 2, 2, 0, 0, 0, ...Array<number>(8).fill(0), 40, ...key]);
    expect(await line.driver.command(command)).toBe(0);
    const { got } = receive(line, flow);
    expect([...(got[0]?.header.slice(12) ?? [])]).toEqual([0x78, 0xc1, 0xcc, 0x51, 2, 0, 0, 0]);
    expect([...got.flatMap((buffer, index) => [...(index === 0 ? [] : buffer.header), ...buffer.frame])]).toEqual([
      ...flow.bytes,
    ]);
  });
});

describe('any frame with any request', () => {
  it('never throws, has one fate, and leaves a header that keeps every rule', () => {
    const features = fc.subarray([GUEST_CSUM, TSO4, TSO6, ECN, USO4, USO6, MRG_RXBUF]);
    const request = fc.record({
      flags: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat({ max: 255 })),
      gsoType: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x81, 0x84), fc.nat({ max: 255 })),
      hdrLen: fc.nat({ max: 65_535 }),
      gsoSize: fc.oneof(fc.integer({ min: 500, max: 1500 }), fc.nat({ max: 65_535 })),
      csumStart: fc.oneof(fc.constantFrom(34, 54, 58), fc.nat({ max: 65_535 })),
      csumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat({ max: 65_535 })),
      pair: fc.constantFrom(0, 0xffff),
    });
    const bases = [SUM4, SUM6, TCP4, TCP6, UDP4, UDP6, CWR];
    const base = fc.nat({ max: bases.length - 1 });
    const patch = fc.array(fc.tuple(fc.nat({ max: 80 }), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(
        features.map((some) => (some.includes(GUEST_CSUM) ? some : some.filter((n) => n === MRG_RXBUF))),
        fc.array(fc.tuple(base, fc.option(request, { nil: undefined }), patch, fc.nat({ max: 5100 })), {
          maxLength: 8,
        }),
        fc.constantFrom(200, 1526, LARGE),
        (some, frames, size) => {
          const chosen = some.includes(TSO4) || some.includes(TSO6) ? some : some.filter((n) => n !== ECN);
          const line = open(...chosen);
          line.driver.postReceive(20, size);
          for (const [which, other, changes, length] of frames) {
            const { bytes, meta } = bases[which] ?? SUM4;
            const cut = Uint8Array.from(bytes.slice(0, length));
            for (const [at, value] of changes) if (at < cut.length) cut[at] = value;
            const { fate, buffers, got } = receive(line, { bytes: cut, meta: other ?? meta });
            line.driver.postReceive(got.length, size);
            if (fate === 'delivered') expect(got).toHaveLength(buffers ?? -1);
            for (let at = 0; at < got.length;) {
              if (got[at]?.used.length === 0) break; // gone back empty
              const header = headerOf(got[at]?.header);
              expect([0, 1, 2]).toContain(header.flags);
              if (!chosen.includes(GUEST_CSUM)) expect(header.flags).toBe(0);
              const allowed = [0, ...(chosen.includes(TSO4) ? [1] : []), ...(chosen.includes(TSO6) ? [4] : [])];
              if (chosen.includes(USO4) || chosen.includes(USO6)) allowed.push(5);
              expect(allowed).toContain((header.gsoType ?? 0) & 0x7f);
              if (header.gsoType !== 0) {
                expect([header.flags, header.gsoSize > 0, header.hdrLen >= 42]).toEqual([1, true, true]);
              }
              at += header.numBuffers;
            }
          }
          const tally = line.bench.fates().length;
          expect(tally).toBe(frames.length);
        },
      ),
      { numRuns: 150 },
    );
  });
});
