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
 * @spec 2.1, 2.7
 */

/** Device status bits. */
export const VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
export const VIRTIO_CONFIG_S_DRIVER = 2;
export const VIRTIO_CONFIG_S_DRIVER_OK = 4;
export const VIRTIO_CONFIG_S_FEATURES_OK = 8;
export const VIRTIO_CONFIG_S_NEEDS_RESET = 64;
export const VIRTIO_CONFIG_S_FAILED = 128;

/** Bits that a driver may set. */
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

export const VIRTQ_DESC_ALIGN = 16;
export const VIRTQ_AVAIL_ALIGN = 2;
export const VIRTQ_USED_ALIGN = 4;

export const descAreaSize = (size: number): number => VIRTQ_DESC_SIZE * size;
export const availAreaSize = (size: number): number => 6 + 2 * size;
export const usedAreaSize = (size: number): number => 6 + VIRTQ_USED_ELEM_SIZE * size;

export function isQueueSize(size: number, maximum: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= maximum && (size & (size - 1)) === 0;
}
