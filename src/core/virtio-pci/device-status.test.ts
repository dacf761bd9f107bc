import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';

const VERSION_1 = 1n << 32n;
const { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED } = STATUS;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver({ initialise: false });
});

const writeStatus = (value: number): void => driver.common.write(REG.device_status, 1, value);

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

  it('a driver cannot raise NEEDS_RESET, but may write it back', () => {
    writeStatus(NEEDS_RESET | ACKNOWLEDGE);
    expect([driver.status, ...bench.errors()]).toEqual([ACKNOWLEDGE, 'status-unknown-bit']);
    writeStatus(ACKNOWLEDGE | DRIVER | DRIVER_OK);
    const before = bench.errors();
    writeStatus(ACKNOWLEDGE | DRIVER | NEEDS_RESET | FAILED);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | NEEDS_RESET | FAILED);
    expect(bench.errors()).toEqual(before);
  });

  it('BASE-STATUS-03: needs a reset once, however much goes wrong', () => {
    driver.acknowledge();
    driver.addStatus(DRIVER_OK);
    driver.addStatus(DRIVER_OK);
    expect(bench.eventsOf('needs-reset')).toHaveLength(1);
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
    driver.splitRing(TX).setAvailIdx(300);
    driver.kick(TX);
    expect(driver.status).toBe(15 | NEEDS_RESET);
    expect(bench.errors()).toEqual(['avail-index-jump']);
    expect(bench.eventsOf('needs-reset')).toHaveLength(1);
    expect(bench.pin.high).toBe(true);
    expect(driver.readIsr()).toBe(2);
  });

  it('NEEDS_RESET is raised once and cured by a reset only', () => {
    driver.initialise();
    driver.splitRing(TX).setAvailIdx(300);
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
    bench.device.resume();
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
