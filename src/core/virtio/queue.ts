/**
 * A virtqueue from the device's side.
 *
 * Work comes in with `pop`, goes back with `pushUsed`, and becomes visible to the driver with `publish`:
 * several buffers may be pushed before one publish, so a batch costs one step of visibility and at most one
 * interrupt. What a batch holds becomes visible all at once, so a packet that spans several receive buffers
 * is pushed buffer by buffer and published once.
 *
 * Nothing here knows the ring format. `Virtqueue` implements this over the split or the packed layout, as
 * negotiated; `head` is only a token (head descriptor there, buffer id here) and a position is only a label.
 *
 * Interrupts. After each `publish` that showed something the device asks `wantsInterrupt` once, or once for several
 * of them when notification coalescing says that it is time: the answer covers everything shown since it was
 * last asked. No more than the queue's size may be shown between two questions.
 *
 * Kicks. A device that wants kicks (`setNotify(true)`, the state after DRIVER_OK) takes buffers until `pop`
 * says EMPTY; the next buffer offered after that brings a kick, whatever suppression scheme was negotiated.
 * A device that stops before EMPTY is not promised a kick for what comes later: it knows that there is more.
 * A busy device saves the driver its kicks and asks again before it sleeps:
 *
 *     setNotify(false)
 *     do work until EMPTY, and look again whenever it likes
 *     if (setNotify(true)) buffers came meanwhile, for which there will be no kick: start again
 *     otherwise sleep: the next buffer kicks
 *
 * Kicks that bring nothing remain legal at any time (@spec 2.7.10.2 SPLIT-ASUP-05).
 */
import type { DescriptorChain } from './descriptor-chain.ts';
import type { GuestErrorCode } from './guest-error.ts';

/** What `pop` found. Numbers, since this is asked once per frame. */
export const POP = { EMPTY: 0, CHAIN: 1, BROKEN: 2 } as const;
export type Pop = (typeof POP)[keyof typeof POP];

/** Where the driver put the three areas: guest physical addresses. `legacyAreas` makes them of a page number. */
export interface QueueAreas {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

export interface QueueFault {
  readonly code: GuestErrorCode;
  readonly detail: string;
}

/** What was negotiated, as far as a queue cares. `queueFeatures` reads it from a feature set. */
export interface QueueFeatures {
  /** VIRTIO_F_RING_PACKED: the packed layout instead of the split one. */
  readonly packed: boolean;
  /** VIRTIO_F_EVENT_IDX: events are asked for by position instead of by flag. */
  readonly eventIdx: boolean;
  /** VIRTIO_F_INDIRECT_DESC */
  readonly indirect: boolean;
  /** VIRTIO_F_IN_ORDER: buffers must be pushed in the order in which they were popped. */
  readonly inOrder: boolean;
  /** VIRTIO_F_NOTIFY_ON_EMPTY, legacy: a queue that ran empty interrupts whatever is suppressed. */
  readonly notifyOnEmpty: boolean;
}

/**
 * Plain data; untrusted when it comes back. The layout is not part of it: configure the queue first.
 * Buffers in flight count as not yet taken: whoever restores the state takes them anew.
 */
export interface QueueState {
  readonly size: number;
  readonly enabled: boolean;
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
  /** Of the next buffer to take and of the next used entry. Everything pushed was published and asked about. */
  readonly position: number;
  readonly notify: boolean;
}

export interface Queue {
  readonly maximumSize: number;
  readonly features: QueueFeatures;
  /** What the driver chose, `maximumSize` after reset. */
  readonly size: number;
  readonly enabled: boolean;
  /**
   * Device-side positions, 16 bit: next buffer to take, next used entry to show. Split: an index that runs
   * freely. Packed: a slot with the wrap counter in bit 15, as in NOTIFICATION_DATA.
   */
  readonly availIdx: number;
  readonly usedIdx: number;
  /** Up to where the driver has made buffers available, as such a position. */
  readonly shownIdx: number;
  /** Buffers popped and not pushed. */
  readonly inFlight: number;
  /** The guest error that stopped the queue; only a reset mends it. */
  readonly fault: QueueFault | null;

  /**
   * Sets the layout and the rules. Normally between reset and `enable`; a queue that a driver enabled before
   * FEATURES_OK starts anew if the layout changes, and is disabled with a fault if its areas do not suit.
   */
  configure(features: QueueFeatures): QueueFault | null;
  /** False if `size` is not one the ring format allows; then nothing changed. */
  setSize(size: number): boolean;
  /** Starts the queue at these areas, which are checked here and trusted ever after. */
  enable(areas: QueueAreas): QueueFault | null;
  /** Back to the state before `enable`, size and positions included. What was configured stays. */
  reset(): void;

  /** Takes the next buffer into `chain`. BROKEN leaves the reason in `fault`. */
  pop(chain: DescriptorChain): Pop;
  /** How many buffers `pop` would find; counts no further than `limit`. Their content is not looked at. */
  available(limit: number): number;
  /**
   * Gives the `count` buffers popped last back to the queue, as if they had never been taken. RangeError if
   * one of them, or one popped after it, was pushed.
   */
  rewind(count: number): void;
  /**
   * Fills a used entry without showing it. `length` counts bytes written from the first writable byte on.
   * RangeError if no such buffer is in flight, or with IN_ORDER if it is not the oldest: both are the
   * device's bug. A reset ends every flight.
   */
  pushUsed(head: number, length: number): void;
  /**
   * Retires the `count` oldest buffers in flight, none of which has a writable part: with IN_ORDER by one
   * used entry, otherwise by one each. RangeError if there are fewer.
   */
  pushUsedBatch(count: number): void;
  /** Shows everything pushed. False if there was nothing. */
  publish(): boolean;
  /** Whether the driver wants to hear of what was shown since this was asked last. Ask once per publish. */
  wantsInterrupt(): boolean;
  /**
   * Tells the driver whether the device cares for kicks. True if it does and buffers are available already:
   * no kick will come for these.
   */
  setNotify(wanted: boolean): boolean;
  /** A guest error that does not stop the queue and was not yet reported. */
  takeWarning(): QueueFault | null;

  /** RangeError if buffers are pushed and not published, or were pushed past one that is still in flight. */
  save(): QueueState;
  /** A reason if the state is not one the queue can be in; then nothing changed. */
  restore(state: QueueState): string | null;
}
