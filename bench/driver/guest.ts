/** One guest, whichever NIC it has. */

export interface Guest {
  /** The output of a shell command, which must succeed. */
  exec(command: string): Promise<string>;
  /** Of its interface eth0. */
  readonly mac: string;
  readonly address: string;
}

/** What a page tells of a command. */
export interface Outcome {
  readonly output: string;
  readonly exitCode: number;
}

export function outputOf(command: string, { output, exitCode }: Outcome): string {
  if (exitCode !== 0) throw new Error(`In the guest, exit ${exitCode}: ${command}\n${output}`);
  return output.trimEnd();
}
