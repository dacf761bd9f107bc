/**
 * The registers of the queue that `queue_select` names: one bank of them per queue.
 *
 * A bank holds what the driver wrote until it enables the queue; then the addresses are checked and handed
 * to the queue, and the bank is frozen until reset. With VIRTIO_F_RING_RESET a driver may reset one queue; if
 * the device still works on a buffer of it, the reset is under way until that went back.
 *
 * @spec 4.1.4.3
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import { legacyAreas } from '../virtio/layout.ts';
import type { Queue, QueueAreas } from '../virtio/queue.ts';
import { type CommonField, LEGACY_PAGE } from './layout.ts';

const ADDRESS_FIELDS = [
  'queue_desc_lo',
  'queue_desc_hi',
  'queue_driver_lo',
  'queue_driver_hi',
  'queue_device_lo',
  'queue_device_hi',
] as const;

export type AddressField = (typeof ADDRESS_FIELDS)[number];

const isAddressField = (field: string): field is AddressField => (ADDRESS_FIELDS as readonly string[]).includes(field);

const HIGH = 0x1_0000_0000;

/**
 * What a kick of a queue carries with VIRTIO_F_NOTIF_CONFIG_DATA. Not the index, so that a driver that confuses
 * the two is found out.
 */
const NOTIF_CONFIG_DATA = 0x5a00;

export interface QueueRegistersHost {
  error(code: GuestErrorCode, queue: number, detail: string): void;
  /** The queue runs now. */
  enabled(queue: number): void;
  /** The driver wants the queue reset. */
  reset(queue: number): void;
  /** Negotiated features that bring registers of their own. */
  ringReset(): boolean;
  notifConfigData(): boolean;
  vector(queue: number): number;
  setVector(queue: number, vector: number): void;
}

export class QueueRegisters {
  readonly index: number;
  readonly queue: Queue;
  /** A reset of this queue is under way. */
  resetting = false;
  readonly #host: QueueRegistersHost;
  /** In the order of ADDRESS_FIELDS. */
  readonly #address = new Uint32Array(ADDRESS_FIELDS.length);

  constructor(index: number, queue: Queue, host: QueueRegistersHost) {
    this.index = index;
    this.queue = queue;
    this.#host = host;
  }

  /** What a kick must carry. @spec 4.1.5.2 */
  get notifyId(): number {
    return this.#host.notifConfigData() ? NOTIF_CONFIG_DATA + this.index : this.index;
  }

  /** Page number of a legacy queue, 0 if it is not in use. */
  get legacyAddress(): number {
    return Math.floor(this.#areas().desc / LEGACY_PAGE);
  }

  reset(): void {
    this.#address.fill(0);
    this.queue.reset();
    this.resetting = false;
  }

  read(field: CommonField): number {
    if (isAddressField(field)) return this.#address[ADDRESS_FIELDS.indexOf(field)] ?? 0;
    switch (field) {
      case 'queue_size':
        return this.queue.size;
      case 'queue_msix_vector':
        return this.#host.vector(this.index);
      case 'queue_enable':
        return this.queue.enabled ? 1 : 0;
      case 'queue_notify_off':
        return this.index;
      case 'queue_notif_config_data':
        return this.#host.notifConfigData() ? this.notifyId : 0;
      case 'queue_reset':
        // @spec 4.1.4.3.1 MUST be 1 while the reset is under way, 0 else (PCI-COMMON-09, -10, -12, -13)
        return this.resetting ? 1 : 0;
      default:
        return 0;
    }
  }

  write(field: CommonField, value: number): void {
    if (field === 'queue_msix_vector') {
      this.#host.setVector(this.index, value);
    } else if (field === 'queue_reset') {
      this.#reset(value);
    } else if (field === 'queue_enable') {
      this.#enable(value);
    } else if (this.queue.enabled) {
      this.#host.error('queue-write-while-enabled', this.index, `${field} = ${value}`);
    } else if (field === 'queue_size') {
      if (!this.queue.setSize(value)) this.#host.error('bad-queue-size', this.index, `${value}`);
    } else if (isAddressField(field)) {
      this.#address[ADDRESS_FIELDS.indexOf(field)] = value;
    }
  }

  /** @spec 4.1.5.1.3.1 a page number says where the whole queue is and starts it (LEG-14) */
  enableLegacy(page: number): void {
    const { desc, driver, device } = legacyAreas(page * LEGACY_PAGE, this.queue.size);
    this.#address.set([desc % HIGH, desc / HIGH, driver % HIGH, driver / HIGH, device % HIGH, device / HIGH]);
    if (!this.#start()) this.#address.fill(0);
  }

  /** The six address registers, for a snapshot. */
  save(): number[] {
    return [...this.#address];
  }

  restore(address: readonly number[]): void {
    this.#address.set(address);
  }

  #reset(value: number): void {
    if (!this.#host.ringReset()) this.#host.error('write-to-read-only', this.index, `queue_reset = ${value}`);
    else if (value !== 1) this.#host.error('queue-reset-value', this.index, `${value}`);
    // @spec 4.1.4.3.1 MUST reset the queue (PCI-COMMON-11)
    else if (!this.resetting) this.#host.reset(this.index);
  }

  #enable(value: number): void {
    // @spec 4.1.4.3.2 a driver MUST NOT write 0; whatever it writes, the queue stays as it is
    if (value === 0) {
      this.#host.error('queue-disable', this.index, 'queue_enable = 0');
      return;
    }
    if (value !== 1) {
      this.#host.error('bad-queue-enable', this.index, `queue_enable = ${value}`);
      return;
    }
    if (this.queue.enabled) {
      this.#host.error('queue-write-while-enabled', this.index, 'queue_enable = 1');
      return;
    }
    this.#start();
  }

  #start(): boolean {
    const fault = this.queue.enable(this.#areas());
    if (fault) this.#host.error(fault.code, this.index, fault.detail);
    else this.#host.enabled(this.index);
    return fault === null;
  }

  #areas(): QueueAreas {
    const [descLo = 0, descHi = 0, driverLo = 0, driverHi = 0, deviceLo = 0, deviceHi = 0] = this.#address;
    return { desc: descHi * HIGH + descLo, driver: driverHi * HIGH + driverLo, device: deviceHi * HIGH + deviceLo };
  }
}
