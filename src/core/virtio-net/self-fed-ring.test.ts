/**
 * Rings, tables and buffers that lie on each other, so that what the device writes is what it reads next. Whatever
 * comes of it, each call ends: no pass takes more than a ring holds.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statsGet } from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { CTRL, RX, TX } from '../testing/fake-driver.ts';
import { CountingMemory } from './hostile.test-kit.ts';

const MRG_RXBUF = 1n << 15n;
const RING_PACKED = 1n << 34n;
const STATS = 1n << 50n;
const NEEDS_RESET = 64;
const CVQ = 1n << 32n;
const WRITE = 2;
const AVAIL = 0x80;
const SIZE = 8;
/** Each of a ring's chains visits its own table once, or goes through indirect ones of as many as the device takes. */
const MOST_ACCESSES = SIZE * (SIZE + 256) * 8;

/** Stops a device that does not. */
class Watchdog extends CountingMemory {
  override readU16(addr: number): number {
    if (this.accesses > MOST_ACCESSES) throw new Error('the device does not come to an end');
    return super.readU16(addr);
  }
}

const open = (): { memory: Watchdog; bench: DeviceBench } => {
  const memory = new Watchdog(0x1_0000);
  return { memory, bench: new DeviceBench({ memory, offers: STATS | MRG_RXBUF | RING_PACKED }) };
};

describe('a reply that lies on the available index', () => {
  /** Asks for the number of commands so far, and has it written where the driver counts what it has made available. */
  function selfFed() {
    const { memory, bench } = open();
    const driver = bench.driver({ queueSizes: [SIZE, SIZE, SIZE] });
    const message = statsGet([CTRL, CVQ]);
    // Numbers go on over a reset and positions do not, so that the answer is one ahead.
    driver.ask(message, 25);
    driver.initialise();
    const ring = driver.splitRing(CTRL);
    const [readable] = driver.buffers.place(message, false);
    const [before, behind] = [driver.heap.allocate(9), driver.heap.allocate(14)];
    ring.writeDescriptor(0, readable?.addr ?? 0, message.length, 1, 1);
    ring.writeDescriptor(1, before, 9, WRITE | 1, 2); // ack, and the header of the reply
    ring.writeDescriptor(2, ring.avail + 2, 2, WRITE | 1, 3); // the low half word of command_num
    ring.writeDescriptor(3, behind, 14, WRITE, 0);
    ring.offer(0);
    memory.accesses = 0;
    driver.kick(CTRL);
    return { bench, driver };
  }

  it('ring-self-fed: ends after a ring’s worth of commands, in NEEDS_RESET', () => {
    const { bench, driver } = selfFed();
    expect(bench.errors()).toEqual(['ring-self-fed']);
    expect(bench.eventsOf('control')).toHaveLength(1 + SIZE);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    driver.kick(CTRL);
    expect(bench.eventsOf('control')).toHaveLength(1 + SIZE);
  });

  it('a reset mends it', () => {
    const { bench, driver } = selfFed();
    driver.initialise();
    const { bytes } = driver.ask(statsGet([CTRL, CVQ]), 25);
    expect(bytes[0]).toBe(0);
    expect(bench.errors()).toEqual(['ring-self-fed']);
  });

  it('a ring full of commands is none of this, time and again', () => {
    const { memory, bench } = open();
    const driver = bench.driver({ queueSizes: [SIZE, SIZE, SIZE], indirect: true });
    for (let lap = 1; lap <= 3; lap++) {
      const sent = Array.from({ length: SIZE }, () => driver.queueCommand(statsGet([CTRL, CVQ])));
      memory.accesses = 0;
      driver.kick(CTRL);
      expect(sent.map((each) => driver.ackNow(each))).toEqual(Array(SIZE).fill(0));
    }
    expect(bench.errors()).toEqual([]);
  });
});

describe('a frame that lies on the available index', () => {
  it('avail-index-jump: cannot make more receive buffers available than the ring has', () => {
    const { memory, bench } = open();
    const driver = bench.driver({ queueSizes: [SIZE, SIZE, SIZE] });
    const ring = driver.splitRing(RX);
    // Room for the header, and at the index for two bytes, always the same; the frame counts up in them.
    const header = driver.heap.allocate(12);
    ring.writeDescriptor(0, header, 12, WRITE | 1, 1);
    ring.writeDescriptor(1, ring.avail + 2, 2, WRITE, 0);
    ring.offer(0);
    const frame = new Uint8Array(1400);
    for (let at = 0, index = 2; at < frame.length; at += 14, index++) frame[at] = index;
    memory.accesses = 0;
    bench.receive(2, frame);
    bench.device.flush();
    expect(bench.fates()).toMatchObject([{ fate: 'device_broken', used: 0 }]);
    expect(bench.eventsOf('guest-error')).toMatchObject([
      { code: 'avail-index-jump', detail: 'idx 9, at most 0 past 8 are free' },
    ]);
  });
});

describe('rings, tables and buffers anywhere on each other', () => {
  const ARENA = 0x4000;
  const ROOM = 0x200;
  const near = fc.nat(ROOM / 16 - 1).map((n) => ARENA + 16 * n);
  const descriptor = fc.record({
    addr: fc.nat(ROOM).map((at) => ARENA + at),
    length: fc.oneof(fc.nat(64), fc.constantFrom(16, 32, 1526)),
    flags: fc.nat(7),
    next: fc.nat(SIZE - 1),
  });
  const ringOf = fc.record({ desc: near, driver: near, device: near, index: fc.nat(SIZE) });

  it('each call ends, and takes no more than the ring holds', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: ROOM, maxLength: ROOM }),
        fc.tuple(ringOf, ringOf, ringOf),
        fc.array(descriptor, { minLength: SIZE, maxLength: SIZE }),
        fc.boolean(),
        (bytes, rings, descriptors, packed) => {
          const { memory, bench } = open();
          const driver = bench.driver({ initialise: false, layout: packed ? 'packed' : 'split' });
          driver.reset();
          driver.acknowledge();
          driver.negotiate();
          memory.write(ARENA, bytes, 0, ROOM);
          for (const queue of [RX, TX, CTRL]) {
            const { desc, driver: avail, device, index } = rings[queue] as (typeof rings)[number];
            descriptors.forEach(({ addr, length, flags, next }, i) => {
              const at = desc + 16 * i;
              memory.writeU32(at, addr);
              memory.writeU32(at + 4, 0);
              memory.writeU32(at + 8, length);
              memory.writeU16(at + 12, packed ? flags | AVAIL : flags);
              memory.writeU16(at + 14, next);
            });
            memory.writeU16(avail + 2, index);
            driver.startQueue(queue, { desc, driver: avail, device, size: SIZE });
          }
          driver.driverOk();
          const ends = (call: () => void): void => {
            memory.accesses = 0;
            const sent = bench.sent.length;
            const commands = bench.eventsOf('control').length;
            call();
            expect(bench.sent.length - sent).toBeLessThanOrEqual(SIZE);
            expect(bench.eventsOf('control').length - commands).toBeLessThanOrEqual(SIZE);
          };
          for (let id = 2; id < 10; id += 2) {
            ends(() => driver.kick(TX));
            ends(() => driver.kick(CTRL));
            ends(() => bench.receive(id, bytes.subarray(0, 60)));
            ends(() => bench.device.flush());
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
