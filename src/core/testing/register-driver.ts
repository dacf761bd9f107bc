/** What every driver of a virtio PCI device does with registers, and nothing else: modern or legacy, INTx or MSI-X. */
import {
  COMMON_CFG,
  DEVICE_CFG,
  type DriverPorts,
  findStructures,
  ISR_CFG,
  NOTIFY_CFG,
  REG,
  Registers,
} from './driver-ports.ts';
import { LEGACY, LegacyRegisters, legacyDeviceConfig, PAGE } from './legacy-registers.ts';
import { MsixDriver } from './msix-driver.ts';

const PCI_COMMAND = 4;
/** Decode I/O and memory accesses; may access memory. */
const ENABLED = 7;
const NO_VECTOR = 0xffff;

export interface RegisterDriverOptions {
  readonly ports: DriverPorts;
  /** Default: modern. */
  readonly transport?: 'modern' | 'legacy';
  /** With MSI-X every event has a vector: configuration 0, queue n the next but n. Default: intx. */
  readonly interrupts?: 'intx' | 'msix';
}

/** What goes into the address registers of a queue. */
export interface QueuePlace {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
  readonly size: number;
}

export class RegisterDriver {
  readonly ports: DriverPorts;
  /** Of the modern interface, which a transitional device has too. */
  readonly common: Registers;
  /** Device configuration, where this driver finds it. */
  readonly device: Registers;
  readonly legacy: LegacyRegisters | null;
  readonly msix: MsixDriver | null;
  /** `queue_notify_off` by queue, as read when the queue was set up. */
  protected readonly notifyOff: number[] = [];
  readonly #isr: Registers;
  readonly #notify: Registers;
  readonly #multiplier: number;

  constructor({ ports, transport, interrupts }: RegisterDriverOptions) {
    this.ports = ports;
    const structures = findStructures(ports);
    const registers = (type: number): Registers => {
      const structure = structures.find((candidate) => candidate.type === type);
      return new Registers(ports, structure, type);
    };
    const msix = interrupts === 'msix';
    this.legacy = transport === 'legacy' ? new LegacyRegisters(ports) : null;
    this.msix = msix ? new MsixDriver(ports) : null;
    this.common = registers(COMMON_CFG);
    this.device = this.legacy ? new Registers(ports, legacyDeviceConfig(msix), DEVICE_CFG) : registers(DEVICE_CFG);
    this.#isr = registers(ISR_CFG);
    this.#notify = registers(NOTIFY_CFG);
    this.#multiplier = ports.configRead(this.#notify.structure.capability + 16, 4);
    this.enableFunction();
  }

  /** What the bus code of an operating system does before a driver touches the device. */
  enableFunction(): void {
    this.ports.configWrite(PCI_COMMAND, 2, ENABLED);
    this.msix?.setUp();
  }

  get status(): number {
    return this.legacy ? this.legacy.read(LEGACY.device_status, 1) : this.common.read(REG.device_status, 1);
  }

  writeStatus(value: number): void {
    if (this.legacy) this.legacy.write(LEGACY.device_status, 1, value);
    else this.common.write(REG.device_status, 1, value);
  }

  addStatus(bits: number): void {
    this.writeStatus(this.status | bits);
  }

  offered(): bigint {
    if (this.legacy) return BigInt(this.legacy.read(LEGACY.device_features, 4));
    let set = 0n;
    for (let word = 3; word >= 0; word--) {
      this.common.write(REG.device_feature_select, 4, word);
      set = (set << 32n) | BigInt(this.common.read(REG.device_feature, 4));
    }
    return set;
  }

  writeFeatures(set: bigint): void {
    if (this.legacy) {
      this.legacy.write(LEGACY.driver_features, 4, Number(set & 0xffff_ffffn));
      return;
    }
    for (let word = 0; word < 4; word++) {
      this.common.write(REG.driver_feature_select, 4, word);
      this.common.write(REG.driver_feature, 4, Number((set >> BigInt(32 * word)) & 0xffff_ffffn));
    }
  }

  select(queue: number): void {
    if (this.legacy) this.legacy.write(LEGACY.queue_select, 2, queue);
    else this.common.write(REG.queue_select, 2, queue);
  }

  /** Of the selected queue; 0 if there is none. */
  queueSize(): number {
    return this.legacy ? this.legacy.read(LEGACY.queue_size, 2) : this.common.read(REG.queue_size, 2);
  }

  /** How many queues there are. A legacy driver finds out by looking for one that has no size. */
  countQueues(): number {
    if (!this.legacy) return this.common.read(REG.num_queues, 2);
    for (let queue = 0; ; queue++) {
      this.select(queue);
      if (this.queueSize() === 0) return queue;
    }
  }

  /** Hands a queue over: vector, place, start. */
  startQueue(queue: number, place: QueuePlace): void {
    this.select(queue);
    this.#map(queue);
    if (this.legacy) {
      this.legacy.write(LEGACY.queue_address, 4, place.desc / PAGE);
      return;
    }
    this.notifyOff[queue] = this.common.read(REG.queue_notify_off, 2);
    this.common.write(REG.queue_size, 2, place.size);
    this.writeAddress(REG.queue_desc, place.desc);
    this.writeAddress(REG.queue_driver, place.driver);
    this.writeAddress(REG.queue_device, place.device);
    this.common.write(REG.queue_enable, 2, 1);
  }

  /** Maps the configuration event, if vectors are in use. */
  mapConfig(): void {
    if (!this.msix) return;
    if (this.legacy) this.legacy.write(LEGACY.config_msix_vector, 2, 0);
    else this.common.write(REG.config_msix_vector, 2, 0);
  }

  /** A 64-bit field is written as two halves, low first. */
  writeAddress(register: number, addr: number): void {
    this.common.write(register, 4, addr % 0x1_0000_0000);
    this.common.write(register + 4, 4, Math.floor(addr / 0x1_0000_0000));
  }

  /** The doorbell of a queue is written with the queue's index, or what else was agreed on (4.1.5.2). */
  kick(queue: number): void {
    const { width, value } = this.doorbell(queue);
    if (this.legacy) this.legacy.write(LEGACY.queue_notify, 2, queue);
    else this.#notify.write((this.notifyOff[queue] ?? queue) * this.#multiplier, width, value);
  }

  protected doorbell(queue: number): { readonly width: number; readonly value: number } {
    return { width: 2, value: queue };
  }

  /** Reads, and so clears, the interrupt status. */
  readIsr(): number {
    return this.legacy ? this.legacy.read(LEGACY.isr_status, 1) : this.#isr.read(0, 1);
  }

  /** The selected queue. */
  #map(queue: number): void {
    if (!this.msix) return;
    const vector = queue + 1;
    const register = this.legacy ?? this.common;
    const at = this.legacy ? LEGACY.queue_msix_vector : REG.queue_msix_vector;
    register.write(at, 2, vector);
    if (register.read(at, 2) === NO_VECTOR) throw new Error(`queue ${queue} could not be mapped to ${vector}`);
  }
}
