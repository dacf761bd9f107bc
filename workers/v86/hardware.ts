/** The emulated PC, as far as v86 lets one choose: the same in the machine that a snapshot is made of and in every other. */
import { GUEST_MEMORY_BYTES } from '../../guest/boot.ts';

export const HARDWARE = {
  memory_size: GUEST_MEMORY_BYTES,
  // Nobody looks at the screen. This is v86's least, and all of it is in every snapshot.
  vga_memory_size: 256 * 1024,
  acpi: true,
  uart1: true,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
} as const;
