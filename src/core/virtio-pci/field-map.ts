/**
 * Turns accesses of any width at any offset into accesses of whole fields.
 *
 * Drivers are asked to use each field's natural width, yet firmware reads 32-bit fields with two 16-bit
 * accesses, and an aligned 32-bit access can cover several small fields. So a read collects the bytes of
 * every field it touches, and a write that covers part of a field keeps the rest of it.
 */

/** What the fields do. Values are unsigned. */
export interface FieldBehaviour<F extends string> {
  read(field: F): number;
  write(field: F, value: number): void;
}

export interface Field<F extends string> {
  readonly name: F;
  readonly offset: number;
  readonly width: number;
}

export class FieldMap<F extends string> {
  readonly size: number;
  readonly fields: readonly Field<F>[];
  /** The field of each byte. */
  readonly #at: readonly Field<F>[];

  constructor(layout: readonly (readonly [F, number])[]) {
    const at: Field<F>[] = [];
    const fields: Field<F>[] = [];
    for (const [name, width] of layout) {
      const field = { name, offset: at.length, width };
      fields.push(field);
      for (let i = 0; i < width; i++) at.push(field);
    }
    this.fields = fields;
    this.#at = at;
    this.size = at.length;
  }

  /** Bytes beyond the last field read as zero. */
  read(behaviour: FieldBehaviour<F>, offset: number, width: number): number {
    let value = 0;
    for (let done = 0; done < width;) {
      const field = this.#at[offset + done];
      if (!field) break;
      const skip = offset + done - field.offset;
      const part = Math.min(field.width - skip, width - done);
      const bits = Math.floor(behaviour.read(field.name) / 2 ** (8 * skip)) % 2 ** (8 * part);
      value += bits * 2 ** (8 * done);
      done += part;
    }
    return value;
  }

  write(behaviour: FieldBehaviour<F>, offset: number, width: number, value: number): void {
    for (let done = 0; done < width;) {
      const field = this.#at[offset + done];
      if (!field) return;
      const skip = offset + done - field.offset;
      const part = Math.min(field.width - skip, width - done);
      const bits = Math.floor(value / 2 ** (8 * done)) % 2 ** (8 * part);
      if (part === field.width) {
        behaviour.write(field.name, bits);
      } else {
        const old = behaviour.read(field.name);
        const kept = old - (Math.floor(old / 2 ** (8 * skip)) % 2 ** (8 * part)) * 2 ** (8 * skip);
        behaviour.write(field.name, kept + bits * 2 ** (8 * skip));
      }
      done += part;
    }
  }
}
