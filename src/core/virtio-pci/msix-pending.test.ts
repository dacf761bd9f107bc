import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG } from '../testing/driver-ports.ts';
import { type FakeDriver, RX, TX } from '../testing/fake-driver.ts';
import { MESSAGE_ADDRESS, MESSAGE_DATA, MsixDriver } from '../testing/msix-driver.ts';

const NO_VECTOR = 0xffff;
const COMMAND = 4;
const BUS_MASTER = 4;
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

describe('masks and pending bits', () => {
  it('a masked vector holds its message back, once, until it is unmasked', () => {
    msix.mask(RX + 1, true);
    receive();
    receive();
    expect(vectors()).toEqual([]);
    expect(msix.pending(RX + 1)).toBe(true);
    expect(msix.pending(TX + 1)).toBe(false);
    driver.transmit(new Uint8Array(60));
    expect(vectors()).toEqual([TX + 1]);
    msix.mask(RX + 1, false);
    expect(vectors()).toEqual([RX + 1]);
    expect(msix.pending(RX + 1)).toBe(false);
    msix.mask(RX + 1, true);
    msix.mask(RX + 1, false);
    expect(vectors()).toEqual([]);
  });

  it('the function mask holds all back', () => {
    msix.maskFunction(true);
    receive();
    driver.transmit(new Uint8Array(60));
    bench.device.setLinkUp(false);
    expect(vectors()).toEqual([]);
    expect([0, 1, 2, 3].map((vector) => msix.pending(vector))).toEqual([true, true, true, false]);
    msix.maskFunction(false);
    expect(vectors()).toEqual([CONFIG_VECTOR, RX + 1, TX + 1]);
  });

  it('PCI-BUS-01: without bus mastering no message goes out; it does when mastering is back', () => {
    bench.ports.configWrite(COMMAND, 2, 3);
    bench.device.setLinkUp(false);
    expect(vectors()).toEqual([]);
    expect(msix.pending(CONFIG_VECTOR)).toBe(true);
    bench.ports.configWrite(COMMAND, 2, 3 | BUS_MASTER);
    expect(vectors()).toEqual([CONFIG_VECTOR]);
  });

  it('PCI-INTR-01, BASE-RESET-02: what is held back is dropped with its mapping, and by a reset', () => {
    msix.mask(RX + 1, true);
    receive();
    mapQueue(RX, NO_VECTOR);
    expect(msix.pending(RX + 1)).toBe(false);
    msix.mask(RX + 1, false);
    mapQueue(RX, RX + 1);
    msix.mask(RX + 1, true);
    receive();
    expect(msix.pending(RX + 1)).toBe(true);
    driver.writeStatus(0);
    msix.mask(RX + 1, false);
    expect(vectors()).toEqual([]);
  });

  it('a vector that two events share keeps what the other one sent', () => {
    mapQueue(TX, RX + 1);
    msix.mask(RX + 1, true);
    receive();
    mapQueue(TX, NO_VECTOR);
    msix.mask(RX + 1, false);
    expect(vectors()).toEqual([RX + 1]);
  });

  it('a message goes where the entry says, with all 64 bits of address; pending bits cannot be written', () => {
    msix.program(RX + 1, 0x12_3456_789b, 0xcafe_f00d);
    receive();
    expect(bench.messages).toEqual([{ address: 0x12_3456_7898, data: 0xcafe_f00d }]);
    bench.device.barWrite(1, 0x800, 4, 0xf);
    expect(msix.pending(0)).toBe(false);
  });

  it('any width at any offset of the table gives the same, and nothing lies behind', () => {
    fc.assert(
      fc.property(fc.nat(0xfff), fc.constantFrom(1, 2, 4), fc.nat(0xffff_ffff), (offset, width, value) => {
        bench.device.barWrite(1, offset, width, value);
        const bytes = Array.from({ length: width }, (_, i) => bench.device.barRead(1, offset + i, 1));
        const whole = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
        expect(bench.device.barRead(1, offset, width)).toBe(whole);
        for (let vector = 0; vector < msix.vectors; vector++) expect(msix.read(vector, 12) >>> 1).toBe(0);
        if (offset >= 16 * msix.vectors) expect(whole).toBe(0);
      }),
    );
  });

  it('of vector control there is one bit; behind the table and the pending bits there is nothing', () => {
    bench.device.barWrite(1, 12, 4, 0xffff_ffff);
    expect(bench.device.barRead(1, 12, 4)).toBe(1);
    bench.device.barWrite(1, 12, 4, 0xffff_fffe);
    expect(bench.device.barRead(1, 12, 4)).toBe(0);
    for (const offset of [16 * msix.vectors, 0x7ff, 0x808]) expect(bench.device.barRead(1, offset, 1)).toBe(0);
  });

  it('a machine reset disables, masks and forgets', () => {
    msix.mask(RX + 1, true);
    receive();
    bench.device.machineReset();
    expect(msix.control & 0xc000).toBe(0);
    expect(msix.read(RX + 1, 8)).toBe(0);
    expect(msix.read(RX + 1, 12)).toBe(1);
    expect(msix.pending(RX + 1)).toBe(false);
    expect(driver.initialise()).toBe(true);
    vectors();
    driver.postReceive(1);
    receive();
    expect(vectors()).toEqual([RX + 1]);
  });
});

describe('a snapshot', () => {
  it('keeps table, mapping and what is pending', () => {
    msix.mask(RX + 1, true);
    receive();
    const state: unknown = JSON.parse(JSON.stringify(bench.device.snapshot()));
    const other = new DeviceBench({ memory: bench.memory });
    expect(other.device.restore(state)).toEqual({ ok: true });
    const there = new MsixDriver(other.ports);
    expect(there.pending(RX + 1)).toBe(true);
    expect(other.messages).toEqual([]);
    there.mask(RX + 1, false);
    expect(other.messages).toEqual([{ address: MESSAGE_ADDRESS, data: MESSAGE_DATA + RX + 1 }]);
  });

  it('is refused by a machine that carries no messages', () => {
    const other = new DeviceBench({ memory: bench.memory, messages: false });
    expect(other.device.restore(bench.device.snapshot())).toMatchObject({ ok: false });
  });
});
