/**
 * What a driver can touch of a PCI virtio device, and how it finds the structures: by walking the
 * capability list, as section 4.1.4 says. Constants are declared here again on purpose.
 */

/** PCI configuration space and BARs of one function. Values are unsigned; widths 1, 2, 4. */
export interface DriverPorts {
  configRead(offset: number, width: number): number;
  configWrite(offset: number, width: number, value: number): void;
  barRead(bar: number, offset: number, width: number): number;
  barWrite(bar: number, offset: number, width: number, value: number): void;
}

export interface Structure {
  /** Offset of the capability in configuration space. */
  readonly capability: number;
  readonly capLength: number;
  readonly type: number;
  readonly bar: number;
  readonly offset: number;
  readonly length: number;
}

export const COMMON_CFG = 1;
export const NOTIFY_CFG = 2;
export const ISR_CFG = 3;
export const DEVICE_CFG = 4;
export const PCI_CFG = 5;

const STATUS_CAP_LIST = 0x10;
const CAP_VENDOR_SPECIFIC = 0x09;

/** Every virtio capability in list order. */
export function findStructures(ports: DriverPorts): Structure[] {
  const found: Structure[] = [];
  if (!(ports.configRead(0x06, 2) & STATUS_CAP_LIST)) return found;
  let at = ports.configRead(0x34, 1);
  for (let visited = 0; at !== 0 && visited < 48; visited++) {
    if (ports.configRead(at, 1) === CAP_VENDOR_SPECIFIC) {
      found.push({
        capability: at,
        capLength: ports.configRead(at + 2, 1),
        type: ports.configRead(at + 3, 1),
        bar: ports.configRead(at + 4, 1),
        offset: ports.configRead(at + 8, 4),
        length: ports.configRead(at + 12, 4),
      });
    }
    at = ports.configRead(at + 1, 1);
  }
  return found;
}

/** A structure as registers: offsets are relative to it. */
export class Registers {
  readonly structure: Structure;
  readonly #ports: DriverPorts;

  constructor(ports: DriverPorts, structure: Structure | undefined, type: number) {
    if (!structure) throw new Error(`no virtio capability of type ${type}`);
    this.#ports = ports;
    this.structure = structure;
  }

  read(offset: number, width: number): number {
    return this.#ports.barRead(this.structure.bar, this.structure.offset + offset, width);
  }

  write(offset: number, width: number, value: number): void {
    this.#ports.barWrite(this.structure.bar, this.structure.offset + offset, width, value);
  }
}

/** Offsets in the common configuration, from the table in 4.1.4.3. */
export const REG = {
  device_feature_select: 0,
  device_feature: 4,
  driver_feature_select: 8,
  driver_feature: 12,
  config_msix_vector: 16,
  num_queues: 18,
  device_status: 20,
  config_generation: 21,
  queue_select: 22,
  queue_size: 24,
  queue_msix_vector: 26,
  queue_enable: 28,
  queue_notify_off: 30,
  queue_desc: 32,
  queue_driver: 40,
  queue_device: 48,
  queue_notif_config_data: 56,
  queue_reset: 58,
} as const;

export const STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  NEEDS_RESET: 64,
  FAILED: 128,
} as const;
