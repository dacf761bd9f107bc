/**
 * The driver's side of MSI-X, from PCI Local Bus 3.0, 6.8.2: finds the capability, fills the table, enables.
 * Constants are declared here again on purpose.
 */
import type { DriverPorts } from './driver-ports.ts';

const CAP_ID_MSIX = 0x11;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const TABLE_SIZE = 0x7ff;
const ENTRY_SIZE = 16;

/** Where a PC's processors take messages, and the data that names vector 0 here. */
export const MESSAGE_ADDRESS = 0xfee0_0000;
export const MESSAGE_DATA = 0x40;

export class MsixDriver {
  readonly capability: number;
  readonly vectors: number;
  readonly #ports: DriverPorts;
  readonly #table: { readonly bar: number; readonly offset: number };
  readonly #pba: { readonly bar: number; readonly offset: number };

  /** @throws Error if the function has no such capability */
  constructor(ports: DriverPorts) {
    this.#ports = ports;
    this.capability = findCapability(ports, CAP_ID_MSIX);
    if (this.capability === 0) throw new Error('no MSI-X capability');
    this.vectors = (this.control & TABLE_SIZE) + 1;
    const place = (at: number) => {
      const word = ports.configRead(this.capability + at, 4);
      return { bar: word % 8, offset: word - (word % 8) };
    };
    this.#table = place(4);
    this.#pba = place(8);
  }

  get control(): number {
    return this.#ports.configRead(this.capability + 2, 2);
  }

  set control(value: number) {
    this.#ports.configWrite(this.capability + 2, 2, value);
  }

  /** Enables with a message for every vector: the address of a processor, and data that names the vector. */
  setUp(): void {
    this.control = ENABLE | FUNCTION_MASK;
    for (let vector = 0; vector < this.vectors; vector++) this.program(vector, MESSAGE_ADDRESS, MESSAGE_DATA + vector);
    this.control = ENABLE;
  }

  disable(): void {
    this.control = 0;
  }

  maskFunction(masked: boolean): void {
    this.control = masked ? ENABLE | FUNCTION_MASK : ENABLE;
  }

  /** Writes an entry and unmasks it. */
  program(vector: number, address: number, data: number): void {
    this.write(vector, 0, address % 0x1_0000_0000);
    this.write(vector, 4, Math.floor(address / 0x1_0000_0000));
    this.write(vector, 8, data);
    this.mask(vector, false);
  }

  mask(vector: number, masked: boolean): void {
    this.write(vector, 12, masked ? 1 : 0);
  }

  read(vector: number, at: number, width = 4): number {
    return this.#ports.barRead(this.#table.bar, this.#table.offset + ENTRY_SIZE * vector + at, width);
  }

  write(vector: number, at: number, value: number, width = 4): void {
    this.#ports.barWrite(this.#table.bar, this.#table.offset + ENTRY_SIZE * vector + at, width, value);
  }

  /** A message of this vector was held back. */
  pending(vector: number): boolean {
    const byte = this.#ports.barRead(this.#pba.bar, this.#pba.offset + (vector >> 3), 1);
    return ((byte >> (vector & 7)) & 1) === 1;
  }
}

/** Offset of the first capability with this id, or 0. */
export function findCapability(ports: DriverPorts, id: number): number {
  let at = ports.configRead(0x34, 1);
  for (let visited = 0; at !== 0 && visited < 48; visited++) {
    if (ports.configRead(at, 1) === id) return at;
    at = ports.configRead(at + 1, 1);
  }
  return 0;
}
