import { copyBytes, LOOP_BYTES } from '../../src/core/ring/record.ts';
import type { GuestMemory } from '../../src/core/virtio/guest-memory.ts';
import { instructionsOf } from './instructions.ts';
import type { V86Cpu } from './internals.ts';

const PAGE_BITS = 12;
const PLACES = 64;
const NO_PAGE = -1;

/**
 * Guest RAM inside v86's WebAssembly memory.
 *
 * v86's own views (`mem8` and its like) are proxies that allocate on every access, so this class keeps a view of its own and
 * makes it anew when the memory has grown (a detached view has length 0). Every write is announced to the
 * JIT, because the guest may keep code in the same page. Code is translated only while the guest runs, so a page
 * that has been announced needs no second word before the guest has executed something: a batch of frames
 * announces its used ring once.
 */
export class GuestRam implements GuestMemory {
  readonly size: number;
  readonly #cpu: V86Cpu;
  readonly #base: number;
  #bytes: Uint8Array;
  #view: DataView;
  readonly #executed: () => number;
  /** Pages that were announced when the instruction counter stood at `#paused`; each has one place. */
  readonly #announced = new Int32Array(PLACES).fill(NO_PAGE);
  #paused = -1;

  constructor(cpu: V86Cpu) {
    this.#cpu = cpu;
    this.size = cpu.memory_size[0] ?? 0;
    this.#base = cpu.mem8.byteOffset;
    this.#bytes = new Uint8Array(cpu.wasm_memory.buffer, this.#base, this.size);
    this.#view = new DataView(cpu.wasm_memory.buffer, this.#base, this.size);
    this.#executed = instructionsOf(cpu);
  }

  get bytes(): Uint8Array {
    this.#live();
    return this.#bytes;
  }

  contains(addr: number, length: number): boolean {
    return addr >= 0 && length >= 0 && addr + length <= this.size;
  }

  readU16(addr: number): number {
    return this.#live().getUint16(addr, true);
  }

  readU32(addr: number): number {
    return this.#live().getUint32(addr, true);
  }

  readU64(addr: number): number {
    const view = this.#live();
    return view.getUint32(addr + 4, true) * 0x1_0000_0000 + view.getUint32(addr, true);
  }

  writeU16(addr: number, value: number): void {
    this.#announce(addr, 2);
    this.#live().setUint16(addr, value, true);
  }

  writeU32(addr: number, value: number): void {
    this.#announce(addr, 4);
    this.#live().setUint32(addr, value, true);
  }

  read(addr: number, into: Uint8Array, offset: number, length: number): void {
    this.#live();
    copy(this.#bytes, addr, into, offset, length);
  }

  write(addr: number, from: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    this.#announce(addr, length);
    this.#live();
    copy(from, offset, this.#bytes, addr, length);
  }

  #announce(addr: number, length: number): void {
    const executed = this.#executed();
    if (executed !== this.#paused) {
      this.#paused = executed;
      this.#announced.fill(NO_PAGE);
    }
    const page = addr >>> PAGE_BITS;
    if (page === (addr + length - 1) >>> PAGE_BITS) {
      if (this.#announced[page % PLACES] === page) return;
      this.#announced[page % PLACES] = page;
    }
    this.#cpu.jit_dirty_cache(addr, addr + length);
  }

  #live(): DataView {
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#cpu.wasm_memory.buffer, this.#base, this.size);
      this.#view = new DataView(this.#cpu.wasm_memory.buffer, this.#base, this.size);
    }
    return this.#view;
  }
}

/**
 * Longer copies are made in pieces. The C library that Chromium uses copies more than some 2,100 bytes with an
 * instruction (`rep movsb`) that on AMD's processors is ten times slower for some distances between source and target.
 */
const PIECE = 2048;

/**
 * V8 copies out of shared memory word by word only where source and target are equally far from a word boundary, and
 * else byte by byte. A frame lies in its channel as it lay with its sender, a driver's buffer where the driver
 * likes. By way of this place, as far from a boundary as the source, the copy takes half the time (1514 bytes, in
 * Chromium).
 */
const between = new Uint8Array(PIECE + 7);

function copy(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, length: number): void {
  const skew = (from.byteOffset + fromOffset) & 7;
  const detour = length > LOOP_BYTES && skew !== ((to.byteOffset + toOffset) & 7) && isShared(from);
  for (let done = 0; done < length; done += PIECE) {
    const size = Math.min(PIECE, length - done);
    if (detour) {
      copyBytes(from, fromOffset + done, size, between, skew);
      copyBytes(between, skew, size, to, toOffset + done);
    } else {
      copyBytes(from, fromOffset + done, size, to, toOffset + done);
    }
  }
}

function isShared({ buffer }: Uint8Array): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}
