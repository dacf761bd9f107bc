import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { GUEST_ERRORS_RECORDED } from './guest-error-log.ts';

const { NEEDS_RESET } = STATUS;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver({ initialise: false });
});

describe('queues', () => {
  it('PCI-COMMON-14: queue_size reads 0 for a queue that does not exist', () => {
    expect(driver.common.read(REG.num_queues, 2)).toBe(3);
    for (const queue of [3, 0xffff]) {
      driver.select(queue);
      expect(driver.common.read(REG.queue_size, 2)).toBe(0);
      driver.common.write(REG.queue_enable, 2, 1);
      expect(driver.common.read(REG.queue_enable, 2)).toBe(0);
    }
    expect(bench.errors()).toEqual(['no-such-queue', 'no-such-queue']);
  });

  it('what selects reads back, and is zero after a reset', () => {
    driver.common.write(REG.device_feature_select, 4, 3);
    driver.common.write(REG.driver_feature_select, 4, 2);
    driver.select(1);
    const selects = (): number[] => [
      driver.common.read(REG.device_feature_select, 4),
      driver.common.read(REG.driver_feature_select, 4),
      driver.common.read(REG.queue_select, 2),
    ];
    expect(selects()).toEqual([3, 2, 1]);
    driver.writeStatus(0);
    expect(selects()).toEqual([0, 0, 0]);
  });

  it('PCI-COMMON-15: queue_size is a power of two, and stays one', () => {
    driver.select(TX);
    for (const size of [0, 3, 100, 512, 0xffff]) driver.common.write(REG.queue_size, 2, size);
    expect(driver.common.read(REG.queue_size, 2)).toBe(256);
    driver.common.write(REG.queue_size, 2, 16);
    expect(driver.common.read(REG.queue_size, 2)).toBe(16);
    expect(bench.errors()).toEqual(Array(5).fill('bad-queue-size'));
  });

  it('a smaller queue works', () => {
    driver = bench.driver({ queueSizes: [4, 2, 1] });
    for (let i = 0; i < 10; i++) {
      driver.transmit(new Uint8Array(60));
      driver.reapTransmitted();
    }
    expect(bench.sent).toHaveLength(10);
  });

  it('PCI-LAYOUT-01: the halves of a queue address are separate registers', () => {
    driver.select(1);
    driver.common.write(REG.queue_driver + 4, 4, 0x89ab_cdef);
    driver.common.write(REG.queue_driver, 4, 0xfedc_ba98);
    expect(driver.common.read(REG.queue_driver, 4)).toBe(0xfedc_ba98);
    expect(driver.common.read(REG.queue_driver + 4, 4)).toBe(0x89ab_cdef);
    driver.select(0);
    expect(driver.common.read(REG.queue_driver, 4)).toBe(0);
  });

  it.each([
    ['ring-misaligned', 0x8008],
    ['ring-outside-ram', 0xffff_fff0],
  ])('%s: such a queue is not enabled and the device needs a reset', (code, desc) => {
    driver.select(0);
    driver.writeAddress(REG.queue_desc, desc);
    driver.common.write(REG.queue_enable, 2, 1);
    expect(driver.common.read(REG.queue_enable, 2)).toBe(0);
    expect(bench.errors()).toEqual([code]);
    expect(driver.status).toBe(NEEDS_RESET);
  });

  it('an enabled queue is frozen until reset', () => {
    driver.initialise();
    driver.select(TX);
    const before = driver.common.read(REG.queue_desc, 4);
    driver.common.write(REG.queue_size, 2, 8);
    driver.common.write(REG.queue_desc, 4, 0x4000);
    driver.common.write(REG.queue_enable, 2, 0);
    driver.common.write(REG.queue_enable, 2, 1);
    driver.common.write(REG.queue_enable, 2, 2);
    expect(driver.common.read(REG.queue_size, 2)).toBe(256);
    expect(driver.common.read(REG.queue_desc, 4)).toBe(before);
    expect(driver.common.read(REG.queue_enable, 2)).toBe(1);
    const frozen = 'queue-write-while-enabled';
    expect(bench.errors()).toEqual([frozen, frozen, 'queue-disable', frozen, 'bad-queue-enable']);
  });

  it('queue-enabled names role, size and places', () => {
    driver.initialise();
    const ring = driver.ring(CTRL);
    expect(bench.eventsOf('queue-enabled')[2]).toEqual({
      type: 'queue-enabled',
      queue: 2,
      role: 'ctrl',
      size: 64,
      desc: ring.desc,
      driver: ring.driver,
      device: ring.device,
    });
  });

  it('queue_notif_config_data, queue_reset and the admin fields read 0 and are read-only without their features', () => {
    for (const offset of [56, 58, 60, 62]) {
      driver.common.write(offset, 2, 1);
      expect(driver.common.read(offset, 2)).toBe(0);
    }
    expect(bench.errors()).toEqual(Array(4).fill('write-to-read-only'));
  });
});

describe('kicks', () => {
  it('BASE-STATUS-01: before DRIVER_OK a kick is ignored and nothing is taken', () => {
    driver.acknowledge();
    driver.negotiate();
    driver.setUpQueues();
    driver.transmit(new Uint8Array(60));
    expect(bench.errors()).toEqual(['kick-before-driver-ok']);
    expect(driver.reapTransmitted()).toEqual([]);
    driver.driverOk();
    driver.kick(TX);
    expect(bench.sent).toHaveLength(1);
  });

  it('NOTIF-01: a kick is the queue index, written to that queue’s doorbell', () => {
    driver.initialise();
    driver.queueFrame(new Uint8Array(60));
    bench.device.barWrite(4, 0x104, 2, 2);
    bench.device.barWrite(4, 0x100, 2, 1);
    expect(bench.errors()).toEqual(['kick-bad-queue', 'kick-bad-queue']);
    expect(bench.sent).toEqual([]);
    bench.device.barWrite(4, 0x104, 4, 1);
    expect(bench.sent).toHaveLength(1);
    expect(bench.kicks()).toEqual([1]);
  });

  it('SPLIT-ASUP-05: kicks without work are harmless', () => {
    driver.initialise();
    for (const queue of [RX, TX, CTRL]) driver.kick(queue);
    expect(bench.errors()).toEqual([]);
    expect(bench.pin.raised).toBe(0);
    expect(bench.device.describe().queues.map(({ kicks }) => kicks)).toEqual([1, 1, 1]);
  });

  it('a queue that was never enabled cannot be kicked', () => {
    driver.acknowledge();
    driver.negotiate();
    driver.driverOk();
    driver.kick(TX);
    expect(bench.errors()).toEqual(['kick-bad-queue']);
  });
});

describe('bounds', () => {
  it('accesses that hit no structure, or straddle two, read zero and are recorded', () => {
    for (const [offset, width] of [
      [0x3e, 4],
      [0x44, 1],
      [0x7f, 2],
      [0x9c, 1],
      [0x10c, 2],
      [0x1ff, 4],
    ] as const) {
      expect(bench.device.barRead(4, offset, width)).toBe(0);
      bench.device.barWrite(4, offset, width, 1);
    }
    expect(bench.errors()).toEqual(Array(12).fill('access-out-of-range'));
  });

  it('doorbells read zero, the ISR cannot be written: the first is no mistake, the second is', () => {
    for (const [offset, width] of [
      [0x100, 2],
      [0x108, 4],
    ] as const) {
      expect(bench.device.barRead(4, offset, width)).toBe(0);
    }
    expect(bench.errors()).toEqual([]);
    for (const width of [1, 4]) bench.device.barWrite(4, 0x40, width, 1);
    expect(bench.errors()).toEqual(['write-to-read-only', 'write-to-read-only']);
  });

  it('guest errors in a loop are bounded in the trace but counted', () => {
    for (let i = 0; i < 1000; i++) driver.common.write(REG.num_queues, 2, 1);
    const recorded = bench.eventsOf('guest-error');
    expect(recorded).toHaveLength(GUEST_ERRORS_RECORDED);
    expect(recorded.at(-1)?.detail).toContain('only counted');
    expect(bench.device.describe().counters.guest_errors).toBe(1000);
    driver.reset();
    driver.common.write(REG.num_queues, 2, 1);
    expect(bench.eventsOf('guest-error')).toHaveLength(GUEST_ERRORS_RECORDED + 1);
  });
});
