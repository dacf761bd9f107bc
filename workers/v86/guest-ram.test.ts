import { describe, expect, it, vi } from 'vitest';
import { GuestRam } from './guest-ram.ts';
import type { V86Cpu } from './internals.ts';

const SIZE = 0x10_0000;
const COUNTER_AT = 664;
const RAM_AT = 0x1_0000;

function setup() {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 64 });
  const jit_dirty_cache = vi.fn();
  const cpu = {
    memory_size: Int32Array.of(SIZE),
    mem8: { byteOffset: RAM_AT },
    instruction_counter: { byteOffset: COUNTER_AT },
    wasm_memory: memory,
    jit_dirty_cache,
  };
  const execute = () => new Uint32Array(memory.buffer, COUNTER_AT, 1)[0]!++;
  return { ram: new GuestRam(cpu as unknown as V86Cpu), memory, dirtied: jit_dirty_cache.mock.calls, execute };
}

describe('what v86’s translator is told of writes', () => {
  it('is each page once, while the guest executes nothing', () => {
    const { ram, dirtied, execute } = setup();
    ram.writeU16(0x5004, 1);
    ram.writeU32(0x5ffc, 1);
    ram.write(0x5100, new Uint8Array(200), 0, 200);
    expect(dirtied).toEqual([[0x5004, 0x5006]]);
    ram.writeU16(0x6000, 1);
    expect(dirtied).toHaveLength(2);
    execute();
    ram.writeU16(0x5004, 1);
    expect(dirtied.at(-1)).toEqual([0x5004, 0x5006]);
    expect(dirtied).toHaveLength(3);
  });

  it('is all of a write that spans pages, each time', () => {
    const { ram, dirtied } = setup();
    for (let i = 0; i < 2; i++) ram.write(0x5ff0, new Uint8Array(0x2000), 0, 0x2000);
    ram.writeU32(0x6ffe, 1);
    expect(dirtied).toEqual([
      [0x5ff0, 0x7ff0],
      [0x5ff0, 0x7ff0],
      [0x6ffe, 0x7002],
    ]);
  });

  it('is pages that share a place one after the other, never none', () => {
    const { ram, dirtied } = setup();
    for (const page of [0x01, 0x41, 0x01, 0x41]) ram.writeU16(page * 0x1000, 1);
    expect(dirtied).toHaveLength(4);
  });

  it('goes on when the memory has grown', () => {
    const { ram, memory, dirtied, execute } = setup();
    ram.writeU32(0x5000, 7);
    memory.grow(1);
    execute();
    expect(ram.readU32(0x5000)).toBe(7);
    expect(ram.bytes[0x5000]).toBe(7);
    ram.writeU32(0x5000, 8);
    expect(dirtied).toHaveLength(2);
  });
});

describe('bytes copied into guest RAM and out of it', () => {
  /** No byte is like those near it, nor like those a piece or a page away. */
  const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + 1) & 0xff);
  const LENGTHS = [1, 64, 65, 1514, 2047, 2048, 2049, 6000];
  const [AT, ROOM, UNTOUCHED] = [0x5000, 8192, 0xee];

  const everyWay = (check: (length: number, from: number, to: number) => void) => {
    for (const length of LENGTHS) for (let i = 0; i < 64; i++) check(length, i >> 3, i & 7);
  };

  const expected = (source: Uint8Array, length: number, from: number, to: number) => {
    const bytes = new Uint8Array(ROOM).fill(UNTOUCHED);
    bytes.set(source.slice(from, from + length), to);
    return Buffer.from(bytes);
  };

  it.each([
    ['shared memory', SharedArrayBuffer],
    ['memory of its own', ArrayBuffer],
  ])('are those of %s, however both lie, and no others', (_, Memory) => {
    const { ram } = setup();
    const source = new Uint8Array(new Memory(ROOM + 8), 8);
    source.set(pattern(ROOM));
    everyWay((length, from, to) => {
      ram.bytes.fill(UNTOUCHED, AT, AT + ROOM);
      ram.write(AT + to, source, from, length);
      const there = ram.bytes.subarray(AT, AT + ROOM);
      expect(expected(source, length, from, to).equals(there), `${length} bytes from ${from} to ${to}`).toBe(true);
    });
  });

  it('are read as they are', () => {
    const { ram } = setup();
    ram.bytes.set(pattern(ROOM), AT);
    const into = new Uint8Array(ROOM);
    everyWay((length, from, to) => {
      into.fill(UNTOUCHED);
      ram.read(AT + from, into, to, length);
      const source = ram.bytes.subarray(AT, AT + ROOM);
      expect(expected(source, length, from, to).equals(into), `${length} bytes from ${from} to ${to}`).toBe(true);
    });
  });
});
