import { beforeEach, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../host/host-model.ts';
import { rxModeCommand } from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, TX } from '../testing/fake-driver.ts';

const CTRL_RX = 1n << 18n;
const SUSPEND_FEATURE = 1n << 43n;
const NOTF_COAL = 1n << 53n;
const { ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, NEEDS_RESET, FAILED } = STATUS;
const SUSPEND = 16;
const RUNNING = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
const SUSPENDED = ACKNOWLEDGE | DRIVER | FEATURES_OK | SUSPEND;
const OFFERS = CTRL_RX | SUSPEND_FEATURE | NOTF_COAL;
const LINK_STATUS = 6;

let bench: DeviceBench;
let driver: FakeDriver;
let answers: ((answer: HostAnswer) => void)[];
let late: boolean;

beforeEach(() => {
  answers = [];
  late = false;
  bench = new DeviceBench({
    offers: OFFERS,
    host: (event) => (late && event.type === 'command' ? new Promise((resolve) => answers.push(resolve)) : HOST_OK),
  });
  driver = bench.driver();
  driver.postReceive(8);
});

const frame = new Uint8Array(60);
const suspend = (): void => driver.addStatus(SUSPEND);
const resume = (): void => driver.addStatus(DRIVER_OK);
const answer = async (): Promise<void> => {
  for (const resolve of answers.splice(0)) resolve(HOST_OK);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
};

describe('suspend', () => {
  it('SUSP-08, SUSP-09: SUSPEND takes the place of DRIVER_OK, and gives it back', () => {
    suspend();
    expect(driver.status).toBe(SUSPENDED);
    resume();
    expect(driver.status).toBe(RUNNING);
    driver.writeStatus(RUNNING | SUSPEND);
    driver.writeStatus(RUNNING);
    expect(driver.status).toBe(RUNNING);
    driver.transmit(frame);
    expect(bench.sent).toHaveLength(1);
    expect(bench.eventsOf('device-suspended').map(({ suspended }) => suspended)).toEqual([true, false, true, false]);
    expect(bench.errors()).toEqual([]);
  });

  it('SUSP-01: before DRIVER_OK the bit is ignored', () => {
    driver.reset();
    driver.acknowledge();
    driver.negotiate();
    suspend();
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    expect(bench.errors()).toEqual(['status-skipped-step']);
  });

  it('without the feature the bit does not exist', () => {
    driver = bench.driver({ refused: SUSPEND_FEATURE });
    suspend();
    expect(driver.status).toBe(RUNNING);
    expect(bench.errors()).toEqual(['status-unknown-bit']);
  });

  it('SUSP-03, SUSP-04: no queue is touched and nothing notified; what waits is taken on resuming', () => {
    driver.queueFrame(frame);
    suspend();
    const memory = bench.memory.bytes.slice();
    driver.kick(TX);
    bench.receive(2, frame);
    bench.device.flush();
    bench.device.resume();
    expect(Buffer.compare(bench.memory.bytes, memory)).toBe(0);
    expect(bench.sent).toEqual([]);
    expect(bench.fates().at(-1)?.fate).toBe('device_not_ready');
    expect(bench.pin.raised).toBe(0);
    expect(bench.errors()).toEqual(['driver-suspended']);
    resume();
    expect(bench.sent).toHaveLength(1);
    expect(driver.reapTransmitted()).toHaveLength(1);
  });

  it('SUSP-02: registers apart from the status cannot be written', () => {
    suspend();
    driver.select(TX);
    driver.common.write(REG.queue_enable, 2, 0);
    driver.common.write(REG.queue_msix_vector, 2, 1);
    driver.common.write(REG.driver_feature, 4, 1);
    driver.device.write(LINK_STATUS, 2, 0);
    expect(bench.errors()).toEqual([...Array<string>(3).fill('driver-suspended'), 'config-write']);
    expect(driver.common.read(REG.queue_msix_vector, 2)).toBe(0xffff);
  });

  it('SUSP-05, SUSP-06, SUSP-07: a change of configuration is neither shown nor told until it resumes', () => {
    const generation = driver.common.read(REG.config_generation, 1);
    suspend();
    bench.device.setLinkUp(false);
    expect(driver.device.read(LINK_STATUS, 2)).toBe(1);
    expect(driver.common.read(REG.config_generation, 1)).toBe(generation);
    expect(bench.pin.raised).toBe(0);
    resume();
    expect(driver.device.read(LINK_STATUS, 2)).toBe(0);
    expect(driver.common.read(REG.config_generation, 1)).not.toBe(generation);
    expect(bench.pin.raised).toBe(1);
    expect(driver.readIsr()).toBe(2);
  });

  it('SUSP-07: a change is told of once, and not on resuming again', () => {
    suspend();
    bench.device.setLinkUp(false);
    resume();
    expect(bench.pin.raised).toBe(1);
    driver.readIsr();
    suspend();
    resume();
    expect(bench.pin.raised).toBe(1);
  });

  it('SUSP-03: a driver that gives up meanwhile is believed, and its queues are left alone', () => {
    suspend();
    const { device } = driver.ring(TX);
    bench.memory.writeU16(device, 0x5a5a);
    driver.addStatus(FAILED);
    expect(driver.status).toBe(SUSPENDED | FAILED);
    expect(bench.memory.readU16(device)).toBe(0x5a5a);
  });

  it('SUSP-01: what else was written with it stands', () => {
    driver.reset();
    driver.writeFeatures(SUSPEND_FEATURE | (1n << 32n));
    driver.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | SUSPEND);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    expect(bench.errors()).toContain('status-skipped-step');
  });

  it('SUSP-07: nothing is told on resuming if nothing changed', () => {
    suspend();
    resume();
    expect(bench.pin.raised).toBe(0);
  });

  it('SUSP-10, SUSP-11: a command that is with the host ends first, and the next one waits', async () => {
    late = true;
    const first = driver.sendCommand(rxModeCommand(0, 1));
    const second = driver.sendCommand(rxModeCommand(1, 1));
    suspend();
    expect(driver.status).toBe(RUNNING);
    driver.kick(CTRL);
    driver.queueFrame(frame);
    driver.kick(TX);
    expect(bench.sent).toEqual([]);
    bench.receive(2, frame);
    expect(bench.fates().at(-1)?.fate).toBe('ring_not_running');
    await answer();
    expect(driver.status).toBe(SUSPENDED);
    expect(driver.ackNow(first)).toBe(0);
    expect(driver.ackNow(second)).toBeNull();
    resume();
    await answer();
    expect(driver.ackNow(second)).toBe(0);
    expect(bench.sent).toHaveLength(1);
  });

  it('SUSP-12: interrupts that were held back go out before it shows', () => {
    const coalesce = new Uint8Array([6, 1, 16, 0, 0, 0, 0xe8, 3, 0, 0]);
    expect(driver.ask(coalesce, 1).bytes[0]).toBe(0);
    bench.receive(2, frame);
    bench.device.flush();
    expect(bench.interrupts().filter((queue) => queue === 0)).toEqual([]);
    suspend();
    expect(bench.interrupts().filter((queue) => queue === 0)).toEqual([0]);
    expect(bench.timer.running).toBe(0);
  });

  it('SUSP-06, SUSP-07: a host that gives up meanwhile is told of on resuming; a reset ends the sleep', async () => {
    let giveUp: (answer: HostAnswer) => void = () => undefined;
    bench = new DeviceBench({
      offers: OFFERS,
      host: (event) => (event.type === 'negotiated' ? new Promise((resolve) => (giveUp = resolve)) : HOST_OK),
    });
    driver = bench.driver();
    suspend();
    giveUp({ ...HOST_OK, needsReset: true });
    await answer();
    expect(driver.status).toBe(SUSPENDED | NEEDS_RESET);
    expect(bench.pin.raised).toBe(0);
    resume();
    expect(driver.status).toBe(RUNNING | NEEDS_RESET);
    expect(driver.readIsr()).toBe(2);
    suspend();
    driver.writeStatus(0);
    expect(driver.status).toBe(0);
    expect(driver.initialise()).toBe(true);
    driver.transmit(frame);
    expect(bench.sent).toHaveLength(1);
  });

  it('a snapshot keeps it asleep, with what it shows', () => {
    suspend();
    bench.device.setLinkUp(false);
    const other = new DeviceBench({ memory: bench.memory, offers: OFFERS });
    expect(other.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    expect(other.device.barRead(4, 0x80 + LINK_STATUS, 2)).toBe(1);
    expect(other.device.describe().status).toBe(SUSPENDED);
    other.device.barWrite(4, REG.device_status, 1, SUSPENDED | DRIVER_OK);
    expect(other.device.describe().status).toBe(RUNNING);
    expect(other.device.barRead(4, 0x80 + LINK_STATUS, 2)).toBe(0);
    expect(other.pin.high).toBe(true);
  });

  it('one that waits for the host is saved as asleep, and the command is executed after it resumes', () => {
    late = true;
    driver.sendCommand(rxModeCommand(0, 1));
    suspend();
    const other = new DeviceBench({ memory: bench.memory, offers: OFFERS });
    expect(other.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    other.device.resume();
    expect(other.device.describe().status).toBe(SUSPENDED);
    expect(other.hostEvents).toEqual([]);
    other.device.barWrite(4, REG.device_status, 1, SUSPENDED | DRIVER_OK);
    expect(other.hostEvents.map(({ type }) => type)).toEqual(['command']);
  });
});
