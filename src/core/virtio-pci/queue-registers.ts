/**
 * The registers of the queue that `queue_select` names: one bank of them per queue.
 *
 * A bank holds what the driver wrote until it enables the queue; then the addresses are checked and handed
 * to the queue, and the bank is frozen until reset.
 *
 * @spec 4.1.4.3
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { Queue, QueueFault } from '../virtio/queue.ts';
import type { CommonField } from './layout.ts';

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

export interface QueueRegistersHost {
  error(code: GuestErrorCode, queue: number, detail: string): void;
  enabled(queue: number): void;
}

export class QueueRegisters {
  readonly index: number;
  readonly queue: Queue;
  readonly #host: QueueRegistersHost;
  /** In the order of ADDRESS_FIELDS. */
  readonly #address = new Uint32Array(ADDRESS_FIELDS.length);

  constructor(index: number, queue: Queue, host: QueueRegistersHost) {
    this.index = index;
    this.queue = queue;
    this.#host = host;
  }

  reset(): void {
    this.#address.fill(0);
    this.queue.reset();
  }

  read(field: CommonField): number {
    if (isAddressField(field)) return this.#address[ADDRESS_FIELDS.indexOf(field)] ?? 0;
    switch (field) {
      case 'queue_size':
        return this.queue.size;
      case 'queue_enable':
        return this.queue.enabled ? 1 : 0;
      case 'queue_notify_off':
        return this.index;
      default:
        return 0;
    }
  }

  write(field: CommonField, value: number): void {
    if (field === 'queue_enable') {
      this.#enable(value);
    } else if (this.queue.enabled) {
      this.#host.error('queue-write-while-enabled', this.index, `${field} = ${value}`);
    } else if (field === 'queue_size') {
      if (!this.queue.setSize(value)) this.#host.error('bad-queue-size', this.index, `${value}`);
    } else if (isAddressField(field)) {
      this.#address[ADDRESS_FIELDS.indexOf(field)] = value;
    }
  }

  /** The six address registers, for a snapshot. */
  save(): number[] {
    return [...this.#address];
  }

  restore(address: readonly number[]): void {
    this.#address.set(address);
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
    const [descLo = 0, descHi = 0, driverLo = 0, driverHi = 0, deviceLo = 0, deviceHi = 0] = this.#address;
    const fault: QueueFault | null = this.queue.enable({
      desc: descHi * 0x1_0000_0000 + descLo,
      driver: driverHi * 0x1_0000_0000 + driverLo,
      device: deviceHi * 0x1_0000_0000 + deviceLo,
    });
    if (fault) this.#host.error(fault.code, this.index, fault.detail);
    else this.#host.enabled(this.index);
  }
}
