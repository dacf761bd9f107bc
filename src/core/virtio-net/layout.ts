/**
 * Layout of what is special to a network device: its queues, configuration and packet header.
 *
 *     struct virtio_net_config { u8 mac[6]; le16 status; le16 max_virtqueue_pairs; le16 mtu;
 *                                le32 speed; u8 duplex; u8 rss_max_key_size;
 *                                le16 rss_max_indirection_table_length;
 *                                le32 supported_hash_types; le32 supported_tunnel_types; };      28 bytes
 *     struct virtio_net_hdr    { u8 flags; u8 gso_type; le16 hdr_len; le16 gso_size;
 *                                le16 csum_start; le16 csum_offset; le16 num_buffers;            12 bytes
 *                                le32 hash_value; le16 hash_report; le16 padding_reserved; };    20 bytes
 *
 *     queues: receiveq1 0, transmitq1 1, receiveq2 2, transmitq2 3, ...; controlq 2N
 *
 * N is the number of pairs if the driver negotiated VIRTIO_NET_F_MQ or _RSS, and 1 without. So the control
 * queue moves with negotiation, and index 2 may be a receive queue or the control queue.
 *
 * @spec 5.1.2, 5.1.4, 5.1.9
 */
import type { QueueSpec } from '../virtio/device.ts';
import { type FeatureSet, hasFeature, VIRTIO_NET_F_MQ, VIRTIO_NET_F_RSS } from '../virtio/features.ts';

export const VIRTIO_ID_NET = 1;
/** Network controller, Ethernet. */
export const PCI_CLASS_ETHERNET = 0x020000;

/** As many pairs as Propolis gives its device. */
export const DEFAULT_QUEUE_PAIRS = 11;
/** @spec 5.1.4.1 MUST be in 1..0x8000 (NET-CFG-01). The bound here is what the doorbells of the BAR have room for. */
export const MAX_QUEUE_PAIRS = 16;

const DATA_QUEUE_SIZE = 256;
const CTRL_QUEUE_SIZE = 64;

export const rxQueue = (pair: number): number => 2 * pair;
export const txQueue = (pair: number): number => 2 * pair + 1;
export const pairOf = (queue: number): number => queue >> 1;

/** All queues that exist, whatever is negotiated: `pairs` pairs, and the control queue behind them. */
export function netQueues(pairs: number): readonly QueueSpec[] {
  const data = Array.from({ length: 2 * pairs }, () => ({ maximumSize: DATA_QUEUE_SIZE }));
  return [...data, { maximumSize: CTRL_QUEUE_SIZE }];
}

/** Index of the control queue under these features. @spec 5.1.2 */
export function ctrlQueue(features: FeatureSet, pairs: number): number {
  return hasFeature(features, VIRTIO_NET_F_MQ) || hasFeature(features, VIRTIO_NET_F_RSS) ? 2 * pairs : 2;
}

/** The most segments that a buffer of any queue may have. */
export const CHAIN_CAPACITY = DATA_QUEUE_SIZE;

export const CONFIG_SIZE = 28;
export const CONFIG_MAC = 0;
export const CONFIG_STATUS = 6;
export const CONFIG_MAX_VIRTQUEUE_PAIRS = 8;
export const CONFIG_MTU = 10;
export const CONFIG_SPEED = 12;
export const CONFIG_DUPLEX = 16;
export const CONFIG_RSS_MAX_KEY_SIZE = 17;
export const CONFIG_RSS_MAX_TABLE_LENGTH = 18;
export const CONFIG_HASH_TYPES = 20;
export const VIRTIO_NET_S_LINK_UP = 1;
export const VIRTIO_NET_S_ANNOUNCE = 2;

export const NET_HEADER_SIZE = 12;
export const NET_HEADER_FLAGS = 0;
export const NET_HEADER_GSO_TYPE = 1;
export const NET_HEADER_HDR_LEN = 2;
export const NET_HEADER_GSO_SIZE = 4;
export const NET_HEADER_CSUM_START = 6;
export const NET_HEADER_CSUM_OFFSET = 8;
export const NET_HEADER_NUM_BUFFERS = 10;
export const NET_HEADER_HASH_VALUE = 12;
export const NET_HEADER_HASH_REPORT = 16;
/** Without num_buffers: a legacy driver that does not merge. */
export const NET_HEADER_SIZE_LEGACY = 10;
/** With VIRTIO_NET_F_HASH_REPORT. */
export const NET_HEADER_SIZE_HASH = 20;

/** The longest frame a driver may send: 65535 bytes of IP behind the longest Ethernet header, rounded up. */
export const TX_FRAME_MAX = 65_550;

/** @spec 5.1.4.1 MUST be 68 to 65535 (NET-CFG-02) */
export const MTU_MIN = 68;
export const MTU_MAX = 65_535;

/** @spec 5.1.4 Mbit/s up to this, or unknown (NET-CFG-10) */
export const SPEED_MAX = 0x7fff_ffff;
export const SPEED_UNKNOWN = 0xffff_ffff;
/** @spec 5.1.4: field text and Linux; clause 5.1.4.1 has the two the other way round (NET-CFG-11) */
export const DUPLEX = { half: 0, full: 1, unknown: 0xff } as const;
