/**
 * Decodes accesses to the BAR: which structure, and what there.
 *
 * An access must lie within one structure; one that straddles two, or hits none, reads zero or has no
 * effect, and is recorded.
 *
 * @spec 4.1.4
 */
import type { VirtioDevice } from '../virtio/device.ts';
import type { GuestErrorCode } from '../virtio/guest-error.ts';
import type { CommonConfig } from './common-config.ts';
import type { TransportEvent } from './events.ts';
import { FieldMap } from './field-map.ts';
import type { InterruptLine } from './interrupt-line.ts';
import * as P from './layout.ts';

const COMMON = new FieldMap(P.COMMON_CFG);

export interface ModernBarParts {
  readonly common: CommonConfig;
  readonly line: InterruptLine;
  readonly device: VirtioDevice;
  readonly emit: (event: TransportEvent) => void;
  /** The doorbell of a queue was written. */
  kick(queue: number, value: number): void;
  error(code: GuestErrorCode, queue: number | null, detail: string): void;
}

export class ModernBar {
  readonly #parts: ModernBarParts;
  readonly #deviceEnd: number;
  readonly #notifyEnd: number;

  constructor(parts: ModernBarParts) {
    this.#parts = parts;
    this.#deviceEnd = P.DEVICE_OFFSET + parts.device.configSize;
    this.#notifyEnd = P.NOTIFY_OFFSET + P.NOTIFY_OFF_MULTIPLIER * parts.device.queueSpecs.length;
  }

  read(offset: number, width: number): number {
    const { common, line, device } = this.#parts;
    const end = offset + width;
    if (end <= P.COMMON_OFFSET + P.COMMON_CFG_SIZE) return COMMON.read(common, offset, width);
    if (offset >= P.ISR_OFFSET && end <= P.ISR_OFFSET + P.ISR_LENGTH) {
      return offset === P.ISR_OFFSET ? line.acknowledge() : 0;
    }
    if (offset >= P.DEVICE_OFFSET && end <= this.#deviceEnd) {
      // @spec 2.5.2 MUST allow reading before FEATURES_OK (BASE-CFG-01)
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = value * 256 + device.readConfig(offset - P.DEVICE_OFFSET + i);
      return value;
    }
    // A doorbell has nothing to read; that is no mistake.
    if (offset < P.NOTIFY_OFFSET || end > this.#notifyEnd) this.#outOfRange('read', offset, width);
    return 0;
  }

  write(offset: number, width: number, value: number): void {
    const { common, emit } = this.#parts;
    const end = offset + width;
    if (end <= P.COMMON_OFFSET + P.COMMON_CFG_SIZE) {
      COMMON.write(common, offset, width, value);
    } else if (offset >= P.NOTIFY_OFFSET && end <= this.#notifyEnd) {
      this.#parts.kick(Math.floor((offset - P.NOTIFY_OFFSET) / P.NOTIFY_OFF_MULTIPLIER), value);
    } else if (offset >= P.DEVICE_OFFSET && end <= this.#deviceEnd) {
      // @spec 5.1.4 all fields are read-only to a driver (NET-CFG-15)
      const at = offset - P.DEVICE_OFFSET;
      emit({ type: 'config-write', offset: at, width, value });
      this.#parts.error('config-write', null, `offset ${at}, width ${width}, value ${value}`);
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
