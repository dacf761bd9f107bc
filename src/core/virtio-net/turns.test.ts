/** A device on a machine that gives it turns: fewer kicks, fewer interrupts, and nothing left lying. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAIN_FRAME } from '../ring/frames.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { variantBench, variantDriver, variantName, VARIANTS } from '../testing/variants.ts';

const EVENT_IDX = 1n << 29n;
const RING_RESET = 1n << 40n;
const CTRL_RX = 1n << 18n;
/** More turns than a device waits for the next frame. */
const MANY = 20;
const REFILL_TIME = 100e6;

const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 11 + length) & 0xff);

interface Setup {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
  /** As a driver sends: without a doorbell if none is wanted. */
  readonly send: (length: number) => void;
  readonly turn: (times?: number) => void;
  /** Lengths of what reached the wire. */
  readonly sent: () => number[];
}

function setup(options: ConstructorParameters<typeof DeviceBench>[0] = {}, driverOptions = {}): Setup {
  const bench = new DeviceBench({ memorySize: 0x40_0000, turns: true, ...options });
  const driver = bench.driver(driverOptions);
  return {
    bench,
    driver,
    send: (length) => {
      driver.queueFrame(frame(length));
      if (driver.ring(TX).needsKick()) driver.kick(TX);
    },
    turn: (times = 1) => {
      for (let i = 0; i < times; i++) bench.device.turn();
    },
    sent: () => bench.sent.map((each) => each.frame.length),
  };
}

describe.each(VARIANTS.map((variant) => ({ variant, name: variantName(variant) })))(
  'transmit, $name',
  ({ variant }) => {
    const begin = (offers = CTRL_RX, refused = 0n): Setup =>
      setup(variantBench(variant, offers), { ...variantDriver(variant), ...(refused ? { refused } : {}) });

    it('a kick sends at once; what was sent is shown at the next turn, with one interrupt', () => {
      const { bench, driver, send, turn, sent } = begin();
      send(60);
      expect(sent()).toEqual([60]);
      expect(driver.reapTransmitted()).toEqual([]);
      turn();
      expect(driver.reapTransmitted()).toHaveLength(1);
      expect(bench.interrupts()).toEqual([TX]);
      turn();
      expect(bench.interrupts()).toEqual([TX]);
    });

    it('while there is more at each turn it is shown, and the interrupt waits for the turn that finds nothing', () => {
      const { bench, driver, send, turn, sent } = begin();
      send(60);
      for (let lap = 1; lap < 10; lap++) {
        send(60 + lap);
        turn();
        expect(driver.reapTransmitted()).toHaveLength(lap === 1 ? 2 : 1);
      }
      expect(sent()).toHaveLength(10);
      expect(bench.interrupts()).toEqual([]);
      turn();
      expect(bench.interrupts()).toEqual([TX]);
      turn(MANY);
      expect(bench.interrupts()).toEqual([TX]);
    });

    it('half a queue of buffers does not wait', () => {
      const { bench, driver, send, turn } = begin();
      const half = driver.ring(TX).size / 2;
      send(60);
      for (let sent = 1; sent < half; sent++) {
        expect(bench.interrupts()).toEqual([]);
        send(60);
        turn();
        driver.reapTransmitted();
      }
      expect(bench.interrupts()).toEqual([TX]);
    });

    it('when the guest rests, interrupt and wire do not wait', () => {
      const { bench, send, turn } = begin();
      send(60);
      send(61);
      turn();
      expect(bench.interrupts()).toEqual([]);
      expect([bench.told, bench.sent.length]).toEqual([1, 2]);
      bench.device.rest();
      expect(bench.interrupts()).toEqual([TX]);
      expect(bench.told).toBe(2);
      bench.device.rest();
      expect(bench.interrupts()).toEqual([TX]);
    });

    it('the wire is told of a first frame at once, then at every fourth turn, and of the last at the one that finds nothing', () => {
      const { bench, driver, send, turn } = begin();
      send(60);
      const told = [bench.told];
      for (let lap = 1; lap < 10; lap++) {
        send(60 + lap);
        turn();
        driver.reapTransmitted();
        told.push(bench.told);
      }
      expect(told).toEqual([1, 1, 1, 1, 5, 5, 5, 5, 9, 9]);
      turn();
      expect(bench.told).toBe(10);
    });

    it('while the driver sends it writes no doorbell', () => {
      const { bench, driver, send, turn, sent } = begin();
      for (let lap = 0; lap < 50; lap++) {
        send(60 + lap);
        turn(3);
        driver.reapTransmitted();
      }
      expect(sent()).toHaveLength(50);
      expect(bench.kicks()).toEqual([TX]);
    });

    it('when it has stopped sending, the next frame kicks', () => {
      const { bench, send, turn, sent } = begin();
      send(60);
      turn(MANY);
      send(61);
      expect(sent()).toEqual([60, 61]);
      expect(bench.kicks()).toEqual([TX, TX]);
    });

    it.each([
      ['flags', CTRL_RX],
      ['VIRTIO_F_EVENT_IDX', CTRL_RX | EVENT_IDX],
    ])('however frames, turns and reaping mix, each frame is sent once and in order: %s', (_name, offers) => {
      fc.assert(
        fc.property(fc.array(fc.constantFrom('send', 'turn', 'idle', 'rest', 'reap'), { maxLength: 120 }), (steps) => {
          const { bench, driver, send, turn, sent } = begin(offers);
          let next = 60;
          let back = 0;
          for (const step of steps) {
            if (step === 'send') send(next++);
            else if (step === 'turn') turn();
            else if (step === 'idle') turn(MANY);
            else if (step === 'rest') bench.device.rest();
            else back += driver.reapTransmitted().length;
          }
          // A turn is all that may still be needed: a kick that was left away must not be missing.
          turn();
          bench.device.rest();
          expect(bench.told).toBe(bench.sent.length);
          back += driver.reapTransmitted().length;
          const all = Array.from({ length: next - 60 }, (_, i) => 60 + i);
          expect(sent()).toEqual(all);
          expect(back).toBe(all.length);
          expect(bench.errors()).toEqual([]);
        }),
        { numRuns: 60 },
      );
    });
  },
);

describe('transmit stops', () => {
  it('VQ-RESET-01: a queue that is reset shows first what was sent, and begins anew', () => {
    const { bench, driver, send, turn, sent } = setup({ offers: RING_RESET | CTRL_RX });
    send(60);
    driver.resetQueue(TX);
    expect(driver.reapTransmitted()).toHaveLength(1);
    driver.setUpQueue(TX);
    send(61);
    turn();
    expect(sent()).toEqual([60, 61]);
    expect(bench.errors()).toEqual([]);
  });

  it('a reset of the device ends polling', () => {
    const { bench, driver, send, turn, sent } = setup();
    send(60);
    driver.reset();
    turn(MANY);
    expect(driver.initialise()).toBe(true);
    send(61);
    expect(sent()).toEqual([60, 61]);
    expect(bench.errors()).toEqual([]);
  });

  it('a broken ring shows what was sent before it', () => {
    const { bench, driver, send, turn } = setup();
    send(60);
    driver.queueFrame(frame(61));
    driver.ring(TX).add([{ addr: 0x7fff_0000, length: 60, write: false }]);
    turn();
    expect(driver.reapTransmitted()).toHaveLength(2);
    expect(bench.errors()).toEqual(['address-outside-ram']);
    turn(MANY);
    expect(bench.errors()).toHaveLength(1);
  });

  it('a snapshot is at rest: whoever goes on from it is kicked again', () => {
    const { bench, driver, send, sent } = setup();
    send(60);
    const saved: unknown = JSON.parse(JSON.stringify(bench.device.snapshot()));
    expect(driver.reapTransmitted()).toHaveLength(1);
    expect(bench.device.restore(saved)).toEqual({ ok: true });
    send(61);
    expect(sent()).toEqual([60, 61]);
  });
});

describe('receive', () => {
  const offer = ({ bench }: Setup, id: number, length = 60): boolean => {
    const bytes = frame(length);
    return bench.device.offer(id, bytes, 0, bytes.length, PLAIN_FRAME);
  };

  it('a kick of the receive queue is not wanted twice', () => {
    const { bench, driver } = setup();
    driver.postReceive(1);
    driver.ring(RX).needsKick();
    for (let i = 0; i < 10; i++) {
      driver.postReceive(1);
      expect(driver.ring(RX).needsKick()).toBe(false);
    }
    expect(bench.device.describe().queues[RX]?.kicks).toBeGreaterThan(0);
  });

  it('a frame waits for a driver that has used its buffers, and goes into the next one', () => {
    const lab = setup();
    lab.driver.postReceive(1);
    expect([offer(lab, 2), offer(lab, 4), offer(lab, 4)]).toEqual([true, false, false]);
    lab.bench.device.flush();
    lab.driver.postReceive(1);
    expect(offer(lab, 4)).toBe(true);
    expect(lab.bench.fates().map(({ id, fate }) => [id, fate])).toEqual([
      [2, 'delivered'],
      [4, 'delivered'],
    ]);
    expect(lab.bench.device.describe().counters).toMatchObject({ rx_packets: 2, no_space: 0 });
  });

  it('no_space: it is not waited for a driver that never posted a buffer', () => {
    const lab = setup();
    expect(offer(lab, 2)).toBe(true);
    expect(lab.bench.fates()).toMatchObject([{ id: 2, fate: 'no_space' }]);
  });

  it('no_space: nor for one that has posted none for a while, until it posts again', () => {
    const lab = setup();
    lab.driver.postReceive(1);
    offer(lab, 2);
    expect(offer(lab, 4)).toBe(false);
    lab.bench.time += REFILL_TIME;
    expect(offer(lab, 4)).toBe(true);
    expect(offer(lab, 6)).toBe(true);
    lab.driver.postReceive(1);
    expect([offer(lab, 8), offer(lab, 10)]).toEqual([true, false]);
    expect(lab.bench.fates().map(({ fate }) => fate)).toEqual(['delivered', 'no_space', 'no_space', 'delivered']);
  });

  it('no_space: nor after the ring was reset', () => {
    const lab = setup({ offers: RING_RESET | CTRL_RX });
    lab.driver.postReceive(1);
    offer(lab, 2);
    expect(offer(lab, 4)).toBe(false);
    lab.driver.resetQueue(RX);
    lab.driver.setUpQueue(RX);
    expect(offer(lab, 4)).toBe(true);
    expect(lab.bench.fates()).toMatchObject([{ fate: 'delivered' }, { id: 4, fate: 'no_space' }]);
  });

  it('a merged packet waits whole: buffers that were taken for it go back', () => {
    const lab = setup({ offers: (1n << 15n) | CTRL_RX });
    lab.driver.postReceive(3, 200);
    expect(offer(lab, 2, 100)).toBe(true);
    expect(offer(lab, 4, 500)).toBe(false);
    lab.bench.device.flush();
    lab.driver.postReceive(1, 200);
    expect(offer(lab, 4, 500)).toBe(true);
    lab.bench.device.flush();
    // One buffer, then three: all but the last full.
    expect(lab.driver.collect().map(({ used }) => used.length)).toEqual([112, 200, 200, 112]);
  });
});
