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
  /** A queue was reset by itself, with VIRTIO_F_RING_RESET or by a legacy driver: it is as new. */
  | { readonly type: 'queue-reset'; readonly queue: number }
  /** The driver suspended the device, or made it run again. */
  | { readonly type: 'device-suspended'; readonly suspended: boolean }
  /** What the PCI function is now; a driver sees it when it enumerates the bus. */
  | { readonly type: 'personality'; readonly msix: boolean; readonly transitional: boolean }
  /** The device raised DEVICE_NEEDS_RESET. */
  | { readonly type: 'needs-reset'; readonly reason: string }
  /** A driver write to device config: always ignored, always recorded. `offset` is relative to device config. */
  | { readonly type: 'config-write'; readonly offset: number; readonly width: number; readonly value: number };
