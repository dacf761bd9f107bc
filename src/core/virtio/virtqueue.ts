/**
 * The virtqueue of a device: what both layouts have in common, over the one that was negotiated.
 *
 * It owns size, rules and the list of buffers in flight; the ring (`split-ring.ts`, `packed-ring.ts`) owns
 * positions and formats. A queue object lives as long as its device, so others may keep it; the ring behind
 * it is made new by every enable. A device's transport decides when to configure and when to enable.
 *
 * Slots are accounted for here. A slot that was taken is free again when the buffer was shown as used, not
 * earlier, and a ring is never looked at beyond what is free. So a driver that makes available what it does
 * not have is found out, and work between two publishes ends after at most one lap, whatever it writes.
 *
 * @spec 2.6
 */
import { BuffersInFlight } from './buffers-in-flight.ts';
import type { DescriptorChain } from './descriptor-chain.ts';
import {
  type FeatureSet,
  hasFeature,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from './features.ts';
import type { GuestMemory } from './guest-memory.ts';
import { isQueueSize } from './layout.ts';
import { PackedRing } from './packed-ring.ts';
import {
  POP,
  type Pop,
  type Queue,
  type QueueAreas,
  type QueueFault,
  type QueueFeatures,
  type QueueState,
} from './queue.ts';
import { hex, type Ring } from './ring.ts';
import { SplitRing } from './split-ring.ts';

/** What a queue has to know of the negotiated features; of none, before negotiation. */
export function queueFeatures(negotiated: FeatureSet): QueueFeatures {
  return {
    packed: hasFeature(negotiated, VIRTIO_F_RING_PACKED),
    eventIdx: hasFeature(negotiated, VIRTIO_F_EVENT_IDX),
    indirect: hasFeature(negotiated, VIRTIO_F_INDIRECT_DESC),
    inOrder: hasFeature(negotiated, VIRTIO_F_IN_ORDER),
    // @spec 6.3 a legacy feature
    notifyOnEmpty: hasFeature(negotiated, VIRTIO_F_NOTIFY_ON_EMPTY) && !hasFeature(negotiated, VIRTIO_F_VERSION_1),
  };
}

const NOWHERE: QueueAreas = { desc: 0, driver: 0, device: 0 };

export class Virtqueue implements Queue {
  readonly maximumSize: number;
  readonly #memory: GuestMemory;
  readonly #flight: BuffersInFlight;
  #features = queueFeatures(0n);
  #size: number;
  /** Null while the queue is not enabled. */
  #ring: Ring | null = null;
  #notify = true;
  /** Slots that the driver cannot have back yet, and of these those of buffers pushed since the last publish. */
  #outstanding = 0;
  #pushed = 0;

  /** @param maximumSize a power of two up to 32768 */
  constructor(memory: GuestMemory, maximumSize: number) {
    this.#memory = memory;
    this.maximumSize = maximumSize;
    this.#size = maximumSize;
    this.#flight = new BuffersInFlight(maximumSize);
  }

  get features(): QueueFeatures {
    return this.#features;
  }
  get size(): number {
    return this.#size;
  }
  get enabled(): boolean {
    return this.#ring !== null;
  }
  get availIdx(): number {
    return this.#ring?.availIdx ?? 0;
  }
  get usedIdx(): number {
    return this.#ring?.usedIdx ?? 0;
  }
  get shownIdx(): number {
    return this.#ring?.shownIdx(this.#size - this.#outstanding) ?? 0;
  }
  get inFlight(): number {
    return this.#flight.count;
  }
  get fault(): QueueFault | null {
    return this.#ring?.fault ?? null;
  }

  configure(features: QueueFeatures): QueueFault | null {
    const sameLayout = features.packed === this.#features.packed;
    const ring = this.#ring;
    this.#features = features;
    if (ring === null) {
      // A size that only the other layout allows does not stay.
      if (!isQueueSize(this.#size, this.maximumSize, features.packed)) this.#size = this.maximumSize;
      return null;
    }
    if (sameLayout) {
      ring.features = features;
      return null;
    }
    const size = this.#size;
    this.reset();
    return this.setSize(size) ? this.enable(ring.areas) : { code: 'bad-queue-size', detail: `${size}` };
  }

  setSize(size: number): boolean {
    if (!isQueueSize(size, this.maximumSize, this.#features.packed)) return false;
    this.#size = size;
    return true;
  }

  enable(areas: QueueAreas): QueueFault | null {
    const fault = this.#checkAreas(areas, this.#size);
    if (fault) return fault;
    this.#ring = this.#newRing({ desc: areas.desc, driver: areas.driver, device: areas.device }, this.#size);
    return null;
  }

  reset(): void {
    // @spec 2.6.1.1.1 MUST return all state to defaults (VQ-RESET-03): the next ring is a new one.
    this.#ring = null;
    this.#size = this.maximumSize;
    this.#notify = true;
    this.#outstanding = 0;
    this.#pushed = 0;
    this.#flight.clear();
  }

  pop(chain: DescriptorChain): Pop {
    const ring = this.#ring;
    if (ring === null) return POP.EMPTY;
    if (ring.fault !== null) return POP.BROKEN;
    const slots = ring.pop(chain, this.#size - this.#outstanding);
    if (slots > 0) {
      this.#flight.add(chain.head, slots);
      this.#outstanding += slots;
      return POP.CHAIN;
    }
    if (slots < 0) return POP.BROKEN;
    if (this.#notify && this.#features.eventIdx) ring.arm();
    return POP.EMPTY;
  }

  available(limit: number): number {
    const ring = this.#ring;
    if (ring?.fault !== null) return 0;
    return ring.available(limit, this.#size - this.#outstanding);
  }

  rewind(count: number): void {
    const slots = this.#flight.untake(count);
    this.#outstanding -= slots;
    this.#ring?.untake(slots);
  }

  pushUsed(head: number, length: number): void {
    const slots = this.#flight.remove(head, this.#features.inOrder);
    this.#pushed += slots;
    this.#ring?.push(head, length, slots);
  }

  pushUsedBatch(count: number): void {
    if (count > this.#flight.count) throw new RangeError(`${count} buffers to retire, ${this.#flight.count} in flight`);
    if (!this.#features.inOrder) {
      for (let i = 0; i < count; i++) this.pushUsed(this.#flight.oldest, 0);
      return;
    }
    let slots = 0;
    let head = 0;
    for (let i = 0; i < count; i++) {
      head = this.#flight.oldest;
      slots += this.#flight.removeOldest();
    }
    this.#pushed += slots;
    if (count > 0) this.#ring?.push(head, 0, slots);
  }

  publish(): boolean {
    if (this.#ring === null || this.#pushed === 0) return false;
    this.#ring.publish(this.#pushed);
    this.#outstanding -= this.#pushed;
    this.#pushed = 0;
    return true;
  }

  wantsInterrupt(): boolean {
    return this.#ring?.wantsInterrupt() ?? false;
  }

  setNotify(wanted: boolean): boolean {
    this.#notify = wanted;
    this.#ring?.setNotify(wanted);
    return wanted && this.available(1) > 0;
  }

  takeWarning(): QueueFault | null {
    return this.#ring?.takeWarning() ?? null;
  }

  save(): QueueState {
    if (this.#pushed > 0 || this.#flight.fixed > 0) throw new RangeError('a queue that is not at rest has no state');
    const { desc, driver, device } = this.#ring?.areas ?? NOWHERE;
    // With all that is in flight put back, both positions are here.
    const position = this.usedIdx;
    return { size: this.#size, enabled: this.enabled, desc, driver, device, position, notify: this.#notify };
  }

  restore(state: QueueState): string | null {
    const { size, enabled, desc, driver, device, position } = state;
    if (!isQueueSize(size, this.maximumSize, this.#features.packed)) return `queue size ${size}`;
    let ring: Ring | null = null;
    if (enabled) {
      const areas = { desc, driver, device };
      const fault = this.#checkAreas(areas, size);
      if (fault) return fault.detail;
      ring = this.#newRing(areas, size);
      if (!ring.moveTo(position)) return `position ${position}`;
    }
    this.reset();
    this.#size = size;
    this.#notify = state.notify;
    this.#ring = ring;
    return null;
  }

  #newRing(areas: QueueAreas, size: number): Ring {
    const Layout = this.#features.packed ? PackedRing : SplitRing;
    return new Layout(this.#memory, areas, size, this.#features);
  }

  #checkAreas(areas: QueueAreas, size: number): QueueFault | null {
    const code = (this.#features.packed ? PackedRing : SplitRing).checkAreas(this.#memory, areas, size);
    if (code === null) return null;
    const [desc, driver, device] = [areas.desc, areas.driver, areas.device].map(hex);
    return { code, detail: `desc ${desc}, driver ${driver}, device ${device}, size ${size}` };
  }
}
