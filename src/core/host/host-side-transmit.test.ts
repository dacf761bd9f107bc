import { beforeEach, describe, expect, it } from 'vitest';
import { EchoStation } from '../net/echo-station.ts';
import { StationPort } from '../net/station-port.ts';
import type { FrameMeta } from '../ring/frames.ts';
import { newFrameMeta } from '../ring/frames.ts';
import { tcpFrame } from '../viona/rx-common.test-kit.ts';
import { lab, type Lab } from './host-side.test-kit.ts';

let side: Lab;
let wire: Uint8Array[];
let metas: FrameMeta[];
beforeEach(() => {
  side = lab();
  wire = [];
  metas = [];
  side.host.connect((bytes, offset, length, meta) => {
    wire.push(bytes.slice(offset, offset + length));
    metas.push({ ...meta });
  });
});

function counts(kind: 'kstats' | 'ringStats' | 'honest'): Record<string, number> {
  return Object.fromEntries(Object.entries(side.host.describe()[kind]).filter(([, count]) => count > 0));
}

function send(frame: Uint8Array, more: object = {}): void {
  const bytes = new Uint8Array(frame.length + 4);
  bytes.set(frame, 4);
  side.host.transmit(bytes, 4, frame.length, { ...newFrameMeta(), ...more });
}

/** From the guest to the station. */
function sent(version: 4 | 6, payload: number): Uint8Array {
  const frame = tcpFrame(version, payload);
  frame[5] = 2;
  frame[11] = 0x15;
  return frame;
}

const ARP_REQUEST = Uint8Array.from(
  [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x15, 8, 6].concat([
    0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x15, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
  ]),
);

describe('the guest sends', () => {
  it('and a station answers through the filter', () => {
    const port = new StationPort(new EchoStation(), (bytes, offset, length) => side.host.input(bytes, offset, length));
    side.host.connect((bytes, offset, length, meta) => port.take(bytes, offset, length, meta));
    send(ARP_REQUEST);
    expect(side.delivered).toHaveLength(1);
    expect([...side.delivered[0]!.bytes.slice(0, 6)]).toEqual([2, 0, 0, 0, 0, 0x15]);
    expect(counts('honest')).toEqual({ tx_packets: 1, tx_bytes: 42, rx_packets: 1, rx_bytes: 60 });
  });

  it('and gets nothing of its own back (NO_TX_LOOP)', () => {
    side.host.ioctl('SET_PROMISC', 'ALL');
    send(ARP_REQUEST);
    expect(wire).toEqual([ARP_REQUEST]);
    expect(side.delivered).toEqual([]);
  });

  it('what is no frame is an error and a drop', () => {
    for (const length of [13, 65536]) side.host.transmit(new Uint8Array(70000), 0, length);
    expect(counts('kstats')).toEqual({ tx_errors: 2, tx_drops: 2 });
    expect(wire).toEqual([]);
  });

  it('on a pair, whose transmit ring counts', () => {
    side.host.ioctl('RING_RESET', 0);
    side.host.ioctl('RING_RESET', 1);
    side.host.ioctl('SET_PAIRS', 4);
    side.host.ioctl('SET_USEPAIRS', 4);
    send(ARP_REQUEST, { pair: 3 });
    send(ARP_REQUEST, { pair: 0 });
    expect(counts('kstats')).toEqual({ tx_packets: 1, tx_bytes: 42 });
    expect(counts('honest')).toEqual({ tx_packets: 2, tx_bytes: 84 });
  });
});

describe('the wire carries what the guest sent, as it sent it', () => {
  it('a checksum that it left to the hardware is only begun, and the frame says where it belongs', () => {
    send(sent(4, 100), { flags: 1, csumStart: 34, csumOffset: 16, pair: 3 });
    expect(wire).toEqual([sent(4, 100)]);
    expect(metas).toEqual([{ ...newFrameMeta(), flags: 1, csumStart: 34, csumOffset: 16 }]);
    expect(counts('ringStats')).toEqual({});
  });

  it('of a complete frame there is nothing to say, least of all on which pair it was sent', () => {
    send(sent(4, 100), { flags: 2, hdrLen: 54, gsoSize: 9, pair: 3 });
    expect(metas).toEqual([newFrameMeta()]);
  });

  it.each([
    ['fail_hcksum', 4, { csumOffset: 5000 }],
    ['fail_hcksum', 4, { csumStart: 12 }],
    ['fail_hcksum6', 6, { csumOffset: 5000 }],
    ['fail_hcksum_proto', 0, {}],
  ] as const)('a request that does not fit counts as %s (IPv%d), and the frame goes all the same', (name, ip, more) => {
    const frame = ip === 0 ? ARP_REQUEST : sent(ip, 100);
    send(frame, { flags: 1, csumStart: 34, csumOffset: 4, ...more });
    expect(wire).toEqual([frame]);
    expect(metas).toEqual([newFrameMeta()]); // nobody behind us need try it again
    expect(counts('ringStats')).toEqual({ [name]: 1 });
    expect(counts('kstats').tx_packets).toBe(1);
  });

  it('a large segment is one frame', () => {
    const large = { flags: 1, gsoType: 4, gsoSize: 1000, hdrLen: 74, csumStart: 54, csumOffset: 16 };
    send(sent(6, 2500), large);
    expect(wire).toEqual([sent(6, 2500)]);
    expect(metas).toEqual([{ ...newFrameMeta(), ...large }]);
    expect(counts('kstats')).toEqual({ tx_packets: 1, tx_bytes: 2574 });
  });

  it('a large segment that is none is dropped: tx_gso_fail', () => {
    send(sent(4, 2500), { gsoType: 4, gsoSize: 1000 });
    send(ARP_REQUEST, { gsoType: 1, gsoSize: 1000 });
    expect(wire).toEqual([]);
    expect(counts('ringStats')).toEqual({ tx_gso_fail: 2 });
    expect(counts('kstats')).toEqual({ tx_errors: 2, tx_drops: 2 });
  });
});

describe('what the guest sends to itself', () => {
  /** To the guest, from the guest. */
  const toSelf = (payload: number): Uint8Array => {
    const frame = tcpFrame(4, payload);
    frame[11] = 0x15;
    return frame;
  };

  it('comes back on a VNIC, complete, and never reaches the wire', () => {
    side.host.setLinkKind('vnic');
    for (const name of ['RING_INIT_MODERN', 'RING_KICK']) {
      const ring = { index: 0, size: 256, desc: 0x1000_0000, driver: 0x1001_0000, device: 0x1002_0000 };
      expect(side.host.ioctl(name, name === 'RING_KICK' ? 0 : ring).errno).toBe(0);
    }
    send(toSelf(100));
    send(toSelf(2500), { flags: 1, gsoType: 1, gsoSize: 1000, csumStart: 34, csumOffset: 16 });
    expect(wire).toEqual([]);
    expect(side.delivered.map(({ bytes }) => bytes.length)).toEqual([154, 1054, 1054, 554]);
    expect(side.delivered.every(({ meta }) => meta.gsoType === 0)).toBe(true);
  });

  it('leaves a physical link, and no switch sends it back', () => {
    send(toSelf(100));
    expect(wire).toHaveLength(1);
    expect(side.delivered).toEqual([]);
  });

  it('leaves without a link too', () => {
    side.host.setModel('exact');
    send(toSelf(100));
    expect(wire).toHaveLength(1);
    expect(side.delivered).toEqual([]);
  });
});
