/** What every case is given. */
import type { LabSide } from './lab-side.ts';
import type { NicSide } from './nic-side.ts';

export interface Bench {
  readonly rounds: number;
  readonly lab: LabSide;
  readonly nic: NicSide;
  readonly log: (line: string) => void;
}
