import type { V86Cpu } from './internals.ts';

/** Reads how many instructions the guest has executed, 32 bits: a clock that costs nothing, and stands while the guest halts. */
export function instructionsOf(cpu: V86Cpu): () => number {
  const { byteOffset } = cpu.instruction_counter;
  let counter = new Uint32Array(cpu.wasm_memory.buffer, byteOffset, 1);
  return () => {
    // Memory that has grown lies in another buffer, and the view of the old one is empty.
    if (counter.length === 0) counter = new Uint32Array(cpu.wasm_memory.buffer, byteOffset, 1);
    return counter[0] ?? 0;
  };
}

/** cpu.rs LOOP_COUNTER: instructions in a stretch, less one. */
const STRETCH = 100_003;

/** The stretch of instructions that runs is over, as if so many had been executed: then comes a turn. */
export function endStretch(cpu: V86Cpu): void {
  cpu.instruction_counter[0] = (cpu.instruction_counter[0] ?? 0) + STRETCH;
}
