import { describe, expect, it } from 'vitest';
import type { HostAnswer } from '../host/host-model.ts';
import * as C from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';

const OK = 0;
const ERR = 1;
const RING_RESET = 1n << 40n;
const VQ_NOTF_COAL = 1n << 52n;
const NOTF_COAL = 1n << 53n;
const CTRL_RX = 1n << 18n;
const MQ = 1n << 22n;
const NEEDS_RESET = 64;

interface Machine {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
  /** Interrupts of a queue so far. */
  readonly interrupts: (queue: number) => number;
}

function machine(offers = NOTF_COAL | VQ_NOTF_COAL, queuePairs = 1, host = (): HostAnswer => HOST_OK): Machine {
  const bench = new DeviceBench({ offers, queuePairs, memorySize: 0x40_0000, host });
  const driver = bench.driver();
  driver.postReceive(100);
  return { bench, driver, interrupts: (queue) => bench.interrupts().filter((index) => index === queue).length };
}

/** One frame to the driver in a batch of its own. */
function receive({ bench }: Machine, count = 1): void {
  for (let i = 0; i < count; i++) {
    bench.receive(2, new Uint8Array(60));
    bench.device.flush();
  }
}

const ack = ({ driver }: Machine, message: Uint8Array): number => driver.ask(message, 1).bytes[0] ?? -1;

const parameters = ({ driver }: Machine, queue: number): [number, number] => {
  const { bytes, used } = driver.ask(C.coalesceQueueGet(queue), 9);
  expect([used, bytes[8]]).toEqual([9, OK]);
  const view = new DataView(bytes.buffer);
  return [view.getUint32(0, true), view.getUint32(4, true)];
};

describe('notification coalescing', () => {
  it('NET-COAL-10: with both zero, as after reset, every batch interrupts', () => {
    const m = machine();
    receive(m, 3);
    expect(m.interrupts(RX)).toBe(3);
  });

  it.each([
    [0, 100],
    [5, 0],
  ])('NET-COAL-10: %d packets and %d microseconds: one zero is enough for an interrupt each', (packets, usecs) => {
    const m = machine();
    expect(ack(m, C.coalesceSet('rx', packets, usecs))).toBe(OK);
    receive(m, 3);
    expect(m.interrupts(RX)).toBe(3);
    expect(m.bench.timer.running).toBe(0);
  });

  it('NET-COAL-10: after max_packets, and then counted anew', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m, 3);
    expect(m.interrupts(RX)).toBe(0);
    receive(m);
    expect(m.interrupts(RX)).toBe(1);
    receive(m, 3);
    expect(m.interrupts(RX)).toBe(1);
    receive(m, 1);
    expect(m.interrupts(RX)).toBe(2);
    expect(m.bench.timer.running).toBe(0);
  });

  it('NET-COAL-10: what was received can be seen at once, only the interrupt waits', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m, 2);
    expect(m.driver.collect()).toHaveLength(2);
  });

  it('NET-COAL-10: after max_usecs, counted from the first packet', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m);
    m.bench.timer.pass(600);
    receive(m);
    m.bench.timer.pass(399);
    expect(m.interrupts(RX)).toBe(0);
    m.bench.timer.pass(1);
    expect(m.interrupts(RX)).toBe(1);
    m.bench.timer.pass(10_000);
    expect(m.interrupts(RX)).toBe(1);
    receive(m);
    m.bench.timer.pass(1000);
    expect(m.interrupts(RX)).toBe(2);
  });

  it('NET-COAL-10: packets of one batch count one by one', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 3, 1000));
    for (let i = 0; i < 3; i++) m.bench.receive(2, new Uint8Array(60));
    m.bench.device.flush();
    expect(m.interrupts(RX)).toBe(1);
  });

  it('NET-COAL-10: lost frames are no packets', () => {
    const bench = new DeviceBench({ offers: NOTF_COAL });
    const driver = bench.driver();
    driver.ask(C.coalesceSet('rx', 2, 1000), 1);
    driver.postReceive(1);
    for (let i = 0; i < 5; i++) bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    expect(bench.fates().map(({ fate }) => fate)).toEqual(['delivered', ...Array<string>(4).fill('no_space')]);
    expect(bench.interrupts()).not.toContain(RX);
  });

  it('what was received and not shown before a reset does not count after it', () => {
    const m = machine();
    m.bench.receive(2, new Uint8Array(60));
    m.driver.initialise();
    m.driver.postReceive(100);
    ack(m, C.coalesceSet('rx', 2, 1000));
    receive(m);
    expect(m.interrupts(RX)).toBe(0);
  });

  it('NET-COAL-10: each queue and each direction counts for itself', () => {
    const m = machine();
    ack(m, C.coalesceSet('tx', 2, 1000));
    receive(m);
    m.driver.transmit(new Uint8Array(60));
    expect([m.interrupts(RX), m.interrupts(TX)]).toEqual([1, 0]);
    m.driver.transmit(new Uint8Array(60));
    expect(m.interrupts(TX)).toBe(1);
    m.driver.transmit(new Uint8Array(60));
    m.bench.timer.pass(1000);
    expect(m.interrupts(TX)).toBe(2);
  });

  it('NET-COAL-07: a driver whose buffers are all used is not kept waiting', () => {
    const bench = new DeviceBench({ offers: NOTF_COAL });
    const driver = bench.driver({ queueSizes: [4, 4, 4] });
    driver.ask(C.coalesceSet('rx', 1000, 1_000_000), 1);
    driver.postReceive(4);
    for (let i = 0; i < 4; i++) bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    expect(bench.interrupts().filter((queue) => queue === RX)).toHaveLength(1);
  });

  it('NET-COAL-08: no interrupt for a driver that does not want one when it is time', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 2, 1000));
    receive(m);
    m.driver.ring(RX).suppressInterrupts(true);
    receive(m);
    expect(m.interrupts(RX)).toBe(0);
    receive(m);
    m.bench.timer.pass(1000);
    expect(m.interrupts(RX)).toBe(0);
    m.driver.ring(RX).suppressInterrupts(false);
    receive(m, 2);
    expect(m.interrupts(RX)).toBe(1);
  });

  it('NET-COAL-11: new parameters may be met already', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 15, 1000));
    receive(m, 10);
    ack(m, C.coalesceSet('rx', 11, 1000));
    expect(m.interrupts(RX)).toBe(0);
    ack(m, C.coalesceSet('rx', 8, 1000));
    expect(m.interrupts(RX)).toBe(1);
    receive(m);
    ack(m, C.coalesceSet('rx', 0, 0));
    expect(m.interrupts(RX)).toBe(2);
    expect(m.bench.timer.running).toBe(0);
  });

  it('NET-COAL-11: a shorter time counts from the first packet', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 15, 1_000_000));
    receive(m);
    m.bench.time += 300_000;
    ack(m, C.coalesceSet('rx', 15, 500));
    expect(m.interrupts(RX)).toBe(0);
    m.bench.timer.pass(200);
    expect(m.interrupts(RX)).toBe(1);
    receive(m);
    m.bench.time += 300_000;
    ack(m, C.coalesceSet('rx', 15, 300));
    expect(m.interrupts(RX)).toBe(2);
  });

  it('NET-COAL-11: as many packets as are now asked for', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 15, 1_000_000));
    receive(m, 10);
    ack(m, C.coalesceSet('rx', 10, 1_000_000));
    expect(m.interrupts(RX)).toBe(1);
  });

  it('NET-COAL-11: a shorter time counts from the first packet, not from the last', () => {
    const m = machine();
    m.bench.time = 7_000_000;
    ack(m, C.coalesceSet('rx', 15, 1_000_000));
    receive(m);
    m.bench.time += 200_000;
    receive(m);
    m.bench.time += 100_000;
    ack(m, C.coalesceSet('rx', 15, 500));
    expect(m.interrupts(RX)).toBe(0);
    m.bench.timer.pass(200);
    expect(m.interrupts(RX)).toBe(1);
  });

  it('NET-COAL-08: a device that needs a reset owes no interrupt any more', () => {
    let broken = false;
    const m = machine(NOTF_COAL | CTRL_RX, 1, () => ({ ...HOST_OK, needsReset: broken }));
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m);
    broken = true;
    m.driver.ask(C.rxModeCommand(0, 1), 1);
    expect(m.driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    m.bench.timer.pass(5000);
    expect(m.interrupts(RX)).toBe(0);
  });

  it('RING_RESET: what the old ring was owed is not counted for the new one', () => {
    const m = machine(NOTF_COAL | RING_RESET);
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m, 3);
    m.driver.resetQueue(RX);
    expect(m.bench.timer.running).toBe(0);
    m.driver.setUpQueue(RX);
    m.driver.postReceive(100);
    const before = m.interrupts(RX);
    receive(m, 3);
    expect(m.interrupts(RX)).toBe(before);
    receive(m);
    expect(m.interrupts(RX)).toBe(before + 1);
  });

  it('NET-COAL-09: no timer outlives a reset', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m);
    expect(m.bench.timer.running).toBe(1);
    m.driver.reset();
    expect(m.bench.timer.running).toBe(0);
  });

  it('NET-COAL-01: the reserved field is ignored; VQ_GET answers in front of the ack', () => {
    const m = machine();
    expect(ack(m, C.coalesceQueueSet(0, 3, 70, 0xffff))).toBe(OK);
    const { bytes, used } = m.driver.ask(C.coalesceQueueGet(0, 0xbeef), 12);
    expect([...bytes]).toEqual([3, 0, 0, 0, 70, 0, 0, 0, OK, 0xaa, 0xaa, 0xaa]);
    expect(used).toBe(9);
  });

  it('the last command counts, whichever it was: the sequence of 5.1.9.5.10', () => {
    const m = machine(NOTF_COAL | VQ_NOTF_COAL | MQ, 2);
    ack(m, C.coalesceSet('rx', 1, 11));
    expect([0, 1, 2, 3].map((queue) => parameters(m, queue))).toEqual([
      [1, 11],
      [0, 0],
      [1, 11],
      [0, 0],
    ]);
    ack(m, C.coalesceQueueSet(0, 2, 22));
    expect(parameters(m, 0)).toEqual([2, 22]);
    expect(parameters(m, 2)).toEqual([1, 11]);
    ack(m, C.coalesceQueueSet(1, 4, 44));
    ack(m, C.coalesceSet('tx', 5, 55));
    expect(parameters(m, 1)).toEqual([5, 55]);
    expect(parameters(m, 3)).toEqual([5, 55]);
    expect(m.bench.device.describe().queues.map(({ coalescing }) => coalescing?.maxPackets ?? null)).toEqual([
      2,
      5,
      1,
      5,
      null,
    ]);
  });

  it.each([CTRL, 3, 4, 0xffff])(
    'NET-COAL-03, NET-COAL-04: queue %d is no enabled receive or transmit queue',
    (queue) => {
      const m = machine();
      expect(ack(m, C.coalesceQueueSet(queue, 1, 1))).toBe(ERR);
      const { bytes, used } = m.driver.ask(C.coalesceQueueGet(queue), 9);
      expect([bytes[8], used]).toEqual([ERR, 9]);
      expect(m.bench.errors()).toEqual(['ctrl-bad-queue', 'ctrl-bad-queue']);
    },
  );

  it('NET-COAL-04: neither is one that the driver has not enabled', () => {
    const bench = new DeviceBench({ offers: VQ_NOTF_COAL });
    const driver = bench.driver({ initialise: false });
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    for (const queue of [TX, CTRL]) driver.setUpQueue(queue);
    driver.driverOk();
    expect(driver.ask(C.coalesceQueueSet(RX, 1, 1), 1).bytes[0]).toBe(ERR);
    expect(driver.ask(C.coalesceQueueSet(TX, 1, 1), 1).bytes[0]).toBe(OK);
  });

  it('ctrl-malformed: VQ_GET without room for its answer', () => {
    const m = machine();
    const { bytes, used } = m.driver.ask(C.coalesceQueueGet(0), 8);
    expect([bytes[7], used]).toEqual([ERR, 8]);
    expect(m.bench.errors()).toEqual(['ctrl-malformed']);
  });

  it('NET-COAL-02: any values can be applied, so a set is never ERR', () => {
    const m = machine();
    for (const role of ['rx', 'tx'] as const) {
      expect(ack(m, C.coalesceSet(role, 0xffff_ffff, 0xffff_ffff))).toBe(OK);
      expect(m.bench.device.describe().coalescing[role]).toEqual({ maxPackets: 0xffff_ffff, maxUsecs: 0xffff_ffff });
    }
  });

  it('NET-COAL-09: zero after a reset, and no interrupt is owed any more', () => {
    const m = machine();
    ack(m, C.coalesceSet('rx', 4, 1000));
    receive(m);
    m.driver.initialise();
    const before = m.bench.interrupts().length;
    m.bench.timer.pass(5000);
    expect(m.bench.interrupts()).toHaveLength(before);
    expect(m.bench.timer.running).toBe(0);
    expect(parameters(m, 0)).toEqual([0, 0]);
    expect(m.bench.device.describe().coalescing.rx).toEqual({ maxPackets: 0, maxUsecs: 0 });
  });

  it.each([
    ['NET-COAL-06', RX, 'rx'],
    ['NET-COAL-05', TX, 'tx'],
  ] as const)('%s: queue %d, re-enabled, takes the values of its role, or none', (_, queue, role) => {
    const m = machine(NOTF_COAL | VQ_NOTF_COAL | RING_RESET);
    const again = (): void => {
      m.driver.resetQueue(queue);
      m.driver.setUpQueue(queue);
    };
    ack(m, C.coalesceQueueSet(queue, 9, 99));
    again();
    expect(parameters(m, queue)).toEqual([0, 0]);
    ack(m, C.coalesceSet(role, 5, 55));
    ack(m, C.coalesceQueueSet(queue, 9, 99));
    again();
    expect(parameters(m, queue)).toEqual([5, 55]);
  });
});
