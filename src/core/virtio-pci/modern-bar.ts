/**
 * Decodes accesses to the BAR: which structure, and what there.
 *
 * An access must lie within one structure; one that straddles two, or hits none, reads zero or has no
 * effect, and is recorded.
 *
 * @spec 4.1.4
 */
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { CommonConfig } from './common-config.ts';
import type { DeviceConfig } from './device-config.ts';
import { FieldMap } from './field-map.ts';
import type { InterruptLine } from './interrupt-line.ts';
import * as P from './layout.ts';

const COMMON = new FieldMap(P.COMMON_CFG);

export interface ModernBarParts {
  readonly common: CommonConfig;
  readonly line: InterruptLine;
  readonly config: DeviceConfig;
  /** How many doorbells there are. */
  readonly doorbells: number;
  /** The doorbell of a queue was written. */
  doorbell(queue: number, width: number, value: number): void;
  error(code: GuestErrorCode, queue: number | null, detail: string): void;
}

export class ModernBar {
  readonly #parts: ModernBarParts;
  readonly #deviceEnd: number;
  readonly #notifyEnd: number;

  constructor(parts: ModernBarParts) {
    this.#parts = parts;
    this.#deviceEnd = P.DEVICE_OFFSET + parts.config.size;
    this.#notifyEnd = P.NOTIFY_OFFSET + P.NOTIFY_OFF_MULTIPLIER * parts.doorbells;
  }

  read(offset: number, width: number): number {
    const { common, line, config } = this.#parts;
    const end = offset + width;
    if (end <= P.COMMON_OFFSET + P.COMMON_CFG_SIZE) return COMMON.read(common, offset, width);
    if (offset >= P.ISR_OFFSET && end <= P.ISR_OFFSET + P.ISR_LENGTH) {
      return offset === P.ISR_OFFSET ? line.acknowledge() : 0;
    }
    if (offset >= P.DEVICE_OFFSET && end <= this.#deviceEnd) {
      return config.read(offset - P.DEVICE_OFFSET, width);
    }
    // A doorbell has nothing to read; that is no mistake.
    if (offset < P.NOTIFY_OFFSET || end > this.#notifyEnd) this.#outOfRange('read', offset, width);
    return 0;
  }

  write(offset: number, width: number, value: number): void {
    const { common, config } = this.#parts;
    const end = offset + width;
    if (end <= P.COMMON_OFFSET + P.COMMON_CFG_SIZE) {
      COMMON.write(common, offset, width, value);
    } else if (offset >= P.NOTIFY_OFFSET && end <= this.#notifyEnd) {
      this.#parts.doorbell(Math.floor((offset - P.NOTIFY_OFFSET) / P.NOTIFY_OFF_MULTIPLIER), width, value);
    } else if (offset >= P.DEVICE_OFFSET && end <= this.#deviceEnd) {
      config.write(offset - P.DEVICE_OFFSET, width, value, false);
    } else if (offset >= P.ISR_OFFSET && end <= P.ISR_OFFSET + P.ISR_LENGTH) {
      this.#parts.error('write-to-read-only', null, `ISR = ${value}`);
    } else {
      this.#outOfRange('write', offset, width);
    }
  }

  #outOfRange(kind: string, offset: number, width: number): void {
    this.#parts.error('access-out-of-range', null, `${kind} of ${width} at 0x${offset.toString(16)}`);
  }
}
