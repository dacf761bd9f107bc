/** The legacy register block as a driver finds it: at the start of I/O BAR 0, from the table in 4.1.4.10. */
import type { DriverPorts, Structure } from './driver-ports.ts';

export const LEGACY = {
  device_features: 0,
  driver_features: 4,
  queue_address: 8,
  queue_size: 12,
  queue_select: 14,
  queue_notify: 16,
  device_status: 18,
  isr_status: 19,
  config_msix_vector: 20,
  queue_msix_vector: 22,
} as const;

export const LEGACY_BAR = 0;
export const PAGE = 4096;

/** Device configuration as a structure: where it lies depends on whether MSI-X is enabled. */
export function legacyDeviceConfig(msix: boolean): Structure {
  return { capability: 0, capLength: 0, type: 0, bar: LEGACY_BAR, offset: msix ? 24 : 20, length: 0 };
}

export class LegacyRegisters {
  readonly #ports: DriverPorts;

  constructor(ports: DriverPorts) {
    this.#ports = ports;
  }

  read(offset: number, width: number): number {
    return this.#ports.barRead(LEGACY_BAR, offset, width);
  }

  write(offset: number, width: number, value: number): void {
    this.#ports.barWrite(LEGACY_BAR, offset, width, value);
  }
}
