/** Unfinished frames towards the guest: what a driver gets that takes them, and one that does not. */
import { describe, expect, it } from 'vitest';
import { onesSum, parse } from '../net/packet-oracle.test-kit.ts';
import type { FrameMeta } from '../ring/frames.ts';
import {
  bit,
  GUEST_CSUM,
  CTRL_GUEST_OFFLOADS,
  TSO4,
  TSO6,
  ECN,
  MRG_RXBUF,
  USO4,
  USO6,
  NONE,
  LARGE,
  open,
  SUM4,
  SUM6,
  TCP4,
  TCP6,
  UDP4,
  UDP6,
  CWR,
  receive,
  headerOf,
  EMPTY,
} from './offload.test-kit.ts';

describe('a checksum left to be finished', () => {
  it('NET-RX-05, NET-RX-06: is finished for a driver without GUEST_CSUM, and the header says nothing', () => {
    const line = open();
    line.driver.postReceive(2);
    for (const frame of [SUM4, SUM6]) {
      const before = frame.bytes.slice();
      const { fate, got } = receive(line, frame);
      expect([fate, headerOf(got[0]?.header)]).toEqual(['delivered', EMPTY]);
      expect(parse(got[0]?.frame as Uint8Array)).toEqual({ ...parse(before), faults: [] });
    }
  });

  it('NET-RX-17, NET-RX-18, NET-RX-19, NET-RX-20: stays as it is with GUEST_CSUM, and the header says where', () => {
    const line = open(GUEST_CSUM);
    line.driver.postReceive(2);
    for (const frame of [SUM4, SUM6]) {
      const { got } = receive(line, frame);
      const { csumStart, csumOffset } = frame.meta;
      const header = headerOf(got[0]?.header);
      expect(header).toEqual({ ...EMPTY, flags: 1, csumStart, csumOffset });
      // As a driver would: add up from csum_start, and the complement makes the packet valid.
      const bytes = [...(got[0]?.frame ?? [])];
      const sum = ~onesSum(bytes.slice(header.csumStart)) & 0xffff;
      bytes.splice(header.csumStart + header.csumOffset, 2, sum >> 8, sum & 0xff);
      expect(parse(Uint8Array.from(bytes)).faults).toEqual([]);
    }
    expect(line.bench.device.describe().counters).toMatchObject({ rx_needs_csum: 2, rx_csum_none: 0 });
  });

  it.each([
    ['behind the end', { csumStart: 34, csumOffset: SUM4.bytes.length - 35 }],
    ['in the Ethernet header', { csumStart: 12, csumOffset: 16 }],
    ['far away', { csumStart: 0xffff, csumOffset: 0xffff }],
  ])('csum_malformed: at a place %s it can be neither finished nor passed on', (_name, place) => {
    for (const line of [open(), open(GUEST_CSUM)]) {
      line.driver.postReceive(1);
      expect(receive(line, { ...SUM4, meta: { ...SUM4.meta, ...place } })).toMatchObject({
        fate: 'csum_malformed',
        got: [],
      });
      expect(receive(line, SUM4).fate).toBe('delivered');
    }
  });

  it('NET-RX-34, NET-RX-35, NET-RX-05: DATA_VALID is what the host says, and only with GUEST_CSUM', () => {
    const verified = { bytes: SUM4.bytes, meta: { ...NONE, flags: 2, csumStart: 7, hdrLen: 9 } };
    for (const [features, flags] of [
      [[GUEST_CSUM], 2],
      [[], 0],
    ] as const) {
      const line = open(...features);
      line.driver.postReceive(2);
      expect(headerOf(receive(line, verified).got[0]?.header)).toEqual({ ...EMPTY, flags });
      expect(headerOf(receive(line, { bytes: SUM4.bytes }).got[0]?.header)).toEqual(EMPTY);
      expect(line.bench.device.describe().counters.rx_csum_valid).toBe(flags === 2 ? 1 : 0);
    }
  });

  it('rx_csum_none counts what has no checksum to look at: neither TCP nor UDP', () => {
    const line = open(GUEST_CSUM);
    line.driver.postReceive(3);
    const none = (): number | undefined => line.bench.device.describe().counters.rx_csum_none;
    receive(line, { bytes: SUM4.bytes });
    expect(none()).toBe(0);
    receive(line, { bytes: new Uint8Array(60) });
    expect(none()).toBe(1);
  });

  it('NET-RX-12, NET-RX-32: no other flag ever reaches the driver', () => {
    const line = open(GUEST_CSUM);
    line.driver.postReceive(3);
    for (const flags of [0xfc, 0xfd, 0xfe]) {
      const { got } = receive(line, { bytes: SUM4.bytes, meta: { ...SUM4.meta, flags } });
      expect(headerOf(got[0]?.header).flags).toBe(flags & 3);
    }
  });
});

describe('a large segment', () => {
  /** Another frame behind the outer UDP header and eight bytes of VXLAN. */
  const IN_UDP = UDP4.bytes.slice();
  IN_UDP.set(TCP4.bytes.subarray(0, 3000), 42 + 8);

  it.each([
    ['TCPv4', TCP4, TSO4, { hdrLen: 54, csumStart: 34, csumOffset: 16, gsoType: 1 }],
    ['TCPv6, tagged', TCP6, TSO6, { hdrLen: 78, csumStart: 58, csumOffset: 16, gsoType: 4 }],
    ['UDPv4', UDP4, USO4, { hdrLen: 42, csumStart: 34, csumOffset: 6, gsoType: 5 }],
    ['UDPv6', UDP6, USO6, { hdrLen: 62, csumStart: 54, csumOffset: 6, gsoType: 5 }],
  ])(
    'NET-RX-27, NET-RX-28, NET-RX-33, NET-CFG-05: %s goes whole to a driver that takes it, above the MTU',
    (_name, frame, feature, expected) => {
      const line = open(GUEST_CSUM, feature);
      line.driver.postReceive(2, LARGE);
      const whole = { ...EMPTY, flags: 1, gsoSize: frame.meta.gsoSize, ...expected };
      const { fate, buffers, got } = receive(line, frame);
      expect([fate, buffers, headerOf(got[0]?.header)]).toEqual(['delivered', 1, whole]);
      expect(Buffer.from(got[0]?.frame ?? []).equals(frame.bytes)).toBe(true);
      // viona says nothing of the checksum; the driver must be told all the same, and find it begun.
      const silent = {
        bytes: frame.bytes.slice(),
        meta: { ...NONE, gsoType: frame.meta.gsoType, gsoSize: frame.meta.gsoSize },
      };
      silent.bytes.fill(0x77, expected.csumStart + expected.csumOffset, expected.csumStart + expected.csumOffset + 2);
      const again = receive(line, silent);
      expect(headerOf(again.got[0]?.header)).toEqual(whole);
      expect(Buffer.from(again.got[0]?.frame ?? []).equals(frame.bytes)).toBe(true);
      expect(line.bench.device.describe().counters).toMatchObject({
        rx_gso_packets: 2,
        rx_gso_bytes: 2 * frame.bytes.length,
        rx_gro_fallback: 0,
      });
    },
  );

  it.each([
    ['NET-RX-07: TCPv4', TCP4, [GUEST_CSUM, TSO6, ECN, USO4, USO6], 4],
    ['NET-RX-09: TCPv6', TCP6, [GUEST_CSUM, TSO4, ECN, USO4, USO6], 4],
    ['NET-RX-10: UDPv4', UDP4, [GUEST_CSUM, TSO4, TSO6, ECN, USO6], 4],
    ['NET-RX-10: UDPv6', UDP6, [GUEST_CSUM, TSO4, TSO6, ECN, USO4], 4],
    ['NET-RX-13: with CWR', CWR, [GUEST_CSUM, TSO4], 4],
    ['NET-RX-13: called ECN', { ...TCP4, meta: { ...TCP4.meta, gsoType: 0x81 } }, [GUEST_CSUM, TSO4], 4],
    ['NET-RX-26: anything', TCP4, [], 4],
    ['NET-RX-26: anything, mergeable', UDP6, [MRG_RXBUF], 4],
  ])('%s is cut for a driver that does not take it: valid packets, one fate', (_name, frame, features, count) => {
    const line = open(...features);
    line.driver.postReceive(8);
    const { fate, buffers, used, got } = receive(line, frame);
    expect([fate, buffers, got.length]).toEqual(['delivered', count, count]);
    expect(used).toBe(got.reduce((sum, piece) => sum + piece.used.length, 0));
    for (const piece of got) {
      expect(headerOf(piece.header)).toEqual(EMPTY);
      expect(parse(piece.frame).faults).toEqual([]);
      expect(piece.frame.length).toBeLessThanOrEqual(1518);
    }
    expect(got.flatMap((piece) => parse(piece.frame).payload)).toEqual(
      Array.from({ length: 5000 }, (_, i) => i & 0xff),
    );
    expect(line.bench.device.describe().counters).toMatchObject({
      rx_packets: count,
      rx_gro_fallback: 1,
      rx_gso_packets: 0,
    });
  });

  it('NET-RX-14: with GUEST_ECN the header says of a segment that it carries CWR, whatever the host said', () => {
    const line = open(GUEST_CSUM, TSO4, ECN);
    line.driver.postReceive(3, LARGE);
    expect(headerOf(receive(line, CWR).got[0]?.header).gsoType).toBe(0x81);
    expect(headerOf(receive(line, TCP4).got[0]?.header).gsoType).toBe(1);
  });

  it('VIRTIO_NET_CTRL_GUEST_OFFLOADS: what was switched off is cut, what is switched on again is not', async () => {
    const line = open(GUEST_CSUM, TSO4, CTRL_GUEST_OFFLOADS);
    line.driver.postReceive(20, LARGE);
    const set = async (...bits: number[]): Promise<void> => {
      const data = new Uint8Array(10);
      data[0] = 5;
      new DataView(data.buffer).setBigUint64(2, bit(...bits), true);
      expect(await line.driver.command(data)).toBe(0);
    };
    expect(receive(line, TCP4).got).toHaveLength(1);
    await set(GUEST_CSUM);
    expect(receive(line, TCP4).got).toHaveLength(4);
    expect(headerOf(receive(line, SUM4).got[0]?.header).flags).toBe(1);
    await set();
    expect(headerOf(receive(line, SUM4).got[0]?.header).flags).toBe(0);
    await set(GUEST_CSUM, TSO4);
    expect(receive(line, TCP4).got).toHaveLength(1);
  });

  it('NET-CFG-05: pieces above the MTU are lost like any other frame', () => {
    const line = open();
    line.driver.postReceive(8, 4096);
    const { fate, got } = receive(line, { ...TCP4, meta: { ...TCP4.meta, gsoSize: 1461 } });
    expect([fate, got.length]).toEqual(['rx_drop_over_mtu', 0]);
    expect(receive(line, { ...TCP4, meta: { ...TCP4.meta, gsoSize: 1460 } })).toMatchObject({
      fate: 'delivered',
      buffers: 4,
    });
  });

  it('no_space: of a segment whose pieces find too few buffers, those that found one are with the driver', () => {
    const line = open();
    line.driver.postReceive(3);
    const { fate, buffers, got } = receive(line, TCP4);
    expect([fate, buffers, got.length]).toEqual(['no_space', 3, 3]);
    expect(line.bench.device.describe().counters).toMatchObject({ rx_packets: 3, no_space: 1 });
  });

  it('too_short: a piece whose buffer is too small does not take the others with it', () => {
    const line = open();
    line.driver.postReceive(1, 100);
    line.driver.postReceive(3);
    const { fate, buffers, used, got } = receive(line, TCP4);
    expect([fate, buffers]).toEqual(['too_short', 3]);
    expect(got.map((buffer) => buffer.used.length)).toEqual([0, 1514, 1514, 722]);
    expect(used).toBe(1514 + 1514 + 722);
    expect(line.bench.device.describe().counters).toMatchObject({ rx_packets: 3, too_short: 1 });
  });

  it('the first loss is the fate, and the only one that counts', () => {
    const line = open();
    line.driver.postReceive(1, 100);
    line.driver.postReceive(1);
    expect(receive(line, TCP4)).toMatchObject({ fate: 'too_short', buffers: 1, used: 1514 });
    expect(line.bench.device.describe().counters).toMatchObject({ rx_packets: 1, too_short: 1, no_space: 0 });
  });

  it('the fate names the first of the buffers', () => {
    const line = open();
    line.driver.postReceive(8);
    const { head, got } = receive(line, TCP4);
    expect(got.map((piece) => piece.used.head).indexOf(head ?? -1)).toBe(0);
    expect(new Set(got.map((piece) => piece.used.head)).size).toBe(4);
  });

  it.each<[string, Uint8Array, Partial<FrameMeta>]>([
    ['a type that is not the packet’s', TCP4.bytes, { gsoType: 4 }],
    ['NET-RX-08: fragments, which are not offered', UDP4.bytes, { gsoType: 3, csumOffset: 6 }],
    ['NET-RX-11: a tunnel', TCP4.bytes, { gsoType: 0x21 }],
    ['NET-RX-21: TCP in UDP', IN_UDP, { gsoType: 0x21, csumOffset: 6 }],
    ['NET-RX-21: UDP in UDP', IN_UDP, { gsoType: 0x45, csumOffset: 6 }],
    ['ECN alone', TCP4.bytes, { gsoType: 0x80 }],
    ['no size', TCP4.bytes, { gsoSize: 0 }],
    ['a checksum elsewhere', TCP4.bytes, { csumStart: 40 }],
    ['a frame cut short', TCP4.bytes.slice(0, 3000), {}],
    ['no IP at all', new Uint8Array(3000), {}],
  ])('rx_gro_malformed: %s; no buffer is touched', (_name, bytes, change) => {
    for (const features of [[], [GUEST_CSUM, TSO4, TSO6, ECN, USO4, USO6]]) {
      const line = open(...features);
      line.driver.postReceive(2, LARGE);
      expect(receive(line, { bytes, meta: { ...TCP4.meta, ...change } })).toMatchObject({
        fate: 'rx_gro_malformed',
        got: [],
      });
      expect(receive(line, { bytes: SUM4.bytes }).fate).toBe('delivered');
    }
  });
});
