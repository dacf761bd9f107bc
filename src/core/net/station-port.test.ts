import { describe, expect, it } from 'vitest';
import { newFrameMeta } from '../ring/frames.ts';
import { EchoStation } from './echo-station.ts';
import { frameFromSpec, type FrameSpec } from './frame-spec.ts';
import { LearningSwitch } from './learning-switch.ts';
import { parse } from './packet-oracle.test-kit.ts';
import { plugStation, StationPort } from './station-port.ts';

const STATION = '02:00:00:00:00:02';

function port() {
  const seen: Uint8Array[] = [];
  const station = {
    onFrame: (bytes: Uint8Array, at: number, size: number) => void seen.push(bytes.slice(at, at + size)),
  };
  return { seen, port: new StationPort(station, () => undefined) };
}

function built(spec: FrameSpec) {
  const made = frameFromSpec(spec);
  if (!made.ok) throw new Error(made.error);
  return made;
}

const tcp = { to: '10.0.2.2', from: '10.0.2.15', bytes: 3000 };

describe('a station gets complete frames', () => {
  it('what is complete, as it is', () => {
    const { seen, port: end } = port();
    const { bytes, meta } = built({ dst: STATION, tcp: { ...tcp, bytes: 100 } });
    expect(end.take(bytes, 0, bytes.length, meta)).toBe(true);
    expect(seen).toEqual([bytes]);
  });

  it('a begun checksum finished, and the sender’s bytes as they were', () => {
    const { seen, port: end } = port();
    const { bytes, meta } = built({ dst: STATION, tcp: { ...tcp, bytes: 101 }, needsCsum: true });
    const source = Uint8Array.from([1, 2, 3, ...bytes, 4]);
    const before = source.slice();
    expect(end.take(source, 3, bytes.length, meta)).toBe(true);
    expect(source).toEqual(before);
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toEqual(bytes);
    expect(seen[0]).toEqual(built({ dst: STATION, tcp: { ...tcp, bytes: 101 } }).bytes);
  });

  it('a large segment in pieces, each of them valid', () => {
    const { seen, port: end } = port();
    const { bytes, meta } = built({ dst: STATION, tcp, gso: { type: 'tcpv4', size: 1000 } });
    expect(end.take(bytes, 0, bytes.length, meta)).toBe(true);
    expect(seen.map(({ length }) => length)).toEqual([1054, 1054, 1054]);
    for (const piece of seen) expect(parse(piece).faults).toEqual([]);
  });

  it('and refuses what asks for something that does not fit', () => {
    const { seen, port: end } = port();
    const { bytes } = built({ dst: STATION, tcp });
    const meta = newFrameMeta();
    expect(end.take(bytes, 0, bytes.length, { ...meta, flags: 1, csumStart: 34, csumOffset: 60_000 })).toBe(false);
    expect(end.take(bytes, 0, bytes.length, { ...meta, gsoType: 4, gsoSize: 1000 })).toBe(false);
    expect(seen).toEqual([]);
  });
});

it('its answer comes in by its own port, so that the switch learns where it is', () => {
  const network = new LearningSwitch();
  const station = plugStation(network, new EchoStation());
  const got: number[] = [];
  const guest = network.plug({ take: (_bytes, _offset, length) => got.push(length) > 0, flush: () => undefined });
  const who = '0001080006040001 02000000001f 0a00020f 000000000000 0a000202';
  const { bytes, meta } = built({
    dst: 'ff:ff:ff:ff:ff:ff',
    src: '02:00:00:00:00:1f',
    etherType: 0x0806,
    payload: who,
  });
  network.forward(guest, bytes, 0, bytes.length, meta);
  expect(got).toEqual([60]);
  expect(network.describe()[station]?.addresses).toEqual([0x0200_0000_0002]);
});
