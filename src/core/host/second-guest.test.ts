/** Two guests' links on one switch, with a station: what the viona worker is made of. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ETHERTYPE_ARP, buildFrame } from '../net/ethernet.ts';
import { EchoStation } from '../net/echo-station.ts';
import { LearningSwitch } from '../net/learning-switch.ts';
import { writeMac } from '../net/mac.ts';
import { plugStation } from '../net/station-port.ts';
import { type FrameMeta, newFrameMeta } from '../ring/frames.ts';
import { tcpFrame } from '../viona/rx-common.test-kit.ts';
import type { HostModelId } from './host-model.ts';
import { HOST_MODEL_IDS } from './host-model.ts';
import { lab, type Lab } from './host-side.test-kit.ts';

const STATION = 0x0200_0000_0002;
const MACS = [0x0200_0000_0015, 0x0200_0000_0016] as const;
const CSUM = 1n << 1n;
const TSO4 = 1n << 7n;
const TSO6 = 1n << 8n;
const VERSION_1 = 1n << 32n;
const WITHOUT_LINK: readonly HostModelId[] = ['exact', 'qemu', 'cloud-hypervisor'];

let network: LearningSwitch;
let guests: [Lab, Lab];

function build(...models: readonly [HostModelId, HostModelId]): void {
  network = new LearningSwitch();
  plugStation(network, new EchoStation());
  guests = [lab(models[0], { mac: MACS[0] }), lab(models[1], { mac: MACS[1] })];
  for (const { host } of guests) {
    const port = network.plug({
      take: (bytes, offset, length, meta) => host.input(bytes, offset, length, meta) > 0,
      flush: () => host.flush(),
    });
    host.connect((bytes, offset, length, meta) => network.forward(port, bytes, offset, length, meta));
  }
}

beforeEach(() => build('propolis-372a574', 'propolis-372a574'));

/** A frame from one guest to an address; the same bytes afterwards, or somebody has kept a pen in them. */
function send(from: 0 | 1, frame: Uint8Array, dst: number = MACS[1 - from]!, meta = newFrameMeta()): void {
  writeMac(dst, frame, 0);
  writeMac(MACS[from], frame, 6);
  const bytes = new Uint8Array(frame.length + 8).fill(0xcc);
  bytes.set(frame, 3);
  const before = bytes.slice();
  guests[from].host.transmit(bytes, 3, frame.length, meta);
  network.flush();
  for (const guest of guests) guest.settle();
  expect(bytes).toEqual(before);
}

function negotiate(guest: 0 | 1, features: bigint): void {
  guests[guest].host.rxEvent({ type: 'negotiated', features: VERSION_1 | features });
}

/** Both have heard of each other. */
function introduce(): void {
  for (const from of [0, 1] as const) send(from, tcpFrame(4, 100), 0xffff_ffff_ffff);
  for (const { delivered, frames } of guests) {
    delivered.length = 0;
    frames.length = 0;
  }
}

const partial = (version: 4 | 6): FrameMeta => ({
  ...newFrameMeta(),
  flags: 1,
  csumStart: version === 4 ? 34 : 54,
  csumOffset: 16,
});
const large = (version: 4 | 6): FrameMeta => ({
  ...partial(version),
  gsoType: version === 4 ? 1 : 4,
  gsoSize: 1000,
  hdrLen: version === 4 ? 54 : 74,
  pair: 5,
});

describe('between two guests', () => {
  it('a frame goes to the one that it is for, and not to the other, nor back', () => {
    introduce();
    send(0, tcpFrame(4, 100));
    expect(guests[1].delivered).toHaveLength(1);
    expect(guests[0].delivered).toEqual([]);
    send(1, tcpFrame(4, 100));
    expect(guests[0].delivered).toHaveLength(1);
    expect(guests[1].delivered).toHaveLength(1);
    expect(guests.map(({ frames }) => frames.map(({ fate }) => fate))).toEqual([['pending'], ['pending']]);
  });

  it('every batch is flushed once, for all that it brought', () => {
    introduce();
    const before = guests.map((guest) => guest.flushes());
    for (let frame = 0; frame < 5; frame++) {
      const bytes = tcpFrame(4, 100);
      writeMac(MACS[1], bytes, 0);
      writeMac(MACS[0], bytes, 6);
      guests[0].host.transmit(bytes, 0, bytes.length);
    }
    network.flush();
    expect(guests.map((guest, index) => guest.flushes() - before[index]!)).toEqual([0, 1]);
  });

  it('both reach the station, and it answers the one that asked', () => {
    for (const from of [0, 1] as const) {
      const sender = [2, 0, 0, 0, 0, 0x15 + from, 10, 0, 2, 15 + from];
      const payload = Uint8Array.from([0, 1, 8, 0, 6, 4, 0, 1, ...sender, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
      const request = buildFrame({ dst: 0, src: 0, etherType: ETHERTYPE_ARP, payload });
      send(from, request, 0xffff_ffff_ffff);
    }
    const senders = guests.map(({ delivered }) => delivered.map(({ bytes }) => bytes[11]));
    expect(senders).toEqual([
      [2, 0x16],
      [0x15, 2],
    ]);
    expect(network.describe().map(({ addresses }) => addresses)).toEqual([[STATION], [MACS[0]], [MACS[1]]]);
  });

  it('promiscuous mode of one is nothing to the other', () => {
    guests[0].host.ioctl('SET_PROMISC', 'ALL');
    expect(guests.map(({ host }) => host.describe().level)).toEqual(['ALL', 'MULTI']);
    // Nobody knows that address: it is flooded, and each link decides for itself.
    send(1, tcpFrame(4, 100), 0x0200_0000_0099);
    send(0, tcpFrame(4, 100), 0x0200_0000_0099);
    expect(guests.map(({ frames }) => frames.map(({ fate }) => fate))).toEqual([['pending'], ['filtered']]);
    expect(guests.map(({ host }) => host.describe().kstats.rx_packets)).toEqual([1, 0]);
  });

  it('each counts its own', () => {
    introduce();
    for (let frame = 0; frame < 3; frame++) send(0, tcpFrame(4, 100));
    const counts = guests.map(({ host }) => host.describe().honest);
    // The broadcasts of the introduction are in it.
    expect(counts.map(({ tx_packets, rx_packets }) => [tx_packets, rx_packets])).toEqual([
      [4, 1],
      [1, 4],
    ]);
  });
});

describe.each([4, 6] as const)('a large segment over IPv%d', (version) => {
  const frame = (): Uint8Array => {
    const made = tcpFrame(version, 20_000);
    if (version === 6) made[53] = 0x16;
    return made;
  };
  const wanted = CSUM | TSO4 | TSO6;

  it.each(HOST_MODEL_IDS.filter((id) => !WITHOUT_LINK.includes(id)))(
    'arrives whole where the guest negotiated it, with what is to be done: %s',
    (model) => {
      build('propolis-372a574', model);
      introduce();
      negotiate(1, wanted);
      const bytes = frame();
      send(0, bytes, MACS[1], large(version));
      expect(guests[1].delivered).toHaveLength(1);
      expect(guests[1].delivered[0]!.bytes).toEqual(bytes);
      expect(guests[1].delivered[0]!.meta).toEqual({ ...large(version), hdrLen: 0, pair: 0 });
      expect(guests[1].frames.map(({ fate }) => fate)).toEqual(['pending']);
      expect(guests[0].host.describe().honest).toMatchObject({ tx_packets: 2, tx_bytes: 154 + bytes.length });
    },
  );

  it.each(WITHOUT_LINK)('goes to the device as it is where there is no link: %s', (model) => {
    build('propolis-372a574', model);
    introduce();
    const bytes = frame();
    send(0, bytes, MACS[1], large(version));
    expect(guests[1].delivered).toHaveLength(1);
    expect(guests[1].delivered[0]!.bytes).toEqual(bytes);
    // On which pair it was sent is no matter of the receiver's.
    expect(guests[1].delivered[0]!.meta).toEqual({ ...large(version), pair: 0xffff });
  });

  it('is cut at the link of a guest that does not take it: complete packets, a fate for each', () => {
    introduce();
    send(0, frame(), MACS[1], large(version));
    const pieces = guests[1].delivered;
    expect(pieces).toHaveLength(20);
    const size = version === 4 ? 1054 : 1074;
    expect(
      pieces.every(({ bytes, meta }) => bytes.length === size && meta.gsoType === 0 && (meta.flags & 1) === 0),
    ).toBe(true);
    expect(guests[1].frames.map(({ fate }) => fate)).toEqual(['rx_gro_fallback', ...Array<string>(20).fill('pending')]);
    expect(
      pieces.map(({ bytes }) => bytes.subarray(size - 1000)).every((part) => part.every((byte) => byte === 0x5a)),
    ).toBe(true);
  });

  it('that is for nobody yet known is cut for nobody: the station finishes only what comes its way', () => {
    introduce();
    negotiate(1, wanted);
    send(0, frame(), 0x0200_0000_0099, large(version));
    expect(network.describe().map(({ refused }) => refused)).toEqual([0, 0, 0]);
    expect(guests[1].frames.map(({ fate }) => fate)).toEqual(['filtered']);
  });
});

describe('a checksum that is only begun', () => {
  /** One's complement sum of what the checksum covers; the pseudo header's sum is 0 in these frames. */
  const sum = (bytes: Uint8Array): number => {
    let total = 0;
    for (let at = 34; at < bytes.length; at += 2) total += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return total;
  };

  it('is finished by MAC for a viona link, and counts as verified where that was negotiated', () => {
    introduce();
    for (const features of [CSUM, 0n]) {
      negotiate(1, features);
      send(0, tcpFrame(4, 100), MACS[1], partial(4));
    }
    expect(guests[1].delivered.map(({ bytes }) => sum(bytes))).toEqual([0xffff, 0xffff]);
    expect(guests[1].delivered.map(({ meta }) => meta.flags)).toEqual([2, 0]);
  });

  it.each(WITHOUT_LINK)('goes on as it is where there is no link: %s', (model) => {
    build('propolis-372a574', model);
    introduce();
    const bytes = tcpFrame(4, 100);
    send(0, bytes, MACS[1], partial(4));
    expect(guests[1].delivered[0]!.bytes).toEqual(bytes);
    expect(guests[1].delivered[0]!.meta).toEqual(partial(4));
  });
});

it('every frame ends once at each link that it reaches, whatever was asked and whoever takes it', () => {
  const features = fc.constantFrom(0n, CSUM, CSUM | TSO4, CSUM | TSO4 | TSO6);
  const step = fc.record({
    from: fc.constantFrom(0 as const, 1 as const),
    dst: fc.constantFrom(...MACS, STATION, 0x0200_0000_0099, 0x3333_0000_0001, 0xffff_ffff_ffff),
    version: fc.constantFrom(4 as const, 6 as const),
    bytes: fc.nat({ max: 9000 }),
    ask: fc.constantFrom('nothing' as const, 'checksum' as const, 'large' as const),
    room: fc.nat({ max: 12 }),
  });
  const models = fc.tuple(fc.constantFrom(...HOST_MODEL_IDS), fc.constantFrom(...HOST_MODEL_IDS));
  fc.assert(
    fc.property(models, fc.tuple(features, features), fc.array(step, { maxLength: 20 }), (ids, offloads, steps) => {
      build(...ids);
      negotiate(0, offloads[0]);
      negotiate(1, offloads[1]);
      for (const { from, dst, version, bytes, ask, room } of steps) {
        const metas = { nothing: newFrameMeta(), checksum: partial(version), large: large(version) };
        const heard = guests.map(({ frames }) => frames.length);
        const got = guests.map(({ delivered }) => delivered.length);
        const out = network.describe().map(({ framesOut }) => framesOut);
        for (const guest of guests) guest.fill(room);
        send(from, tcpFrame(version, bytes), dst, metas[ask]);
        for (const [index, guest] of guests.entries()) {
          const came = network.describe()[index + 1]!.framesOut - out[index + 1]!;
          const records = guest.frames.slice(heard[index]);
          const parents = records.filter(({ verdicts }) => verdicts.length > 0);
          expect(parents).toHaveLength(came);
          expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
          const pending = records.filter(({ fate }) => fate === 'pending');
          expect(
            guest.delivered
              .slice(got[index])
              .map(({ id }) => id)
              .sort(),
          ).toEqual(pending.map(({ id }) => id).sort());
        }
      }
    }),
    { numRuns: 50 },
  );
});
