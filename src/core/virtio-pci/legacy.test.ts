import { beforeEach, describe, expect, it } from 'vitest';
import { rxModeCommand } from '../testing/command-bytes.ts';
import { BENCH_MAC, DeviceBench, type DeviceBenchOptions } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { LEGACY } from '../testing/legacy-registers.ts';

const CTRL_VQ = 1n << 17n;
const CTRL_RX = 1n << 18n;
const NOTIFY_ON_EMPTY = 1n << 24n;
const ANY_LAYOUT = 1n << 27n;
const BROKEN_DRIVER = 1n << 30n;
const VERSION_1 = 1n << 32n;
const RING_PACKED = 1n << 34n;
const { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK } = STATUS;
const LEGACY_RUNNING = ACKNOWLEDGE | DRIVER | DRIVER_OK;
const BAR = 0;
const PAGE = 4096;
const CONFIG_SIZE = 28;
/** Of the MAC address, MTU and status in 5.1.4, on this bench. */
const CONFIG_START = [2, 8, 0x20, 0, 0, 1, 1, 0];

const options: DeviceBenchOptions = { transitional: true, offers: CTRL_RX | RING_PACKED };
let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench(options);
  driver = bench.driver({ transport: 'legacy', initialise: false });
});

const read = (offset: number, width: number): number => bench.device.barRead(BAR, offset, width);
const write = (offset: number, width: number, value: number): void => bench.device.barWrite(BAR, offset, width, value);
const frame = new Uint8Array(60).map((_, i) => i);

describe('a transitional function', () => {
  it('PCI-ID-02, LEG-06, LEG-07, LEG-08: has the ids that a legacy driver looks for', () => {
    const { ports } = bench;
    expect(ports.configRead(0, 4)).toBe(0x1000_1af4);
    expect(ports.configRead(8, 1)).toBe(0);
    expect(ports.configRead(0x2c, 4)).toBe(0x0001_1af4);
  });

  it('LEG-09, LEG-13: has the legacy registers at the start of an I/O BAR 0, and the capabilities too', () => {
    expect(bench.ports.configRead(0x10, 4) & 1).toBe(1);
    expect(read(LEGACY.device_features, 4)).toBe(Number(driver.offered()));
    expect(driver.common.read(REG.num_queues, 2)).toBe(3);
  });

  it('a function that is not transitional has neither', () => {
    bench = new DeviceBench({ offers: CTRL_RX });
    expect(bench.ports.configRead(0, 4)).toBe(0x1041_1af4);
    expect(bench.ports.configRead(0x10, 4)).toBe(0);
    write(LEGACY.device_status, 1, ACKNOWLEDGE);
    expect(read(LEGACY.device_status, 1)).toBe(0);
    expect(bench.device.describe().status).toBe(0);
  });

  it('serves a modern driver like any other', async () => {
    driver = bench.driver({ layout: 'packed' });
    expect(driver.status).toBe(15);
    expect(driver.features & VERSION_1).toBe(VERSION_1);
    driver.transmit(frame);
    expect(bench.sent).toHaveLength(1);
    expect(await driver.command(rxModeCommand(0, 1))).toBe(0);
    expect(bench.errors()).toEqual([]);
  });
});

describe('legacy features', () => {
  it('LEG-12, LEG-23, LEG-25: the low 32 bits of the offer, ANY_LAYOUT and NOTIFY_ON_EMPTY', () => {
    const modern = bench.driver({ initialise: false }).offered();
    expect(driver.offered()).toBe((modern & 0xffff_ffffn) | ANY_LAYOUT | NOTIFY_ON_EMPTY);
    expect(modern & (ANY_LAYOUT | NOTIFY_ON_EMPTY)).toBe(0n);
  });

  it('LEG-26: bit 30 is not offered; a driver that accepts it goes without', () => {
    expect(driver.offered() & BROKEN_DRIVER).toBe(0n);
    driver.acknowledge();
    driver.writeFeatures(CTRL_VQ | BROKEN_DRIVER);
    expect(bench.errors()).toEqual(['legacy-features']);
    expect(bench.device.describe().features.negotiated).toBe('0x0000000000020000');
    expect(read(LEGACY.driver_features, 4)).toBe(0x4002_0000);
  });

  it('LEG-01, LEG-12: accepted at once, without FEATURES_OK and without bits from 32 on', () => {
    driver.acknowledge();
    expect(driver.negotiate(CTRL_VQ | CTRL_RX)).toBe(true);
    expect(bench.hostEvents.at(-1)).toEqual({ type: 'negotiated', features: CTRL_VQ | CTRL_RX });
    expect(bench.eventsOf('features-judged').at(-1)).toMatchObject({ ok: true, accepted: '0x0000000000060000' });
    driver.driverOk();
    expect(driver.status).toBe(LEGACY_RUNNING);
    driver.writeFeatures(CTRL_VQ);
    expect(bench.errors()).toEqual(['features-after-ok']);
    expect(bench.device.describe().features.negotiated).toBe('0x0000000000060000');
  });

  it('a set that does not hold together is accepted as none', () => {
    driver.acknowledge();
    driver.writeFeatures(CTRL_RX);
    expect(bench.errors()).toEqual(['legacy-features']);
    expect(bench.device.describe().features.negotiated).toBe('0x0000000000000000');
  });

  it('LEG-01: a driver that never writes features has none, and the host is told so', () => {
    driver.acknowledge();
    driver.driverOk();
    expect(bench.hostEvents.at(-1)).toEqual({ type: 'negotiated', features: 0n });
  });

  it('FEATURES_OK does not exist here', () => {
    driver.acknowledge();
    driver.addStatus(FEATURES_OK);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER);
    expect(bench.errors()).toEqual(['status-unknown-bit']);
  });
});

describe('legacy registers', () => {
  it('LEG-14, LEG-02: a queue is a page number; the ring lies behind it, the used ring on the next page', () => {
    driver.acknowledge();
    driver.negotiate();
    driver.select(TX);
    const page = 0x20;
    write(LEGACY.queue_address, 4, page);
    expect(read(LEGACY.queue_address, 4)).toBe(page);
    expect(bench.eventsOf('queue-enabled')).toMatchObject([
      { queue: TX, size: 256, desc: page * PAGE, driver: page * PAGE + 4096, device: page * PAGE + 2 * PAGE },
    ]);
    write(LEGACY.queue_address, 4, page + 1);
    expect(read(LEGACY.queue_address, 4)).toBe(page);
    expect(bench.errors()).toEqual(['queue-write-while-enabled']);
    write(LEGACY.queue_address, 4, 0);
    expect(read(LEGACY.queue_address, 4)).toBe(0);
    expect(bench.device.describe().queues[TX]?.enabled).toBe(false);
    write(LEGACY.queue_address, 4, page + 1);
    expect(read(LEGACY.queue_address, 4)).toBe(page + 1);
  });

  it('LEG-14: the size is the device’s to say, 0 where there is no queue', () => {
    const sizes = [RX, TX, CTRL, 3, 0xffff].map((queue) => {
      driver.select(queue);
      return driver.queueSize();
    });
    expect(sizes).toEqual([256, 256, 64, 0, 0]);
    write(LEGACY.queue_size, 2, 8);
    expect(bench.errors()).toEqual(['write-to-read-only']);
  });

  it('a queue outside of memory is not started', () => {
    driver.acknowledge();
    driver.select(TX);
    write(LEGACY.queue_address, 4, 0xffff_ffff);
    expect(read(LEGACY.queue_address, 4)).toBe(0);
    expect(bench.errors()).toEqual(['ring-outside-ram']);
  });

  it('writes to a queue that does not exist are ignored', () => {
    driver.acknowledge();
    driver.select(7);
    write(LEGACY.queue_address, 4, 1);
    write(LEGACY.queue_notify, 2, 7);
    expect(bench.errors()).toEqual(['no-such-queue', 'kick-bad-queue']);
  });

  it('LEG-10, LEG-03, LEG-15: device configuration is the same at any width, little-endian as this guest', () => {
    for (const width of [1, 2, 4]) {
      const bytes: number[] = [];
      for (let at = 0; at < 8; at += width) {
        const value = read(20 + at, width);
        for (let i = 0; i < width; i++) bytes.push(Math.floor(value / 2 ** (8 * i)) % 256);
      }
      expect(bytes).toEqual(CONFIG_START);
    }
    expect(read(20 + 6, 2), 'status').toBe(1);
  });

  it('LEG-11: device configuration moves while MSI-X is enabled, and back', () => {
    const enabled = bench.driver({ transport: 'legacy', interrupts: 'msix', initialise: false });
    expect(read(24, 4)).toBe(0x0020_0802);
    expect(read(LEGACY.config_msix_vector, 2)).toBe(0xffff);
    enabled.msix?.disable();
    expect(read(20, 4)).toBe(0x0020_0802);
  });

  it('LEG-04: the MAC address may be written, before negotiation too: recorded, without effect', () => {
    [1, 2, 3, 4, 5, 6].forEach((byte, i) => write(20 + i, 1, byte));
    expect(bench.eventsOf('config-write')).toHaveLength(6);
    expect(bench.eventsOf('config-write')[2]).toMatchObject({ offset: 2, width: 1, value: 3 });
    expect(bench.errors()).toEqual([]);
    expect(read(20, 4)).toBe(0x0020_0802);
    expect(BENCH_MAC).toBe(0x02_08_20_00_00_01);
  });

  it('queue_select reads back, and is zero after a reset; the doorbell reads zero', () => {
    write(LEGACY.queue_select, 2, 2);
    expect([read(LEGACY.queue_select, 2), read(LEGACY.queue_notify, 2)]).toEqual([2, 0]);
    write(LEGACY.device_status, 1, 0);
    expect(read(LEGACY.queue_select, 2)).toBe(0);
  });

  it('LEG-11: with MSI-X there is a vector for configuration and one for each queue', () => {
    driver = bench.driver({ transport: 'legacy', interrupts: 'msix', initialise: false });
    write(LEGACY.device_status, 1, ACKNOWLEDGE | DRIVER);
    write(LEGACY.queue_select, 2, TX);
    write(LEGACY.config_msix_vector, 2, 3);
    write(LEGACY.queue_msix_vector, 2, 2);
    expect([read(LEGACY.config_msix_vector, 2), read(LEGACY.queue_msix_vector, 2)]).toEqual([3, 2]);
    write(LEGACY.queue_select, 2, RX);
    expect(read(LEGACY.queue_msix_vector, 2)).toBe(0xffff);
  });

  it('page 0 for a queue that is not in use is nothing', () => {
    write(LEGACY.device_status, 1, ACKNOWLEDGE | DRIVER);
    const before = bench.hostEvents.length;
    write(LEGACY.queue_address, 4, 0);
    expect(bench.hostEvents).toHaveLength(before);
    expect(bench.errors()).toEqual([]);
  });

  it('an access lies within the registers or within device configuration, up to its last byte', () => {
    const last = 20 + CONFIG_SIZE - 1;
    read(last, 1);
    write(last, 1, 0);
    expect(bench.errors().filter((code) => code === 'access-out-of-range')).toEqual([]);
    write(19, 2, 0);
    write(last, 2, 0);
    expect(bench.errors().filter((code) => code === 'access-out-of-range')).toHaveLength(2);
  });

  it('what lies behind the registers reads zero', () => {
    expect(read(20 + 28, 4)).toBe(0);
    expect(read(18, 4)).toBe(0);
    write(20 + 28, 4, 1);
    expect(bench.errors()).toEqual(Array(3).fill('access-out-of-range'));
  });

  it('PCI-ISR-06: the ISR is cleared by reading it', () => {
    driver.initialise();
    bench.device.setLinkUp(false);
    expect(bench.pin.high).toBe(true);
    write(LEGACY.isr_status, 1, 0);
    expect(driver.readIsr()).toBe(2);
    expect(driver.readIsr()).toBe(0);
    expect(bench.pin.high).toBe(false);
  });
});
