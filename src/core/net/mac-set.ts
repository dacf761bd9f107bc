/**
 * Is a frame's destination in a table of addresses, or a given one? Fast enough to ask for every frame, and
 * without a box.
 *
 * Tables and addresses live in states that are plain data, replaced and never changed. So what is derived from
 * one is kept beside it, by its identity, and goes when it goes. An address is 48 bits wide, which engines put
 * into an object of its own wherever it is handed over: to a Set, as an argument, or out of states of more than
 * one shape. So the header is handed over, and numbers are compared in typed arrays.
 */
import type { FrameHeader } from './ethernet.ts';
import type { Mac } from './mac.ts';

const EMPTY = -1;
const HIGH = 0x1_0000_0000;

interface Table {
  /** Open addressing, at most half full. */
  readonly slots: Float64Array;
  readonly mask: number;
}

interface Holder {
  readonly mac: Mac;
}

const tables = new WeakMap<readonly Mac[], Table>();
const addresses = new WeakMap<Holder, Float64Array>();

/** Hot path: allocates nothing but once per table. @param table is never changed in place */
export function hasDst(table: readonly Mac[], frame: Pick<FrameHeader, 'dst'>): boolean {
  const { dst } = frame;
  if (table.length === 0) return false;
  const { slots, mask } = tables.get(table) ?? makeTable(table);
  for (let at = hash(dst | 0, (dst / HIGH) | 0) & mask; ; at = (at + 1) & mask) {
    const found = slots[at];
    if (found === dst) return true;
    if (found === EMPTY) return false;
  }
}

/** Hot path: true if the frame is for the address that the state holds. @param state is never changed in place */
export function isForMac(state: Holder, frame: Pick<FrameHeader, 'dst'>): boolean {
  const address = addresses.get(state) ?? keepAddress(state);
  return address[0] === frame.dst;
}

function keepAddress(state: Holder): Float64Array {
  const address = Float64Array.of(state.mac);
  addresses.set(state, address);
  return address;
}

function makeTable(table: readonly Mac[]): Table {
  const size = 2 ** Math.ceil(Math.log2(2 * table.length));
  const slots = new Float64Array(size).fill(EMPTY);
  const mask = size - 1;
  for (const mac of table) {
    let at = hash(mac | 0, (mac / HIGH) | 0) & mask;
    while (slots[at] !== EMPTY && slots[at] !== mac) at = (at + 1) & mask;
    slots[at] = mac;
  }
  const made: Table = { slots, mask };
  tables.set(table, made);
  return made;
}

/** Groups differ in their last bytes, stations in any: all six take part. Halves, because they need no box. */
function hash(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15) ^ Math.imul(high, 0x85eb_ca6b);
}
