/**
 * Translated code that is there when it is wanted.
 *
 * v86 interprets a page of guest code until it has cost some two hundred thousand instructions, and then translates
 * it to a WebAssembly module. It hands the module to the browser to be compiled by other threads, and takes the next
 * page only when that one has come back: a slice later at best, and on a machine whose cores are busy much later. A
 * guest that was just booted or restored has some hundred such pages, and runs ten times slower while it waits.
 *
 * Here the module is compiled at once, which a browser does lazily and so in no time, and put in place at the next
 * turn, for which the stretch of instructions that runs is ended. (Not in the same breath: v86 holds its translator's
 * lock while it hands the module over.)
 *
 * And a module is of one page. v86 would follow jumps into two more. But a page is run by one module only, the newest, and
 * knows only the entry points that the newest one has. So pages that call each other took each other's entry points
 * away, and were interpreted and translated again until some module happened to know them all: it took three times
 * as long until a guest was as fast as it can be. Jumps from page to page cost less than that.
 *
 * @source v86 src/cpu.js codegen_finalize, src/rust/jit.rs jit_analyze_and_generate and set_tlb_code, src/rust/cpu/cpu.rs do_many_cycles_native
 */
import { endStretch } from './instructions.ts';
import type { V86Cpu } from './internals.ts';

/** const.js WASM_TABLE_OFFSET */
const TABLE_OFFSET = 1024;
/** jit.rs set_jit_config: what MAX_PAGES is called there. */
const MAX_PAGES = 1;

/** Returns what puts a module in place that has been compiled since; to be called at every turn. */
export function compileAtOnce(cpu: V86Cpu): () => void {
  let place: (() => void) | null = null;
  cpu.set_jit_config(MAX_PAGES, 1);
  cpu.codegen_finalize = (index, address, flags, at, length) => {
    const code = new Uint8Array(cpu.wasm_memory.buffer, at >>> 0, length >>> 0);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { e: cpu.jit_imports });
    place = () => {
      cpu.wm.wasm_table.set(index + TABLE_OFFSET, instance.exports.f);
      cpu.codegen_finalize_finished(index, address, flags);
    };
    endStretch(cpu);
  };
  return () => {
    if (place === null) return;
    const ready = place;
    place = null;
    ready();
  };
}
