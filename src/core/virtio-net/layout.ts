/**
 * Layout of what is special to a network device: its queues, configuration and packet header.
 *
 *     struct virtio_net_config { u8 mac[6]; le16 status; le16 max_virtqueue_pairs; le16 mtu;
 *                                le32 speed; u8 duplex; u8 rss_max_key_size;
 *                                le16 rss_max_indirection_table_length;
 *                                le32 supported_hash_types; le32 supported_tunnel_types; };      28 bytes
 *     struct virtio_net_hdr    { u8 flags; u8 gso_type; le16 hdr_len; le16 gso_size;
 *                                le16 csum_start; le16 csum_offset; le16 num_buffers; };         12 bytes
 *
 * @spec 5.1.2, 5.1.4, 5.1.9
 */
import type { QueueSpec } from '../virtio/device.ts';

export const VIRTIO_ID_NET = 1;
/** Network controller, Ethernet. */
export const PCI_CLASS_ETHERNET = 0x020000;

export const RX_QUEUE = 0;
export const TX_QUEUE = 1;
/** @spec 5.1.2: controlq is 2N, and N is 1 without MQ */
export const CTRL_QUEUE = 2;

export const NET_QUEUES: readonly QueueSpec[] = [{ maximumSize: 256 }, { maximumSize: 256 }, { maximumSize: 64 }];

export const CONFIG_SIZE = 28;
export const CONFIG_MAC = 0;
export const CONFIG_STATUS = 6;
export const CONFIG_MAX_VIRTQUEUE_PAIRS = 8;
export const CONFIG_MTU = 10;
export const VIRTIO_NET_S_LINK_UP = 1;

export const NET_HEADER_SIZE = 12;
export const NET_HEADER_FLAGS = 0;
export const NET_HEADER_GSO_TYPE = 1;
export const NET_HEADER_NUM_BUFFERS = 10;

/** The longest frame a driver may send: 65535 bytes of IP behind the longest Ethernet header, rounded up. */
export const TX_FRAME_MAX = 65_550;

/** @spec 5.1.4.1 MUST be 68 to 65535 (NET-CFG-02) */
export const MTU_MIN = 68;
export const MTU_MAX = 65_535;
