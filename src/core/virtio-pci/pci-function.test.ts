import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { STATUS } from '../testing/driver-ports.ts';
import { findCapability } from '../testing/msix-driver.ts';
import { PciFunction, type PciFunctionOptions } from './pci-function.ts';

const CAP_ID_MSIX = 0x11;
const COMMAND = 4;

let bench: DeviceBench;

beforeEach(() => {
  bench = new DeviceBench();
});

function become(transitional: boolean, msix: boolean): void {
  const { features, ctrlMacAddr } = bench.device.describe().personality;
  expect(bench.device.setPersonality({ features, ctrlMacAddr, transitional, msix })).toMatchObject({ ok: true });
}

/** Device id, and whether there is an MSI-X capability. */
function seen(): [number, boolean] {
  return [bench.ports.configRead(2, 2), findCapability(bench.ports, CAP_ID_MSIX) !== 0];
}

describe('what the function is', () => {
  it('a device with more queues than there are doorbells has no place in it', () => {
    const queueSpecs = Array.from({ length: 65 }, () => ({ maximumSize: 4 }));
    const options = { device: { queueSpecs, configSize: 0 } } as unknown as PciFunctionOptions;
    expect(() => new PciFunction(options)).toThrow('more queues than doorbells');
  });

  it('a machine without messages has no BAR for their table', () => {
    expect(new DeviceBench({ messages: false }).device.bars.map(({ index }) => index)).toEqual([0, 4]);
    expect(bench.device.bars.map(({ index }) => index)).toEqual([0, 1, 4]);
  });

  it('changes at once while nobody drives it', () => {
    become(true, false);
    expect(seen()).toEqual([0x1000, false]);
    become(false, true);
    expect(seen()).toEqual([0x1041, true]);
    expect(bench.eventsOf('personality').map(({ transitional, msix }) => [transitional, msix])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('stays while a driver has it, and changes when the driver lets go: reset, and bus mastering off', () => {
    const driver = bench.driver({ interrupts: 'msix' });
    become(true, false);
    expect(seen()).toEqual([0x1041, true]);
    driver.writeStatus(0);
    expect(seen()).toEqual([0x1041, true]);
    bench.ports.configWrite(COMMAND, 2, 3);
    expect(seen()).toEqual([0x1000, false]);
    expect(bench.device.describe().status).toBe(0);
  });

  it('changes under a driver that only acknowledged the device, as Linux leaves one that it unbinds', () => {
    const driver = bench.driver();
    driver.writeStatus(0);
    driver.addStatus(STATUS.ACKNOWLEDGE);
    become(true, true);
    bench.ports.configWrite(COMMAND, 2, 3);
    expect(seen()).toEqual([0x1000, true]);
    expect(bench.device.describe().status).toBe(0);
  });

  it('changes with a reset of the machine, whoever had it', () => {
    bench.driver();
    become(true, false);
    bench.device.machineReset();
    expect(seen()).toEqual([0x1000, false]);
    expect(bench.driver({ transport: 'legacy' }).status).toBe(7);
  });

  it('keeps the BAR registers of what it shows with the machine, and hides the others', () => {
    const machines = (): boolean[] =>
      [0, 1, 2, 3, 4, 5].map((bar) => bench.device.pciConfigRead(0x10 + 4 * bar, 4) === undefined);
    expect(machines()).toEqual([false, true, false, false, true, false]);
    expect(bench.device.pciConfigWrite(0x10, 4, 0xffff_ffff), 'claimed').toBe(true);
    expect(bench.device.pciConfigRead(0x10, 4)).toBe(0);
    expect(bench.device.pciConfigWrite(0x14, 4, 0xffff_ffff), 'the machine’s').toBe(false);
    become(true, false);
    expect(machines()).toEqual([true, false, false, false, true, false]);
  });

  it('survives a snapshot, and so does what a script chose meanwhile', () => {
    become(true, false);
    const other = new DeviceBench({ memory: bench.memory });
    expect(other.device.restore(JSON.parse(JSON.stringify(bench.device.snapshot())))).toEqual({ ok: true });
    expect(other.ports.configRead(2, 2)).toBe(0x1000);
    other.device.machineReset();
    expect(other.ports.configRead(2, 2)).toBe(0x1041);
  });
});
