/** What the benchmark's page asks of a thread with v86 and its own NIC. */
import type { ExecResult } from '../../src/protocol/api.ts';

export interface NicStart {
  /** URL of the saved state. */
  readonly state: string;
  /** Connect it with the other guests of this browser, over v86's in-browser network. */
  readonly network: boolean;
}

export interface Flood {
  readonly frame: Uint8Array;
  /** Frames in one turn of the thread's event loop, if there are as many buffers. */
  readonly batch: number;
  readonly milliseconds: number;
}

export interface FloodResult {
  readonly frames: number;
  readonly milliseconds: number;
}

export interface NicApi {
  start(options: NicStart): Promise<void>;
  exec(command: string): Promise<ExecResult>;
  /** Frames that the NIC has sent since the start. */
  sent(): number;
  /** Injects as many frames as the guest has buffers for, again and again. None is lost. */
  flood(flood: Flood): Promise<FloodResult>;
}
