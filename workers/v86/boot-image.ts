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

type Part = readonly [at: number, bytes: Uint8Array];

/** What v86 made out of a kernel when it loaded it. */
export interface KernelSetup {
  readonly realMode: Uint8Array;
  readonly commandLine: Uint8Array;
}

/**
 * The kernel and its initramfs as v86 lays them into guest memory.
 *
 * v86 loads a kernel once, when the machine is made; a machine that has run has overwritten it. So they are
 * kept as they lay before the first instruction, and put back when the machine is reset, before firmware
 * looks for something to boot.
 */
export class BootImage {
  readonly setup: KernelSetup;
  readonly #memory: GuestRam;
  readonly #parts: readonly Part[];

  /** @param setup what v86 made when it loaded this kernel, if that was in another machine */
  constructor(memory: GuestRam, image: GuestImage, setup = setupIn(memory, image.kernel)) {
    this.setup = setup;
    this.#memory = memory;
    this.#parts = [
      [REAL_MODE_AT, setup.realMode],
      [CMDLINE_AT, setup.commandLine],
      [KERNEL_AT, new Uint8Array(image.kernel, setup.realMode.length)],
      [INITRAMFS_AT, new Uint8Array(image.initramfs)],
    ];
  }

  putBack(): void {
    for (const [at, bytes] of this.#parts) this.#memory.write(at, bytes, 0, bytes.length);
  }
}

/** As v86 has just left it: ask before the machine runs. */
function setupIn(memory: GuestRam, kernel: ArrayBuffer): KernelSetup {
  const take = (at: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    memory.read(at, bytes, 0, length);
    return bytes;
  };
  const sectors = new Uint8Array(kernel)[SETUP_SECTS] ?? 0;
  return {
    realMode: take(REAL_MODE_AT, ((sectors === 0 ? 4 : sectors) + 1) * SECTOR),
    commandLine: take(CMDLINE_AT, CMDLINE_BYTES),
  };
}
