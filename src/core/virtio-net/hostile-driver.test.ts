import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';

const access = fc.record({
  kind: fc.constantFrom('bar', 'bar', 'bar', 'config'),
  offset: fc.oneof(fc.nat(0x1ff), fc.constantFrom(20, 22, 28, 0x84, 0x94, 0x100, 0x104, 0x108)),
  width: fc.constantFrom(1, 2, 4),
  value: fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 2, 3, 4, 8, 11, 15, 64, 128, 0x200, -1)),
  read: fc.boolean(),
});

describe('a driver that does anything', () => {
  it('no sequence of register accesses makes the device throw or break its own rules', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 80 }), fc.boolean(), (accesses, initialised) => {
        const bench = new DeviceBench({ memorySize: 0x8000 });
        if (initialised) bench.driver({ queueSizes: [8, 8, 8] });
        for (const { kind, offset, width, value, read } of accesses) {
          if (kind === 'config') {
            if (read) bench.ports.configRead(offset & 0xff, width);
            else bench.ports.configWrite(offset & 0xff, width, value);
          } else if (read) {
            const result = bench.device.barRead(4, offset, width);
            expect(result).toBeGreaterThanOrEqual(0);
            expect(result).toBeLessThan(2 ** (8 * width));
          } else {
            bench.device.barWrite(4, offset, width, value);
          }
          bench.receive(2, new Uint8Array(60));
          bench.device.flush();
          const { status } = bench.device.describe();
          if (status & 4) expect(status & 8).toBe(8);
          if (status & 8) expect(bench.device.describe().features.negotiated).not.toBe('0x0000000000000000');
          if (status === 0) expect(bench.pin.high).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('no bytes in guest memory make the device throw, loop or write outside of RAM', () => {
    const words = fc.array(fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffff_ffff)), {
      minLength: 64,
      maxLength: 64,
    });
    fc.assert(
      fc.property(words, fc.nat(), fc.nat(), (garbage, seed, at) => {
        const bench = new DeviceBench({ memorySize: 0x4000 });
        const driver = bench.driver({ seed, queueSizes: [8, 8, 8] });
        driver.queueFrame(new Uint8Array(60), { layout: 'indirect' });
        driver.queueCommand(Uint8Array.of(0, 0, 1), { split: [1, 1] });
        driver.postReceive(2, 200);
        const ring = driver.rings[at % 3];
        garbage.forEach((word, i) => bench.memory.writeU32((ring?.desc ?? 0) + 4 * i, word));
        for (const queue of [0, 1, 2]) driver.kick(queue);
        bench.receive(2, new Uint8Array(100));
        bench.device.flush();
        expect(bench.fates()).toHaveLength(1);
        driver.reset();
        expect(driver.initialise()).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
