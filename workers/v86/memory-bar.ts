/**
 * A memory BAR that firmware and kernel can move.
 *
 * v86 maps registers in units of 128 KiB and takes any new address of a memory BAR back. A kernel that scans the
 * bus again would then believe in an address where nothing is. So this BAR has its register here, and its handlers
 * go where the register points; whoever answered there before answers again when the BAR has gone.
 *
 * A reboot loads the firmware again, and with it v86 maps its VGA ROM over 0xFEB00000-0xFEBFFFFF, where firmware puts
 * our BAR. So a write of the address that the register already has must put the handlers back.
 */
import type { V86Cpu } from './internals.ts';

/** What lies behind the BAR: 1 or 4 bytes at an offset, unsigned. */
export interface BarHandlers {
  read(offset: number, width: number): number;
  write(offset: number, width: number, value: number): void;
}

/** One entry of each of v86's tables. */
type Unit = readonly [
  read8: (at: number) => number,
  write8: (at: number, value: number) => void,
  read32: (at: number) => number,
  write32: (at: number, value: number) => void,
];

const UNIT_BITS = 17;
/** The only size there is: any other would share a unit with its neighbours. */
export const MEMORY_BAR_SIZE = 1 << UNIT_BITS;
const UNITS = 2 ** (32 - UNIT_BITS);

export class MemoryBar {
  readonly #cpu: V86Cpu;
  readonly #handlers: Unit;
  /** Where the handlers are, and who was there before. */
  #mapped: { readonly unit: number; readonly before: Unit } | null = null;

  constructor(cpu: V86Cpu, handlers: BarHandlers) {
    const offset = (at: number): number => at & (MEMORY_BAR_SIZE - 1);
    this.#cpu = cpu;
    this.#handlers = [
      (at) => handlers.read(offset(at), 1),
      (at, value) => {
        handlers.write(offset(at), 1, value & 0xff);
      },
      (at) => handlers.read(offset(at), 4) | 0,
      (at, value) => {
        handlers.write(offset(at), 4, value >>> 0);
      },
    ];
  }

  /** The BAR's register was written; what is read back then. All ones ask for the size. */
  write(value: number): number {
    const address = value & ~(MEMORY_BAR_SIZE - 1);
    if (address !== ~(MEMORY_BAR_SIZE - 1)) this.#moveTo(address >>> UNIT_BITS);
    return address;
  }

  #moveTo(unit: number): void {
    const { memory_map_read8, memory_map_write8, memory_map_read32, memory_map_write32 } = this.#cpu;
    const present = this.#mapped !== null && memory_map_read8[this.#mapped.unit] === this.#handlers[0];
    if (present && this.#mapped?.unit === unit) return;
    const put = (at: number, [read8, write8, read32, write32]: Unit): void => {
      memory_map_read8[at] = read8;
      memory_map_write8[at] = write8;
      memory_map_read32[at] = read32;
      memory_map_write32[at] = write32;
    };
    if (present && this.#mapped) put(this.#mapped.unit, this.#mapped.before);
    this.#mapped = null;
    // RAM comes first, and has no entries; the last unit is the firmware's.
    if (unit >= UNITS - 1) return;
    const [read8, write8] = [memory_map_read8[unit], memory_map_write8[unit]];
    const [read32, write32] = [memory_map_read32[unit], memory_map_write32[unit]];
    if (!read8 || !write8 || !read32 || !write32) return;
    this.#mapped = { unit, before: [read8, write8, read32, write32] };
    put(unit, this.#handlers);
  }
}
