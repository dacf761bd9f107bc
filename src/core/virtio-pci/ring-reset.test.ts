import { beforeEach, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../host/host-model.ts';
import { rxModeCommand } from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';
import { REG } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';

const CTRL_RX = 1n << 18n;
const RING_RESET = 1n << 40n;

let bench: DeviceBench;
let driver: FakeDriver;
/** Answers the commands that wait for the host. */
let answers: ((answer: HostAnswer) => void)[];
let late: boolean;

beforeEach(() => {
  answers = [];
  late = false;
  bench = new DeviceBench({
    offers: CTRL_RX | RING_RESET,
    host: (event) => (late && event.type === 'command' ? new Promise((resolve) => answers.push(resolve)) : HOST_OK),
  });
  driver = bench.driver();
});

const readOf = (queue: number, register: number): number => {
  driver.select(queue);
  return driver.common.read(register, 2);
};
const writeOf = (queue: number, register: number, value: number): void => {
  driver.select(queue);
  driver.common.write(register, 2, value);
};
const answer = async (): Promise<void> => {
  for (const resolve of answers.splice(0)) resolve(HOST_OK);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
};

describe('queue_reset', () => {
  it('PCI-COMMON-09: reads 0 after a device reset, for every queue', () => {
    for (const queue of [RX, TX, CTRL]) expect(readOf(queue, REG.queue_reset)).toBe(0);
    writeOf(TX, REG.queue_reset, 1);
    driver.writeStatus(0);
    for (const queue of [RX, TX, CTRL]) expect(readOf(queue, REG.queue_reset)).toBe(0);
  });

  it('PCI-COMMON-11, PCI-COMMON-13, VQ-RESET-03: resets that one queue: registers, size and positions', () => {
    driver = bench.driver({ queueSizes: [8, 8, 8] });
    driver.transmit(new Uint8Array(60));
    driver.postReceive(3);
    writeOf(TX, REG.queue_reset, 1);
    expect(readOf(TX, REG.queue_reset)).toBe(0);
    expect(readOf(TX, REG.queue_enable)).toBe(0);
    expect(readOf(TX, REG.queue_size)).toBe(256);
    for (let half = 0; half < 6; half++) expect(driver.common.read(REG.queue_desc + 4 * half, 4)).toBe(0);
    expect(bench.device.describe().queues[TX]).toMatchObject({ enabled: false, availIdx: 0, usedIdx: 0 });
    expect(readOf(RX, REG.queue_enable)).toBe(1);
    expect(readOf(RX, REG.queue_size)).toBe(8);
    expect(bench.eventsOf('queue-reset')).toEqual([{ type: 'queue-reset', queue: TX }]);
    expect(bench.hostEvents.at(-1)).toMatchObject({ type: 'queue', queue: TX, to: 'reset' });
    expect(bench.errors()).toEqual([]);
  });

  it('VQ-RESET-01, VQ-RESET-02: nothing of it is executed or notified after that', () => {
    driver.queueFrame(new Uint8Array(60));
    driver.postReceive(2);
    writeOf(TX, REG.queue_reset, 1);
    writeOf(RX, REG.queue_reset, 1);
    const memory = bench.memory.bytes.slice();
    driver.kick(TX);
    bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    expect(bench.sent).toEqual([]);
    expect(bench.fates().at(-1)?.fate).toBe('ring_not_running');
    expect(Buffer.compare(bench.memory.bytes, memory)).toBe(0);
    expect(bench.interrupts()).toEqual([]);
    expect(bench.errors()).toEqual(['kick-bad-queue']);
  });

  it('PCI-COMMON-10, VQ-RESET-04: enabled again, the queue works in its new place and with its new size', () => {
    driver.transmit(new Uint8Array(60));
    writeOf(TX, REG.queue_reset, 1);
    driver.setUpQueue(TX, 4);
    expect(readOf(TX, REG.queue_reset)).toBe(0);
    expect(readOf(TX, REG.queue_size)).toBe(4);
    for (let i = 0; i < 10; i++) {
      expect(driver.transmit(new Uint8Array(61))).toBeGreaterThanOrEqual(0);
      expect(driver.reapTransmitted()).toHaveLength(1);
    }
    expect(bench.sent).toHaveLength(11);
    expect(bench.errors()).toEqual([]);
    expect(bench.hostEvents.filter((event) => event.type === 'queue' && event.queue === TX)).toMatchObject([
      { to: 'enabled', size: 256 },
      { to: 'kicked' },
      { to: 'reset' },
      { to: 'enabled', size: 4 },
      { to: 'kicked' },
    ]);
  });

  it('PCI-COMMON-12, VQ-RESET-01: reads 1 while a command is with the host; the next one is not executed', async () => {
    late = true;
    const first = driver.sendCommand(rxModeCommand(0, 1));
    driver.sendCommand(rxModeCommand(1, 1));
    writeOf(CTRL, REG.queue_reset, 1);
    expect(readOf(CTRL, REG.queue_reset)).toBe(1);
    expect(readOf(CTRL, REG.queue_enable)).toBe(1);
    driver.kick(CTRL);
    expect(answers).toHaveLength(1);
    await answer();
    expect(readOf(CTRL, REG.queue_reset)).toBe(0);
    expect(readOf(CTRL, REG.queue_enable)).toBe(0);
    expect(driver.ackNow(first), 'what was in work is answered').toBe(0);
    expect(answers).toHaveLength(0);
    late = false;
    driver.setUpQueue(CTRL);
    expect(await driver.command(rxModeCommand(0, 0))).toBe(0);
    expect(bench.errors()).toEqual(['kick-bad-queue']);
  });

  it('a device reset ends a queue reset that waits', async () => {
    late = true;
    driver.sendCommand(rxModeCommand(0, 1));
    writeOf(CTRL, REG.queue_reset, 1);
    driver.writeStatus(0);
    expect(readOf(CTRL, REG.queue_reset)).toBe(0);
    const events = bench.eventsOf('queue-reset').length;
    await answer();
    expect(bench.eventsOf('queue-reset')).toHaveLength(events);
  });

  it('a queue that waits for its reset is saved as reset', () => {
    late = true;
    driver.sendCommand(rxModeCommand(0, 1));
    writeOf(CTRL, REG.queue_reset, 1);
    const other = new DeviceBench({ memory: bench.memory, offers: CTRL_RX | RING_RESET });
    expect(other.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    other.device.resume();
    expect(other.device.describe().queues[CTRL]).toMatchObject({ enabled: false });
    expect(other.hostEvents).toEqual([]);
  });

  it('queue-reset-value: 0 and anything else than 1 does nothing', () => {
    for (const value of [0, 2, 0xffff]) writeOf(TX, REG.queue_reset, value);
    expect(readOf(TX, REG.queue_enable)).toBe(1);
    expect(bench.errors()).toEqual(Array(3).fill('queue-reset-value'));
  });

  it('is no register without VIRTIO_F_RING_RESET', () => {
    driver = bench.driver({ refused: RING_RESET });
    writeOf(TX, REG.queue_reset, 1);
    expect(readOf(TX, REG.queue_enable)).toBe(1);
    expect(bench.errors()).toEqual(['write-to-read-only']);
  });

  it('PCI-MSIX-05, VQ-RESET-02: unmaps the queue’s vector', () => {
    driver = bench.driver({ interrupts: 'msix' });
    writeOf(TX, REG.queue_reset, 1);
    expect(readOf(TX, REG.queue_msix_vector)).toBe(0xffff);
    expect(readOf(RX, REG.queue_msix_vector)).toBe(RX + 1);
  });
});
