import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayMemory } from '../testing/array-memory.ts';
import { DescriptorChain } from './descriptor-chain.ts';
import { VastMemory } from './queue.test-kit.ts';

/** A chain over the given cuts of consecutive bytes, with a hole of 5 bytes between segments. */
function chainOf(memory: ArrayMemory, bytes: Uint8Array, cuts: readonly number[], writable: boolean): DescriptorChain {
  const chain = new DescriptorChain(64);
  chain.reset(0);
  let at = 0;
  let addr = 100;
  for (const cut of [...cuts, bytes.length]) {
    const length = Math.min(cut, bytes.length - at);
    memory.write(addr, bytes, at, length);
    chain.add(addr, length, writable);
    addr += length + 5;
    at += length;
  }
  return chain;
}

describe('DescriptorChain', () => {
  it('SPLIT-FRAME-01: any cut of readable bytes is the same stream, from any position', () => {
    const cuts = fc.array(fc.nat(9), { maxLength: 20 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), cuts, fc.nat(70), fc.nat(70), (bytes, cut, position, length) => {
        const memory = new ArrayMemory(1024);
        const chain = chainOf(memory, bytes, cut, false);
        const into = new Uint8Array(80).fill(0xee);
        const done = chain.read(memory, position, into, 3, length);
        const expected = bytes.slice(position, position + length);
        expect(done).toBe(expected.length);
        expect(into.slice(3, 3 + done)).toEqual(expected);
        expect(into[3 + done]).toBe(0xee);
      }),
    );
  });

  it('says where readable bytes lie in one piece, up to the end', () => {
    const cuts = fc.array(fc.nat(9), { maxLength: 6 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), cuts, fc.nat(70), (bytes, cut, position) => {
        const memory = new ArrayMemory(1024);
        const chain = chainOf(memory, bytes, cut, false);
        const rest = bytes.slice(position);
        const at = chain.readableAt(position);
        if (at >= 0) expect(memory.bytes.slice(at, at + rest.length)).toEqual(rest);
        else expect(rest.length === 0 || cut.reduce((sum, length) => sum + length, 0) > position).toBe(true);
        // What is not cut behind the position is in one piece.
        if (position < bytes.length && cut.length === 0) expect(at).toBe(100 + position);
      }),
    );
  });

  it('SPLIT-FRAME-01: any cut of writable bytes takes the same stream and nothing else', () => {
    const cuts = fc.array(fc.nat(9), { maxLength: 20 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), cuts, (bytes, cut) => {
        const memory = new ArrayMemory(1024);
        const chain = chainOf(memory, new Uint8Array(bytes.length), cut, true);
        const filled = memory.bytes.slice();
        expect(chain.write(memory, 0, bytes, 0, bytes.length)).toBe(bytes.length);
        let addr = 100;
        let at = 0;
        for (const part of [...cut, bytes.length]) {
          const length = Math.min(part, bytes.length - at);
          expect(memory.bytes.slice(addr, addr + length)).toEqual(bytes.slice(at, at + length));
          filled.set(bytes.slice(at, at + length), addr);
          addr += length + 5;
          at += length;
        }
        expect(Buffer.compare(memory.bytes, filled)).toBe(0);
      }),
    );
  });

  it('SPLIT-FRAME-01: a read ends in the middle of a segment that is not the first', () => {
    const memory = new ArrayMemory(256);
    const chain = chainOf(memory, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), [4, 4], false);
    const into = new Uint8Array(8);
    expect(chain.read(memory, 0, into, 0, 6)).toBe(6);
    expect([...into]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
  });

  it('SPLIT-DESC-01: nothing of the buffer before is left when the chain is refilled', () => {
    const memory = new ArrayMemory(256);
    const chain = new DescriptorChain(4);
    chain.reset(1);
    chain.add(10, 4, true);
    chain.add(20, 4, true);
    chain.reset(2);
    chain.add(30, 4, true);
    expect(chain.write(memory, 0, new Uint8Array(8).fill(9), 0, 8)).toBe(4);
    expect([...memory.bytes.slice(20, 24)]).toEqual([0, 0, 0, 0]);
  });

  it('holds 2^32 bytes, both parts together, and not one more', () => {
    const memory = new VastMemory(new ArrayMemory(256));
    const chain = new DescriptorChain(4);
    chain.reset(0);
    expect(chain.offer(memory, 0, 0x8000_0000, false)).toBeNull();
    expect(chain.offer(memory, 0, 0x8000_0000, true)).toBeNull();
    expect([chain.readable, chain.writable]).toEqual([0x8000_0000, 0x8000_0000]);
    expect(chain.offer(memory, 0, 1, true)).toBe('chain-too-long');
  });

  it('SPLIT-DESC-01: writes start behind the readable part and stop at the end', () => {
    const memory = new ArrayMemory(256);
    const chain = new DescriptorChain(4);
    chain.reset(7);
    chain.add(10, 4, false);
    chain.add(20, 3, true);
    expect(chain.write(memory, 0, new Uint8Array(8).fill(9), 0, 8)).toBe(3);
    expect([...memory.bytes.slice(10, 14)]).toEqual([0, 0, 0, 0]);
    expect([...memory.bytes.slice(20, 24)]).toEqual([9, 9, 9, 0]);
  });

  it('SPLIT-DESC-02: reads end before the writable part', () => {
    const memory = new ArrayMemory(256);
    memory.bytes.fill(5);
    const chain = new DescriptorChain(4);
    chain.reset(0);
    chain.add(10, 2, false);
    chain.add(20, 3, true);
    expect(chain.read(memory, 0, new Uint8Array(8), 0, 8)).toBe(2);
  });
});
