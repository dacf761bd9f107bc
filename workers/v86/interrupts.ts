/**
 * How our PCI function interrupts v86's processor: by the INTx line, or by a message to the local APIC.
 *
 * v86 has no way in for messages, but a message is simple: the request bit of its vector is set in the APIC's
 * IRR, and the vector's trigger mode is edge. That is what v86 does for its own IO-APIC and timer (apic.rs,
 * `deliver`); like there, a second message before the first was taken is one interrupt, and the destination does
 * not matter, since there is one processor.
 */
import { PCI_ID } from './pci-port.ts';
import type { V86Cpu } from './internals.ts';

export interface MachineInterrupts {
  raise(): void;
  lower(): void;
  msi(address: number, data: number): void;
}

/** apic.rs, struct Apic: in words. */
const APIC_IRR = 16;
const APIC_TMR = 32;
const APIC_WORDS = 46;

/** Intel SDM 3A, 11.11: bits 31-20 of a message's address; bits 10-8 of its data are the delivery mode. */
const MESSAGE_ADDRESS = 0xfee;
const FIXED = 0;
const LOWEST_PRIORITY = 1;
const FIRST_VECTOR = 0x10;

export function interrupts(cpu: V86Cpu): MachineInterrupts {
  let apic = new Int32Array(0);
  const localApic = (): Int32Array => {
    // A view is detached, with length 0, when the memory has grown.
    if (apic.length === 0) apic = new Int32Array(cpu.wasm_memory.buffer, cpu.get_apic_addr(), APIC_WORDS);
    return apic;
  };
  return {
    // A halted processor wakes at once.
    raise: () => {
      cpu.devices.pci.raise_irq(PCI_ID);
      cpu.stop_idling();
    },
    lower: () => {
      cpu.devices.pci.lower_irq(PCI_ID);
    },
    msi: (address, data) => {
      const mode = (data >>> 8) & 7;
      const vector = data & 0xff;
      // Anything else is a write to where nothing listens.
      if (Math.floor(address / 0x10_0000) !== MESSAGE_ADDRESS) return;
      if ((mode !== FIXED && mode !== LOWEST_PRIORITY) || vector < FIRST_VECTOR) return;
      const words = localApic();
      const word = vector >>> 5;
      const bit = 1 << (vector & 31);
      words[APIC_IRR + word] = (words[APIC_IRR + word] ?? 0) | bit;
      words[APIC_TMR + word] = (words[APIC_TMR + word] ?? 0) & ~bit;
      cpu.stop_idling();
    },
  };
}
