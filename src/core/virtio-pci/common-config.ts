/**
 * What the common configuration registers do.
 *
 * @spec 4.1.4.3
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { DeviceConfig } from './device-config.ts';
import type { DriverState } from './driver-state.ts';
import type { FeatureRegisters } from './feature-registers.ts';
import type { FieldBehaviour } from './field-map.ts';
import type { Interrupts } from './interrupts.ts';
import { type CommonField, VIRTIO_MSI_NO_VECTOR } from './layout.ts';
import type { QueueBank } from './queue-bank.ts';

/** What lies behind the registers. */
export interface CommonConfigParts {
  readonly features: FeatureRegisters;
  readonly queues: QueueBank;
  readonly signals: Interrupts;
  readonly config: DeviceConfig;
  readonly driver: DriverState;
  error(code: GuestErrorCode, queue: number | null, detail: string): void;
}

export class CommonConfig implements FieldBehaviour<CommonField> {
  readonly #parts: CommonConfigParts;
  queueSelect = 0;

  constructor(parts: CommonConfigParts) {
    this.#parts = parts;
  }

  reset(): void {
    this.queueSelect = 0;
  }

  read(field: CommonField): number {
    const { features, queues, signals, config, driver } = this.#parts;
    switch (field) {
      case 'device_feature_select':
        return features.deviceSelect;
      case 'device_feature':
        return features.readDevice();
      case 'driver_feature_select':
        return features.driverSelect;
      case 'driver_feature':
        return features.readDriver();
      case 'config_msix_vector':
        return signals.vector(signals.configEvent);
      case 'num_queues':
        return queues.registers.length;
      case 'device_status':
        return driver.status;
      case 'config_generation':
        return config.readGeneration();
      case 'queue_select':
        return this.queueSelect;
      case 'admin_queue_index':
      case 'admin_queue_num':
        return 0;
      default:
        // @spec 4.1.4.3.1 MUST read queue_size 0 where there is no queue (PCI-COMMON-14)
        return (
          queues.registers[this.queueSelect]?.read(field) ?? (field === 'queue_msix_vector' ? VIRTIO_MSI_NO_VECTOR : 0)
        );
    }
  }

  write(field: CommonField, value: number): void {
    const { features, driver } = this.#parts;
    switch (field) {
      case 'device_feature_select':
        features.deviceSelect = value;
        return;
      case 'driver_feature_select':
        features.driverSelect = value;
        return;
      case 'device_status':
        driver.write(value, false);
        return;
      case 'queue_select':
        this.queueSelect = value;
        return;
      case 'device_feature':
      case 'num_queues':
      case 'config_generation':
      case 'queue_notify_off':
      case 'queue_notif_config_data':
      case 'admin_queue_index':
      case 'admin_queue_num':
        this.#error('write-to-read-only', `${field} = ${value}`);
        return;
      default:
        this.#configure(field, value);
    }
  }

  /** What a driver may not write at any time. */
  #configure(field: CommonField, value: number): void {
    const { features, queues, signals, driver } = this.#parts;
    const frozen = driver.frozen();
    if (frozen) {
      this.#error(frozen, `${field} = ${value}`);
    } else if (field === 'driver_feature') {
      // @spec 3.1.1 the driver MUST NOT accept new feature bits after FEATURES_OK
      if (driver.featuresFinal) this.#error('features-after-ok', `word ${features.driverSelect} = ${value}`);
      else features.writeDriver(value);
    } else if (field === 'config_msix_vector') {
      queues.map(signals.configEvent, value);
    } else {
      const queue = queues.registers[this.queueSelect];
      if (queue) queue.write(field, value);
      else this.#error('no-such-queue', `queue_select ${this.queueSelect}, ${field} = ${value}`);
    }
  }

  #error(code: GuestErrorCode, detail: string): void {
    this.#parts.error(code, null, detail);
  }
}
