/**
 * A driver of a virtio PCI device with its queues in guest memory, whatever kind of device it is: it
 * negotiates, places rings in the layout that came out of it, and kicks.
 */
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { REG, STATUS } from './driver-ports.ts';
import { DriverMemory } from './driver-memory.ts';
import { FakePackedRing } from './fake-packed-ring.ts';
import type { FakeRing } from './fake-ring.ts';
import { FakeSplitRing } from './fake-split-ring.ts';
import { GuestHeap, Random } from './guest-heap.ts';
import { RegisterDriver, type RegisterDriverOptions } from './register-driver.ts';

const NOTIFY_ON_EMPTY = 1n << 24n;
const EVENT_IDX = 1n << 29n;
const RING_PACKED = 1n << 34n;
const IN_ORDER = 1n << 35n;
const NOTIFICATION_DATA = 1n << 38n;
const NOTIF_CONFIG_DATA = 1n << 39n;
/** Accepted only if asked for: with them, rings look otherwise, or interrupts and kicks become rare. */
const ON_REQUEST = NOTIFY_ON_EMPTY | EVENT_IDX | RING_PACKED | IN_ORDER | NOTIFICATION_DATA | NOTIF_CONFIG_DATA;

export interface QueueDriverOptions extends RegisterDriverOptions {
  readonly memory: GuestMemory;
  readonly seed?: number;
  /** Accepted as far as offered. Default: everything offered that does not change how rings are used. */
  readonly features?: bigint;
  /** Not accepted, whatever else is said. */
  readonly refused?: bigint;
  /** Accepted besides `features`, as far as offered: VIRTIO_F_RING_PACKED, _EVENT_IDX, _IN_ORDER, _NOTIFICATION_DATA. */
  readonly layout?: 'split' | 'packed';
  readonly eventIdx?: boolean;
  readonly inOrder?: boolean;
  readonly notificationData?: boolean;
  /** By queue; 0 or missing takes the device's. */
  readonly queueSizes?: readonly number[];
  readonly heapStart?: number;
}

export class QueueDriver extends RegisterDriver {
  readonly memory: GuestMemory;
  readonly rings: FakeRing[] = [];
  /** What was agreed on. */
  features = 0n;
  /** Memory for rings and buffers. */
  readonly heap: GuestHeap;
  readonly buffers: DriverMemory;
  readonly #queueOptions: QueueDriverOptions;
  readonly #random: Random;
  /** What a doorbell is written with, by queue: its index, or `queue_notif_config_data`. */
  readonly #doorbells: number[] = [];

  constructor(options: QueueDriverOptions) {
    super(options);
    this.#queueOptions = options;
    this.memory = options.memory;
    this.#random = new Random(options.seed ?? 1);
    this.heap = new GuestHeap(options.memory, this.#random, options.heapStart ?? 0x1000);
    this.buffers = new DriverMemory(options.memory, this.heap);
  }

  /** Initialisation, 3.1.1. False if the device refused our features. */
  initialise(): boolean {
    this.reset();
    this.acknowledge();
    if (!this.negotiate()) return false;
    this.setUpQueues();
    this.driverOk();
    return true;
  }

  /** Step 1: bring the device into a known state. It is reset when status reads zero again. */
  reset(): void {
    this.enableFunction();
    this.writeStatus(0);
    if (this.status !== 0) throw new Error('the device did not finish its reset');
    this.rings.length = 0;
    this.heap.release();
    this.features = 0n;
  }

  /** Steps 2 and 3: say that the device was seen, then that we know how to drive it. */
  acknowledge(): void {
    this.addStatus(STATUS.ACKNOWLEDGE);
    this.addStatus(STATUS.DRIVER);
  }

  /** Steps 4 to 6: read what is offered, write the subset we want, fix it, and see whether it stuck. */
  negotiate(wanted: bigint = this.#wanted()): boolean {
    this.features = wanted & this.offered();
    this.writeFeatures(this.features);
    if (this.legacy) return true;
    this.addStatus(STATUS.FEATURES_OK);
    return (this.status & STATUS.FEATURES_OK) !== 0;
  }

  #wanted(): bigint {
    const { features, refused = 0n, layout, eventIdx, inOrder, notificationData } = this.#queueOptions;
    let wanted = features ?? this.offered() & ~ON_REQUEST;
    if (layout === 'packed') wanted |= RING_PACKED;
    if (eventIdx) wanted |= EVENT_IDX;
    if (inOrder) wanted |= IN_ORDER;
    if (notificationData) wanted |= NOTIFICATION_DATA;
    return wanted & ~refused;
  }

  /** Step 7: find the queues, place their rings, hand them over. */
  setUpQueues(): void {
    this.mapConfig();
    const count = this.queueCount();
    for (let index = 0; index < count; index++) this.setUpQueue(index, this.#queueOptions.queueSizes?.[index]);
    this.heap.keep();
  }

  /** Queues that exist under what was negotiated. */
  protected queueCount(): number {
    return this.countQueues();
  }

  /** Resets one queue, 2.6.1; `setUpQueue` starts it again. */
  resetQueue(index: number): void {
    this.select(index);
    this.common.write(REG.queue_reset, 2, 1);
    if (this.common.read(REG.queue_reset, 2) !== 0) throw new Error(`the device did not finish the reset of ${index}`);
  }

  /** @param size 0 takes the device's */
  setUpQueue(index: number, size = 0): void {
    this.select(index);
    const ring = this.newRing(size > 0 ? size : this.queueSize());
    this.rings[index] = ring;
    const configData = (this.features & NOTIF_CONFIG_DATA) !== 0n;
    this.#doorbells[index] = configData ? this.common.read(REG.queue_notif_config_data, 2) : index;
    this.startQueue(index, ring);
  }

  /** Step 8: the device is live. */
  driverOk(): void {
    this.addStatus(STATUS.DRIVER_OK);
  }

  ring(queue: number): FakeRing {
    const ring = this.rings[queue];
    if (!ring) throw new Error(`queue ${queue} is not set up`);
    return ring;
  }

  /** For what only the split layout knows. */
  splitRing(queue: number): FakeSplitRing {
    const ring = this.ring(queue);
    if (!(ring instanceof FakeSplitRing)) throw new Error(`queue ${queue} is not split`);
    return ring;
  }

  /** For what only the packed layout knows. */
  packedRing(queue: number): FakePackedRing {
    const ring = this.ring(queue);
    if (!(ring instanceof FakePackedRing)) throw new Error(`queue ${queue} is not packed`);
    return ring;
  }

  /** A ring in guest memory, in the layout that was negotiated. */
  protected newRing(size: number): FakeRing {
    const has = (bit: bigint): boolean => (this.features & bit) !== 0n;
    const Layout = has(RING_PACKED) ? FakePackedRing : FakeSplitRing;
    const options = { eventIdx: has(EVENT_IDX), inOrder: has(IN_ORDER), legacy: this.legacy !== null };
    return new Layout(this.memory, this.heap, this.#random, size, options);
  }

  /** Kicks if the device wants it for what was added. */
  notify(queue: number): void {
    if (this.ring(queue).needsKick()) this.kick(queue);
  }

  protected override doorbell(queue: number): { readonly width: number; readonly value: number } {
    const value = this.#doorbells[queue] ?? queue;
    if ((this.features & NOTIFICATION_DATA) === 0n) return { width: 2, value };
    return { width: 4, value: this.ring(queue).position * 0x1_0000 + value };
  }
}
