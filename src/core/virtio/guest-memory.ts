/**
 * Guest RAM as the device sees it: bounds are asked once, accesses are then unchecked.
 *
 * Every guest-chosen range (ring, descriptor, indirect table) is tested with `contains` at the moment
 * the guest hands it over. Afterwards nothing on the data path can fail, so nothing on it throws and
 * nothing has to be caught. Addresses and lengths are bytes; all integers are little-endian, which is
 * what modern virtio prescribes and what an i386 guest uses natively for legacy rings as well.
 */
export interface GuestMemory {
  /** Bytes of RAM, starting at guest physical address 0. */
  readonly size: number;
  /**
   * RAM itself, to read a checked range where it lies: byte 0 is address 0. Not to be kept, because a machine may
   * move its RAM, and not to be written, because a machine may have to hear of writes.
   */
  readonly bytes: Uint8Array;

  /** True if `[addr, addr + length)` lies in RAM. Any number is a legal argument. */
  contains(addr: number, length: number): boolean;

  readU16(addr: number): number;
  readU32(addr: number): number;
  /** A 64-bit value as a number: exact below 2^53, which covers every address that `contains` accepts. */
  readU64(addr: number): number;
  writeU16(addr: number, value: number): void;
  writeU32(addr: number, value: number): void;

  /** Copies guest bytes `[addr, addr + length)` into `into` at `offset`. */
  read(addr: number, into: Uint8Array, offset: number, length: number): void;
  /** Copies `length` bytes of `from`, starting at `offset`, to guest address `addr`. */
  write(addr: number, from: Uint8Array, offset: number, length: number): void;
}
