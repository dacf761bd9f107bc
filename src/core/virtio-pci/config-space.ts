/**
 * The PCI configuration space of a modern virtio device, as it is after power-on.
 *
 *     0x40 COMMON_CFG   16 bytes     struct virtio_pci_cap {
 *     0x50 ISR_CFG      16               u8 cap_vndr, cap_next, cap_len, cfg_type;
 *     0x60 DEVICE_CFG   16               u8 bar, id, padding[2];
 *     0x70 NOTIFY_CFG   20               le32 offset, length;
 *     0x84 PCI_CFG      20           };                       notify: + le32 notify_off_multiplier
 *                                                             window: + u8 pci_cfg_data[4]
 *
 * @spec 4.1.2, 4.1.4
 */
import * as P from './layout.ts';

const PCI_CAP_ID_VNDR = 0x09;
const FIRST_CAPABILITY = 0x40;
const CAP_SIZE = 16;
const CAP_SIZE_WITH_DATA = 20;

export interface ConfigSpaceOptions {
  /** Virtio device type: 1 is a network device. */
  readonly deviceType: number;
  /** Class code, 24 bits. */
  readonly classCode: number;
  readonly queues: number;
  /** Bytes of device-specific configuration. */
  readonly configSize: number;
  /** I/O port at which the BAR starts until firmware moves it. */
  readonly ioBase: number;
}

export interface ConfigSpace {
  readonly bytes: Uint8Array;
  /** Offset of the PCI_CFG capability: the window. */
  readonly window: number;
}

export function buildConfigSpace(options: ConfigSpaceOptions): ConfigSpace {
  const bytes = new Uint8Array(P.PCI_CONFIG_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x00, 0x1af4, true); // @spec 4.1.2.1 MUST (PCI-ID-01)
  view.setUint16(0x02, 0x1040 + options.deviceType, true); // @spec 4.1.2.1 MUST (PCI-ID-02)
  view.setUint16(P.PCI_STATUS, P.PCI_STATUS_CAP_LIST, true);
  view.setUint8(0x08, 1); // @spec 4.1.2.1 SHOULD be at least 1 (PCI-ID-05)
  view.setUint8(0x09, options.classCode & 0xff);
  view.setUint16(0x0a, options.classCode >>> 8, true);
  view.setUint32(P.PCI_BAR_0 + 4 * P.MODERN_BAR, options.ioBase | 1, true);
  view.setUint16(0x2c, 0x1af4, true);
  view.setUint16(0x2e, 0x1100, true); // @spec 4.1.2.1 SHOULD be at least 0x40 (PCI-ID-06)
  view.setUint8(0x34, FIRST_CAPABILITY);
  view.setUint8(0x3d, 1); // INTA#

  let at = FIRST_CAPABILITY;
  const capability = (type: number, offset: number, length: number, data?: number): number => {
    const here = at;
    const size = data === undefined ? CAP_SIZE : CAP_SIZE_WITH_DATA;
    const last = type === P.VIRTIO_PCI_CAP_PCI_CFG;
    at += size;
    view.setUint8(here, PCI_CAP_ID_VNDR);
    view.setUint8(here + 1, last ? 0 : at);
    view.setUint8(here + 2, size); // @spec 4.1.4.2 MUST count trailing data (PCI-CAP-01)
    view.setUint8(here + 3, type);
    view.setUint8(here + 4, last ? 0 : P.MODERN_BAR);
    view.setUint32(here + 8, offset, true);
    view.setUint32(here + 12, length, true);
    if (data !== undefined) view.setUint32(here + 16, data, true);
    return here;
  };
  capability(P.VIRTIO_PCI_CAP_COMMON_CFG, P.COMMON_OFFSET, P.COMMON_CFG_SIZE);
  capability(P.VIRTIO_PCI_CAP_ISR_CFG, P.ISR_OFFSET, 1);
  capability(P.VIRTIO_PCI_CAP_DEVICE_CFG, P.DEVICE_OFFSET, options.configSize);
  capability(
    P.VIRTIO_PCI_CAP_NOTIFY_CFG,
    P.NOTIFY_OFFSET,
    P.NOTIFY_OFF_MULTIPLIER * options.queues,
    P.NOTIFY_OFF_MULTIPLIER,
  );
  const window = capability(P.VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
  return { bytes, window };
}
