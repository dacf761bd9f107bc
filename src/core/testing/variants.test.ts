import { describe, expect, it } from 'vitest';
import { rxModeCommand } from './command-bytes.ts';
import { DeviceBench } from './device-bench.ts';
import { MESSAGE_DATA } from './msix-driver.ts';
import { VARIANTS, variantBench, variantDriver, variantName } from './variants.ts';

const CTRL_RX = 1n << 18n;
/** Several laps of a small ring. */
const ROUNDS = 100;
const frame = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);

describe('every kind of driver', () => {
  it('is there: a legacy one knows no packed ring', () => {
    expect(VARIANTS).toHaveLength(12);
    expect(VARIANTS.filter(({ transport, layout }) => transport === 'legacy' && layout === 'packed')).toEqual([]);
  });

  it.each(VARIANTS.map((variant) => [variantName(variant), variant] as const))(
    'LEG-02, LEG-17: %s: frames both ways, commands, and an interrupt for each',
    async (_name, variant) => {
      const bench = new DeviceBench(variantBench(variant, CTRL_RX));
      const driver = bench.driver({
        ...variantDriver(variant),
        ...(variant.transport === 'modern' ? { queueSizes: [16, 16, 16] } : {}),
      });
      const headers = variant.transport === 'legacy' && !variant.mergeable ? 10 : 12;
      for (let round = 0; round < ROUNDS; round++) {
        driver.postReceive(2);
        bench.receive(2 * round + 2, frame(60 + round));
        bench.device.flush();
        const [received] = driver.collect();
        expect(received?.frame).toEqual(frame(60 + round));
        expect(received?.header).toHaveLength(headers);
        driver.transmit(frame(60 + round));
        expect(driver.reapTransmitted()).toHaveLength(1);
        if (round % 10 === 0) expect(await driver.command(rxModeCommand(0, round & 1))).toBe(0);
      }
      expect(bench.sent.map((sent) => sent.frame.length)).toEqual(Array.from({ length: ROUNDS }, (_, i) => 60 + i));
      expect(bench.interrupts().filter((queue) => queue === 0)).toHaveLength(ROUNDS);
      if (variant.interrupts === 'msix') {
        const vectors = new Set(bench.messages.map(({ data }) => data - MESSAGE_DATA));
        expect([...vectors].sort()).toEqual([1, 2, 3]);
        expect(bench.pin.raised).toBe(0);
      } else {
        expect(bench.messages).toEqual([]);
        expect(driver.readIsr()).toBe(1);
      }
      expect(bench.errors()).toEqual([]);
    },
  );
});
