import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG } from '../testing/driver-ports.ts';
import { CTRL, type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { findCapability, MESSAGE_ADDRESS, MESSAGE_DATA, MsixDriver } from '../testing/msix-driver.ts';
import { rxModeCommand } from '../testing/command-bytes.ts';

const CAP_ID_MSIX = 0x11;
const NO_VECTOR = 0xffff;
const INTERRUPT_STATUS = 8;
const CONFIG_VECTOR = 0;

let bench: DeviceBench;
let driver: FakeDriver;
let msix: MsixDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver({ interrupts: 'msix' });
  msix = driver.msix as MsixDriver;
  driver.postReceive(8);
});

/** Vectors of the messages since the last look. */
function vectors(): number[] {
  return bench.messages.splice(0).map(({ data }) => data - MESSAGE_DATA);
}

function receive(): void {
  bench.receive(2, new Uint8Array(60));
  bench.device.flush();
}

function mapQueue(queue: number, vector: number): number {
  driver.select(queue);
  driver.common.write(REG.queue_msix_vector, 2, vector);
  return driver.common.read(REG.queue_msix_vector, 2);
}

describe('the MSI-X capability', () => {
  it('PCI-MSIX-01, PCI-MSIX-02, PCI-MSIX-03: one vector for each event, encoded as one less', () => {
    for (const queuePairs of [1, 11]) {
      const { ports } = new DeviceBench({ queuePairs });
      const capability = findCapability(ports, CAP_ID_MSIX);
      expect(ports.configRead(capability + 2, 2)).toBe(2 * queuePairs + 1);
    }
  });

  it('PCI-BUS-01: table and pending bits lie apart in a memory BAR; only enable and function mask can be written', () => {
    const { ports } = bench;
    const [table, pba] = [4, 8].map((at) => ports.configRead(msix.capability + at, 4)) as [number, number];
    expect([table % 8, pba % 8]).toEqual([1, 1]);
    expect(ports.configRead(0x10 + 4 * 1, 4) & 1, 'memory').toBe(0);
    expect(pba - (table - (table % 8))).toBeGreaterThanOrEqual(16 * msix.vectors);
    msix.control = 0xffff;
    expect(msix.control).toBe(0xc000 | (msix.vectors - 1));
    ports.configWrite(msix.capability + 3, 1, 0x80);
    expect(msix.control).toBe(0x8000 | (msix.vectors - 1));
    ports.configWrite(msix.capability, 4, 0);
    expect(msix.control).toBe(msix.vectors - 1);
    ports.configWrite(msix.capability + 4, 4, 0);
    expect(ports.configRead(msix.capability + 4, 4)).toBe(table);
  });

  it.each([
    ['a machine that carries no messages', { messages: false }],
    ['a function that shall not have it', { msix: false }],
  ])('is absent in %s, and vectors cannot be mapped', (_name, options) => {
    bench = new DeviceBench(options);
    expect(findCapability(bench.ports, CAP_ID_MSIX)).toBe(0);
    expect(bench.ports.configRead(0x14, 4)).toBe(0);
    driver = bench.driver();
    expect(mapQueue(RX, 0)).toBe(NO_VECTOR);
    expect(bench.errors()).toEqual(['bad-vector']);
    expect(bench.device.barRead(1, 0, 4)).toBe(0);
    driver.postReceive(1);
    receive();
    expect(bench.pin.high).toBe(true);
  });

  it('after power-on it is disabled and every vector is masked', () => {
    const fresh = new MsixDriver(new DeviceBench().ports);
    expect(fresh.control & 0xc000).toBe(0);
    for (let vector = 0; vector < fresh.vectors; vector++) {
      expect([0, 4, 8, 12].map((at) => fresh.read(vector, at))).toEqual([0, 0, 0, 1]);
      expect(fresh.pending(vector)).toBe(false);
    }
  });
});

describe('mapping', () => {
  it('PCI-MSIX-04: any event can have any vector', async () => {
    for (const vector of [0, 1, 2, 3]) {
      for (const queue of [RX, TX, CTRL]) expect(mapQueue(queue, vector)).toBe(vector);
      driver.common.write(REG.config_msix_vector, 2, vector);
      expect(driver.common.read(REG.config_msix_vector, 2)).toBe(vector);
      receive();
      driver.transmit(new Uint8Array(60));
      bench.device.setLinkUp(vector % 2 === 1);
      await driver.command(rxModeCommand(0, 1));
      expect(vectors()).toEqual([vector, vector, vector, vector]);
    }
    expect(bench.errors()).toEqual([]);
  });

  it('each event has its own vector, and counts as an interrupt of its queue', () => {
    receive();
    driver.transmit(new Uint8Array(60));
    bench.device.setLinkUp(false);
    expect(bench.messages.map(({ address }) => address)).toEqual(Array(3).fill(MESSAGE_ADDRESS));
    expect(vectors()).toEqual([RX + 1, TX + 1, CONFIG_VECTOR]);
    expect(bench.interrupts()).toEqual([RX, TX]);
  });

  it('PCI-MSIX-05, PCI-MSIX-06, PCI-INTR-01: an unmapped queue reads 0xffff and is silent', () => {
    expect(mapQueue(RX, NO_VECTOR)).toBe(NO_VECTOR);
    receive();
    expect(vectors()).toEqual([]);
    expect(bench.pin.raised).toBe(0);
    expect(bench.interrupts()).toEqual([]);
    expect(driver.collect()).toHaveLength(1);
    expect(bench.errors()).toEqual([]);
  });

  it('PCI-MSIX-05, PCI-MSIX-06, PCI-INTR-02: an unmapped configuration event reads 0xffff and is silent', () => {
    driver.common.write(REG.config_msix_vector, 2, NO_VECTOR);
    expect(driver.common.read(REG.config_msix_vector, 2)).toBe(NO_VECTOR);
    bench.device.setLinkUp(false);
    expect(vectors()).toEqual([]);
    expect(bench.pin.raised).toBe(0);
  });

  it('PCI-MSIX-08, PCI-MSIX-09: a vector that is not in the table reads back 0xffff, every other one works', () => {
    for (let vector = 0; vector < msix.vectors; vector++) expect(mapQueue(TX, vector)).toBe(vector);
    for (const vector of [msix.vectors, 0x7ff, 0xfffe]) {
      mapQueue(TX, 1);
      expect(mapQueue(TX, vector)).toBe(NO_VECTOR);
      driver.common.write(REG.config_msix_vector, 2, vector);
      expect(driver.common.read(REG.config_msix_vector, 2)).toBe(NO_VECTOR);
    }
    expect(bench.errors()).toEqual(Array(6).fill('bad-vector'));
    const queues = bench.eventsOf('guest-error').map(({ queue }) => queue);
    expect(queues, 'the configuration is no queue').toEqual([TX, null, TX, null, TX, null]);
  });

  it('PCI-MSIX-07: after a reset everything is unmapped, and the table stays', () => {
    driver.writeStatus(0);
    for (const queue of [RX, TX, CTRL]) {
      driver.select(queue);
      expect(driver.common.read(REG.queue_msix_vector, 2)).toBe(NO_VECTOR);
    }
    expect(driver.common.read(REG.config_msix_vector, 2)).toBe(NO_VECTOR);
    expect(msix.read(2, 8)).toBe(MESSAGE_DATA + 2);
    expect(msix.control & 0x8000).toBe(0x8000);
  });

  it('a queue that does not exist reads 0xffff', () => {
    expect(mapQueue(9, 1)).toBe(NO_VECTOR);
    expect(bench.errors()).toEqual(['no-such-queue']);
  });
});

describe('INTx and ISR beside MSI-X', () => {
  it('PCI-ISR-02: bit 1 is set for a configuration change with MSI-X too, and no pin goes up', () => {
    bench.device.setLinkUp(false);
    expect(vectors()).toEqual([CONFIG_VECTOR]);
    expect(bench.pin.raised).toBe(0);
    expect(bench.ports.configRead(6, 2) & INTERRUPT_STATUS).toBe(0);
    expect(driver.readIsr()).toBe(2);
    expect(driver.readIsr()).toBe(0);
  });

  it('PCI-ISR-03: used buffers set no bit', () => {
    receive();
    expect(driver.readIsr()).toBe(0);
  });

  it('INTx takes over where MSI-X is disabled', () => {
    bench.device.setLinkUp(false);
    vectors();
    msix.disable();
    expect(bench.pin.high, 'the change that nobody has seen').toBe(true);
    expect(driver.readIsr()).toBe(2);
    expect(bench.pin.high).toBe(false);
    receive();
    expect(bench.pin.high).toBe(true);
    expect(vectors()).toEqual([]);
    msix.setUp();
    expect(bench.pin.high).toBe(false);
  });
});
