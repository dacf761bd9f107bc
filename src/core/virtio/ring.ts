/**
 * What the two layouts of a virtqueue have to offer, so that `Virtqueue` is the same over both.
 *
 * A ring exists from enable to reset; a new one stands at the default positions, so nothing of an old one
 * can live on in it. It counts in slots: entries of the available ring in the split layout, descriptors in
 * the packed one. How many slots it may look at (`free`) is told by its owner, which knows what is in flight.
 */
import type { DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';
import type { GuestMemory } from './guest-memory.ts';
import { VIRTQ_DESC_SIZE } from './layout.ts';
import type { QueueAreas, QueueFault, QueueFeatures } from './queue.ts';

export interface Ring {
  readonly areas: QueueAreas;
  /** Changed in place only where the layout stays what it is. */
  features: QueueFeatures;
  /** As of `Queue`, but the caller says how many slots can be free. */
  readonly availIdx: number;
  readonly usedIdx: number;
  shownIdx(free: number): number;
  /** Set by `pop` when it returns less than 0. */
  readonly fault: QueueFault | null;

  /** Slots of the buffer that was taken into `chain`; 0 if there is none, less than 0 if the driver broke a rule. */
  pop(chain: DescriptorChain, free: number): number;
  available(limit: number, free: number): number;
  /** Moves the position of `pop` back. */
  untake(slots: number): void;
  /** Fills one used entry that stands for so many slots. */
  push(head: number, length: number, slots: number): void;
  /** Shows what was pushed, `slots` in all. */
  publish(slots: number): void;
  wantsInterrupt(): boolean;
  setNotify(wanted: boolean): void;
  /** With EVENT_IDX: asks for a kick at the next buffer. */
  arm(): void;
  takeWarning(): QueueFault | null;
  /** Continues where another ring stood, which was at rest. False if there is no such position. */
  moveTo(position: number): boolean;
}

export const hex = (value: number): string => `0x${value.toString(16)}`;

/** What is wrong with a table that an indirect descriptor of either layout names. */
export function checkTable(
  memory: GuestMemory,
  table: number,
  length: number,
  features: QueueFeatures,
): GuestErrorCode | null {
  if (!features.indirect) return 'indirect-not-negotiated';
  if (length === 0 || length % VIRTQ_DESC_SIZE !== 0) return 'indirect-bad-length';
  return memory.contains(table, length) ? null : 'address-outside-ram';
}
