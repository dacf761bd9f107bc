/**
 * The legacy interface: the register block that drivers knew before there was a specification, at the start of
 * I/O BAR 0 of a transitional device.
 *
 *     0 features   4 accepted   8 page number   12 queue size   14 select   16 doorbell   18 status   19 ISR
 *     20 device configuration, or with MSI-X enabled: 20 vector for configuration, 22 for the queue, 24 configuration
 *
 * There is no FEATURES_OK: what a driver accepts is in force at once, as far as it can be. A queue starts when it
 * is given a page number and stops when it is given page 0. Its size is the device's to say. Everything is in the
 * guest's byte order; the guests of this machine are little-endian, so nothing is turned round.
 *
 * @spec 2.2.3, 2.7.2, 3.1.2, 4.1.4.10, 4.1.5.1.3.1
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { DeviceConfig } from './device-config.ts';
import type { DriverState } from './driver-state.ts';
import type { FeatureRegisters } from './feature-registers.ts';
import { type FieldBehaviour, FieldMap } from './field-map.ts';
import type { Interrupts } from './interrupts.ts';
import * as P from './layout.ts';
import type { QueueBank } from './queue-bank.ts';
import type { QueueRegisters } from './queue-registers.ts';

const HEADER = new FieldMap<P.LegacyField>(P.LEGACY_HEADER);
const HEADER_WITH_VECTORS = new FieldMap<P.LegacyField>([...P.LEGACY_HEADER, ...P.LEGACY_VECTORS]);

export interface LegacyBarParts {
  readonly features: FeatureRegisters;
  readonly queues: QueueBank;
  readonly interrupts: Interrupts;
  readonly config: DeviceConfig;
  readonly driver: DriverState;
  readonly error: (code: GuestErrorCode, queue: number | null, detail: string) => void;
}

export class LegacyBar implements FieldBehaviour<P.LegacyField> {
  readonly #parts: LegacyBarParts;
  queueSelect = 0;

  constructor(parts: LegacyBarParts) {
    this.#parts = parts;
  }

  reset(): void {
    this.queueSelect = 0;
  }

  /** One access to the BAR, of any width at any offset. */
  readAt(offset: number, width: number): number {
    const { config } = this.#parts;
    const header = this.#header();
    const end = offset + width;
    if (end <= header.size) return header.read(this, offset, width);
    if (offset >= header.size && end <= header.size + config.size) return config.read(offset - header.size, width);
    this.#outOfRange('read', offset, width);
    return 0;
  }

  writeAt(offset: number, width: number, value: number): void {
    const { config } = this.#parts;
    const header = this.#header();
    const end = offset + width;
    if (end <= header.size) header.write(this, offset, width, value);
    else if (offset < header.size || end > header.size + config.size) this.#outOfRange('write', offset, width);
    // @spec 3.1.2 MUST allow it before negotiation too (LEG-04)
    else config.write(offset - header.size, width, value, true);
  }

  read(field: P.LegacyField): number {
    const { features, queues, interrupts } = this.#parts;
    const selected = queues.registers[this.queueSelect];
    switch (field) {
      case 'device_features':
        return Number(features.offeredLegacy);
      case 'driver_features':
        return features.legacyDriver;
      case 'queue_address':
        return selected?.legacyAddress ?? 0;
      case 'queue_size':
        return selected?.queue.size ?? 0;
      case 'queue_select':
        return this.queueSelect;
      case 'queue_notify':
        return 0;
      case 'device_status':
        return this.#parts.driver.status;
      case 'isr_status':
        return interrupts.line.acknowledge();
      case 'config_msix_vector':
        return interrupts.vector(interrupts.configEvent);
      case 'queue_msix_vector':
        return selected ? interrupts.vector(selected.index) : P.VIRTIO_MSI_NO_VECTOR;
    }
  }

  write(field: P.LegacyField, value: number): void {
    const { driver, error } = this.#parts;
    switch (field) {
      case 'queue_select':
        this.queueSelect = value;
        return;
      case 'device_status':
        driver.write(value, true);
        return;
      case 'device_features':
      case 'queue_size':
      case 'isr_status':
        error('write-to-read-only', null, `legacy ${field} = ${value}`);
        return;
      default:
        if (driver.legacy) this.#write(field, value);
        // A driver that has reset the device may still say what is so already: no queue, no vector.
        else if (driver.modern || !isNothing(field, value))
          error('interface-mixed', null, `legacy ${field} = ${value}`);
    }
  }

  #write(field: P.LegacyField, value: number): void {
    const { driver, queues, interrupts } = this.#parts;
    if (field === 'driver_features') {
      driver.acceptLegacy(value);
    } else if (field === 'queue_notify') {
      queues.legacyDoorbell(value);
    } else if (field === 'config_msix_vector') {
      queues.map(interrupts.configEvent, value);
    } else {
      const selected = queues.registers[this.queueSelect];
      if (selected) this.#writeQueue(selected, field, value);
      else this.#parts.error('no-such-queue', null, `legacy queue_select ${this.queueSelect}, ${field} = ${value}`);
    }
  }

  #writeQueue(registers: QueueRegisters, field: P.LegacyField, value: number): void {
    const { queues, error } = this.#parts;
    const { index, queue } = registers;
    if (field === 'queue_msix_vector') {
      queues.map(index, value);
    } else if (value === 0) {
      if (queue.enabled) queues.endReset(index);
    } else if (queue.enabled) {
      error('queue-write-while-enabled', index, `legacy page ${value}`);
    } else {
      registers.enableLegacy(value);
    }
  }

  /** @spec 4.1.4.10 device configuration moves when MSI-X is switched (LEG-11) */
  #header(): FieldMap<P.LegacyField> {
    return this.#parts.interrupts.msixEnabled ? HEADER_WITH_VECTORS : HEADER;
  }

  #outOfRange(kind: string, offset: number, width: number): void {
    this.#parts.error('access-out-of-range', null, `legacy ${kind} of ${width} at 0x${offset.toString(16)}`);
  }
}

function isNothing(field: P.LegacyField, value: number): boolean {
  return field === 'queue_address' ? value === 0 : field.endsWith('vector') && value === P.VIRTIO_MSI_NO_VECTOR;
}
