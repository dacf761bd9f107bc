/** Guest RAM that is a plain array. An unchecked access outside throws: that is a bug of ours, not the guest's. */
import type { GuestMemory } from '../virtio/guest-memory.ts';

export class ArrayMemory implements GuestMemory {
  bytes: Uint8Array;
  #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** From now on this is the same memory as `other`: what a driver sees when its machine was moved. */
  redirect(other: ArrayMemory): void {
    this.bytes = other.bytes;
    this.#view = other.#view;
  }

  get size(): number {
    return this.bytes.length;
  }

  contains(addr: number, length: number): boolean {
    return Number.isInteger(addr) && Number.isInteger(length) && addr >= 0 && length >= 0 && addr + length <= this.size;
  }

  readU16(addr: number): number {
    return this.#view.getUint16(addr, true);
  }
  readU32(addr: number): number {
    return this.#view.getUint32(addr, true);
  }
  readU64(addr: number): number {
    return this.#view.getUint32(addr, true) + this.#view.getUint32(addr + 4, true) * 0x1_0000_0000;
  }
  writeU16(addr: number, value: number): void {
    this.#view.setUint16(addr, value, true);
  }
  writeU32(addr: number, value: number): void {
    this.#view.setUint32(addr, value, true);
  }

  read(addr: number, into: Uint8Array, offset: number, length: number): void {
    if (!this.contains(addr, length)) throw new RangeError(`read of ${length} at ${addr}`);
    into.set(this.bytes.subarray(addr, addr + length), offset);
  }

  write(addr: number, from: Uint8Array, offset: number, length: number): void {
    if (!this.contains(addr, length)) throw new RangeError(`write of ${length} at ${addr}`);
    this.bytes.set(from.subarray(offset, offset + length), addr);
  }
}
