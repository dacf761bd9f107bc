/** Lines to a driver with chosen offloads, and unfinished frames to send over them. */
import { expect } from 'vitest';
import { frameFromSpec, type FrameSpec } from '../net/frame-spec.ts';
import type { FrameMeta } from '../ring/frames.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import type { FakeDriver } from '../testing/fake-driver.ts';

export const bit = (...bits: number[]): bigint => bits.reduce((set, n) => set | (1n << BigInt(n)), 0n);
export const GUEST_CSUM = 1;
export const CTRL_GUEST_OFFLOADS = 2;
export const TSO4 = 7;
export const TSO6 = 8;
export const ECN = 9;
export const MRG_RXBUF = 15;
export const USO4 = 54;
export const USO6 = 55;
export const HASH_REPORT = 57;

export const NONE: FrameMeta = {
  flags: 0,
  gsoType: 0,
  hdrLen: 0,
  gsoSize: 0,
  csumStart: 0,
  csumOffset: 0,
  pair: 0xffff,
};
export const LARGE = 65_601;
export const GUEST = '02:00:00:00:00:15';

export interface Line {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
  id: number;
}

export function open(...features: number[]): Line {
  const bench = new DeviceBench({ memorySize: 0x80_0000, offers: bit(...features) });
  return { bench, driver: bench.driver(), id: 0 };
}

export function built(spec: Omit<Extract<FrameSpec, { dst: string }>, 'dst'>): { bytes: Uint8Array; meta: FrameMeta } {
  const made = frameFromSpec({ dst: GUEST, ...spec });
  if (!made.ok) throw new Error(made.error);
  return { bytes: made.bytes, meta: { ...made.meta } };
}

export const SUM4 = built({ tcp: { to: '10.0.2.15', bytes: 300 }, needsCsum: true });
export const SUM6 = built({ vlan: 5, udp: { to: 'fd00:0:0:2::15', bytes: 301 }, needsCsum: true });
export const TCP4 = built({ tcp: { to: '10.0.2.15', bytes: 5000 }, gso: { type: 'tcpv4', size: 1448 } });
export const TCP6 = built({ vlan: 5, tcp: { to: 'fd00:0:0:2::15', bytes: 5000 }, gso: { type: 'tcpv6', size: 1428 } });
export const UDP4 = built({ udp: { to: '10.0.2.15', bytes: 5000 }, gso: { type: 'udp', size: 1400 } });
export const UDP6 = built({ udp: { to: 'fd00:0:0:2::15', bytes: 5000 }, gso: { type: 'udp', size: 1400 } });
export const CWR = built({ tcp: { to: '10.0.2.15', bytes: 5000, flags: 0x90 }, gso: { type: 'tcpv4', size: 1448 } });

/** Receives one frame; answers its fate and what the driver finds. */
export function receive(line: Line, { bytes, meta }: { bytes: Uint8Array; meta?: FrameMeta }) {
  line.bench.receive((line.id += 2), bytes, meta);
  line.bench.device.flush();
  const fates = line.bench.fates().filter(({ id }) => id === line.id);
  expect(fates).toHaveLength(1);
  return { ...fates[0], got: line.driver.collect() };
}

export const headerOf = (bytes: Uint8Array | undefined) => {
  if (!bytes) throw new Error('no header');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const u16 = (at: number): number => view.getUint16(at, true);
  return {
    flags: bytes[0],
    gsoType: bytes[1],
    hdrLen: u16(2),
    gsoSize: u16(4),
    csumStart: u16(6),
    csumOffset: u16(8),
    numBuffers: u16(10),
  };
};
export const EMPTY = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, numBuffers: 1 };
