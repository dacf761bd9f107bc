/** Trace events of the PCI transport. Feature sets are hex strings of the whole set (`formatFeatures`). */
export type TransportEvent =
  /** The driver wrote device_status. `after` is what it will read back. */
  | { readonly type: 'status-write'; readonly value: number; readonly before: number; readonly after: number }
  /** A reset finished; a new epoch begins and the device now offers `offered`. */
  | {
      readonly type: 'device-reset';
      readonly kind: 'driver' | 'machine';
      readonly epoch: number;
      readonly offered: string;
    }
  /** What the device will offer from its next reset on; until then the driver works with what it was offered. */
  | { readonly type: 'offers-changed'; readonly next: string }
  /** FEATURES_OK was written and judged. */
  | {
      readonly type: 'features-judged';
      readonly ok: boolean;
      readonly offered: string;
      readonly accepted: string;
      /** One sentence when refused, null when ok. */
      readonly reason: string | null;
    }
  | {
      readonly type: 'queue-enabled';
      readonly queue: number;
      readonly role: string;
      readonly size: number;
      readonly desc: number;
      readonly driver: number;
      readonly device: number;
    }
  /** The device raised DEVICE_NEEDS_RESET. */
  | { readonly type: 'needs-reset'; readonly reason: string }
  /** A driver write to device config: always ignored, always recorded. */
  | { readonly type: 'config-write'; readonly offset: number; readonly width: number; readonly value: number };
