/**
 * A virtio device as a PCI function: its configuration space and its BARs, in front of the transport.
 *
 * The machine keeps a copy of configuration space, moves BARs and routes interrupts. Everything else is answered
 * here: who the function is, command and status, capabilities. So a function can change what it is, as if it were
 * pulled out and another one put in. It does that when nobody drives it (no DRIVER in the status, and bus mastering
 * off, which is how a driver leaves a function) or when the machine is reset, because ids and BARs are read when
 * the bus is enumerated.
 *
 *     BAR 0, I/O      legacy registers, of a transitional device
 *     BAR 1, memory   MSI-X table and pending bits, if the function shows MSI-X
 *     BAR 4, I/O      everything else
 *
 * A BAR that the function does not show now reads as zero. Whether a BAR's decoding is switched on in the command
 * register is between machine and driver: an access that comes through is served.
 */
import type { VirtioDevice } from '../virtio/device.ts';
import type { StateReader } from '../virtio/state-reader.ts';
import { buildConfigSpace, type ConfigSpace, type Placement } from './config-space.ts';
import { ConfigWindow, WINDOW_SIZE } from './config-window.ts';
import type { TransportEvent } from './events.ts';
import * as P from './layout.ts';
import type { VirtioPciTransport } from './transport.ts';

/** What kind of function it is. */
export interface FunctionKind {
  /** With the ids and the registers that a legacy driver looks for. */
  readonly transitional: boolean;
  /** With an MSI-X capability, if the machine knows messages. */
  readonly msix: boolean;
}

export interface FunctionState {
  readonly kind: FunctionKind;
  /** The writable bytes of the PCI_CFG capability. */
  readonly window: readonly number[];
}

/** Checks that data is such a state. */
export function readFunctionState(read: StateReader, value: unknown): FunctionState {
  const root = read.record(value, 'function');
  const kind = read.record(root.kind, 'function.kind');
  return {
    kind: {
      transitional: read.flag(kind.transitional, 'function.kind.transitional'),
      msix: read.flag(kind.msix, 'function.kind.msix'),
    },
    window: read.counts(root.window, 'function.window', WINDOW_SIZE, 0xff),
  };
}

export interface PciFunctionOptions {
  readonly transport: VirtioPciTransport;
  readonly device: Pick<VirtioDevice, 'queueSpecs' | 'configSize'>;
  /** Virtio device type: 1 is a network device. */
  readonly deviceType: number;
  /** Class code, 24 bits. */
  readonly classCode: number;
  readonly kind: FunctionKind;
  /** I/O port of the BARs until firmware moves them, a multiple of 1024. */
  readonly ioBase: number;
  /** Address of the MSI-X BAR until firmware moves it, a multiple of 128 KiB. */
  readonly memoryBase: number;
  readonly emit: (event: TransportEvent) => void;
}

/** Registers of which the machine keeps the only copy: one word each, from these offsets on. */
const MACHINE_WORDS: readonly number[] = [P.PCI_CACHE_LINE, P.PCI_INTERRUPT_LINE];

export class PciFunction {
  /**
   * Configuration space after power-on, 256 bytes, with every BAR that the function may ever show: what the
   * machine makes its copy of.
   */
  readonly pciSpace: Uint8Array;
  /** Every BAR that the function may ever show. */
  readonly bars: readonly Placement[];
  readonly #options: PciFunctionOptions;
  readonly #window: ConfigWindow;
  #kind: FunctionKind;
  /** What it will be when it may change. */
  #next: FunctionKind;
  #space: ConfigSpace;

  constructor(options: PciFunctionOptions) {
    const { transport, ioBase, memoryBase, device } = options;
    if (device.queueSpecs.length > P.DOORBELLS_MAX) throw new RangeError('more queues than doorbells');
    this.#options = options;
    const table: Placement = { index: P.MSIX_BAR, kind: 'memory', size: P.MSIX_BAR_SIZE, base: memoryBase };
    this.bars = [
      { index: P.LEGACY_BAR, kind: 'io', size: P.LEGACY_BAR_SIZE, base: ioBase + P.MODERN_BAR_SIZE },
      ...(transport.signals.msix ? [table] : []),
      { index: P.MODERN_BAR, kind: 'io', size: P.MODERN_BAR_SIZE, base: ioBase },
    ];
    this.#kind = options.kind;
    this.#next = options.kind;
    this.#space = this.#build();
    this.pciSpace = this.#space.bytes;
    this.#window = new ConfigWindow(this.#space.window, {
      size: (bar) => this.#shown(bar)?.size ?? 0,
      barRead: (bar, offset, width) => this.barRead(bar, offset, width),
      barWrite: (bar, offset, width, value) => this.barWrite(bar, offset, width, value),
      error: (code, detail) => transport.guestError(code, null, detail),
    });
    this.#show();
  }

  /** What it is now. */
  get kind(): FunctionKind {
    return this.#kind;
  }

  /** Becomes this as soon as nobody drives the function. */
  become(kind: FunctionKind): void {
    this.#next = { transitional: kind.transitional, msix: kind.msix };
    this.#changeIfIdle();
  }

  /** @param width 1, 2 or 4 */
  barRead(bar: number, offset: number, width: number): number {
    const { transport } = this.#options;
    if (!this.#shown(bar)) return 0;
    if (bar === P.MODERN_BAR) return transport.modernBar.read(offset, width);
    if (bar === P.LEGACY_BAR) return transport.legacyBar.readAt(offset, width);
    return transport.signals.msix?.read(offset, width) ?? 0;
  }

  /** @param value may be signed */
  barWrite(bar: number, offset: number, width: number, value: number): void {
    const { transport } = this.#options;
    const bits = unsigned(value, width);
    if (!this.#shown(bar)) return;
    if (bar === P.MODERN_BAR) transport.modernBar.write(offset, width, bits);
    else if (bar === P.LEGACY_BAR) transport.legacyBar.writeAt(offset, width, bits);
    else transport.signals.msix?.write(offset, width, bits);
    this.#changeIfIdle();
  }

  /**
   * The value of a PCI configuration access, or undefined if the machine's own copy answers it. Reading
   * `pci_cfg_data` has side effects: ask only when the guest really reads.
   */
  pciConfigRead(offset: number, width: number): number | undefined {
    if (this.#isMachines(offset)) return undefined;
    if (this.#window.covers(offset, width)) return this.#window.read(offset, width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#readByte(offset + i);
    return value;
  }

  /** True if the access was ours and is done; false if the machine's own copy takes it. */
  pciConfigWrite(offset: number, width: number, value: number): boolean {
    const { transport } = this.#options;
    if (this.#isMachines(offset)) return false;
    const bits = unsigned(value, width);
    if (this.#window.covers(offset, width)) this.#window.write(offset, width, bits);
    else if (covers(P.PCI_COMMAND, offset, width)) {
      transport.command = merge16(transport.command, P.PCI_COMMAND, offset, width, bits);
    } else this.#writeMessageControl(offset, width, bits);
    this.#changeIfIdle();
    return true;
  }

  /** As when the whole machine is reset; the transport is reset with it. */
  powerOn(): void {
    this.#change();
    this.#window.reset();
    this.#options.transport.reset('machine');
  }

  save(): FunctionState {
    return { kind: this.#kind, window: this.#window.save() };
  }

  /** Takes over checked state: before the transport takes over its own. */
  restore({ kind, window }: FunctionState): void {
    this.#kind = kind;
    this.#show();
    this.#window.restore(window);
  }

  #build(): ConfigSpace {
    const { transport, device, deviceType, classCode } = this.#options;
    const { msix } = transport.signals;
    return buildConfigSpace({
      deviceType,
      classCode,
      queues: device.queueSpecs.length,
      configSize: device.configSize,
      transitional: this.#kind.transitional,
      msixVectors: this.#kind.msix && msix ? msix.vectors : null,
      bars: this.bars,
    });
  }

  #show(): void {
    this.#space = this.#build();
    this.#options.transport.signals.msixShown = this.#kind.msix;
  }

  /** A driver that lets go of a function resets it and switches bus mastering off; only then may it change. */
  #changeIfIdle(): void {
    if (this.#changes && !this.#options.transport.inUse) this.powerOn();
  }

  get #changes(): boolean {
    return this.#next.transitional !== this.#kind.transitional || this.#next.msix !== this.#kind.msix;
  }

  #change(): void {
    if (!this.#changes) return;
    this.#kind = this.#next;
    this.#show();
    const { transitional, msix } = this.#kind;
    this.#options.emit({ type: 'personality', transitional, msix });
  }

  #shown(bar: number): Placement | undefined {
    const hidden = (bar === P.LEGACY_BAR && !this.#kind.transitional) || (bar === P.MSIX_BAR && !this.#kind.msix);
    return hidden ? undefined : this.bars.find(({ index }) => index === bar);
  }

  #isMachines(offset: number): boolean {
    const word = offset & ~3;
    const bar = (word - P.PCI_BAR_0) / 4;
    return bar >= 0 && bar < P.PCI_BARS ? this.#shown(bar) !== undefined : MACHINE_WORDS.includes(word);
  }

  #readByte(at: number): number {
    const { transport } = this.#options;
    const { line, msix } = transport.signals;
    if (covers(P.PCI_COMMAND, at, 1)) return (transport.command >> (8 * (at - P.PCI_COMMAND))) & 0xff;
    if (at === P.PCI_STATUS) return P.PCI_STATUS_CAP_LIST | (line.pending ? P.PCI_STATUS_INTERRUPT : 0);
    const control = this.#messageControl();
    if (control !== null && msix && covers(control, at, 1)) return (msix.control >> (8 * (at - control))) & 0xff;
    // Of the BARs only those come here that the function does not show.
    const bar = at >= P.PCI_BAR_0 && at < P.PCI_BAR_0 + 4 * P.PCI_BARS;
    return bar ? 0 : (this.#space.bytes[at] ?? 0);
  }

  #writeMessageControl(offset: number, width: number, bits: number): void {
    const { msix } = this.#options.transport.signals;
    const at = this.#messageControl();
    if (at === null || !msix || !covers(at, offset, width)) return;
    msix.control = merge16(msix.control, at, offset, width, bits);
    this.#options.transport.signals.follow();
  }

  /** Offset of the register, or null without the capability. */
  #messageControl(): number | null {
    return this.#space.msix === null ? null : this.#space.msix + P.MSIX_MESSAGE_CONTROL;
  }
}

/** Whether an access touches the 16-bit register at `at`. */
function covers(at: number, offset: number, width: number): boolean {
  return offset < at + 2 && offset + width > at;
}

/** A 16-bit register after an access that touches part of it or more. */
function merge16(old: number, at: number, offset: number, width: number, bits: number): number {
  const bytes = [old & 0xff, old >>> 8];
  for (let i = 0; i < width; i++) {
    const index = offset + i - at;
    if (index === 0 || index === 1) bytes[index] = Math.floor(bits / 2 ** (8 * i)) % 256;
  }
  return (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
}

function unsigned(value: number, width: number): number {
  return width === 4 ? value >>> 0 : value & (2 ** (8 * width) - 1);
}
