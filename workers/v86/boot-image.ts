import type { GuestImage } from '../guest-image.ts';
import type { GuestRam } from './guest-ram.ts';

/** kernel.js, load_kernel: where v86 puts the parts of a bzImage, the command line and the initramfs. */
const REAL_MODE_AT = 0x8_0000;
const CMDLINE_AT = REAL_MODE_AT + 0xe000;
const CMDLINE_BYTES = 2048;
const KERNEL_AT = 0x10_0000;
const INITRAMFS_AT = 64 * 1024 * 1024;
/** Linux boot protocol: number of real-mode sectors after the first; 0 means 4. */
const SETUP_SECTS = 0x1f1;
const SECTOR = 512;

/**
 * The kernel and its initramfs as v86 laid them into guest memory.
 *
 * v86 loads a kernel once, when the machine is made; a machine that has run has overwritten it. So they are
 * kept as they lay before the first instruction, and put back when the machine is reset, before firmware
 * looks for something to boot.
 */
export class BootImage {
  readonly #memory: GuestRam;
  readonly #parts: readonly { readonly at: number; readonly bytes: Uint8Array }[];

  /** Call before the machine runs. */
  constructor(memory: GuestRam, image: GuestImage) {
    this.#memory = memory;
    const sectors = new Uint8Array(image.kernel)[SETUP_SECTS] ?? 0;
    const realMode = ((sectors === 0 ? 4 : sectors) + 1) * SECTOR;
    this.#parts = [
      this.#take(REAL_MODE_AT, realMode),
      this.#take(CMDLINE_AT, CMDLINE_BYTES),
      this.#take(KERNEL_AT, image.kernel.byteLength - realMode),
      this.#take(INITRAMFS_AT, image.initramfs.byteLength),
    ];
  }

  putBack(): void {
    for (const { at, bytes } of this.#parts) this.#memory.write(at, bytes, 0, bytes.length);
  }

  #take(at: number, length: number): { at: number; bytes: Uint8Array } {
    const bytes = new Uint8Array(length);
    this.#memory.read(at, bytes, 0, length);
    return { at, bytes };
  }
}
