/** Numbers as people read them. */

/** Seconds since the lab was opened, to the microsecond: a fixed number of places, so that columns line up. */
export function formatTime(nanoseconds: number): string {
  return (nanoseconds / 1e9).toFixed(6);
}

/** A span, with the unit that fits. */
export function formatSpan(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toFixed(2)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function formatCount(count: number): string {
  return COUNT.format(count);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** What went wrong, in words for the user. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
