import { describe, expect, it } from 'vitest';
import type { Transport } from '../virtio/device.ts';
import { PacketFormat, writeRequest } from './packet-header.ts';

const bit = (...bits: number[]): bigint => bits.reduce((set, n) => set | (1n << BigInt(n)), 0n);
const MRG_RXBUF = 15;
const HASH_REPORT = 57;

const after = (format: PacketFormat, negotiated: bigint, legacy: boolean): PacketFormat => {
  format.follow({ negotiated, legacy } as Transport);
  return format;
};

describe('the packet header', () => {
  it.each([
    ['modern', 0n, false, 12],
    ['modern, mergeable', bit(MRG_RXBUF), false, 12],
    ['with a hash', bit(HASH_REPORT), false, 20],
    ['with a hash, mergeable', bit(HASH_REPORT, MRG_RXBUF), false, 20],
    ['LEG-17: legacy', 0n, true, 10],
    ['LEG-17: legacy, mergeable', bit(MRG_RXBUF), true, 12],
  ])('%s: its size', (_name, features, legacy, size) => {
    const format = after(new PacketFormat(), features, legacy);
    expect([format.size, format.merge]).toEqual([size, (features & bit(MRG_RXBUF)) !== 0n]);
  });

  it('follows the driver from one negotiation to the next', () => {
    const format = after(new PacketFormat(), bit(HASH_REPORT, MRG_RXBUF), false);
    expect(after(format, 0n, false)).toMatchObject({ size: 12, merge: false, hash: false });
    expect(after(format, 0n, true)).toMatchObject({ size: 10 });
    expect(after(format, bit(MRG_RXBUF), true)).toMatchObject({ size: 12, merge: true });
  });

  it('NET-TX-10, NET-TX-11, NET-TX-12: which segments a driver may ask for', () => {
    const [CSUM, TSO4, TSO6, ECN, USO] = [0, 11, 12, 13, 56];
    const [TCPV4, TCPV6, UDP_L4, WITH_ECN] = [1, 4, 5, 0x80];
    const all = [TCPV4, TCPV6, UDP_L4, TCPV4 | WITH_ECN, TCPV6 | WITH_ECN, UDP_L4 | WITH_ECN, 2, 3, WITH_ECN];
    const allowed = (...features: number[]): number[] => {
      const format = after(new PacketFormat(), bit(...features), false);
      return all.filter((gsoType) => format.refuse(1, gsoType) === null);
    };
    expect(allowed()).toEqual([]);
    expect(allowed(TSO4, TSO6, ECN, USO)).toEqual([]);
    expect(allowed(CSUM)).toEqual([]);
    expect(allowed(CSUM, TSO4)).toEqual([TCPV4]);
    expect(allowed(CSUM, TSO6)).toEqual([TCPV6]);
    expect(allowed(CSUM, TSO4, ECN)).toEqual([TCPV4, TCPV4 | WITH_ECN]);
    expect(allowed(CSUM, TSO6, ECN)).toEqual([TCPV6, TCPV6 | WITH_ECN]);
    expect(allowed(CSUM, USO)).toEqual([UDP_L4]);
    expect(allowed(CSUM, TSO4, TSO6, ECN, USO)).toEqual(all.slice(0, 5));
  });

  it('has each field at its place, low byte first', () => {
    const into = new Uint8Array(12).fill(0xaa);
    const meta = { flags: 1, gsoType: 0x84, hdrLen: 0x0102, gsoSize: 0x0304, csumStart: 0x0506, csumOffset: 0x0708 };
    writeRequest({ ...meta, pair: 9 }, into);
    expect([...into]).toEqual([1, 0x84, 2, 1, 4, 3, 6, 5, 8, 7, 0xaa, 0xaa]);
  });
});
