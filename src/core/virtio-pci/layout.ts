/**
 * Layout of the modern PCI transport, as data. What the registers do is in `common-config.ts`.
 *
 *     struct virtio_pci_common_cfg {
 *         le32 device_feature_select;  le32 device_feature;
 *         le32 driver_feature_select;  le32 driver_feature;
 *         le16 config_msix_vector;     le16 num_queues;
 *         u8 device_status;            u8 config_generation;
 *         le16 queue_select;           le16 queue_size;        le16 queue_msix_vector;
 *         le16 queue_enable;           le16 queue_notify_off;
 *         le64 queue_desc;             le64 queue_driver;      le64 queue_device;
 *         le16 queue_notif_config_data; le16 queue_reset;
 *         le16 admin_queue_index;      le16 admin_queue_num;
 *     };                                                                                      64 bytes
 *
 * A 64-bit field is two 32-bit fields here: each half must be accessible on its own (PCI-LAYOUT-01), and
 * drivers use no wider access.
 *
 * @spec 4.1.4.3
 */
export const COMMON_CFG = [
  ['device_feature_select', 4],
  ['device_feature', 4],
  ['driver_feature_select', 4],
  ['driver_feature', 4],
  ['config_msix_vector', 2],
  ['num_queues', 2],
  ['device_status', 1],
  ['config_generation', 1],
  ['queue_select', 2],
  ['queue_size', 2],
  ['queue_msix_vector', 2],
  ['queue_enable', 2],
  ['queue_notify_off', 2],
  ['queue_desc_lo', 4],
  ['queue_desc_hi', 4],
  ['queue_driver_lo', 4],
  ['queue_driver_hi', 4],
  ['queue_device_lo', 4],
  ['queue_device_hi', 4],
  ['queue_notif_config_data', 2],
  ['queue_reset', 2],
  ['admin_queue_index', 2],
  ['admin_queue_num', 2],
] as const;

export type CommonField = (typeof COMMON_CFG)[number][0];
export const COMMON_CFG_SIZE = 64;

/**
 * The legacy register block, at the start of BAR 0. The two vector registers exist only while MSI-X is enabled;
 * device configuration follows, at 20 or 24.
 *
 * @spec 4.1.4.10
 */
export const LEGACY_HEADER = [
  ['device_features', 4],
  ['driver_features', 4],
  ['queue_address', 4],
  ['queue_size', 2],
  ['queue_select', 2],
  ['queue_notify', 2],
  ['device_status', 1],
  ['isr_status', 1],
] as const;
export const LEGACY_VECTORS = [
  ['config_msix_vector', 2],
  ['queue_msix_vector', 2],
] as const;

export type LegacyField = (typeof LEGACY_HEADER | typeof LEGACY_VECTORS)[number][0];
/** Unit of the legacy queue address: a page number. */
export const LEGACY_PAGE = 4096;

/**
 * BARs. Registers lie in I/O space, because the machine has no 16-bit access to memory-mapped registers. The MSI-X
 * table must lie in memory space (PCI 3.0, 6.8.2) and does without 16-bit accesses. Its BAR is as large as the
 * unit in which the machine can map registers, so that whoever places it leaves the whole unit to it.
 */
export const LEGACY_BAR = 0;
export const LEGACY_BAR_SIZE = 0x40;
export const MSIX_BAR = 1;
export const MSIX_BAR_SIZE = 0x2_0000;
export const MODERN_BAR = 4;
export const MODERN_BAR_SIZE = 0x200;

export const COMMON_OFFSET = 0x00;
export const ISR_OFFSET = 0x40;
/** The ISR is one byte; a wider read of it finds zeros above. */
export const ISR_LENGTH = 4;
export const DEVICE_OFFSET = 0x80;
export const NOTIFY_OFFSET = 0x100;
/**
 * @spec 4.1.4.4.1 MUST be an even power of two or zero; 4 is one in both readings of that (PCI-NOTIFY-03). With
 * VIRTIO_F_NOTIFICATION_DATA it MUST be divisible by 4 (PCI-NOTIFY-06).
 */
export const NOTIFY_OFF_MULTIPLIER = 4;
/** How many doorbells the BAR has room for. */
export const DOORBELLS_MAX = (MODERN_BAR_SIZE - NOTIFY_OFFSET) / NOTIFY_OFF_MULTIPLIER;

export const VIRTIO_PCI_CAP_COMMON_CFG = 1;
export const VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
export const VIRTIO_PCI_CAP_ISR_CFG = 3;
export const VIRTIO_PCI_CAP_DEVICE_CFG = 4;
export const VIRTIO_PCI_CAP_PCI_CFG = 5;

/** ISR bits. @spec 4.1.4.5 */
export const VIRTIO_PCI_ISR_QUEUE = 1;
export const VIRTIO_PCI_ISR_CONFIG = 2;

export const VIRTIO_MSI_NO_VECTOR = 0xffff;

/**
 * MSI-X (PCI 3.0, 6.8.2). The capability: id, next, message control, table offset and BAR, pending bits' offset
 * and BAR. A table entry: message address (64 bits), message data, vector control.
 */
export const MSIX_CAP_SIZE = 12;
export const MSIX_MESSAGE_CONTROL = 2;
export const MSIX_CONTROL_ENABLE = 0x8000;
export const MSIX_CONTROL_FUNCTION_MASK = 0x4000;
export const MSIX_ENTRY_SIZE = 16;
export const MSIX_ENTRY_ADDRESS_LO = 0;
export const MSIX_ENTRY_ADDRESS_HI = 4;
export const MSIX_ENTRY_DATA = 8;
export const MSIX_ENTRY_CONTROL = 12;
export const MSIX_ENTRY_MASKED = 1;
export const MSIX_TABLE_OFFSET = 0;
export const MSIX_PBA_OFFSET = 0x800;

/** Ordinary PCI configuration space. */
export const PCI_CONFIG_SIZE = 256;
export const PCI_VENDOR_ID = 0x00;
export const PCI_DEVICE_ID = 0x02;
export const PCI_COMMAND = 0x04;
export const PCI_COMMAND_BUS_MASTER = 0x004;
export const PCI_COMMAND_INTX_DISABLE = 0x400;
/** I/O space, memory space, bus master, parity, SERR, INTx disable. */
export const PCI_COMMAND_WRITABLE = 0x0547;
export const PCI_STATUS = 0x06;
export const PCI_STATUS_INTERRUPT = 0x08;
export const PCI_STATUS_CAP_LIST = 0x10;
export const PCI_REVISION = 0x08;
/** 24 bits. */
export const PCI_CLASS = 0x09;
/** Cache line size, latency timer, header type and self-test: one word that the machine keeps. */
export const PCI_CACHE_LINE = 0x0c;
export const PCI_BAR_0 = 0x10;
export const PCI_BARS = 6;
export const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
export const PCI_SUBSYSTEM_ID = 0x2e;
export const PCI_CAPABILITIES = 0x34;
export const PCI_INTERRUPT_LINE = 0x3c;
export const PCI_INTERRUPT_PIN = 0x3d;
