import { describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG } from '../testing/driver-ports.ts';
import { CTRL, RX, TX } from '../testing/fake-driver.ts';

const RING_PACKED = 1n << 34n;
const NOTIFICATION_DATA = 1n << 38n;
const NOTIF_CONFIG_DATA = 1n << 39n;
const ALL = RING_PACKED | NOTIFICATION_DATA | NOTIF_CONFIG_DATA;
const BAR = 4;
const TX_DOORBELL = 0x100 + 4 * TX;
const COMMAND = 4;

const frame = new Uint8Array(60);

describe('a kick', () => {
  it.each(['split', 'packed'] as const)(
    'NOTIF-02: carries queue and position in 32 bits, over many laps of a %s ring',
    (layout) => {
      const bench = new DeviceBench({ offers: ALL });
      const driver = bench.driver({ layout, notificationData: true, queueSizes: [4, 4, 4] });
      for (let i = 0; i < 3 * 65_536; i += 4099) {
        for (let n = 0; n < 3; n++) driver.queueFrame(frame);
        driver.kick(TX);
        expect(driver.reapTransmitted()).toHaveLength(3);
      }
      expect(bench.sent).toHaveLength(3 * 48);
      expect(bench.errors()).toEqual([]);
    },
  );

  it('NOTIF-02: one that is late with its position is no mistake', () => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ notificationData: true });
    const position = driver.ring(TX).position;
    driver.queueFrame(frame);
    driver.queueFrame(frame);
    bench.device.barWrite(BAR, TX_DOORBELL, 4, position * 0x1_0000 + TX);
    expect(bench.sent).toHaveLength(2);
    expect(bench.errors()).toEqual([]);
  });

  it.each([
    ['split', 2],
    ['split', 0x8000],
    ['packed', 0x8002],
    ['packed', 300],
  ] as const)('NOTIF-02: a position where nothing was made available is recorded (%s, %i)', (layout, position) => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ layout, notificationData: true });
    driver.queueFrame(frame);
    bench.device.barWrite(BAR, TX_DOORBELL, 4, position * 0x1_0000 + TX);
    expect(bench.errors()).toEqual(['notification-data-wrong']);
    expect(bench.sent, 'the kick counts all the same').toHaveLength(1);
  });

  // Five frames through rings of four: the driver is at 5, which a packed ring calls slot 1 with the wrap counter at 0.
  it.each([
    ['split', 5, true],
    ['split', 3, true],
    ['split', 1, true],
    ['split', 0, false],
    ['split', 6, false],
    ['packed', 0x0001, true],
    ['packed', 0x0000, true],
    ['packed', 0x8003, true],
    ['packed', 0x8001, true],
    ['packed', 0x8000, false],
    ['packed', 0x0002, false],
    ['packed', 0x0004, false],
  ] as const)(
    'NOTIF-02: a position may be as old as the ring is long, and no newer than the ring (%s, %i)',
    (...row) => {
      const [layout, position, right] = row;
      const bench = new DeviceBench({ offers: ALL });
      const driver = bench.driver({ layout, notificationData: true, queueSizes: [4, 4, 4] });
      for (let i = 0; i < 3; i++) driver.queueFrame(frame);
      driver.kick(TX);
      expect(driver.reapTransmitted()).toHaveLength(3);
      for (let i = 0; i < 2; i++) driver.queueFrame(frame);
      bench.device.barWrite(BAR, TX_DOORBELL, 4, position * 0x1_0000 + TX);
      expect(bench.errors()).toEqual(right ? [] : ['notification-data-wrong']);
      expect(bench.sent).toHaveLength(5);
    },
  );

  it('NOTIF-02: 16 bits are too few', () => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ notificationData: true });
    driver.queueFrame(frame);
    bench.device.barWrite(BAR, TX_DOORBELL, 2, TX);
    expect(bench.errors()).toEqual(['notification-data-wrong']);
    expect(bench.sent).toHaveLength(1);
  });

  it('NOTIF-01: with NOTIF_CONFIG_DATA it carries what the device chose, and nothing else', () => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ features: (1n << 32n) | NOTIF_CONFIG_DATA | (1n << 17n) });
    const chosen = [RX, TX, CTRL].map((queue) => {
      driver.select(queue);
      return driver.common.read(REG.queue_notif_config_data, 2);
    });
    expect(new Set(chosen).size).toBe(3);
    driver.queueFrame(frame);
    bench.device.barWrite(BAR, TX_DOORBELL, 2, TX);
    expect(bench.errors()).toEqual(['kick-bad-queue']);
    expect(bench.sent).toEqual([]);
    driver.kick(TX);
    expect(bench.sent).toHaveLength(1);
    driver.common.write(REG.queue_notif_config_data, 2, 1);
    expect(bench.errors().at(-1)).toBe('write-to-read-only');
    expect(driver.common.read(REG.queue_notif_config_data, 2)).toBe(chosen[CTRL]);
  });

  it('NOTIF-02: both together', () => {
    const bench = new DeviceBench({ offers: ALL });
    const features = (1n << 32n) | NOTIF_CONFIG_DATA | NOTIFICATION_DATA | (1n << 17n);
    const driver = bench.driver({ features });
    driver.transmit(frame);
    expect(bench.sent).toHaveLength(1);
    expect(bench.errors()).toEqual([]);
  });
});

describe('PCI bus mastering', () => {
  it('PCI-BUS-01: without it nothing is taken from a queue; what waits is taken when it is back', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    driver.postReceive(2);
    bench.ports.configWrite(COMMAND, 2, 3);
    driver.transmit(frame);
    bench.receive(2, frame);
    bench.device.flush();
    expect(bench.sent).toEqual([]);
    expect(bench.fates().at(-1)?.fate).toBe('device_not_ready');
    expect(bench.errors()).toEqual(['kick-without-bus-master']);
    bench.ports.configWrite(COMMAND, 2, 7);
    expect(bench.sent).toHaveLength(1);
    bench.receive(4, frame);
    bench.device.flush();
    expect(bench.fates().at(-1)?.fate).toBe('delivered');
  });

  it('registers work without it, and the status stays', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    bench.ports.configWrite(COMMAND, 2, 3);
    expect(driver.status).toBe(15);
    bench.device.setLinkUp(false);
    expect(bench.pin.high, 'INTx is no memory access').toBe(true);
  });
});

describe('what a ring says about notifications', () => {
  it.each(['split', 'packed'] as const)('whatever lies there, a live device wants kicks (%s)', (layout) => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ layout, initialise: false });
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    for (const queue of [RX, TX, CTRL]) {
      driver.setUpQueue(queue);
      const { device } = layout === 'split' ? driver.splitRing(queue) : driver.packedRing(queue);
      // NO_NOTIFY in the flags of a split ring, DISABLE in those of a packed one.
      bench.memory.write(device, Uint8Array.of(1, 0, layout === 'packed' ? 1 : 0), 0, 3);
    }
    driver.driverOk();
    for (const queue of [RX, TX, CTRL]) expect(driver.ring(queue).needsKick()).toBe(true);
  });

  it('PACK-EVT-01: flags that the driver may not write are told, with their queue', () => {
    const bench = new DeviceBench({ offers: ALL });
    const driver = bench.driver({ layout: 'packed' });
    driver.packedRing(TX).setDriverEvent(0, 3);
    for (let i = 0; i < 3; i++) driver.transmit(frame);
    expect(bench.eventsOf('guest-error')).toMatchObject([{ code: 'event-flags-reserved', queue: TX }]);
    expect(bench.interrupts()).toEqual([TX, TX, TX]);
  });
});
