/**
 * Wire constants of the device and its virtqueues that no transport changes.
 *
 * Split virtqueue, all integers little-endian:
 *
 *     struct virtq_desc  { le64 addr; le32 len; le16 flags; le16 next; };                    16 bytes each
 *     struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; };        6 + 2 * size
 *     struct virtq_used  { le16 flags; le16 idx; struct { le32 id; le32 len; } ring[size];
 *                          le16 avail_event; };                                              6 + 8 * size
 *
 * Packed virtqueue: one ring of descriptors that both sides write, and one event suppression structure each.
 * The driver's structure tells the device about interrupts, the device's tells the driver about kicks.
 *
 *     struct pvirtq_desc { le64 addr; le32 len; le16 id; le16 flags; };                      16 bytes each
 *     struct pvirtq_event_suppress { le16 desc_event_off : 15, wrap : 1; le16 flags : 2; };  4
 *
 * @spec 2.1, 2.7, 2.8
 */

/** Device status bits. */
export const VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
export const VIRTIO_CONFIG_S_DRIVER = 2;
export const VIRTIO_CONFIG_S_DRIVER_OK = 4;
export const VIRTIO_CONFIG_S_FEATURES_OK = 8;
/** Shown instead of DRIVER_OK by a device that the driver suspended, with VIRTIO_F_SUSPEND. */
export const VIRTIO_CONFIG_S_SUSPEND = 16;
export const VIRTIO_CONFIG_S_NEEDS_RESET = 64;
export const VIRTIO_CONFIG_S_FAILED = 128;

/** Bits that a driver may set and that stay until reset. */
export const VIRTIO_CONFIG_S_BY_DRIVER =
  VIRTIO_CONFIG_S_ACKNOWLEDGE |
  VIRTIO_CONFIG_S_DRIVER |
  VIRTIO_CONFIG_S_DRIVER_OK |
  VIRTIO_CONFIG_S_FEATURES_OK |
  VIRTIO_CONFIG_S_FAILED;

export const VIRTQ_DESC_SIZE = 16;
export const VIRTQ_DESC_ADDR = 0;
export const VIRTQ_DESC_LEN = 8;
export const VIRTQ_DESC_FLAGS = 12;
export const VIRTQ_DESC_NEXT = 14;

export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;

export const VIRTQ_AVAIL_FLAGS = 0;
export const VIRTQ_AVAIL_IDX = 2;
export const VIRTQ_AVAIL_RING = 4;
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;

export const VIRTQ_USED_FLAGS = 0;
export const VIRTQ_USED_IDX = 2;
export const VIRTQ_USED_RING = 4;
export const VIRTQ_USED_ELEM_SIZE = 8;
export const VIRTQ_USED_F_NO_NOTIFY = 1;

export const VRING_PACKED_DESC_ADDR = 0;
export const VRING_PACKED_DESC_LEN = 8;
export const VRING_PACKED_DESC_ID = 12;
export const VRING_PACKED_DESC_FLAGS = 14;
/** Besides NEXT, WRITE and INDIRECT, which are as above. */
export const VRING_PACKED_DESC_F_AVAIL = 1 << 7;
export const VRING_PACKED_DESC_F_USED = 1 << 15;

export const VRING_PACKED_EVENT_OFF_WRAP = 0;
export const VRING_PACKED_EVENT_FLAGS = 2;
export const VRING_PACKED_EVENT_SIZE = 4;
export const VRING_PACKED_EVENT_FLAG_ENABLE = 0;
export const VRING_PACKED_EVENT_FLAG_DISABLE = 1;
export const VRING_PACKED_EVENT_FLAG_DESC = 2;
/** Bits of `flags` that have a meaning; all of them set is the reserved value. */
export const VRING_PACKED_EVENT_FLAGS_MASK = 3;
/** The wrap counter in a position: above the 15 bits of the slot. */
export const VRING_PACKED_WRAP = 1 << 15;

export const VIRTQ_DESC_ALIGN = 16;
export const VIRTQ_AVAIL_ALIGN = 2;
export const VIRTQ_USED_ALIGN = 4;
export const VRING_PACKED_EVENT_ALIGN = 4;
/** Of the used ring, and of the whole, in the legacy interface. */
export const LEGACY_QUEUE_ALIGN = 4096;

/** Slots of a packed ring are counted in 15 bits; a split ring's size is the largest power of two below 2^16. */
export const QUEUE_SIZE_MAX = 32_768;

export const descAreaSize = (size: number): number => VIRTQ_DESC_SIZE * size;
export const availAreaSize = (size: number): number => 6 + 2 * size;
export const usedAreaSize = (size: number): number => 6 + VIRTQ_USED_ELEM_SIZE * size;

/** @spec 2.7 a power of two (SPLIT-GEN-01); 2.8.10.1 any number (PACK-SIZE-01) */
export function isQueueSize(size: number, maximum: number, packed: boolean): boolean {
  const inRange = Number.isInteger(size) && size >= 1 && size <= Math.min(maximum, QUEUE_SIZE_MAX);
  return inRange && (packed || (size & (size - 1)) === 0);
}

/**
 * The areas of a legacy queue: one contiguous piece from `address` on, the used ring at the next page.
 *
 * @spec 2.7.2 MUST use this layout with a legacy driver (LEG-02)
 */
export function legacyAreas(address: number, size: number): { desc: number; driver: number; device: number } {
  const driver = address + descAreaSize(size);
  const device = Math.ceil((driver + availAreaSize(size)) / LEGACY_QUEUE_ALIGN) * LEGACY_QUEUE_ALIGN;
  return { desc: address, driver, device };
}
