import type { V86Cpu } from './internals.ts';

/** The status half of the general-purpose event block, 8 bits per port (acpi.js; the enable half follows). */
const GPE0_STATUS_PORTS = [0xafe0, 0xafe1];

/**
 * Makes ACPI's general-purpose event status write-one-to-clear, as ACPI 6.1, 4.8.4.1 has it.
 *
 * v86 stores what is written. Linux clears the register by writing ones, so every event appears to have
 * happened; event 1 is PCI hot-plug, the firmware's handler then reads "all slots are gone" from a port that
 * does not exist, and the kernel removes every PCI device: ours with them, some seconds after boot.
 */
export function clearGpeStatusByOnes(cpu: V86Cpu): void {
  const { acpi } = cpu.devices;
  GPE0_STATUS_PORTS.forEach((port, index) => {
    const entry = cpu.io.ports[port];
    if (!entry) return;
    entry.write8 = (value) => {
      acpi.gpe[index] = (acpi.gpe[index] ?? 0) & ~value;
    };
  });
}
