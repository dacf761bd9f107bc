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

/** PM1a control block (acpi.js), and the bit that asks to enter the sleep state chosen beside it. */
const PM1_CONTROL_PORT = 0xb004;
const SLP_EN = 1 << 13;

/**
 * Calls `off` when the guest asks ACPI for a sleep state. The only one that the firmware's tables offer and
 * our guest enters is S5, soft off; v86 ignores the request.
 */
export function onSoftOff(cpu: V86Cpu, off: () => void): void {
  const entry = cpu.io.ports[PM1_CONTROL_PORT];
  if (!entry) return;
  const original = entry.write16.bind(entry.device);
  entry.write16 = (value) => {
    original(value);
    if ((value & SLP_EN) !== 0) off();
  };
}
