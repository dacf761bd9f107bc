/**
 * The seam holds: firmware runs in the real, unmodified v86 and finds our PCI function the way we think it
 * does. When a new v86 breaks one of our assumptions about its insides, this is where it shows.
 *
 * Needs the guest image for its firmware (`npm run guest`); no kernel is started.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GUEST_FILES } from '../../guest/boot.ts';
import { GuestRam } from './guest-ram.ts';
import { cpuOf, schedulerOf, type V86Cpu } from './internals.ts';
import { Machine, type MachineParts } from './machine.ts';
import type { PciFunction } from './pci-port.ts';
import type { TurnListener } from './turns.ts';

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');
const BAR = 4;
const BAR_SIZE = 512;
const MEMORY_BAR = 1;
const MEMORY_BAR_SIZE = 0x2_0000;
const POWER_ON_ADDRESS = 0xfeb0_0000;
const POWER_ON_BASE = 0xd000;
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const OUR_ADDRESS = 0x8000_0000 | (8 << 11);
const DYNAMIC_REGISTER = 0x44;

function file(name: string): ArrayBuffer {
  const bytes = readFileSync(new URL(`../../public/guest/${name}`, import.meta.url));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** A function that only remembers what was done to it. */
class Probe implements PciFunction {
  readonly pciSpace = new Uint8Array(256);
  readonly bars = [
    { index: BAR, size: BAR_SIZE, kind: 'io' as const },
    { index: MEMORY_BAR, size: MEMORY_BAR_SIZE, kind: 'memory' as const },
  ];
  readonly accesses: string[] = [];
  dynamic = 0;

  constructor() {
    const view = new DataView(this.pciSpace.buffer);
    view.setUint32(0x00, 0x1041_1af4, true);
    view.setUint32(0x08, 0x0200_0001, true);
    view.setUint32(0x10 + 4 * BAR, POWER_ON_BASE | 1, true);
    view.setUint32(0x10 + 4 * MEMORY_BAR, POWER_ON_ADDRESS, true);
    view.setUint8(0x3d, 1);
  }

  barRead(bar: number, offset: number, width: number): number {
    this.accesses.push(`r${8 * width} ${bar}+${offset}`);
    return 0x8877_6655 % 2 ** (8 * width);
  }

  barWrite(bar: number, offset: number, width: number, value: number): void {
    this.accesses.push(`w${8 * width} ${bar}+${offset} ${value.toString(16)}`);
  }

  pciConfigRead(offset: number): number | undefined {
    return offset >= DYNAMIC_REGISTER && offset < DYNAMIC_REGISTER + 4 ? this.dynamic : undefined;
  }

  pciConfigWrite(offset: number, width: number, value: number): boolean {
    if (offset !== DYNAMIC_REGISTER) return false;
    this.accesses.push(`config w${8 * width} ${value.toString(16)}`);
    return true;
  }
}

describe('v86', () => {
  const probe = new Probe();
  let machine: Machine;
  let parts: MachineParts;
  let cpu: V86Cpu;
  const onReset = vi.fn();
  const onPowerOff = vi.fn();
  const turn = vi.fn();
  const rest = vi.fn();
  const doze = vi.fn<TurnListener['doze']>(() => false);

  const barBase = (): number => {
    cpu.io.ports[CONFIG_ADDRESS]!.write32.call(cpu.devices.pci, OUR_ADDRESS | (0x10 + 4 * BAR));
    return cpu.io.ports[CONFIG_DATA]!.read32.call(cpu.devices.pci) & ~3;
  };

  const interruptLine = () => new Uint8Array(cpu.devices.pci.device_spaces[8 << 3]!.buffer)[0x3c];

  beforeAll(async () => {
    machine = await Machine.create({
      wasm: WASM,
      image: {
        kernel: file(GUEST_FILES.kernel),
        initramfs: new ArrayBuffer(16),
        bios: file(GUEST_FILES.bios),
        vgaBios: file(GUEST_FILES.vgaBios),
      },
      device: (given) => {
        parts = given;
        return probe;
      },
      onSerial: () => undefined,
      onReset,
      onKernel: () => undefined,
      onPowerOff,
      turns: { turn, doze, rest },
    });
    cpu = cpuOf(machine.emulator);
    await machine.run();
    // Firmware places all BARs, then wires all interrupts; what comes after it does not concern us.
    await vi.waitFor(() => expect(interruptLine()).toBeGreaterThan(0), { timeout: 60_000, interval: 10 });
    await machine.emulator.stop();
  }, 90_000);

  afterAll(() => machine.stop());

  describe('stands still for an answer', () => {
    /** again: mov eax, [edi]; jmp again. So a driver waits for its command. In firmware still: addresses are physical ones. */
    const SPIN = [0x8b, 0x07, 0xeb, 0xfc];
    const yielded = vi.fn<(tick: number) => void>();
    let at = 0;
    let before: Uint8Array;
    let tick = 0;

    const place = (code: ArrayLike<number>) => {
      parts.memory.write(at, Uint8Array.from(code), 0, code.length);
    };

    const answers = () => {
      const settle = { resolve: (): void => undefined, reject: (): void => undefined };
      const answer = new Promise<void>((resolve, reject) => {
        settle.resolve = resolve;
        settle.reject = () => {
          reject(new Error('no answer'));
        };
      });
      parts.standStill(answer);
      return settle;
    };

    /** One slice, as v86 runs them; how many instructions it had. */
    const slice = (): number => {
      const processor = cpu as unknown as { main_loop(): number };
      const from = machine.instructions();
      schedulerOf(machine.emulator).yield(processor.main_loop(), ++tick);
      return (machine.instructions() - from) >>> 0;
    };

    /** Shorter than the guest may be held. */
    const aWhile = () => new Promise((resolve) => setTimeout(resolve, 30));

    const goesOn = async () => {
      await vi.waitFor(() => expect(yielded.mock.calls).toEqual([[tick]]), { timeout: 10_000, interval: 5 });
    };

    beforeEach(async () => {
      yielded.mockClear();
      vi.spyOn(schedulerOf(machine.emulator), 'yield_callback').mockImplementation(yielded);
      at = (cpu as unknown as { instruction_pointer: Int32Array }).instruction_pointer[0]!;
      before = parts.memory.bytes.slice(at, at + SPIN.length);
      place(SPIN);
      cpu.in_hlt[0] = 0;
      slice();
      await goesOn();
      yielded.mockClear();
    });

    afterEach(() => {
      vi.restoreAllMocks();
      cpu.in_hlt[0] = 0;
      place(before);
    });

    it.each(['resolve', 'reject'] as const)('ends its slice, and goes on when it is there (%s)', async (how) => {
      const settle = answers();
      // The rest of a stretch, and the end of it; a slice has several.
      const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
      expect(slice()).toBeLessThan(250_000);
      clock.mockRestore();
      expect(cpu.in_hlt[0], 'is not halted in its own eyes').toBe(0);
      await aWhile();
      expect(yielded).not.toHaveBeenCalled();
      settle[how]();
      for (let i = 0; i < 10; i++) await Promise.resolve();
      expect(yielded, 'not before everybody has heard of it').not.toHaveBeenCalled();
      await goesOn();
    });

    it('until the last of several', async () => {
      const [first, second] = [answers(), answers()];
      slice();
      first.resolve();
      await aWhile();
      expect(yielded).not.toHaveBeenCalled();
      second.resolve();
      await goesOn();
    });

    it('not for ever, and after that it is not waited for any more', async () => {
      const settle = answers();
      slice();
      await goesOn();
      yielded.mockClear();
      slice();
      await aWhile();
      expect(yielded.mock.calls, 'at once').toEqual([[tick]]);
      settle.resolve();
      await aWhile();
      expect(yielded).toHaveBeenCalledOnce();
    });

    it('with only the newest slice owed', async () => {
      const settle = answers();
      slice();
      slice();
      settle.resolve();
      await goesOn();
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(yielded).toHaveBeenCalledOnce();
    });

    it('and leaves a halt of the guest’s own what it is', async () => {
      const settle = answers();
      cpu.in_hlt[0] = 1;
      cpu.run_hardware_timers(1, performance.now());
      doze.mockClear();
      rest.mockClear();
      schedulerOf(machine.emulator).yield(3, ++tick);
      expect(cpu.in_hlt[0], 'still halted').toBe(1);
      expect(doze, 'the answer is a message').not.toHaveBeenCalled();
      expect(rest).toHaveBeenCalledOnce();
      await goesOn();
      settle.resolve();
      await aWhile();
    });
  });

  it('gives turns while the processor runs, in stretches of instructions', async () => {
    turn.mockClear();
    const before = machine.instructions();
    await machine.emulator.run();
    await vi.waitFor(() => expect(turn.mock.calls.length).toBeGreaterThan(20), { timeout: 60_000, interval: 5 });
    await machine.emulator.stop();
    const stretch = (machine.instructions() - before) / turn.mock.calls.length;
    expect(stretch).toBeGreaterThan(0);
    expect(stretch).toBeLessThan(250_000);
  });

  it('rests while the processor is halted until a timer, and gives a turn before that', () => {
    const scheduler = schedulerOf(machine.emulator);
    rest.mockClear();
    turn.mockClear();
    const tick = vi.spyOn(scheduler, 'yield_callback').mockImplementation(() => undefined);
    cpu.run_hardware_timers(1, performance.now());
    expect(turn).toHaveBeenCalledOnce();
    scheduler.yield(0.5, 1);
    expect(rest).not.toHaveBeenCalled();
    scheduler.yield(5, 2);
    expect(rest).toHaveBeenCalledOnce();
    return vi
      .waitFor(() => expect(tick.mock.calls).toEqual([[1], [2]]), { timeout: 60_000, interval: 5 })
      .finally(() => tick.mockRestore());
  });

  it('dozes instead, as long as messages may wait, and goes on as after a slice', async () => {
    const scheduler = schedulerOf(machine.emulator);
    const tick = vi.spyOn(scheduler, 'yield_callback').mockImplementation(() => undefined);
    rest.mockClear();
    doze.mockClear().mockReturnValue(true);
    for (const milliseconds of [0, 0.5, 4, 4.1]) scheduler.yield(milliseconds, milliseconds);
    expect(doze.mock.calls).toEqual([[0.5], [4]]);
    expect(rest).toHaveBeenCalledOnce();
    doze.mockReturnValue(false);
    scheduler.yield(3, 3);
    expect(rest, 'it could not doze').toHaveBeenCalledTimes(2);
    await vi
      .waitFor(() => expect(tick).toHaveBeenCalledTimes(5), { timeout: 60_000, interval: 5 })
      .finally(() => tick.mockRestore());
  });

  it('takes messages after every fourth slice, and after one that took long', async () => {
    const scheduler = schedulerOf(machine.emulator);
    const tick = vi.spyOn(scheduler, 'yield_callback').mockImplementation(() => undefined);
    let now = performance.now() + 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    /** How many of that many slices go on at once. */
    const slices = async (count: number): Promise<number> => {
      tick.mockClear();
      for (let slice = 0; slice < count; slice++) scheduler.yield(0, slice);
      const atOnce = tick.mock.calls.length;
      await vi.waitFor(() => expect(tick).toHaveBeenCalledTimes(count), { timeout: 60_000, interval: 5 });
      return atOnce;
    };
    expect(await slices(1), 'the last look is long ago').toBe(0);
    expect(await slices(4)).toBe(3);
    expect(await slices(4)).toBe(3);
    now += 5;
    expect(await slices(1)).toBe(0);
    expect(await slices(1)).toBe(1);
    clock.mockRestore();
    tick.mockRestore();
  });

  it('makes a module of one page, and v86 has that setting', () => {
    const setting = cpu.wm.exports.get_jit_config as (index: number) => number;
    expect(setting(1)).toBe(1);
    cpu.set_jit_config(1, 3);
    expect(setting(1)).toBe(3);
    cpu.set_jit_config(1, 1);
  });

  it('runs translated code that was compiled here, put in place at a turn', () => {
    const table = cpu.wm.wasm_table;
    const placed = Array.from({ length: 900 }, (_, index) => table.get(1024 + index) as unknown).filter(Boolean);
    expect(placed.length, 'modules in the table').toBeGreaterThan(0);
    const finished = vi.spyOn(cpu, 'codegen_finalize_finished').mockImplementation(() => undefined);
    // (module (func (export "f") (param i32)))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 1, 127, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 4, 1, 2, 0, 11,
    ];
    const at = cpu.mem8.byteOffset + 0x20_0000;
    const code = new Uint8Array(cpu.wasm_memory.buffer, at, bytes.length);
    const before = code.slice();
    const free = 1024 + 899;
    const old = table.get(free) as unknown;
    code.set(bytes);
    const counter = machine.instructions();
    cpu.codegen_finalize(899, 0x1000, 3, at, bytes.length);
    code.set(before);
    expect(table.get(free), 'not while the translator holds its lock').toBe(old);
    expect(machine.instructions() - counter, 'ends the stretch').toBeGreaterThan(100_000);
    cpu.run_hardware_timers(1, performance.now());
    expect(table.get(free)).toBeInstanceOf(Function);
    expect(finished.mock.calls).toEqual([[899, 0x1000, 3]]);
    cpu.run_hardware_timers(1, performance.now());
    expect(finished).toHaveBeenCalledOnce();
    table.set(free, old);
    finished.mockRestore();
  });

  it('lets firmware size and place the I/O BAR, and our handlers move along', () => {
    const base = barBase();
    expect(base).not.toBe(POWER_ON_BASE);
    expect(base % BAR_SIZE).toBe(0);
    probe.accesses.length = 0;
    expect(cpu.io.ports[base + 20]!.read8.call(probe)).toBe(0x55);
    expect(cpu.io.ports[base + 3]!.read16.call(probe)).toBe(0x6655);
    expect(cpu.io.ports[base + 8]!.read32.call(probe) >>> 0).toBe(0x8877_6655);
    cpu.io.ports[base + 511]!.write8.call(probe, 0x1ff);
    cpu.io.ports[base + 256]!.write16.call(probe, 0x1_0002);
    cpu.io.ports[base + 4]!.write32.call(probe, -1);
    expect(probe.accesses).toEqual(['r8 4+20', 'r16 4+3', 'r32 4+8', 'w8 4+511 ff', 'w16 4+256 2', 'w32 4+4 ffffffff']);
  });

  it('lets firmware size and place the memory BAR, and a kernel move it', () => {
    const register = (8 << 11) | (0x10 + 4 * MEMORY_BAR);
    const place = (): number => {
      cpu.io.ports[CONFIG_ADDRESS]!.write32.call(cpu.devices.pci, 0x8000_0000 | register);
      return cpu.io.ports[CONFIG_DATA]!.read32.call(cpu.devices.pci) >>> 0;
    };
    const touch = (address: number): string[] => {
      const unit = address >>> 17;
      probe.accesses.length = 0;
      cpu.memory_map_write8[unit]!((address + 3) | 0, 0x1ff);
      cpu.memory_map_write32[unit]!((address + 0x1_0004) | 0, -1);
      cpu.memory_map_read8[unit]!(address | 0);
      cpu.memory_map_read32[unit]!((address + 8) | 0);
      return [...probe.accesses];
    };
    const answered = ['w8 1+3 ff', 'w32 1+65540 ffffffff', 'r8 1+0', 'r32 1+8'];
    const first = place();
    expect(first, 'by firmware').not.toBe(POWER_ON_ADDRESS);
    expect(first % MEMORY_BAR_SIZE).toBe(0);
    expect(touch(first)).toEqual(answered);
    expect(touch(POWER_ON_ADDRESS)).toEqual([]);
    cpu.devices.pci.pci_write32(register, -1);
    expect(place(), 'size').toBe(0x1_0000_0000 - MEMORY_BAR_SIZE);
    const second = 0x8000_0000;
    cpu.devices.pci.pci_write32(register, second | 0);
    expect(place()).toBe(second);
    expect(touch(second)).toEqual(answered);
    expect(touch(first), 'nobody is there any more').toEqual([]);
    cpu.devices.pci.pci_write32(register, 0);
    expect(cpu.memory_map_read8[0], 'RAM stays RAM').toBeUndefined();
    expect(touch(second)).toEqual([]);
    cpu.devices.pci.pci_write32(register, first | 0);
    expect(touch(first)).toEqual(answered);
  });

  it('takes a message as the local APIC’s request for its vector, and no other write', () => {
    const requests = (): number[] => [...new Uint32Array(cpu.wasm_memory.buffer, cpu.get_apic_addr() + 64, 8)];
    const before = requests();
    parts.interrupt.msi(0xfec0_0000, 0x51);
    parts.interrupt.msi(0x1_fee0_0000, 0x51);
    parts.interrupt.msi(0xfee0_0000, 0x451);
    parts.interrupt.msi(0xfee0_0000, 0x05);
    expect(requests()).toEqual(before);
    parts.interrupt.msi(0xfee0_1004, 0x4151);
    expect(requests()[2]).toBe((before[2]! | (1 << 17)) >>> 0);
    new Uint32Array(cpu.wasm_memory.buffer, cpu.get_apic_addr() + 64, 8).set(before);
  });

  it('assigns an interrupt line', () => {
    expect([5, 9, 10, 11]).toContain(interruptLine());
    parts.interrupt.raise();
    parts.interrupt.lower();
  });

  it('asks us at the moment of a configuration read, with any width, and at writes', () => {
    const { pci } = cpu.devices;
    const data = (byte: number) => cpu.io.ports[CONFIG_DATA + byte]!;
    cpu.io.ports[CONFIG_ADDRESS]!.write32.call(pci, OUR_ADDRESS | DYNAMIC_REGISTER);
    probe.dynamic = 0x1234;
    expect(data(0).read32.call(pci)).toBe(0x1234);
    probe.dynamic = 0x42;
    expect(data(0).read8.call(pci)).toBe(0x42);
    expect(data(2).read16.call(pci)).toBe(0x42);
    probe.accesses.length = 0;
    pci.pci_write16((8 << 11) | DYNAMIC_REGISTER, 0xbeef);
    expect(probe.accesses).toEqual(['config w16 beef']);
    cpu.io.ports[CONFIG_ADDRESS]!.write32.call(pci, OUR_ADDRESS);
    expect(data(0).read32.call(pci) >>> 0, 'other registers are v86’s').toBe(0x1041_1af4);
  });

  it('shows guest memory that both sides see, at every width', () => {
    const { memory } = parts;
    const other = new GuestRam(cpu);
    const at = 0x20_0000;
    expect(memory.contains(memory.size - 4, 4)).toBe(true);
    expect(memory.contains(memory.size - 4, 5)).toBe(false);
    expect(memory.contains(-1, 1)).toBe(false);
    memory.writeU16(at, 0xfffe);
    memory.writeU32(at + 2, 0x8000_0001);
    memory.writeU16(at + 6, 0);
    expect([other.readU16(at), other.readU32(at + 2), other.readU64(at)]).toEqual([
      0xfffe, 0x8000_0001, 0x8000_0001_fffe,
    ]);
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
    memory.write(at + 1, bytes, 1, 299);
    const back = new Uint8Array(400);
    other.read(at + 1, back, 7, 299);
    expect(back.slice(7, 306)).toEqual(bytes.slice(1));
    expect(back[306]).toBe(0);
  });

  it('counts the instructions that the guest executes, as v86 itself does', () => {
    const count = machine.instructions();
    expect(count).toBe(machine.emulator.get_instruction_counter());
    expect(count, 'firmware has run').toBeGreaterThan(10_000);
  });

  it('has the kernel in place again after a reset, and says so', () => {
    const { memory } = parts;
    const kernelAt = 0x10_0000;
    const before = [memory.readU32(kernelAt), memory.readU32(0x8_0202)];
    expect(before[1], 'HdrS').toBe(0x5372_6448);
    memory.writeU32(kernelAt, 0xdead_beef);
    memory.writeU32(0x8_0202, 0);
    cpu.reboot_internal();
    expect([memory.readU32(kernelAt), memory.readU32(0x8_0202)]).toEqual(before);
    expect(onReset).toHaveBeenCalledOnce();
  });

  it('answers in the memory BAR again when firmware puts it where it was before a reset', () => {
    const register = (8 << 11) | (0x10 + 4 * MEMORY_BAR);
    // Where v86 maps its VGA ROM at every reset, and where firmware puts the BAR of this machine.
    const address = 0xfebc_0000;
    const write = (): void => {
      cpu.memory_map_write32[address >>> 17]!((address + 4) | 0, 7);
    };
    cpu.devices.pci.pci_write32(register, address | 0);
    cpu.reboot_internal();
    cpu.devices.pci.pci_write32(register, address | 0);
    probe.accesses.length = 0;
    write();
    expect(probe.accesses).toEqual(['w32 1+4 7']);
    cpu.devices.pci.pci_write32(register, 0x8000_0000 | 0);
    write();
    expect(probe.accesses, 'v86 answers again').toEqual(['w32 1+4 7']);
  });

  it('sees the guest switch the machine off', () => {
    const pm1Control = cpu.io.ports[0xb004]!;
    pm1Control.write16.call(cpu.devices.acpi, 1);
    expect(onPowerOff).not.toHaveBeenCalled();
    pm1Control.write16.call(cpu.devices.acpi, 0x2001);
    expect(onPowerOff).toHaveBeenCalledOnce();
  });

  it('clears ACPI event status by ones', () => {
    const { acpi } = cpu.devices;
    acpi.gpe[0] = 0x03;
    cpu.io.ports[0xafe0]!.write8.call(acpi, 0x01);
    expect(acpi.gpe[0]).toBe(0x02);
    cpu.io.ports[0xafe0]!.write8.call(acpi, 0xff);
    expect(acpi.gpe[0]).toBe(0);
  });
});
