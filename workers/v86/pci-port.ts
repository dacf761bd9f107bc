/**
 * Plugs a PCI function of ours into v86's bus.
 *
 * v86 offers I/O ports and a configuration space as an array of words that firmware and kernel read and
 * write without asking anybody. Four things are therefore added for this one function:
 *
 * - every port of an I/O BAR gets handlers for all widths. They are registered where the BAR lies after
 *   power-on, before `register_device` captures the port entries; v86 moves them along when firmware places
 *   the BAR (ports above 0x1000 only);
 * - a memory BAR has its register and its handlers in `memory-bar.ts`, because v86 cannot move one;
 * - configuration reads: the data ports 0xCFC-0xCFF ask our device first, so that dynamic bits
 *   (InterruptStatus) and the PCI-cfg window are served at the moment of the read, with its width;
 * - configuration writes: `pci_write8/16/32` ask our device first. v86 keeps what the device does not claim.
 */
import type { V86Cpu, V86Port } from './internals.ts';
import { MEMORY_BAR_SIZE, MemoryBar } from './memory-bar.ts';

/** What a PCI function of ours offers. `width` is 1, 2 or 4 bytes; values are unsigned. */
export interface PciFunction {
  readonly pciSpace: Uint8Array;
  /** Sizes in bytes, powers of two; where they lie stands in `pciSpace`. */
  readonly bars: readonly { readonly index: number; readonly size: number; readonly kind: 'io' | 'memory' }[];
  barRead(bar: number, offset: number, width: number): number;
  barWrite(bar: number, offset: number, width: number, value: number): void;
  /** The value, or undefined to let v86 answer from its own storage. */
  pciConfigRead(offset: number, width: number): number | undefined;
  /** True if the write is dealt with, false to let v86 store it. */
  pciConfigWrite(offset: number, width: number, value: number): boolean;
}

/** Bus 0, device 8, function 0: free in v86. */
export const PCI_ID = 8 << 3;
const CONFIG_DATA = 0xcfc;
const BAR0_OFFSET = 0x10;

export function plugIn(cpu: V86Cpu, fn: PciFunction, name: string): void {
  const bars: ({ size: number } | undefined)[] = [];
  const registers = new DataView(fn.pciSpace.buffer, fn.pciSpace.byteOffset);
  const address = (index: number): number => registers.getUint32(BAR0_OFFSET + 4 * index, true) & ~3;
  for (const { index, size, kind } of fn.bars) {
    if (kind === 'memory') continue;
    for (let offset = 0; offset < size; offset++) registerPort(cpu, fn, index, address(index) + offset, offset);
    bars[index] = { size };
  }
  const pci = cpu.devices.pci;
  const space = pci.register_device({ pci_id: PCI_ID, pci_space: Array.from(fn.pciSpace), pci_bars: bars, name });
  hookConfigReads(cpu, fn);
  hookConfigWrites(cpu, fn);
  for (const { index, size, kind } of fn.bars) {
    if (kind === 'memory') plugMemory(cpu, fn, space, index, size, address(index));
  }
}

function plugMemory(
  cpu: V86Cpu,
  fn: PciFunction,
  space: Int32Array,
  index: number,
  size: number,
  address: number,
): void {
  if (size !== MEMORY_BAR_SIZE) throw new RangeError(`memory BAR of ${size} bytes`);
  const bar = new MemoryBar(cpu, {
    read: (offset, width) => fn.barRead(index, offset, width),
    write: (offset, width, value) => {
      fn.barWrite(index, offset, width, value);
    },
  });
  const word = BAR0_OFFSET / 4 + index;
  space[word] = bar.write(address);
  const pci = cpu.devices.pci;
  const behind = pci.pci_write32.bind(pci);
  pci.pci_write32 = (at, value) => {
    const ours = ((at >>> 8) & 0xffff) === PCI_ID && (at & 0xff) === 4 * word;
    if (!ours) behind(at, value);
    // The function takes the write itself if it does not show this BAR.
    else if (!fn.pciConfigWrite(4 * word, 4, value >>> 0)) space[word] = bar.write(value);
  };
}

function registerPort(cpu: V86Cpu, fn: PciFunction, bar: number, port: number, offset: number): void {
  cpu.io.register_read(
    port,
    fn,
    () => fn.barRead(bar, offset, 1),
    () => fn.barRead(bar, offset, 2),
    () => fn.barRead(bar, offset, 4) | 0,
  );
  cpu.io.register_write(
    port,
    fn,
    (value) => {
      fn.barWrite(bar, offset, 1, value & 0xff);
    },
    (value) => {
      fn.barWrite(bar, offset, 2, value & 0xffff);
    },
    (value) => {
      fn.barWrite(bar, offset, 4, value >>> 0);
    },
  );
}

/** The register that the address port selects, if it is one of ours, else -1. */
function selectedRegister(address: number): number {
  return address >>> 31 === 1 && ((address >>> 8) & 0xffff) === PCI_ID ? address & 0xfc : -1;
}

function hookConfigReads(cpu: V86Cpu, fn: PciFunction): void {
  const pci = cpu.devices.pci;
  const hook = (byte: number, width: 1 | 2 | 4, method: 'read8' | 'read16' | 'read32'): void => {
    const entry = cpu.io.ports[CONFIG_DATA + byte] as V86Port;
    const original = entry[method].bind(entry.device);
    entry[method] = (port) => {
      const register = selectedRegister(pci.pci_addr32[0] ?? 0);
      const ours = register < 0 ? undefined : fn.pciConfigRead(register + byte, width);
      return ours === undefined ? original(port) : ours | 0;
    };
  };
  for (let byte = 0; byte < 4; byte++) hook(byte, 1, 'read8');
  hook(0, 2, 'read16');
  hook(2, 2, 'read16');
  hook(0, 4, 'read32');
}

function hookConfigWrites(cpu: V86Cpu, fn: PciFunction): void {
  const pci = cpu.devices.pci;
  const hook = (method: 'pci_write8' | 'pci_write16' | 'pci_write32', width: 1 | 2 | 4): void => {
    const original = pci[method].bind(pci);
    pci[method] = (address, value) => {
      const ours = ((address >>> 8) & 0xffff) === PCI_ID;
      const unsigned = width === 4 ? value >>> 0 : value & (width === 2 ? 0xffff : 0xff);
      if (ours && fn.pciConfigWrite(address & 0xff, width, unsigned)) return;
      original(address, value);
    };
  };
  hook('pci_write8', 1);
  hook('pci_write16', 2);
  hook('pci_write32', 4);
}
