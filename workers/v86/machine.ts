/**
 * The emulated PC: v86 with firmware, kernel and initramfs, one PCI function of ours, and two serial lines.
 */
import { V86, type V86Options } from 'v86';
import { GUEST_CMDLINE } from '../../guest/boot.ts';
import type { GuestImage } from '../guest-image.ts';
import { BootImage, type KernelSetup } from './boot-image.ts';
import { clearGpeStatusByOnes, onSoftOff } from './acpi.ts';
import { GuestRam } from './guest-ram.ts';
import { compileAtOnce } from './compile.ts';
import { HARDWARE } from './hardware.ts';
import { instructionsOf } from './instructions.ts';
import { cpuOf, schedulerOf, type V86Cpu } from './internals.ts';
import { interrupts, type MachineInterrupts } from './interrupts.ts';
import { resetsInterruptChips } from './interrupt-chips.ts';
import { plugIn, type PciFunction } from './pci-port.ts';
import type { BlankMemory, Snapshot } from './snapshot.ts';
import { type TurnListener, Turns } from './turns.ts';

export interface MachineParts {
  readonly memory: GuestRam;
  readonly interrupt: MachineInterrupts;
  /** The guest executes nothing more until `answer` has settled, or a tenth of a second has passed. */
  readonly standStill: (answer: Promise<unknown>) => void;
}

/** A machine that was saved, and where what it boots after a reset is to be had. */
export interface SavedMachine {
  /** Fills the memory. Null if there is nothing to go on from. */
  readonly restore: (memory: BlankMemory) => Promise<Snapshot | null>;
  /** Called at the first reset, and again at the next one if it rejects. */
  readonly load: () => Promise<GuestImage>;
  /** It could not be had: the machine stands still until it is reset again. */
  readonly onMissing: (error: unknown) => void;
}

/** v86.wasm: its path in Node; in a browser itself, compiled while the guest comes. */
export type Wasm = string | Promise<WebAssembly.Module>;

/** What is around a machine. */
export interface MachineSurroundings {
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

export interface MachineOptions extends MachineSurroundings {
  readonly wasm: Wasm;
  /** What to boot. */
  readonly image: GuestImage;
}

/** Memory as it was saved, and no device yet. */
export interface RefilledMachine {
  /** What the guest had written to its console. */
  readonly console: Uint8Array;
  plug(surroundings: MachineSurroundings): Promise<Machine>;
}

const CR0_PAGING = 0x8000_0000;
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
  readonly #options: MachineSurroundings & { readonly image: GuestImage | SavedMachine };
  #kernelTimer: ReturnType<typeof setInterval> | undefined;
  /** Null as long as the machine goes on from a snapshot: what it booted is elsewhere. */
  #bootImage: BootImage | null = null;
  readonly #turns: Turns;
  #setup: KernelSetup | null = null;
  /** It was reset and waits for its image. */
  #loading = false;

  static async create(options: MachineOptions): Promise<Machine> {
    return new Machine(await switchedOff(options.wasm, media(options.image)), options);
  }

  /**
   * Fills a machine's memory with what was saved. What it resolves with plugs the device in and makes the machine whole,
   * about to go on. Null if there is nothing to go on from.
   */
  static async refill(wasm: Wasm, image: SavedMachine): Promise<RefilledMachine | null> {
    // Firmware comes with the snapshot, and is not asked for before the next reset.
    const emulator = await switchedOff(wasm, {});
    const cpu = cpuOf(emulator);
    const memory = new GuestRam(cpu);
    const snapshot = await image.restore({
      write: (at, bytes) => {
        memory.write(at, bytes, 0, bytes.length);
      },
      clear: () => {
        cpu.zero_memory(0, memory.size);
      },
    });
    if (!snapshot) {
      await emulator.destroy();
      return null;
    }
    return {
      console: snapshot.console,
      async plug(parts) {
        const machine = new Machine(emulator, { ...parts, image });
        await machine.#goOn(snapshot);
        return machine;
      },
    };
  }

  private constructor(emulator: V86, options: MachineSurroundings & { readonly image: GuestImage | SavedMachine }) {
    this.emulator = emulator;
    this.#options = options;
    this.#cpu = cpuOf(emulator);
    this.#memory = new GuestRam(this.#cpu);
    this.instructions = instructionsOf(this.#cpu);
    clearGpeStatusByOnes(this.#cpu);
    const placeCode = compileAtOnce(this.#cpu);
    this.#turns = new Turns(schedulerOf(emulator), {
      turn: () => {
        placeCode();
        options.turns?.turn();
      },
      doze: (milliseconds) => options.turns?.doze(milliseconds) ?? false,
      rest: () => options.turns?.rest(),
    });
    if (options.device) {
      const standStill = (answer: Promise<unknown>): void => {
        this.#turns.standStill(answer);
      };
      const parts = { memory: this.#memory, interrupt: interrupts(this.#cpu), standStill };
      plugIn(this.#cpu, options.device(parts), 'virtio-net');
    }
    emulator.add_listener('serial0-output-byte', (byte) => {
      options.onSerial(0, byte);
    });
    emulator.add_listener('serial1-output-byte', (byte) => {
      options.onSerial(1, byte);
    });
    onSoftOff(this.#cpu, () => {
      void emulator.stop();
      options.onPowerOff();
    });
    if ('kernel' in options.image) this.#bootImage = new BootImage(this.#memory, options.image);
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
    this.#turns.end();
  }

  /** Presses the reset button. */
  reset(): void {
    this.#cpu.reboot_internal();
    if (this.#loading) return;
    if (this.emulator.is_running()) this.#cpu.stop_idling();
    else void this.emulator.run();
  }

  /**
   * Stops the machine, which must have booted from an image, and keeps it. `console` is what it wrote to its console.
   * `memory` is all of it, and good as long as the machine stands still.
   */
  async save(console: Uint8Array): Promise<{ readonly snapshot: Snapshot; readonly memory: Uint8Array }> {
    const { image } = this.#options;
    if (!this.#bootImage || !('kernel' in image)) throw new Error('only a machine that has booted can be saved');
    await this.emulator.stop();
    this.#keepsMemoryApart();
    const snapshot = {
      ...this.#bootImage.setup,
      bios: new Uint8Array(image.bios),
      vgaBios: new Uint8Array(image.vgaBios),
      optionRoms: this.#cpu.option_roms,
      console,
      state: new Uint8Array(await this.emulator.save_state()),
    };
    const { wasm_memory, mem8 } = this.#cpu;
    return { snapshot, memory: new Uint8Array(wasm_memory.buffer, mem8.byteOffset, this.#memory.size) };
  }

  sendSerial(line: 0 | 1, bytes: Uint8Array): void {
    this.emulator.serial_send_bytes(line, bytes);
    this.#cpu.stop_idling();
  }

  async #goOn({ state, optionRoms, bios, vgaBios, realMode, commandLine }: Snapshot): Promise<void> {
    this.#setup = { realMode, commandLine };
    this.#cpu.bios.main = Uint8Array.from(bios).buffer;
    this.#cpu.bios.vga = Uint8Array.from(vgaBios).buffer;
    this.#cpu.option_roms.push(...optionRoms);
    this.#keepsMemoryApart();
    // v86 takes the whole buffer for the state.
    await this.emulator.restore_state(Uint8Array.from(state).buffer);
  }

  /** For v86 a state has no memory from here on. */
  #keepsMemoryApart(): void {
    this.#cpu.pack_memory = () => ({
      packed_memory: new Uint8Array(0),
      bitmap: { get_buffer: () => new ArrayBuffer(0) },
    });
    this.#cpu.unpack_memory = () => undefined;
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
    if (!('load' in image) || !this.#setup) return;
    this.#loading = true;
    try {
      const [loaded] = await Promise.all([image.load(), this.emulator.stop()]);
      this.#bootImage = new BootImage(this.#memory, loaded, this.#setup);
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

/** v86, about to execute its first instruction. */
async function switchedOff(wasm: Wasm, media: Partial<V86Options>): Promise<V86> {
  const emulator = new V86({
    ...HARDWARE,
    ...(typeof wasm === 'string' ? { wasm_path: wasm } : { wasm_fn: instantiate(wasm) }),
    ...media,
    autostart: false,
    net_device: NO_NETWORK_CARD,
  });
  await new Promise<void>((resolve) => {
    emulator.add_listener('emulator-loaded', () => {
      resolve();
    });
  });
  return emulator;
}

function instantiate(module: Promise<WebAssembly.Module>): NonNullable<V86Options['wasm_fn']> {
  return async (imports) => (await WebAssembly.instantiate(await module, imports)).exports;
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
