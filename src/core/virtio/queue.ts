/**
 * A virtqueue from the device's side.
 *
 * Work comes in with `pop`, goes back with `pushUsed`, and becomes visible to the driver with `publish`:
 * several buffers may be pushed before one publish, so a batch costs one index update and at most one
 * interrupt. Whether the driver wants that interrupt is a question of its own (`wantsInterrupt`), because
 * three suppression schemes answer it differently.
 *
 * Nothing here knows the ring format. The split ring implements it now; a packed ring fits behind it, since
 * `head` is only a token (the buffer id there), and EVENT_IDX is a different answer of the last two methods.
 */
import type { DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';

/** What `pop` found. Numbers, since this is asked once per frame. */
export const POP = { EMPTY: 0, CHAIN: 1, BROKEN: 2 } as const;
export type Pop = (typeof POP)[keyof typeof POP];

/** Where the driver put the three areas: guest physical addresses. */
export interface QueueAreas {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

export interface QueueFault {
  readonly code: GuestErrorCode;
  readonly detail: string;
}

/** Plain data; untrusted when it comes back. */
export interface QueueState {
  readonly size: number;
  readonly enabled: boolean;
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
  /** Next available entry to take. */
  readonly availIdx: number;
  /** Next used entry to fill. Everything pushed has been published. */
  readonly usedIdx: number;
  readonly notify: boolean;
}

export interface Queue {
  readonly maximumSize: number;
  /** What the driver chose, `maximumSize` after reset. */
  readonly size: number;
  readonly enabled: boolean;
  /** Device-side positions, 16 bit. */
  readonly availIdx: number;
  readonly usedIdx: number;
  /** The available index that the driver shows now. */
  readonly shownIdx: number;
  /** The guest error that stopped the queue; only a reset mends it. */
  readonly fault: QueueFault | null;

  /** False if `size` is not one the ring format allows; then nothing changed. */
  setSize(size: number): boolean;
  /** Starts the queue at these areas, which are checked here and trusted ever after. */
  enable(areas: QueueAreas): QueueFault | null;
  /** Back to the state before `enable`, positions included. */
  reset(): void;

  /** Takes the next buffer into `chain`. BROKEN leaves the reason in `fault`. */
  pop(chain: DescriptorChain): Pop;
  /** Fills a used entry without showing it. `length` counts bytes written from the first writable byte on. */
  pushUsed(head: number, length: number): void;
  /** Shows everything pushed. False if there was nothing. */
  publish(): boolean;
  /** Whether the driver wants to hear of what the last `publish` showed. Ask once per publish. */
  wantsInterrupt(): boolean;
  /** Tells the driver whether the device cares for kicks. */
  setNotify(wanted: boolean): void;

  save(): QueueState;
  /** A reason if the state is not one the queue can be in; then nothing changed. */
  restore(state: QueueState): string | null;
}
