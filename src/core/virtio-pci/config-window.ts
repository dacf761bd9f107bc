/**
 * The PCI_CFG capability: a window from PCI configuration space into the BARs, for firmware that cannot map
 * them yet.
 *
 * The driver fills in bar, offset and length of this capability, then touches `pci_cfg_data`. A touch of
 * any byte of it performs one BAR access of `length` bytes.
 *
 * @spec 4.1.4.9
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';

/** From the capability's `bar` field to the end of `pci_cfg_data`. */
const FIRST = 4;
const OFFSET = 8;
const LENGTH = 12;
const DATA = 16;
const END = 20;

/** Bytes of a saved window. */
export const WINDOW_SIZE = END;

export interface BarAccess {
  /** Bytes of a BAR, 0 if there is none. */
  size(bar: number): number;
  barRead(bar: number, offset: number, width: number): number;
  barWrite(bar: number, offset: number, width: number, value: number): void;
  error(code: GuestErrorCode, detail: string): void;
}

export class ConfigWindow {
  readonly #at: number;
  readonly #bar: BarAccess;
  /** The capability's bytes from `bar` on, as the driver wrote them. */
  readonly #bytes = new Uint8Array(END);
  readonly #view = new DataView(this.#bytes.buffer);

  /** @param at offset of the capability in configuration space */
  constructor(at: number, bar: BarAccess) {
    this.#at = at;
    this.#bar = bar;
  }

  /** True if an access touches the writable part of the capability. */
  covers(offset: number, width: number): boolean {
    return offset < this.#at + END && offset + width > this.#at + FIRST;
  }

  reset(): void {
    this.#bytes.fill(0);
  }

  read(offset: number, width: number): number {
    // @spec 4.1.4.9.1 MUST perform the BAR read and show its bytes in pci_cfg_data (PCI-CFGWIN-03)
    if (this.#touchesData(offset, width)) {
      const length = this.#target();
      const value = length === 0 ? 0 : this.#bar.barRead(this.#field(FIRST), this.#field(OFFSET), length);
      this.#view.setUint32(DATA, value, true);
    }
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.#bytes[offset + i - this.#at] ?? 0);
    return value;
  }

  write(offset: number, width: number, value: number): void {
    for (let i = 0; i < width; i++) {
      const index = offset + i - this.#at;
      const writable = index === FIRST || index >= OFFSET;
      if (writable && index < END) this.#bytes[index] = Math.floor(value / 2 ** (8 * i)) % 256;
    }
    if (!this.#touchesData(offset, width)) return;
    // @spec 4.1.4.9.1 MUST perform the BAR write (PCI-CFGWIN-02)
    const length = this.#target();
    if (length === 0) return;
    const data = this.#view.getUint32(DATA, true) % 2 ** (8 * length);
    this.#bar.barWrite(this.#field(FIRST), this.#field(OFFSET), length, data);
  }

  save(): number[] {
    return [...this.#bytes];
  }

  restore(bytes: readonly number[]): void {
    this.#bytes.set(bytes);
  }

  #touchesData(offset: number, width: number): boolean {
    return offset < this.#at + END && offset + width > this.#at + DATA;
  }

  #field(at: number): number {
    return at === FIRST ? (this.#bytes[FIRST] ?? 0) : this.#view.getUint32(at, true);
  }

  /** Bytes to access, or 0 if the driver named no valid place. */
  #target(): number {
    const bar = this.#field(FIRST);
    const offset = this.#field(OFFSET);
    const length = this.#field(LENGTH);
    const width = length === 1 || length === 2 || length === 4;
    if (width && offset % length === 0 && offset + length <= this.#bar.size(bar)) return length;
    this.#bar.error('cfg-window-bad-access', `bar ${bar}, offset ${offset}, length ${length}`);
    return 0;
  }
}
