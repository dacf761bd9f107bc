/**
 * The interrupt controllers at a reset of the machine.
 *
 * v86 leaves its local APIC and its I/O APIC as they were: what the kernel before had unmasked still raises requests
 * while firmware runs, and the next kernel, which has no handlers for them, is served them as soon as it turns the
 * APIC on; one that was in service then would hold back all below it for good. So both go back to what they were at
 * power-on (Intel SDM 3A, 11.4.7.1). What is in them is none of our business.
 */
import type { V86Cpu } from './internals.ts';

/** apic.rs, struct Apic; ioapic.rs, struct IoApic. */
const APIC_BYTES = 184;
const IOAPIC_BYTES = 208;

/** To be called at power-on. @returns puts the controllers back to what they are now */
export function resetsInterruptChips(cpu: V86Cpu): () => void {
  // The memory may grow, and then is another buffer.
  const chips = (): Uint8Array[] => [
    new Uint8Array(cpu.wasm_memory.buffer, cpu.get_apic_addr(), APIC_BYTES),
    new Uint8Array(cpu.wasm_memory.buffer, cpu.get_ioapic_addr(), IOAPIC_BYTES),
  ];
  const atPowerOn = chips().map((chip) => chip.slice());
  return () => {
    chips().forEach((chip, index) => {
      chip.set(atPowerOn[index] ?? []);
    });
  };
}
