/**
 * Device-specific configuration, as either interface shows it.
 *
 * It is read byte by byte, so that any width at any offset gives the same. All of it is read-only: a driver that
 * writes is told so in the trace. (A legacy driver may write the MAC address, and does; the network it is on
 * belongs to the host, so the write is recorded and has no effect.)
 *
 * While the device is suspended a driver goes on reading what it read before.
 *
 * @spec 2.5, 3.4.2, 5.1.4
 */
import type { VirtioDevice } from '../virtio/device.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { TransportEvent } from './events.ts';

type ConfigError = (code: GuestErrorCode, queue: null, detail: string) => void;

export interface DeviceConfigState {
  readonly generation: number;
  readonly changed: boolean;
  /** Bytes, of a suspended device. */
  readonly frozen: readonly number[] | null;
}

export class DeviceConfig {
  readonly size: number;
  readonly #device: VirtioDevice;
  readonly #emit: (event: TransportEvent) => void;
  readonly #error: ConfigError;
  /** What a suspended device shows. */
  #frozen: readonly number[] | null = null;
  #generation = 0;
  /** Something changed since the driver last read `config_generation`. */
  #changed = false;

  constructor(device: VirtioDevice, emit: (event: TransportEvent) => void, error: ConfigError) {
    this.size = device.configSize;
    this.#device = device;
    this.#emit = emit;
    this.#error = error;
  }

  /** @spec 2.5.2 MUST allow reading before FEATURES_OK (BASE-CFG-01) */
  read(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) {
      const at = offset + i;
      value = value * 256 + (this.#frozen ? (this.#frozen[at] ?? 0) : this.#device.readConfig(at));
    }
    return value;
  }

  /** @spec 5.1.4 all fields are read-only to a driver (NET-CFG-15), the MAC address of a legacy one apart (LEG-16) */
  write(offset: number, width: number, value: number, legacy: boolean): void {
    this.#emit({ type: 'config-write', offset, width, value });
    if (!legacy) this.#error('config-write', null, `offset ${offset}, width ${width}, value ${value}`);
  }

  changed(): void {
    this.#changed = true;
  }

  readGeneration(): number {
    // @spec 4.1.4.3.1 MUST show another value after a changed value could be read (PCI-COMMON-06). Counting on
    // read instead of on change means that 256 changes between two reads cannot look like none.
    if (this.#changed && !this.#frozen) {
      this.#generation = (this.#generation + 1) & 0xff;
      this.#changed = false;
    }
    return this.#generation;
  }

  /** @spec 3.4.2 MUST NOT modify any field while suspended (SUSP-05) */
  freeze(): void {
    this.#frozen = this.#bytes();
  }

  thaw(): void {
    this.#frozen = null;
  }

  /** @param asleep saved as suspended, though it is not quite yet */
  save(asleep: boolean): DeviceConfigState {
    const frozen = this.#frozen ?? (asleep ? this.#bytes() : null);
    return { generation: this.#generation, changed: this.#changed, frozen };
  }

  restore({ generation, changed, frozen }: DeviceConfigState): void {
    this.#generation = generation;
    this.#changed = changed;
    this.#frozen = frozen;
  }

  #bytes(): number[] {
    return Array.from({ length: this.size }, (_, at) => this.#device.readConfig(at));
  }
}
