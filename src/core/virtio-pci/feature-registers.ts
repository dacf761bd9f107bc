/**
 * Feature negotiation: two select registers, the offered set and the driver's own.
 *
 * The offer is fixed between resets, so that what a driver read stays true while it negotiates. A transitional
 * device makes two: one through the modern registers, and one of 32 bits through the legacy interface, which
 * alone has the bits that only ever meant something there.
 *
 * @spec 2.2, 4.1.4.3, 6.3
 */
import * as F from '../virtio/features.ts';
import { type FeatureSet, featureBits, featureWord, formatFeatures, hasFeature } from '../virtio/features.ts';
import type { FeatureFault } from '../virtio/device.ts';

/** Words a driver can store: bits 0 to 127, all that the specification has given to anybody. */
const WORDS = 4;
const LEGACY_WORD = 0xffff_ffffn;

/** Offered to legacy drivers besides. @spec 6.3 MUST offer ANY_LAYOUT (LEG-25), MAY NOTIFY_ON_EMPTY (LEG-23) */
const LEGACY_FEATURES = F.featureSet(F.VIRTIO_F_NOTIFY_ON_EMPTY, F.VIRTIO_F_ANY_LAYOUT);

/** What the legacy interface shows of a device that offers `offered`. @spec 4.1.4.10 */
export const legacyOffer = (offered: FeatureSet): FeatureSet => (offered & LEGACY_WORD) | LEGACY_FEATURES;

export interface FeatureRegistersState {
  readonly offered: string;
  readonly driver: readonly number[];
  readonly beyond: boolean;
  readonly deviceSelect: number;
  readonly driverSelect: number;
}

export class FeatureRegisters {
  #offered: FeatureSet = 0n;
  readonly #driver = new Uint32Array(WORDS);
  /** The driver accepted a bit that we have no word for: it cannot have been offered. */
  #beyond = false;
  deviceSelect = 0;
  driverSelect = 0;

  get offered(): FeatureSet {
    return this.#offered;
  }

  /** What the legacy interface of a transitional device shows. */
  get offeredLegacy(): FeatureSet {
    return legacyOffer(this.#offered);
  }

  /** What the driver has written so far. */
  get driver(): FeatureSet {
    return this.#driver.reduceRight((set, word) => (set << 32n) | BigInt(word), 0n);
  }

  reset(offered: FeatureSet): void {
    this.#offered = offered;
    this.#driver.fill(0);
    this.#beyond = false;
    this.deviceSelect = 0;
    this.driverSelect = 0;
  }

  /** @spec 4.1.4.3.1 MUST show bits from 32 * select on, zero beyond the last (PCI-COMMON-03) */
  readDevice(): number {
    return featureWord(this.#offered, this.deviceSelect);
  }

  /** @spec 4.1.4.3.1 MUST read back what the driver wrote; invalid bits too, as it MAY (PCI-COMMON-04, -05) */
  readDriver(): number {
    return this.#driver[this.driverSelect] ?? 0;
  }

  writeDriver(value: number): void {
    if (this.driverSelect < WORDS) this.#driver[this.driverSelect] = value;
    else if (value !== 0) this.#beyond = true;
  }

  get legacyDriver(): number {
    return this.#driver[0] ?? 0;
  }

  /** @spec 4.1.4.10 MUST take bits 32 and up as not accepted (LEG-12) */
  set legacyDriver(value: number) {
    this.#driver.fill(0);
    this.#driver[0] = value;
  }

  /** Judges the rules that every virtio device has. */
  judge(): FeatureFault | null {
    const foreign = featureBits(this.driver & ~this.#offered);
    if (this.#beyond) foreign.push(32 * WORDS);
    if (foreign.length > 0) {
      return { code: 'feature-not-offered', reason: `Accepted but not offered: bit ${foreign.join(', ')}.` };
    }
    // @spec 6.2 MAY refuse to work without VERSION_1 (RSVD-02): who wants that uses the legacy interface.
    if (!hasFeature(this.driver, F.VIRTIO_F_VERSION_1)) {
      return { code: 'version-1-declined', reason: 'VIRTIO_F_VERSION_1 was not accepted.' };
    }
    return null;
  }

  save(): FeatureRegistersState {
    return {
      offered: formatFeatures(this.#offered),
      driver: [...this.#driver],
      beyond: this.#beyond,
      deviceSelect: this.deviceSelect,
      driverSelect: this.driverSelect,
    };
  }

  /** `offered` is parsed and checked by the caller. */
  restore(state: FeatureRegistersState, offered: FeatureSet): void {
    this.#offered = offered;
    this.#driver.set(state.driver);
    this.#beyond = state.beyond;
    this.deviceSelect = state.deviceSelect;
    this.driverSelect = state.driverSelect;
  }
}
