import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameMeta, newFrameMeta, PLAIN_FRAME } from '../ring/frames.ts';
import { ADDRESSES_PER_PORT, AGEING, LearningSwitch, MAX_PORTS } from './learning-switch.ts';
import { type Mac, writeMac } from './mac.ts';

interface Got {
  readonly port: number;
  readonly bytes: Uint8Array;
  readonly meta: FrameMeta;
}

const A: Mac = 0x0200_0000_0015;
const B: Mac = 0x0200_0000_0016;
const C: Mac = 0x0200_0000_0002;
const ALL: Mac = 0xffff_ffff_ffff;
const GROUP: Mac = 0x3333_0000_0001;

function network(ports: number) {
  const got: Got[] = [];
  const flushed: number[] = [];
  const made = new LearningSwitch();
  const plug = (): number => {
    const port: number = made.plug({
      take: (bytes, offset, length, meta) => {
        got.push({ port, bytes: bytes.slice(offset, offset + length), meta: { ...meta } });
        return true;
      },
      flush: () => flushed.push(port),
    });
    return port;
  };
  for (let i = 0; i < ports; i++) plug();
  return {
    network: made,
    flushed,
    plug,
    /** The ports that the frame came out of. */
    send: (from: number, src: Mac, dst: Mac, meta: FrameMeta = PLAIN_FRAME): number[] => {
      // At an offset, so that nothing gets by with reading from the start.
      const bytes = new Uint8Array(80).fill(0xcc);
      writeMac(dst, bytes, 7);
      writeMac(src, bytes, 13);
      got.length = 0;
      made.forward(from, bytes, 7, 60, meta);
      for (const each of got) expect(each.bytes).toEqual(bytes.slice(7, 67));
      return got.map(({ port }) => port);
    },
    got,
    of: (port: number) => made.describe().find((each) => each.port === port)!,
  };
}

describe('a learning switch', () => {
  it('floods what it does not know, and no longer once it does', () => {
    const { send, of } = network(3);
    expect(send(0, A, B)).toEqual([1, 2]);
    expect(send(1, B, A)).toEqual([0]);
    expect(send(0, A, B)).toEqual([1]);
    expect(of(0)).toEqual({
      port: 0,
      addresses: [A],
      framesIn: 2,
      framesOut: 1,
      flooded: 1,
      filtered: 0,
      malformed: 0,
      refused: 0,
      notLearned: 0,
    });
    expect(of(1)).toMatchObject({ addresses: [B], framesIn: 1, framesOut: 2, flooded: 0 });
    expect(of(2)).toMatchObject({ addresses: [], framesIn: 0, framesOut: 1 });
  });

  it('sends groups everywhere but back, and learns nothing from a group that sends', () => {
    const { send, of } = network(3);
    expect(send(1, B, ALL)).toEqual([0, 2]);
    expect(send(1, GROUP, ALL)).toEqual([0, 2]);
    expect(send(0, A, GROUP)).toEqual([1, 2]);
    expect(of(1)).toMatchObject({ addresses: [B], flooded: 2, notLearned: 0 });
  });

  it('keeps to itself what is for the port it came from', () => {
    const { send, of } = network(2);
    send(0, A, ALL);
    expect(send(0, B, A)).toEqual([]);
    expect(send(0, A, A)).toEqual([]);
    expect(of(0)).toMatchObject({ framesIn: 3, filtered: 2, flooded: 1 });
  });

  it('passes on what is still to be done', () => {
    const { send, got } = network(2);
    const meta = { ...newFrameMeta(), flags: 1, gsoType: 1, gsoSize: 1448, csumStart: 34, csumOffset: 16 };
    send(0, A, B, meta);
    expect(got[0]!.meta).toEqual(meta);
  });

  it('follows an address that moves', () => {
    const { send, of } = network(3);
    send(0, A, ALL);
    send(1, A, ALL);
    expect(send(2, C, A)).toEqual([1]);
    expect([of(0).addresses, of(1).addresses]).toEqual([[], [A]]);
    expect(send(0, A, ALL)).toEqual([1, 2]);
    expect(send(2, C, A)).toEqual([0]);
  });

  it('forgets an address that has said nothing for so long, and not one that has', () => {
    const { network: net, send, of } = network(2);
    net.advance(1e9);
    send(0, A, ALL);
    send(0, B, ALL);
    net.advance(AGEING);
    send(0, B, ALL);
    net.advance(1e9 + AGEING - 1);
    expect(of(0).addresses).toEqual([A, B]);
    net.advance(1e9 + AGEING);
    expect(of(0).addresses).toEqual([B]);
    expect(send(1, C, A)).toEqual([0]);
    expect(of(1)).toMatchObject({ flooded: 1 });
  });

  it('learns so many addresses behind one port, counts the others, and does not take from a neighbour', () => {
    const { send, of } = network(3);
    send(1, B, ALL);
    for (let n = 0; n < ADDRESSES_PER_PORT + 5; n++) send(0, 0x0200_0100_0000 + n, ALL);
    expect(of(0).addresses).toHaveLength(ADDRESSES_PER_PORT);
    expect(of(0).notLearned).toBe(5);
    expect(send(0, 0x0200_0100_0000, B)).toEqual([1]);
    // An address that moved to a full port is not sent to where it was.
    send(0, B, ALL);
    expect(of(0).notLearned).toBe(6);
    expect(of(1).addresses).toEqual([]);
    expect(send(2, C, B)).toEqual([0, 1]);
    // Room again.
    send(1, 0x0200_0100_0000, ALL);
    send(0, B, ALL);
    expect(of(0).addresses.at(-1)).toBe(B);
  });

  it('counts what is no frame', () => {
    const { network: net, got, of } = network(2);
    net.forward(0, new Uint8Array(60), 0, 13, PLAIN_FRAME);
    net.forward(5, new Uint8Array(60), 0, 60, PLAIN_FRAME);
    expect(got).toEqual([]);
    expect(of(0)).toMatchObject({ framesIn: 1, malformed: 1, flooded: 0 });
  });

  it('counts what a port cannot take', () => {
    const net = new LearningSwitch();
    net.plug({ take: () => false, flush: () => undefined });
    net.plug({ take: () => true, flush: () => undefined });
    net.forward(1, new Uint8Array(60), 0, 60, PLAIN_FRAME);
    expect(net.describe()[0]).toMatchObject({ framesOut: 0, refused: 1 });
  });

  it('flushes the ports that took something, once', () => {
    const { network: net, send, flushed } = network(3);
    send(0, A, B);
    send(0, A, B);
    send(1, B, A);
    net.flush();
    expect(flushed).toEqual([0, 1, 2]);
    send(0, A, B);
    net.flush();
    net.flush();
    expect(flushed).toEqual([0, 1, 2, 1]);
  });

  it('forgets what was behind a port that was unplugged, and gives the next one its number and no past', () => {
    const { network: net, send, plug, of } = network(3);
    send(1, B, ALL);
    send(0, A, ALL);
    net.unplug(1);
    expect(send(0, A, B)).toEqual([2]);
    net.forward(1, new Uint8Array(60), 0, 60, PLAIN_FRAME);
    expect(net.describe().map(({ port }) => port)).toEqual([0, 2]);
    expect(plug()).toBe(1);
    expect(of(1)).toMatchObject({ addresses: [], framesIn: 0, framesOut: 0 });
    for (let port = 3; port < MAX_PORTS; port++) expect(plug()).toBe(port);
    expect(plug).toThrow('all are in use');
  });

  it('may be asked again by whom it hands a frame to', () => {
    const net = new LearningSwitch();
    const seen: string[] = [];
    const reply = new Uint8Array(60);
    writeMac(A, reply, 0);
    writeMac(C, reply, 6);
    net.plug({ take: () => seen.push('guest') > 0, flush: () => undefined });
    const station: number = net.plug({
      take: () => {
        seen.push('station');
        net.forward(station, reply, 0, 60, PLAIN_FRAME);
        return true;
      },
      flush: () => undefined,
    });
    net.plug({ take: () => seen.push('other') > 0, flush: () => undefined });
    const ask = new Uint8Array(60).fill(0xff, 0, 6);
    writeMac(A, ask, 6);
    net.forward(0, ask, 0, 60, PLAIN_FRAME);
    expect(seen).toEqual(['station', 'guest', 'other']);
  });

  it('does what a switch does, whatever comes', () => {
    const addresses = [A, B, C, ...Array.from({ length: 5 }, (_, n) => 0x0200_0000_0100 + n)];
    const step = fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record({
          from: fc.nat({ max: 3 }),
          src: fc.constantFrom(...addresses, GROUP),
          dst: fc.constantFrom(...addresses, GROUP, ALL),
        }),
      },
      { weight: 1, arbitrary: fc.record({ wait: fc.nat({ max: 400 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { network: net, send } = network(4);
        // The oracle: where each address was last seen, and when.
        const known = new Map<Mac, { port: number; at: number }>();
        let now = 0;
        for (const each of steps) {
          if ('wait' in each) {
            now += each.wait * 1e9;
            net.advance(now);
            continue;
          }
          const { from, src, dst } = each;
          if (src !== GROUP) known.set(src, { port: from, at: now });
          const target = known.get(dst);
          const fresh = target !== undefined && now - target.at < AGEING;
          const others = [0, 1, 2, 3].filter((port) => port !== from);
          const expected = fresh ? others.filter((port) => port === target.port) : others;
          expect(send(from, src, dst)).toEqual(expected);
        }
        const counters = net.describe();
        const sum = (name: 'framesIn' | 'framesOut' | 'flooded' | 'filtered'): number =>
          counters.reduce((total, port) => total + port[name], 0);
        const forwarded = sum('framesIn') - sum('flooded') - sum('filtered');
        expect(sum('framesOut')).toBe(forwarded + 3 * sum('flooded'));
      }),
    );
  });
});
