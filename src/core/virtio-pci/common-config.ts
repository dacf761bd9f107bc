/**
 * What the common configuration registers do.
 *
 * @spec 4.1.4.3
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { FeatureRegisters } from './feature-registers.ts';
import type { FieldBehaviour } from './field-map.ts';
import { type CommonField, VIRTIO_MSI_NO_VECTOR } from './layout.ts';
import type { QueueRegisters } from './queue-registers.ts';

/** What lies behind the registers. */
export interface CommonConfigHost {
  readonly features: FeatureRegisters;
  readonly queues: readonly QueueRegisters[];
  readonly status: number;
  /** FEATURES_OK stands: the driver's features are final. */
  readonly featuresFinal: boolean;
  writeStatus(value: number): void;
  readGeneration(): number;
  error(code: GuestErrorCode, queue: number | null, detail: string): void;
}

export class CommonConfig implements FieldBehaviour<CommonField> {
  readonly #host: CommonConfigHost;
  queueSelect = 0;

  constructor(host: CommonConfigHost) {
    this.#host = host;
  }

  reset(): void {
    this.queueSelect = 0;
  }

  read(field: CommonField): number {
    const { features, queues } = this.#host;
    switch (field) {
      case 'device_feature_select':
        return features.deviceSelect;
      case 'device_feature':
        return features.readDevice();
      case 'driver_feature_select':
        return features.driverSelect;
      case 'driver_feature':
        return features.readDriver();
      // @spec 4.1.5.1.2.1 MUST show an unmapped event as 0xffff (PCI-MSIX-06); there is no MSI-X to map to.
      case 'config_msix_vector':
      case 'queue_msix_vector':
        return VIRTIO_MSI_NO_VECTOR;
      case 'num_queues':
        return queues.length;
      case 'device_status':
        return this.#host.status;
      case 'config_generation':
        return this.#host.readGeneration();
      case 'queue_select':
        return this.queueSelect;
      case 'queue_notif_config_data':
      case 'queue_reset':
      case 'admin_queue_index':
      case 'admin_queue_num':
        return 0;
      default:
        // @spec 4.1.4.3.1 MUST read queue_size 0 where there is no queue (PCI-COMMON-14)
        return queues[this.queueSelect]?.read(field) ?? 0;
    }
  }

  write(field: CommonField, value: number): void {
    const { features, queues } = this.#host;
    switch (field) {
      case 'device_feature_select':
        features.deviceSelect = value;
        return;
      case 'driver_feature_select':
        features.driverSelect = value;
        return;
      case 'driver_feature':
        // @spec 3.1.1 the driver MUST NOT accept new feature bits after FEATURES_OK
        if (this.#host.featuresFinal) this.#error('features-after-ok', `word ${features.driverSelect} = ${value}`);
        else features.writeDriver(value);
        return;
      case 'device_status':
        this.#host.writeStatus(value);
        return;
      case 'queue_select':
        this.queueSelect = value;
        return;
      case 'config_msix_vector':
      case 'queue_msix_vector':
        if (value !== VIRTIO_MSI_NO_VECTOR) this.#error('bad-vector', `${field} = ${value}`);
        return;
      case 'device_feature':
      case 'num_queues':
      case 'config_generation':
      case 'queue_notify_off':
      case 'queue_notif_config_data':
      case 'queue_reset':
      case 'admin_queue_index':
      case 'admin_queue_num': {
        this.#error('write-to-read-only', `${field} = ${value}`);
        return;
      }
      default: {
        const queue = queues[this.queueSelect];
        if (queue) queue.write(field, value);
        else this.#error('no-such-queue', `queue_select ${this.queueSelect}, ${field} = ${value}`);
      }
    }
  }

  #error(code: GuestErrorCode, detail: string): void {
    this.#host.error(code, null, detail);
  }
}
