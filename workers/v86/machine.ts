/**
 * The emulated PC: v86 with firmware, kernel and initramfs, one PCI function of ours, and two serial lines.
 */
import { V86 } from 'v86';
import { GUEST_CMDLINE, GUEST_MEMORY_BYTES } from '../../guest/boot.ts';
import type { GuestImage } from '../guest-image.ts';
import { BootImage } from './boot-image.ts';
import { clearGpeStatusByOnes, onSoftOff } from './acpi.ts';
import { GuestRam } from './guest-ram.ts';
import { cpuOf, type V86Cpu } from './internals.ts';
import { interrupts, type MachineInterrupts } from './interrupts.ts';
import { plugIn, type PciFunction } from './pci-port.ts';

export interface MachineParts {
  readonly memory: GuestRam;
  readonly interrupt: MachineInterrupts;
}

export interface MachineOptions {
  /** Where v86.wasm is: a URL in a browser, a path in Node. */
  readonly wasm: string;
  readonly image: GuestImage;
  /** Makes the PCI function, once the machine's memory and interrupt line exist. */
  readonly device: (parts: MachineParts) => PciFunction;
  readonly onSerial: (line: 0 | 1, byte: number) => void;
  /** The guest reset the machine, or `reset` was called. The device must be reset now. */
  readonly onReset: () => void;
  /** The kernel has taken over from the firmware. */
  readonly onKernel: () => void;
  /** The guest switched the machine off. It stands still until it is reset. */
  readonly onPowerOff: () => void;
}

const CR0_PAGING = 0x8000_0000;
/** How often to look whether the kernel runs, in milliseconds. */
const KERNEL_POLL = 100;
/** Public in v86's typings, but its union does not know "no network card". */
const NO_NETWORK_CARD = { type: 'none' } as unknown as { type: 'virtio' };

export class Machine {
  /** For the test of the seam; everybody else uses the methods. */
  readonly emulator: V86;
  readonly #cpu: V86Cpu;
  readonly #options: MachineOptions;
  #kernelTimer: ReturnType<typeof setInterval> | undefined;

  static async create(options: MachineOptions): Promise<Machine> {
    const emulator = new V86({
      wasm_path: options.wasm,
      memory_size: GUEST_MEMORY_BYTES,
      bios: { buffer: options.image.bios },
      vga_bios: { buffer: options.image.vgaBios },
      bzimage: { buffer: options.image.kernel },
      initrd: { buffer: options.image.initramfs },
      cmdline: GUEST_CMDLINE,
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
    return new Machine(emulator, options);
  }

  private constructor(emulator: V86, options: MachineOptions) {
    this.emulator = emulator;
    this.#options = options;
    this.#cpu = cpuOf(emulator);
    const parts = { memory: new GuestRam(this.#cpu), interrupt: interrupts(this.#cpu) };
    clearGpeStatusByOnes(this.#cpu);
    plugIn(this.#cpu, options.device(parts), 'virtio-net');
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
    this.#followResets(new BootImage(parts.memory, options.image));
  }

  async run(): Promise<void> {
    await this.emulator.run();
    this.#watchForKernel();
  }

  async stop(): Promise<void> {
    clearInterval(this.#kernelTimer);
    await this.emulator.stop();
    await this.emulator.destroy();
  }

  /** Presses the reset button. */
  reset(): void {
    this.#cpu.reboot_internal();
    if (this.emulator.is_running()) this.#cpu.stop_idling();
    else void this.emulator.run();
  }

  sendSerial(line: 0 | 1, bytes: Uint8Array): void {
    this.emulator.serial_send_bytes(line, bytes);
    this.#cpu.stop_idling();
  }

  /** However the guest resets itself, or we reset it: the kernel lies there again and the device starts anew. */
  #followResets(bootImage: BootImage): void {
    const reboot = this.#cpu.reboot_internal.bind(this.#cpu);
    this.#cpu.reboot_internal = () => {
      reboot();
      bootImage.putBack();
      this.#options.onReset();
      this.#watchForKernel();
    };
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
