/**
 * The PCI configuration space of a virtio device, as it is after power-on.
 *
 *     0x40 COMMON_CFG   16 bytes     struct virtio_pci_cap {
 *     0x50 ISR_CFG      16               u8 cap_vndr, cap_next, cap_len, cfg_type;
 *     0x60 DEVICE_CFG   16               u8 bar, id, padding[2];
 *     0x70 NOTIFY_CFG   20               le32 offset, length;
 *     0x84 PCI_CFG      20           };                       notify: + le32 notify_off_multiplier
 *     0x98 MSI-X        12                                    window: + u8 pci_cfg_data[4]
 *
 * A modern-only device has no BAR 0. That a device gives up at once when a legacy driver resets it through such a
 * BAR is asked of those whose vendor, device and revision ids a legacy device once had (@spec 4.1.4.11,
 * PCI-NTLEG-01, PCI-NTLEG-02): 0x1041 was never one, so no legacy driver looks for it.
 *
 * @spec 4.1.2, 4.1.4
 */
import * as P from './layout.ts';

const PCI_CAP_ID_VNDR = 0x09;
const PCI_CAP_ID_MSIX = 0x11;
const FIRST_CAPABILITY = 0x40;
const CAP_SIZE = 16;
const CAP_SIZE_WITH_DATA = 20;
const VIRTIO_VENDOR = 0x1af4;
/** BAR bit 0: I/O space. */
const BAR_IO = 1;

export interface Placement {
  readonly index: number;
  readonly kind: 'io' | 'memory';
  /** Bytes, a power of two. */
  readonly size: number;
  /** Where it starts until firmware moves it, a multiple of its size. */
  readonly base: number;
}

export interface ConfigSpaceOptions {
  /** Virtio device type: 1 is a network device. */
  readonly deviceType: number;
  /** Class code, 24 bits. */
  readonly classCode: number;
  readonly queues: number;
  /** Bytes of device-specific configuration. */
  readonly configSize: number;
  /** With the ids of a legacy device. */
  readonly transitional: boolean;
  /** Vectors of the MSI-X capability; null without one. */
  readonly msixVectors: number | null;
  readonly bars: readonly Placement[];
}

export interface ConfigSpace {
  readonly bytes: Uint8Array;
  /** Offset of the PCI_CFG capability: the window. */
  readonly window: number;
  /** Offset of the MSI-X capability, or null. */
  readonly msix: number | null;
}

export function buildConfigSpace(options: ConfigSpaceOptions): ConfigSpace {
  const { deviceType, transitional, msixVectors } = options;
  const bytes = new Uint8Array(P.PCI_CONFIG_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(P.PCI_VENDOR_ID, VIRTIO_VENDOR, true); // @spec 4.1.2.1 MUST (PCI-ID-01)
  // @spec 4.1.2.1 MUST (PCI-ID-02); of a transitional network device it is the first number (LEG-08)
  view.setUint16(P.PCI_DEVICE_ID, transitional ? 0x0fff + deviceType : 0x1040 + deviceType, true);
  view.setUint16(P.PCI_STATUS, P.PCI_STATUS_CAP_LIST, true);
  // @spec 4.1.2.1 SHOULD be at least 1 (PCI-ID-05); 4.1.2.3 MUST be 0 (LEG-06)
  view.setUint8(P.PCI_REVISION, transitional ? 0 : 1);
  view.setUint8(P.PCI_CLASS, options.classCode & 0xff);
  view.setUint16(P.PCI_CLASS + 1, options.classCode >>> 8, true);
  for (const { index, kind, base } of options.bars) {
    view.setUint32(P.PCI_BAR_0 + 4 * index, base | (kind === 'io' ? BAR_IO : 0), true);
  }
  view.setUint16(P.PCI_SUBSYSTEM_VENDOR_ID, VIRTIO_VENDOR, true);
  // @spec 4.1.2.1 SHOULD be at least 0x40 (PCI-ID-06); 4.1.2.3 MUST be the virtio device type (LEG-07)
  view.setUint16(P.PCI_SUBSYSTEM_ID, transitional ? deviceType : 0x1100, true);
  view.setUint8(P.PCI_CAPABILITIES, FIRST_CAPABILITY);
  view.setUint8(P.PCI_INTERRUPT_PIN, 1); // INTA#

  let end = FIRST_CAPABILITY;
  let link = P.PCI_CAPABILITIES;
  const place = (id: number, size: number): number => {
    const here = end;
    view.setUint8(link, here);
    view.setUint8(here, id);
    link = here + 1;
    end += size;
    return here;
  };
  const structure = (type: number, offset: number, length: number, data?: number): number => {
    const size = data === undefined ? CAP_SIZE : CAP_SIZE_WITH_DATA;
    const here = place(PCI_CAP_ID_VNDR, size);
    view.setUint8(here + 2, size); // @spec 4.1.4.2 MUST count trailing data (PCI-CAP-01)
    view.setUint8(here + 3, type);
    view.setUint8(here + 4, type === P.VIRTIO_PCI_CAP_PCI_CFG ? 0 : P.MODERN_BAR);
    view.setUint32(here + 8, offset, true);
    view.setUint32(here + 12, length, true);
    if (data !== undefined) view.setUint32(here + 16, data, true);
    return here;
  };
  const multiplier = P.NOTIFY_OFF_MULTIPLIER;
  structure(P.VIRTIO_PCI_CAP_COMMON_CFG, P.COMMON_OFFSET, P.COMMON_CFG_SIZE);
  structure(P.VIRTIO_PCI_CAP_ISR_CFG, P.ISR_OFFSET, 1);
  structure(P.VIRTIO_PCI_CAP_DEVICE_CFG, P.DEVICE_OFFSET, options.configSize);
  // @spec 4.1.4.4.1 MUST be long enough for the doorbell of every queue (PCI-NOTIFY-04, -05, -08, -09)
  structure(P.VIRTIO_PCI_CAP_NOTIFY_CFG, P.NOTIFY_OFFSET, multiplier * options.queues, multiplier);
  const window = structure(P.VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
  if (msixVectors === null) return { bytes, window, msix: null };
  const msix = place(PCI_CAP_ID_MSIX, P.MSIX_CAP_SIZE);
  view.setUint16(msix + P.MSIX_MESSAGE_CONTROL, msixVectors - 1, true);
  view.setUint32(msix + 4, P.MSIX_TABLE_OFFSET | P.MSIX_BAR, true);
  view.setUint32(msix + 8, P.MSIX_PBA_OFFSET | P.MSIX_BAR, true);
  return { bytes, window, msix };
}
