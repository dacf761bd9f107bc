import { beforeEach, describe, expect, it } from 'vitest';
import { macTableSet } from '../testing/command-bytes.ts';
import { DeviceBench, type DeviceBenchOptions } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { LEGACY } from '../testing/legacy-registers.ts';
import { MESSAGE_DATA } from '../testing/msix-driver.ts';

const MRG_RXBUF = 1n << 15n;
const CTRL_RX = 1n << 18n;
const NOTIFY_ON_EMPTY = 1n << 24n;
const RING_PACKED = 1n << 34n;
const { ACKNOWLEDGE, DRIVER, DRIVER_OK } = STATUS;
const LEGACY_RUNNING = ACKNOWLEDGE | DRIVER | DRIVER_OK;
const BAR = 0;
const PAGE = 4096;

const options: DeviceBenchOptions = { transitional: true, offers: CTRL_RX | RING_PACKED };
let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench(options);
  driver = bench.driver({ transport: 'legacy', initialise: false });
});

const write = (offset: number, width: number, value: number): void => bench.device.barWrite(BAR, offset, width, value);
const frame = new Uint8Array(60).map((_, i) => i);
const receive = (): void => {
  bench.receive(2, frame);
  bench.device.flush();
};

describe('a legacy driver', () => {
  it.each([
    ['INTx', 'intx', 0n],
    ['MSI-X', 'msix', 0n],
    ['INTx and merged buffers', 'intx', MRG_RXBUF],
  ] as const)(
    'LEG-03, LEG-17, LEG-18: receives, transmits and takes commands, with %s',
    async (_name, interrupts, mrg) => {
      bench = new DeviceBench({ ...options, offers: CTRL_RX | MRG_RXBUF });
      driver = bench.driver({ transport: 'legacy', interrupts, refused: MRG_RXBUF & ~mrg });
      const header = mrg ? 12 : 10;
      driver.postReceive(4);
      receive();
      const [received] = driver.collect();
      expect(received?.header).toHaveLength(header);
      expect(received?.frame).toEqual(frame);
      driver.transmit(frame);
      expect(bench.sent[0]?.frame).toEqual(frame);
      expect(await driver.command(macTableSet(['02:00:00:00:00:07'], ['01:00:5e:00:00:01']))).toBe(0);
      const [command] = bench.hostEvents.filter(({ type }) => type === 'command');
      expect(command).toMatchObject({ command: { type: 'mac-table-set', unicast: [0x02_00_00_00_00_07] } });
      if (interrupts === 'msix') {
        expect(bench.messages.map(({ data }) => data - MESSAGE_DATA)).toEqual([RX + 1, TX + 1, CTRL + 1]);
        expect(bench.pin.raised).toBe(0);
      } else {
        expect(driver.readIsr()).toBe(1);
      }
      expect(bench.errors()).toEqual([]);
    },
  );

  it('LEG-05: may use its queues before DRIVER_OK, and is told of it', () => {
    driver.acknowledge();
    driver.negotiate();
    driver.setUpQueues();
    driver.postReceive(1);
    driver.transmit(frame);
    receive();
    expect(bench.sent).toHaveLength(1);
    expect(driver.collect()).toHaveLength(1);
    expect(bench.pin.high).toBe(true);
    expect(bench.errors()).toEqual([]);
  });

  it('LEG-24: is told when a queue ran out of buffers, whatever it suppressed', () => {
    for (const notifyOnEmpty of [false, true]) {
      bench = new DeviceBench(options);
      driver = bench.driver({
        transport: 'legacy',
        features: notifyOnEmpty ? NOTIFY_ON_EMPTY : 0n,
      });
      driver.ring(TX).suppressInterrupts(true);
      driver.transmit(frame);
      expect(bench.pin.high).toBe(notifyOnEmpty);
    }
  });

  it('LEG-01: is one until reset, and so long the modern registers are not served', () => {
    driver.initialise();
    driver.common.write(REG.queue_select, 2, TX);
    driver.common.write(REG.queue_enable, 2, 1);
    driver.common.write(REG.device_status, 1, 15);
    bench.device.barWrite(4, 0x100 + 4 * TX, 2, TX);
    expect(bench.errors()).toEqual(Array(3).fill('interface-mixed'));
    driver.common.write(REG.device_status, 1, 0);
    expect(driver.status).toBe(0);
    expect(bench.driver().status).toBe(15);
  });

  it('finds its registers not served while a modern driver is in charge', () => {
    bench.driver();
    driver.select(TX);
    write(LEGACY.queue_address, 4, 0);
    write(LEGACY.queue_notify, 2, TX);
    write(LEGACY.driver_features, 4, 0);
    write(LEGACY.device_status, 1, LEGACY_RUNNING);
    expect(bench.errors()).toEqual(Array(4).fill('interface-mixed'));
    expect(bench.device.describe().status).toBe(15);
  });

  it('may say after its reset that there is no queue and no vector, as Linux does', () => {
    driver = bench.driver({ transport: 'legacy', interrupts: 'msix' });
    driver.writeStatus(0);
    driver.select(TX);
    write(LEGACY.queue_msix_vector, 2, 0xffff);
    write(LEGACY.queue_address, 4, 0);
    write(LEGACY.config_msix_vector, 2, 0xffff);
    expect(bench.errors()).toEqual([]);
    write(LEGACY.queue_address, 4, 1);
    write(LEGACY.queue_msix_vector, 2, 1);
    expect(bench.errors()).toEqual(['interface-mixed', 'interface-mixed']);
  });

  it('survives a snapshot', async () => {
    driver.initialise();
    driver.postReceive(2);
    driver.select(TX);
    const other = new DeviceBench({ ...options, memory: bench.memory });
    other.device.machineReset();
    expect(other.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    expect(other.device.barRead(BAR, LEGACY.device_status, 1)).toBe(LEGACY_RUNNING);
    expect(other.device.barRead(BAR, LEGACY.queue_select, 2)).toBe(TX);
    expect(other.device.barRead(BAR, LEGACY.queue_address, 4)).toBe(driver.ring(TX).desc / PAGE);
    other.receive(2, frame);
    other.device.flush();
    expect(driver.collect()).toHaveLength(1);
    expect(other.pin.high).toBe(true);
    await Promise.resolve();
  });

  it('a snapshot of one is refused if the function would not be transitional', () => {
    driver.initialise();
    const state = JSON.parse(JSON.stringify(bench.device.snapshot())) as { function: { kind: object } };
    state.function.kind = { transitional: false, msix: true };
    expect(new DeviceBench({ memory: bench.memory }).device.restore(state)).toMatchObject({ ok: false });
  });
});
