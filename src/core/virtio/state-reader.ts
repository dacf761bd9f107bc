/**
 * Reads saved state, which is untrusted: it may come from a file that anybody wrote.
 *
 * Every getter returns a value of the right type whatever it finds; the first thing that was wrong is kept
 * in `problem`. So a reader of state is straight-line code with one question at its end, and nothing throws.
 */

export class StateReader {
  problem: string | null = null;

  record(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.fail(`${path} is not an object`);
    return {};
  }

  list(value: unknown, path: string, maximum: number): readonly unknown[] {
    // A list with holes becomes one with undefined in it: `map` and `every` would pass the holes by.
    if (Array.isArray(value) && value.length <= maximum) return Array.from<unknown>(value);
    this.fail(`${path} is not a list of at most ${maximum}`);
    return [];
  }

  /** A whole number from 0 to `maximum`. */
  count(value: unknown, path: string, maximum: number = Number.MAX_SAFE_INTEGER): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximum) return value;
    this.fail(`${path} is not a number from 0 to ${maximum}`);
    return 0;
  }

  /** A list of exactly `length` whole numbers from 0 to `maximum`. */
  counts(value: unknown, path: string, length: number, maximum?: number): number[] {
    const items = this.list(value, path, length);
    if (items.length !== length) this.fail(`${path} does not have ${length} entries`);
    return items.map((item, index) => this.count(item, `${path}[${index}]`, maximum));
  }

  flag(value: unknown, path: string): boolean {
    if (typeof value === 'boolean') return value;
    this.fail(`${path} is not true or false`);
    return false;
  }

  /** A feature set as `formatFeatures` writes it, up to bit 127. */
  features(value: unknown, path: string): bigint {
    if (typeof value === 'string' && /^0x[0-9a-f]{16,32}$/.test(value)) return BigInt(value);
    this.fail(`${path} is not a feature set`);
    return 0n;
  }

  fail(problem: string): void {
    this.problem ??= problem;
  }
}
