import { describe, expect, it } from 'vitest';
import { macTableSet, rxModeCommand } from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';

const frame = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

describe('end to end', () => {
  it('initialises, receives, transmits and takes commands', async () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    expect(driver.status).toBe(15);
    driver.postReceive(4);
    bench.receive(2, frame(60));
    bench.device.flush();
    const [received] = driver.collect();
    expect(received?.frame).toEqual(frame(60));
    expect([...(received?.header ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(bench.pin.high).toBe(true);
    expect(driver.readIsr()).toBe(1);
    expect(bench.pin.high).toBe(false);
    driver.transmit(frame(80, 3));
    expect(bench.sent).toMatchObject([{ id: 1, frame: frame(80, 3) }]);
    expect(driver.reapTransmitted()).toHaveLength(1);
    expect(await driver.command(rxModeCommand(0, 1))).toBe(0);
    expect(await driver.command(macTableSet(['02:00:00:00:00:05'], ['01:00:5e:00:00:01']))).toBe(0);
    expect(await driver.command(rxModeCommand(2, 1))).toBe(1);
    expect(bench.device.describe().rxMode.promisc).toBe(true);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
  });
});

describe('a machine reset', () => {
  it('does not raise the pin on its way, with INTx disabled and the ISR set', () => {
    const bench = new DeviceBench();
    bench.driver().postReceive(1);
    bench.ports.configWrite(4, 2, 0x404);
    bench.receive(2, frame(60));
    bench.device.flush();
    expect(bench.ports.configRead(6, 2) & 8).toBe(8);
    bench.device.machineReset();
    expect(bench.pin).toEqual({ high: false, raised: 0, lowered: 0 });
  });
});

describe('a host that fails', () => {
  it.each(['reset', 'negotiated'] as const)(
    'to hear of a %s leaves a device that needs a reset, and says so',
    async (type) => {
      const bench = new DeviceBench({
        host: (event) => (event.type === type ? Promise.reject(new Error('port closed')) : HOST_OK),
      });
      const driver = bench.driver();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      expect(driver.status).toBe(15 | 64);
      expect(bench.eventsOf('needs-reset')).toEqual([{ type: 'needs-reset', reason: 'The host did not answer.' }]);
      expect(driver.readIsr()).toBe(2);
    },
  );
});

describe('what the device is told to be', () => {
  it('is offered at the next reset, and told', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    const features = (1n << 17n) | (1n << 32n);
    const personality = { features, transitional: false, msix: true, ctrlMacAddr: false };
    expect(bench.device.setPersonality(personality)).toEqual({ ok: true, personality });
    expect(bench.eventsOf('offers-changed')).toEqual([{ type: 'offers-changed', next: '0x0000000100020000' }]);
    expect(bench.device.describe().features.offered).not.toBe('0x0000000100020000');
    driver.reset();
    expect(bench.device.describe().features.offered).toBe('0x0000000100020000');
  });

  it('and stays what it is if it cannot be that', () => {
    const bench = new DeviceBench();
    const before = bench.device.describe().personality;
    expect(bench.device.setPersonality({ features: 0n, transitional: false, msix: true })).toMatchObject({ ok: false });
    expect(bench.device.describe().personality).toEqual(before);
    expect(bench.eventsOf('offers-changed')).toEqual([]);
  });
});

describe('a description', () => {
  it.each([
    ['msix', [1, 2, 3]],
    ['intx', [null, null, null]],
  ] as const)('names the vectors of queues: %s', (interrupts, vectors) => {
    const bench = new DeviceBench();
    bench.driver({ interrupts });
    expect(bench.device.describe().queues.map(({ vector }) => vector)).toEqual(vectors);
  });
});

describe('a machine that carries no messages', () => {
  it('goes through its life without MSI-X', () => {
    const options = { messages: false, memorySize: 0x10_0000 };
    const bench = new DeviceBench(options);
    const driver = bench.driver();
    driver.postReceive(4);
    bench.receive(2, frame(60));
    bench.device.flush();
    expect(bench.pin.high).toBe(true);
    // Vectors can be asked for, and none is mapped.
    driver.common.write(16, 2, 0);
    expect(driver.common.read(16, 2)).toBe(0xffff);
    const saved: unknown = JSON.parse(JSON.stringify(bench.device.snapshot()));
    const target = new DeviceBench(options);
    target.memory.bytes.set(bench.memory.bytes);
    expect(target.device.restore(saved)).toEqual({ ok: true });
    expect(target.pin.high).toBe(true);
    expect(target.device.restore({ ...(saved as object), version: 0 })).toMatchObject({ ok: false });
    target.device.machineReset();
    expect(target.pin.high).toBe(false);
    for (const width of [1, 2, 4]) {
      expect(target.device.barRead(1, 0, width)).toBe(0);
      target.device.barWrite(1, 0, width, 1);
    }
    expect(target.messages).toEqual([]);
    expect(bench.errors()).toEqual(['bad-vector']);
  });
});
