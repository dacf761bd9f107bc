/**
 * The parts of v86 0.5.462 that its public interface does not name. Every assumption about v86's insides
 * is written down here and nowhere else; `seam.test.ts` boots firmware in Node and fails loudly when one
 * of them no longer holds. The npm package is used unmodified: `libv86.mjs` keeps internal names.
 */
import type { V86 } from 'v86';

/** io.js: one entry per I/O port; `device` is the `this` of the handlers. */
export interface V86Port {
  read8(this: unknown, port?: number): number;
  read16(this: unknown, port?: number): number;
  read32(this: unknown, port?: number): number;
  write8(this: unknown, value: number): void;
  write16(this: unknown, value: number): void;
  write32(this: unknown, value: number): void;
  device: unknown;
}

export interface V86Io {
  readonly ports: V86Port[];
  register_read(port: number, device: object, read8: () => number, read16: () => number, read32: () => number): void;
  register_write(
    port: number,
    device: object,
    write8: (value: number) => void,
    write16: (value: number) => void,
    write32: (value: number) => void,
  ): void;
}

/** pci.js: what a device hands to `register_device`. */
export interface V86PciDevice {
  readonly pci_id: number;
  readonly pci_space: readonly number[];
  /** Index is the BAR number; a hole is a BAR that does not exist. */
  readonly pci_bars: ({ size: number } | undefined)[];
  readonly name: string;
}

export interface V86Pci {
  /** The address register at 0xCF8, as written. */
  readonly pci_addr32: Int32Array;
  /** The 256 bytes of configuration space of each function. */
  readonly device_spaces: (Int32Array | undefined)[];
  pci_write8(address: number, value: number): void;
  pci_write16(address: number, value: number): void;
  pci_write32(address: number, value: number): void;
  register_device(device: V86PciDevice): Int32Array;
  raise_irq(pciId: number): void;
  lower_irq(pciId: number): void;
}

/** cpu.js: a ROM that firmware finds through its configuration device and runs. */
export interface V86OptionRom {
  readonly name: string;
  readonly data: Uint8Array;
}

export interface V86Cpu {
  readonly io: V86Io;
  readonly devices: { readonly pci: V86Pci; readonly acpi: { readonly gpe: Uint8Array } };
  readonly wasm_memory: WebAssembly.Memory;
  /** A proxy that makes a new typed array per access: good for `byteOffset`, ruinous for anything else. */
  readonly mem8: { readonly byteOffset: number };
  readonly memory_size: Int32Array;
  /** One number: instructions that the guest has executed, modulo 2^32. A proxy like mem8. */
  readonly instruction_counter: Uint32Array;
  /** One byte: 1 while the processor is halted, until an interrupt is taken. A proxy like mem8. */
  readonly in_hlt: Uint8Array;
  /**
   * io.js, mmap_register: who answers memory accesses, by unit of 128 KiB; nobody where RAM is. Addresses come
   * signed; accesses of 16 bits come as two of 8.
   */
  readonly memory_map_read8: (((address: number) => number) | undefined)[];
  readonly memory_map_write8: (((address: number, value: number) => void) | undefined)[];
  readonly memory_map_read32: (((address: number) => number) | undefined)[];
  readonly memory_map_write32: (((address: number, value: number) => void) | undefined)[];
  /** Control registers; bit 31 of cr[0] is paging, which firmware never turns on and Linux soon does. */
  readonly cr: Int32Array;
  /** Offered to the firmware at every reset. Loading a kernel adds the one that starts it. */
  readonly option_roms: V86OptionRom[];
  /** RAM reads as zeros in `[start, start + length)`. */
  zero_memory(start: number, length: number): void;
  /** Takes a module of translated code, whose bytes lie at `at`, and calls `codegen_finalize_finished` when it can be run. */
  codegen_finalize(index: number, address: number, flags: number, at: number, length: number): void;
  /** jit.rs: the module is in the table. Not to be called within `codegen_finalize`. */
  codegen_finalize_finished(index: number, address: number, flags: number): void;
  /** jit.rs: 1 is the most pages that one module is made of. */
  set_jit_config(index: number, value: number): void;
  /** What such a module imports as `e`. */
  readonly jit_imports: WebAssembly.ModuleImports;
  readonly wm: { readonly wasm_table: WebAssembly.Table; readonly exports: WebAssembly.Exports };
  /** Memory as a state has it: the pages that are not all zeros, and which those are. */
  pack_memory(): { packed_memory: Uint8Array; bitmap: { get_buffer(): ArrayBuffer } };
  /** The reverse, when a state is restored. */
  unpack_memory(bitmap: unknown, packedMemory: Uint8Array): void;
  /** What firmware is loaded from at every reset. */
  readonly bios: { main: ArrayBuffer | undefined; vga: ArrayBuffer | undefined };
  /** Throws away translated code in `[start, end)`: owed after every write to RAM from outside. */
  jit_dirty_cache(start: number, end: number): void;
  /** apic.rs: where in WebAssembly memory the state of the local APIC lies. */
  get_apic_addr(): number;
  /** ioapic.rs: the same of the I/O APIC. */
  get_ioapic_addr(): number;
  /** Called after each stretch of instructions and when the processor halts. Returns when the next timer is due, in milliseconds. */
  run_hardware_timers(acpi: number, now: number): number;
  /** Runs a halted machine at once instead of at its next timer. */
  stop_idling(): void;
  /** Every way a guest can reset itself ends here (triple fault, keyboard controller, PCI, ACPI). */
  reboot_internal(): void;
}

/** main.js: runs the processor slice by slice. */
export interface V86Scheduler {
  readonly cpu: V86Cpu;
  /** Ends a slice: `yield_callback(tick)` is owed when the thread has taken its messages, not before so many milliseconds. */
  yield(milliseconds: number, tick: number): void;
  yield_callback(tick: number): void;
  /** Ends the worker that v86 has for it in a browser. */
  unregister_yield(): void;
}

export function schedulerOf(emulator: V86): V86Scheduler {
  return (emulator as unknown as { v86: V86Scheduler }).v86;
}

export function cpuOf(emulator: V86): V86Cpu {
  return schedulerOf(emulator).cpu;
}
