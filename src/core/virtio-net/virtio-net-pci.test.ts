import { describe, expect, it } from 'vitest';
import { macTableSet, rxModeCommand } from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';

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
    expect(bench.sent).toEqual([{ id: 1, frame: frame(80, 3) }]);
    expect(driver.reapTransmitted()).toHaveLength(1);
    expect(await driver.command(rxModeCommand(0, 1))).toBe(0);
    expect(await driver.command(macTableSet(['02:00:00:00:00:05'], ['01:00:5e:00:00:01']))).toBe(0);
    expect(await driver.command(rxModeCommand(2, 1))).toBe(1);
    expect(bench.device.describe().rxMode.promisc).toBe(true);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
  });
});
