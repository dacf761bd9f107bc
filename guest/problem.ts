/** A failure that the person who runs the builder can mend: shown as its message alone, without a stack. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
