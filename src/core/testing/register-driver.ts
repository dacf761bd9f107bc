/** What every driver of a virtio PCI device does with registers, and nothing else. */
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

export class RegisterDriver {
  readonly ports: DriverPorts;
  readonly common: Registers;
  readonly device: Registers;
  /** `queue_notify_off` by queue, as read when the queue was set up. */
  protected readonly notifyOff: number[] = [];
  readonly #isr: Registers;
  readonly #notify: Registers;
  readonly #multiplier: number;

  constructor(ports: DriverPorts) {
    this.ports = ports;
    const structures = findStructures(ports);
    const registers = (type: number): Registers => {
      const structure = structures.find((candidate) => candidate.type === type);
      return new Registers(ports, structure, type);
    };
    this.common = registers(COMMON_CFG);
    this.device = registers(DEVICE_CFG);
    this.#isr = registers(ISR_CFG);
    this.#notify = registers(NOTIFY_CFG);
    this.#multiplier = ports.configRead(this.#notify.structure.capability + 16, 4);
  }

  get status(): number {
    return this.common.read(REG.device_status, 1);
  }

  addStatus(bits: number): void {
    this.common.write(REG.device_status, 1, this.status | bits);
  }

  offered(): bigint {
    let set = 0n;
    for (let word = 3; word >= 0; word--) {
      this.common.write(REG.device_feature_select, 4, word);
      set = (set << 32n) | BigInt(this.common.read(REG.device_feature, 4));
    }
    return set;
  }

  writeFeatures(set: bigint): void {
    for (let word = 0; word < 4; word++) {
      this.common.write(REG.driver_feature_select, 4, word);
      this.common.write(REG.driver_feature, 4, Number((set >> BigInt(32 * word)) & 0xffff_ffffn));
    }
  }

  select(queue: number): void {
    this.common.write(REG.queue_select, 2, queue);
  }

  /** A 64-bit field is written as two halves, low first. */
  writeAddress(register: number, addr: number): void {
    this.common.write(register, 4, addr % 0x1_0000_0000);
    this.common.write(register + 4, 4, Math.floor(addr / 0x1_0000_0000));
  }

  /** The doorbell of a queue is written with the queue's index. */
  kick(queue: number): void {
    this.#notify.write((this.notifyOff[queue] ?? queue) * this.#multiplier, 2, queue);
  }

  /** Reads, and so clears, the interrupt status. */
  readIsr(): number {
    return this.#isr.read(0, 1);
  }
}
