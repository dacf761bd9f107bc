import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { type FakeDriver, RX } from '../testing/fake-driver.ts';

const COMMAND = 4;
const STATUS = 6;
const INTX_DISABLE = 0x400;
const INTERRUPT_STATUS = 8;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver();
  driver.postReceive(8);
});

function receive(): void {
  bench.receive(2, new Uint8Array(60));
  bench.device.flush();
}

describe('INTx', () => {
  it('PCI-ISR-03: bit 0 is set for a used buffer', () => {
    receive();
    expect(bench.pin.high).toBe(true);
    expect(driver.readIsr()).toBe(1);
  });

  it('PCI-ISR-02: bit 1 is set for a configuration change', () => {
    bench.device.setLinkUp(false);
    expect(bench.pin.high).toBe(true);
    expect(driver.readIsr()).toBe(2);
  });

  it('PCI-INTR-03: one interrupt may stand for both', () => {
    receive();
    bench.device.setLinkUp(false);
    expect(bench.pin.raised).toBe(1);
    expect(driver.readIsr()).toBe(3);
  });

  it('PCI-ISR-06: reading clears, and lowers the pin', () => {
    receive();
    driver.readIsr();
    expect(bench.pin.high).toBe(false);
    expect(driver.readIsr()).toBe(0);
  });

  it('a wide read of the ISR acknowledges too; the bytes above it do nothing', () => {
    receive();
    expect(bench.device.barRead(4, 0x41, 1)).toBe(0);
    expect(bench.pin.high).toBe(true);
    expect(bench.device.barRead(4, 0x40, 4)).toBe(1);
    expect(bench.pin.high).toBe(false);
  });

  it('PCI-ISR-04: PCI status shows a pending interrupt', () => {
    expect(bench.ports.configRead(STATUS, 2) & INTERRUPT_STATUS).toBe(0);
    receive();
    expect(bench.ports.configRead(STATUS, 2) & INTERRUPT_STATUS).toBe(INTERRUPT_STATUS);
    expect(bench.ports.configRead(COMMAND, 4) >>> 16).toBe(0x18);
    driver.readIsr();
    expect(bench.ports.configRead(STATUS, 2) & INTERRUPT_STATUS).toBe(0);
  });

  it('PCI-ISR-05: the INTx disable bit holds the pin down, and pending stays pending', () => {
    bench.ports.configWrite(COMMAND, 2, 7 | INTX_DISABLE);
    receive();
    expect(bench.pin.high).toBe(false);
    expect(bench.ports.configRead(STATUS, 2) & INTERRUPT_STATUS).toBe(INTERRUPT_STATUS);
    bench.ports.configWrite(COMMAND, 2, 7);
    expect(bench.pin.high).toBe(true);
  });

  it('the command register keeps its writable bits, byte by byte; status is read-only', () => {
    bench.ports.configWrite(COMMAND, 4, 0xffff_ffff);
    expect(bench.ports.configRead(COMMAND, 4)).toBe(0x0010_0547);
    bench.ports.configWrite(COMMAND + 1, 1, 0);
    expect(bench.ports.configRead(COMMAND, 2)).toBe(0x0047);
    expect(bench.device.pciConfigRead(0x20, 4)).toBeUndefined();
    expect(bench.device.pciConfigWrite(0x3c, 1, 5)).toBe(false);
  });

  it('SPLIT-USUP-02: a driver that asked for silence is not interrupted', () => {
    driver.ring(RX).suppressInterrupts(true);
    receive();
    expect(bench.pin.raised).toBe(0);
    expect(driver.collect()).toHaveLength(1);
    driver.ring(RX).suppressInterrupts(false);
    receive();
    expect(bench.pin.raised).toBe(1);
    expect(bench.interrupts()).toEqual([RX]);
  });

  it('one flush interrupts once for many frames', () => {
    for (let id = 2; id < 12; id += 2) bench.receive(id, new Uint8Array(60));
    expect(bench.pin.raised).toBe(0);
    bench.device.flush();
    bench.device.flush();
    expect(bench.interrupts()).toEqual([RX]);
  });
});

describe('config_generation', () => {
  const generation = (): number => driver.common.read(21, 1);

  it('PCI-COMMON-06: differs after a change, and only then', () => {
    const first = generation();
    expect(generation()).toBe(first);
    bench.device.setLinkUp(false);
    expect(driver.device.read(6, 2)).toBe(0);
    const second = generation();
    expect(second).not.toBe(first);
    expect(generation()).toBe(second);
  });

  it('PCI-COMMON-06: 256 changes do not look like none', () => {
    const first = generation();
    for (let i = 0; i < 128; i++) {
      bench.device.setLinkUp(false);
      bench.device.setLinkUp(true);
    }
    expect(generation()).not.toBe(first);
  });

  it('a change before DRIVER_OK is not notified', () => {
    driver.reset();
    bench.device.setLinkUp(false);
    expect(bench.pin.high).toBe(false);
    expect(generation()).toBe(1);
  });
});
