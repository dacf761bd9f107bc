/**
 * MSI-X: an interrupt is a message, a memory write of `data` to `address`, both chosen by the driver per vector.
 *
 * A message that may not go out now (its vector is masked, the function is masked, or the function may not
 * master the bus) is remembered in a pending bit and goes out when the last hindrance is gone.
 *
 * Table and pending bits lie in a memory BAR:
 *
 *     0x000 table, 16 bytes a vector: le64 address, le32 data, le32 control (bit 0: masked)
 *     0x800 pending bits, one a vector, read-only
 *
 * @spec 4.1.5.1.2; PCI Local Bus 3.0, 6.8.2
 */
import * as P from './layout.ts';

/** Carries one message to the processor. `address` is below 2^64, a multiple of 4. */
export type MessageSink = (address: number, data: number) => void;

export interface MsixState {
  /** Enable and function mask. */
  readonly control: number;
  readonly table: readonly number[];
  readonly pending: readonly number[];
}

/** Of the table's size in message control there are 11 bits, of pending bits there is room for many more. */
const CONTROL_WRITABLE = P.MSIX_CONTROL_ENABLE | P.MSIX_CONTROL_FUNCTION_MASK;
const TABLE_WORDS = P.MSIX_ENTRY_SIZE / 4;

/** Pending bits come in words of 64. */
export const pendingBytes = (vectors: number): number => 8 * Math.ceil(vectors / 64);

export class Msix {
  readonly vectors: number;
  readonly #send: MessageSink;
  readonly #table: DataView;
  readonly #pending: DataView;
  #control = 0;
  #busMaster = false;

  /** @param vectors at most 128, so that the table ends where the pending bits begin */
  constructor(vectors: number, send: MessageSink) {
    this.vectors = vectors;
    this.#send = send;
    this.#table = new DataView(new ArrayBuffer(vectors * P.MSIX_ENTRY_SIZE));
    this.#pending = new DataView(new ArrayBuffer(pendingBytes(vectors)));
    this.reset();
  }

  get enabled(): boolean {
    return (this.#control & P.MSIX_CONTROL_ENABLE) !== 0;
  }

  /** @spec 4.1.5.1.2.1 MUST report the number of vectors, as PCI encodes it: less one (PCI-MSIX-02) */
  get control(): number {
    return this.#control | (this.vectors - 1);
  }

  set control(value: number) {
    this.#control = value & CONTROL_WRITABLE;
    this.#release();
  }

  /** Whether the function may write to memory. Each time it may again, what is pending goes out. */
  set busMaster(may: boolean) {
    this.#busMaster = may;
    this.#release();
  }

  /** Sends the message of a vector, now or as soon as nothing hinders it. */
  fire(vector: number): void {
    if (this.#free(vector)) this.#deliver(vector);
    else this.#setPending(vector, true);
  }

  /** Forgets a message that did not go out: its event is not mapped here any more. */
  cancel(vector: number): void {
    this.#setPending(vector, false);
  }

  /** After power-on: disabled, every vector masked. */
  reset(): void {
    this.#control = 0;
    this.#busMaster = false;
    for (let vector = 0; vector < this.vectors; vector++) {
      for (let word = 0; word < TABLE_WORDS; word++) this.#setWord(vector, 4 * word, 0);
      this.#setWord(vector, P.MSIX_ENTRY_CONTROL, P.MSIX_ENTRY_MASKED);
      this.cancel(vector);
    }
  }

  /** Any width at any offset of the BAR. What is neither table nor pending bits reads zero. */
  read(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#readByte(offset + i);
    return value;
  }

  write(offset: number, width: number, value: number): void {
    const end = Math.min(offset + width, P.MSIX_TABLE_OFFSET + this.#table.byteLength);
    for (let at = offset; at < end; at++) this.#writeByte(at, Math.floor(value / 2 ** (8 * (at - offset))) % 256);
    for (let at = offset; at < end; at++) this.#releaseOne(Math.floor(at / P.MSIX_ENTRY_SIZE));
  }

  save(): MsixState {
    const words = Array.from({ length: this.vectors * TABLE_WORDS }, (_, word) =>
      this.#table.getUint32(4 * word, true),
    );
    const pending = Array.from({ length: this.#pending.byteLength }, (_, byte) => this.#pending.getUint8(byte));
    return { control: this.#control, table: words, pending };
  }

  /** Takes over a checked state. Messages that were pending go out as soon as nothing hinders them. */
  restore(state: MsixState): void {
    state.table.forEach((word, index) => {
      this.#table.setUint32(4 * index, word, true);
    });
    state.pending.forEach((byte, index) => {
      this.#pending.setUint8(index, byte);
    });
    this.control = state.control;
  }

  #free(vector: number): boolean {
    const masked = this.#word(vector, P.MSIX_ENTRY_CONTROL) & P.MSIX_ENTRY_MASKED;
    return this.#busMaster && (this.#control & CONTROL_WRITABLE) === P.MSIX_CONTROL_ENABLE && masked === 0;
  }

  #deliver(vector: number): void {
    const high = this.#word(vector, P.MSIX_ENTRY_ADDRESS_HI);
    const low = this.#word(vector, P.MSIX_ENTRY_ADDRESS_LO);
    this.#send(high * 0x1_0000_0000 + low, this.#word(vector, P.MSIX_ENTRY_DATA));
  }

  #release(): void {
    for (let vector = 0; vector < this.vectors; vector++) this.#releaseOne(vector);
  }

  #releaseOne(vector: number): void {
    if (!this.#isPending(vector) || !this.#free(vector)) return;
    this.#setPending(vector, false);
    this.#deliver(vector);
  }

  #isPending(vector: number): boolean {
    return ((this.#pending.getUint8(vector >> 3) >> (vector & 7)) & 1) === 1;
  }

  #setPending(vector: number, pending: boolean): void {
    const byte = this.#pending.getUint8(vector >> 3);
    const bit = 1 << (vector & 7);
    this.#pending.setUint8(vector >> 3, pending ? byte | bit : byte & ~bit);
  }

  #word(vector: number, at: number): number {
    return this.#table.getUint32(vector * P.MSIX_ENTRY_SIZE + at, true);
  }

  #setWord(vector: number, at: number, value: number): void {
    this.#table.setUint32(vector * P.MSIX_ENTRY_SIZE + at, value, true);
  }

  #readByte(at: number): number {
    if (at < P.MSIX_TABLE_OFFSET + this.#table.byteLength) return this.#table.getUint8(at - P.MSIX_TABLE_OFFSET);
    const pending = at - P.MSIX_PBA_OFFSET;
    return pending >= 0 && pending < this.#pending.byteLength ? this.#pending.getUint8(pending) : 0;
  }

  #writeByte(at: number, byte: number): void {
    const field = at % P.MSIX_ENTRY_SIZE;
    // An address is a multiple of 4; of vector control only the mask exists.
    if (field === P.MSIX_ENTRY_ADDRESS_LO) this.#table.setUint8(at, byte & ~3);
    else if (field < P.MSIX_ENTRY_CONTROL) this.#table.setUint8(at, byte);
    else if (field === P.MSIX_ENTRY_CONTROL) this.#table.setUint8(at, byte & P.MSIX_ENTRY_MASKED);
  }
}
