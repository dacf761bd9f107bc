/**
 * The emulated PC: v86 with firmware, kernel and initramfs, one PCI function of ours, and two serial lines.
 */
import { V86, type V86Options } from 'v86';
import { GUEST_CMDLINE, GUEST_MEMORY_BYTES } from '../../guest/boot.ts';
import type { GuestImage } from '../guest-image.ts';
import { BootImage } from './boot-image.ts';
import { clearGpeStatusByOnes, onSoftOff } from './acpi.ts';
import { GuestRam } from './guest-ram.ts';
import { compileAtOnce } from './compile.ts';
import { instructionsOf } from './instructions.ts';
import { cpuOf, schedulerOf, type V86Cpu } from './internals.ts';
import { interrupts, type MachineInterrupts } from './interrupts.ts';
import { resetsInterruptChips } from './interrupt-chips.ts';
import { plugIn, type PciFunction } from './pci-port.ts';
import type { Snapshot } from './snapshot.ts';
import { takeTurns, type TurnListener } from './turns.ts';

export interface MachineParts {
  readonly memory: GuestRam;
  readonly interrupt: MachineInterrupts;
}

/** A machine that was saved, and where what it boots after a reset is to be had. */
export interface SavedMachine {
  readonly snapshot: Snapshot;
  /** Called at the first reset, and again at the next one if it rejects. */
  readonly load: () => Promise<GuestImage>;
  /** It could not be had: the machine stands still until it is reset again. */
  readonly onMissing: (error: unknown) => void;
}

export interface MachineOptions {
  /** Where v86.wasm is: a URL in a browser, a path in Node. */
  readonly wasm: string;
  /** What to boot, or what to go on from. */
  readonly image: GuestImage | SavedMachine;
  /** Makes the PCI function, once the machine's memory and interrupt line exist; null for a machine without one. */
  readonly device: ((parts: MachineParts) => PciFunction) | null;
  readonly onSerial: (line: 0 | 1, byte: number) => void;
  /** The guest reset the machine, or `reset` was called. The device must be reset now. */
  readonly onReset: () => void;
  /** The kernel has taken over from the firmware. */
  readonly onKernel: () => void;
  /** The guest switched the machine off. It stands still until it is reset. */
  readonly onPowerOff: () => void;
  /** Who has work for the guest when it pauses. */
  readonly turns?: TurnListener;
}

const CR0_PAGING = 0x8000_0000;
/** ROMs lie below, and nothing that v86 puts into memory by itself lies above. */
const FIRMWARE_END = 0x10_0000;
/** How often to look whether the kernel runs, in milliseconds. */
const KERNEL_POLL = 100;
/** Public in v86's typings, but its union does not know "no network card". */
const NO_NETWORK_CARD = { type: 'none' } as unknown as { type: 'virtio' };

export class Machine {
  /** For the test of the seam; everybody else uses the methods. */
  readonly emulator: V86;
  /** Instructions that the guest has executed, 32 bits. */
  readonly instructions: () => number;
  readonly #cpu: V86Cpu;
  readonly #memory: GuestRam;
  readonly #options: MachineOptions;
  #kernelTimer: ReturnType<typeof setInterval> | undefined;
  /** Null as long as the machine goes on from a snapshot: what it booted is elsewhere. */
  #bootImage: BootImage | null = null;
  readonly #endTurns: () => void;
  /** It was reset and waits for its image. */
  #loading = false;

  static async create(options: MachineOptions): Promise<Machine> {
    const { image } = options;
    const emulator = new V86({
      wasm_path: options.wasm,
      memory_size: GUEST_MEMORY_BYTES,
      ...('snapshot' in image ? savedMedia(image.snapshot) : media(image)),
      acpi: true,
      uart1: true,
      autostart: false,
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
      net_device: NO_NETWORK_CARD,
    });
    await new Promise<void>((resolve) => {
      emulator.add_listener('emulator-loaded', () => {
        resolve();
      });
    });
    const machine = new Machine(emulator, options);
    if ('snapshot' in image) await machine.#restore(image.snapshot);
    return machine;
  }

  private constructor(emulator: V86, options: MachineOptions) {
    this.emulator = emulator;
    this.#options = options;
    this.#cpu = cpuOf(emulator);
    this.#memory = new GuestRam(this.#cpu);
    this.instructions = instructionsOf(this.#cpu);
    clearGpeStatusByOnes(this.#cpu);
    if (options.device) {
      const parts = { memory: this.#memory, interrupt: interrupts(this.#cpu) };
      plugIn(this.#cpu, options.device(parts), 'virtio-net');
    }
    emulator.add_listener('serial0-output-byte', (byte) => {
      options.onSerial(0, byte);
    });
    emulator.add_listener('serial1-output-byte', (byte) => {
      options.onSerial(1, byte);
    });
    const placeCode = compileAtOnce(this.#cpu);
    this.#endTurns = takeTurns(schedulerOf(emulator), {
      turn: () => {
        placeCode();
        options.turns?.turn();
      },
      rest: () => options.turns?.rest(),
    });
    onSoftOff(this.#cpu, () => {
      void emulator.stop();
      options.onPowerOff();
    });
    if (!('snapshot' in options.image)) this.#bootImage = new BootImage(this.#memory, options.image);
    this.#followResets();
  }

  async run(): Promise<void> {
    await this.emulator.run();
    if (this.#bootImage) this.#watchForKernel();
  }

  async stop(): Promise<void> {
    clearInterval(this.#kernelTimer);
    await this.emulator.stop();
    await this.emulator.destroy();
    this.#endTurns();
  }

  /** Presses the reset button. */
  reset(): void {
    this.#cpu.reboot_internal();
    if (this.#loading) return;
    if (this.emulator.is_running()) this.#cpu.stop_idling();
    else void this.emulator.run();
  }

  /** Stops the machine, which must have booted from an image, and keeps it. `console` is what it wrote to its console. */
  async save(console: Uint8Array): Promise<Snapshot> {
    const { image } = this.#options;
    if (!this.#bootImage || 'snapshot' in image) throw new Error('only a machine that has booted can be saved');
    await this.emulator.stop();
    return {
      ...this.#bootImage.setup,
      bios: new Uint8Array(image.bios),
      vgaBios: new Uint8Array(image.vgaBios),
      optionRoms: this.#cpu.option_roms,
      console,
      state: new Uint8Array(await this.emulator.save_state()),
    };
  }

  sendSerial(line: 0 | 1, bytes: Uint8Array): void {
    this.emulator.serial_send_bytes(line, bytes);
    this.#cpu.stop_idling();
  }

  async #restore({ state, optionRoms }: Snapshot): Promise<void> {
    this.#cpu.option_roms.push(...optionRoms);
    // In a machine that has not run only firmware has left something in memory. To write zeros over the rest would be
    // to have the system provide 256 MiB, at once.
    const zero = this.#cpu.zero_memory.bind(this.#cpu);
    this.#cpu.zero_memory = (start) => {
      zero(start, FIRMWARE_END);
    };
    // v86 takes the whole buffer for the state.
    const { buffer, byteOffset, length } = state;
    await this.emulator.restore_state(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer);
    this.#cpu.zero_memory = zero;
  }

  /** However the guest resets itself, or we reset it: the kernel lies there again and the device starts anew. */
  #followResets(): void {
    const reboot = this.#cpu.reboot_internal.bind(this.#cpu);
    const resetInterruptChips = resetsInterruptChips(this.#cpu);
    this.#cpu.reboot_internal = () => {
      reboot();
      resetInterruptChips();
      this.#options.onReset();
      if (this.#bootImage) this.#bootAgain(this.#bootImage);
      else if (!this.#loading) void this.#fetchImage(reboot);
    };
  }

  #bootAgain(bootImage: BootImage): void {
    bootImage.putBack();
    this.#watchForKernel();
  }

  /** The machine stands still meanwhile. What firmware did until it stood still is undone by `reboot`. */
  async #fetchImage(reboot: () => void): Promise<void> {
    const { image } = this.#options;
    if (!('snapshot' in image)) return;
    this.#loading = true;
    try {
      const [loaded] = await Promise.all([image.load(), this.emulator.stop()]);
      this.#bootImage = new BootImage(this.#memory, loaded, image.snapshot);
      reboot();
      this.#bootAgain(this.#bootImage);
      await this.emulator.run();
    } catch (error) {
      image.onMissing(error);
    } finally {
      this.#loading = false;
    }
  }

  #watchForKernel(): void {
    clearInterval(this.#kernelTimer);
    this.#kernelTimer = setInterval(() => {
      if (((this.#cpu.cr[0] ?? 0) & CR0_PAGING) === 0) return;
      clearInterval(this.#kernelTimer);
      this.#options.onKernel();
    }, KERNEL_POLL);
  }
}

/** v86's options for what a machine boots from. */
function media({ bios, vgaBios, kernel, initramfs }: GuestImage): Partial<V86Options> {
  return {
    bios: { buffer: bios },
    vga_bios: { buffer: vgaBios },
    bzimage: { buffer: kernel },
    initrd: { buffer: initramfs },
    cmdline: GUEST_CMDLINE,
  };
}

/** A machine that goes on needs its firmware only, and that at its next reset. */
function savedMedia({ bios, vgaBios }: Snapshot): Partial<V86Options> {
  const exact = (bytes: Uint8Array): { buffer: ArrayBuffer } => ({ buffer: new Uint8Array(bytes).buffer });
  return { bios: exact(bios), vga_bios: exact(vgaBios) };
}
