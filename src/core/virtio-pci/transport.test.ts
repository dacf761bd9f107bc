import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { GUEST_ERRORS_RECORDED } from './guest-error-log.ts';

const VERSION_1 = 1n << 32n;
const CTRL_VQ = 1n << 17n;
const CTRL_RX = 1n << 18n;
const { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED } = STATUS;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver({ initialise: false });
});

const writeStatus = (value: number): void => driver.common.write(REG.device_status, 1, value);

describe('features', () => {
  it('RSVD-01: VERSION_1 is offered', () => {
    expect(driver.offered() & VERSION_1).toBe(VERSION_1);
  });

  it('PCI-COMMON-03: device_feature shows the selected word, and zero beyond the last', () => {
    const words = [0, 1, 2, 3, 4, 0x8000_0000, 0xffff_ffff].map((select) => {
      driver.common.write(REG.device_feature_select, 4, select);
      expect(driver.common.read(REG.device_feature_select, 4)).toBe(select);
      return driver.common.read(REG.device_feature, 4);
    });
    expect(words).toEqual([0x1007_0028, 1, 0, 0, 0, 0, 0]);
  });

  it('PCI-COMMON-04, PCI-COMMON-05: driver_feature reads back what was written, by word', () => {
    driver.writeFeatures(0x8000_0004_1234_5678n);
    driver.common.write(REG.driver_feature_select, 4, 0);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x1234_5678);
    driver.common.write(REG.driver_feature_select, 4, 1);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x8000_0004);
    driver.common.write(REG.driver_feature_select, 4, 9);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0);
  });

  it('PCI-LAYOUT-01: 32-bit fields work in 16-bit halves, as iPXE reads them', () => {
    driver.common.write(REG.device_feature_select, 2, 0);
    expect(driver.common.read(REG.device_feature, 2)).toBe(0x0028);
    expect(driver.common.read(REG.device_feature + 2, 2)).toBe(0x1007);
    driver.common.write(REG.driver_feature, 2, 0x5678);
    driver.common.write(REG.driver_feature + 2, 2, 0x1234);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x1234_5678);
  });

  it('BASE-FEAT-02: every legal subset is accepted', () => {
    const optional = [3n, 5n, 16n, 17n, 18n, 28n];
    for (let choice = 0; choice < 1 << optional.length; choice++) {
      const wanted = optional.reduce((set, bit, i) => (choice & (1 << i) ? set | (1n << bit) : set), VERSION_1);
      const legal = (wanted & CTRL_RX) === 0n || (wanted & CTRL_VQ) !== 0n;
      driver.reset();
      driver.acknowledge();
      expect(driver.negotiate(wanted)).toBe(legal);
    }
  });

  it.each([
    ['NET-DEP-18: CTRL_RX without CTRL_VQ', VERSION_1 | CTRL_RX, 'feature-dependency'],
    ['RSVD-02: VERSION_1 declined', CTRL_VQ, 'version-1-declined'],
    ['a bit that was not offered', VERSION_1 | (1n << 34n), 'feature-not-offered'],
    ['a bit of the last word', VERSION_1 | (1n << 127n), 'feature-not-offered'],
  ])('BASE-FEAT-03: FEATURES_OK stays clear for %s', (_name, set, code) => {
    driver.acknowledge();
    driver.writeFeatures(set);
    driver.addStatus(FEATURES_OK);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER);
    expect(bench.errors()).toEqual([code]);
    expect(bench.eventsOf('features-judged')).toMatchObject([{ ok: false, reason: expect.any(String) as string }]);
    expect(bench.hostEvents.filter(({ type }) => type === 'negotiated')).toEqual([]);
  });

  it('BASE-FEAT-03: a bit beyond every word that is kept is refused too', () => {
    driver.acknowledge();
    driver.writeFeatures(VERSION_1);
    driver.common.write(REG.driver_feature_select, 4, 7);
    driver.common.write(REG.driver_feature, 4, 1);
    driver.addStatus(FEATURES_OK);
    expect(driver.status & FEATURES_OK).toBe(0);
  });

  it('a refused driver may choose again', () => {
    driver.acknowledge();
    driver.writeFeatures(CTRL_RX);
    driver.addStatus(FEATURES_OK);
    expect(driver.negotiate(VERSION_1)).toBe(true);
  });

  it('features-after-ok: later changes are ignored', () => {
    driver.acknowledge();
    driver.negotiate(VERSION_1);
    driver.writeFeatures(VERSION_1 | CTRL_VQ);
    driver.common.write(REG.driver_feature_select, 4, 0);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0);
    expect(bench.device.describe().features.negotiated).toBe('0x0000000100000000');
    expect(bench.errors()).toContain('features-after-ok');
  });

  it('BASE-FEAT-04: the host cannot make the device offer what it does not implement', () => {
    bench.device.setOffers(0xffff_ffff_ffff_ffffn);
    driver.reset();
    expect(driver.offered()).toBe(0x1_1007_0028n);
  });

  it('setOffers takes effect at the next reset, not before', () => {
    bench.device.setOffers(0n);
    expect(driver.offered() & CTRL_RX).toBe(CTRL_RX);
    driver.reset();
    expect(driver.offered() & CTRL_RX).toBe(0n);
    expect(bench.eventsOf('device-reset').at(-1)).toMatchObject({ kind: 'driver', offered: '0x0000000110030028' });
  });
});

describe('status', () => {
  it('BASE-STATUS-05: zero at power-on', () => {
    expect(new DeviceBench().driver({ initialise: false }).status).toBe(0);
  });

  it('accumulates in the order of 3.1.1', () => {
    driver.initialise();
    expect(driver.status).toBe(15);
    expect(bench.errors()).toEqual([]);
    expect(bench.eventsOf('status-write').map(({ after }) => after)).toEqual([0, 1, 3, 11, 15]);
  });

  it('several bits at once are taken in order, as firmware writes them', () => {
    driver.writeFeatures(VERSION_1);
    writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    expect(driver.status).toBe(15);
  });

  it.each([
    ['DRIVER', 0, DRIVER],
    ['FEATURES_OK', ACKNOWLEDGE, ACKNOWLEDGE | FEATURES_OK],
  ])('status-skipped-step: %s too early is ignored', (_name, before, value) => {
    if (before) writeStatus(before);
    writeStatus(value);
    expect(driver.status).toBe(before);
    expect(bench.errors()).toEqual(['status-skipped-step']);
  });

  it('BASE-STATUS-03: DRIVER_OK without FEATURES_OK needs a reset, without notification', () => {
    driver.acknowledge();
    driver.addStatus(DRIVER_OK);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | NEEDS_RESET);
    expect(bench.errors()).toEqual(['status-out-of-order']);
    expect(bench.pin.raised).toBe(0);
  });

  it('bits cannot be cleared, except all by zero', () => {
    driver.initialise();
    writeStatus(ACKNOWLEDGE);
    expect(driver.status).toBe(15);
    expect(bench.errors()).toEqual(['status-bit-cleared']);
  });

  it('FAILED is believed even if other bits are missing', () => {
    driver.acknowledge();
    writeStatus(FAILED);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | FAILED);
  });

  it('a driver cannot set NEEDS_RESET or bits that do not exist', () => {
    writeStatus(ACKNOWLEDGE | NEEDS_RESET | 32);
    expect(driver.status).toBe(ACKNOWLEDGE);
    expect(bench.errors()).toEqual(['status-unknown-bit']);
  });

  it('BASE-STATUS-04: NEEDS_RESET of a live device comes with a configuration interrupt', () => {
    driver.initialise();
    driver.ring(TX).setAvailIdx(300);
    driver.kick(TX);
    expect(driver.status).toBe(15 | NEEDS_RESET);
    expect(bench.errors()).toEqual(['avail-index-jump']);
    expect(bench.eventsOf('needs-reset')).toHaveLength(1);
    expect(bench.pin.high).toBe(true);
    expect(driver.readIsr()).toBe(2);
  });

  it('NEEDS_RESET is raised once and cured by a reset only', () => {
    driver.initialise();
    driver.ring(TX).setAvailIdx(300);
    driver.kick(TX);
    driver.kick(TX);
    driver.addStatus(DRIVER_OK);
    expect(bench.eventsOf('needs-reset')).toHaveLength(1);
    expect(driver.initialise()).toBe(true);
    driver.transmit(new Uint8Array(60));
    expect(bench.sent).toHaveLength(1);
  });
});

describe('reset', () => {
  it('PCI-COMMON-07, BASE-RESET-01, PCI-COMMON-08: a zero status write resets everything a driver sees', () => {
    driver.initialise();
    driver.select(RX);
    driver.postReceive(1);
    bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    expect(bench.pin.high).toBe(true);
    writeStatus(0);
    expect(driver.status).toBe(0);
    expect(bench.pin.high).toBe(false);
    expect(driver.readIsr()).toBe(0);
    expect(driver.common.read(REG.queue_select, 2)).toBe(0);
    for (const queue of [RX, TX, CTRL]) {
      driver.select(queue);
      expect(driver.common.read(REG.queue_enable, 2)).toBe(0);
      expect(driver.common.read(REG.queue_desc, 4)).toBe(0);
      expect(driver.common.read(REG.queue_size, 2)).toBe([256, 256, 64][queue]);
    }
    driver.common.write(REG.driver_feature_select, 4, 1);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0);
  });

  it('BASE-RESET-02: after it the old rings are left alone and nothing is notified', () => {
    driver.initialise();
    driver.postReceive(2);
    const rings = bench.memory.bytes.slice();
    bench.device.machineReset();
    bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    bench.device.service(TX);
    expect(Buffer.compare(bench.memory.bytes, rings)).toBe(0);
    expect(bench.pin.high).toBe(false);
    expect(bench.fates().at(-1)?.fate).toBe('device_not_ready');
  });

  it('a machine reset is told as such and clears the PCI command register', () => {
    bench.ports.configWrite(4, 2, 7);
    bench.device.machineReset();
    expect(bench.ports.configRead(4, 2)).toBe(0);
    expect(bench.hostEvents.at(-1)).toEqual({ type: 'reset', kind: 'machine' });
    expect(bench.eventsOf('device-reset').at(-1)).toMatchObject({ kind: 'machine', epoch: 1 });
  });
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
      driver: ring.avail,
      device: ring.used,
    });
  });

  it('PCI-MSIX-06: both vector registers read 0xffff', () => {
    driver.common.write(REG.config_msix_vector, 2, 0);
    driver.common.write(REG.queue_msix_vector, 2, 0xffff);
    expect(driver.common.read(REG.config_msix_vector, 2)).toBe(0xffff);
    expect(driver.common.read(REG.queue_msix_vector, 2)).toBe(0xffff);
    expect(bench.errors()).toEqual(['bad-vector']);
  });

  it('PCI-COMMON-09: queue_reset and the admin fields read 0 and are read-only', () => {
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
