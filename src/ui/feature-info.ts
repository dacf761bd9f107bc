/** Feature bits by name, each in one line. @spec 5.1.3, 6 */
import { featureBits, parseFeatures } from '../core/virtio/features.ts';

export interface FeatureInfo {
  readonly name: string;
  readonly meaning: string;
}

const info = (name: string, meaning: string): FeatureInfo => ({ name, meaning });

const FEATURES: Readonly<Record<number, FeatureInfo>> = {
  0: info('CSUM', 'The device completes checksums of frames the guest sends.'),
  1: info('GUEST_CSUM', 'The guest takes frames whose checksum is not complete.'),
  2: info('CTRL_GUEST_OFFLOADS', 'The driver can switch its receive offloads at run time.'),
  3: info('MTU', 'The device tells the driver the largest MTU.'),
  5: info('MAC', 'The device has a MAC address of its own.'),
  6: info('GSO', 'Legacy: the device takes any segmentation offload.'),
  7: info('GUEST_TSO4', 'The guest takes TCP/IPv4 segments larger than the MTU.'),
  8: info('GUEST_TSO6', 'The guest takes TCP/IPv6 segments larger than the MTU.'),
  9: info('GUEST_ECN', 'The guest takes large TCP segments with ECN.'),
  10: info('GUEST_UFO', 'The guest takes UDP datagrams to be fragmented.'),
  11: info('HOST_TSO4', 'The device segments TCP/IPv4.'),
  12: info('HOST_TSO6', 'The device segments TCP/IPv6.'),
  13: info('HOST_ECN', 'The device segments TCP with ECN.'),
  14: info('HOST_UFO', 'The device fragments UDP.'),
  15: info('MRG_RXBUF', 'One received frame may span several buffers.'),
  16: info('STATUS', 'The device reports whether the link is up.'),
  17: info('CTRL_VQ', 'There is a control queue.'),
  18: info('CTRL_RX', 'The driver can ask for promiscuous and all-multicast reception.'),
  19: info('CTRL_VLAN', 'The driver can filter by VLAN.'),
  20: info('CTRL_RX_EXTRA', 'Four more receive modes: alluni, nomulti, nouni, nobcast.'),
  21: info('GUEST_ANNOUNCE', 'The device can ask the driver to announce itself.'),
  22: info('MQ', 'Several queue pairs.'),
  23: info('CTRL_MAC_ADDR', 'The driver can change the MAC address.'),
  24: info('NOTIFY_ON_EMPTY', 'Legacy: interrupt when the queue runs empty.'),
  27: info('ANY_LAYOUT', 'Legacy: no assumption on how a message is split over buffers.'),
  28: info('INDIRECT_DESC', 'A descriptor may point to a table of descriptors.'),
  29: info('EVENT_IDX', 'Kicks and interrupts are asked for at an index.'),
  32: info('VERSION_1', 'The device follows Virtio 1.'),
  33: info('ACCESS_PLATFORM', 'Addresses go through the platform’s translation.'),
  34: info('RING_PACKED', 'Packed virtqueues.'),
  35: info('IN_ORDER', 'Buffers are used in the order they were made available.'),
  36: info('ORDER_PLATFORM', 'Memory is ordered as the platform demands.'),
  37: info('SR_IOV', 'Single-root I/O virtualization.'),
  38: info('NOTIFICATION_DATA', 'Kicks carry the available index.'),
  39: info('NOTIF_CONFIG_DATA', 'Kicks carry a value of the device’s choice.'),
  40: info('RING_RESET', 'A single queue can be reset.'),
  41: info('ADMIN_VQ', 'There is an administration queue.'),
  43: info('SUSPEND', 'The driver can suspend the device and make it run again.'),
  50: info('DEVICE_STATS', 'The driver can read the device’s counters.'),
  51: info('HASH_TUNNEL', 'Hashes reach into tunnels.'),
  52: info('VQ_NOTF_COAL', 'Interrupts can be gathered, per queue.'),
  53: info('NOTF_COAL', 'Interrupts can be gathered.'),
  54: info('GUEST_USO4', 'The guest takes UDP/IPv4 segments larger than the MTU.'),
  55: info('GUEST_USO6', 'The guest takes UDP/IPv6 segments larger than the MTU.'),
  56: info('HOST_USO', 'The device segments UDP.'),
  57: info('HASH_REPORT', 'Received frames carry their hash.'),
  59: info('GUEST_HDRLEN', 'The driver gives exact header lengths.'),
  60: info('RSS', 'Received frames are spread over queues by hash.'),
  61: info('RSC_EXT', 'The device reports how many segments it merged.'),
  62: info('STANDBY', 'The device stands by for another with the same address.'),
  63: info('SPEED_DUPLEX', 'The device reports speed and duplex.'),
  64: info('RSS_CONTEXT', 'Several hash contexts.'),
  65: info('GUEST_UDP_TUNNEL_GSO', 'The guest takes large segments inside UDP tunnels.'),
  66: info('GUEST_UDP_TUNNEL_GSO_CSUM', 'The same, with the outer checksum.'),
  67: info('HOST_UDP_TUNNEL_GSO', 'The device segments inside UDP tunnels.'),
  68: info('HOST_UDP_TUNNEL_GSO_CSUM', 'The same, with the outer checksum.'),
  69: info('OUT_NET_HEADER', 'An outer network header can be described.'),
  70: info('IPSEC', 'IPsec offload.'),
};

/** The bit's name without its prefix, and what it means. */
export function featureInfo(bit: number): FeatureInfo {
  return FEATURES[bit] ?? info(`bit ${bit}`, 'Not defined by the specification.');
}

export interface FeatureRow extends FeatureInfo {
  readonly bit: number;
  readonly offered: boolean;
  readonly accepted: boolean;
  readonly negotiated: boolean;
}

/** Every bit that is in one of the sets. */
export function featureRows(offered: string | null, accepted: string | null, negotiated: string | null): FeatureRow[] {
  const [o, a, n] = [offered, accepted, negotiated].map((hex) => new Set(hex ? featureBits(parseFeatures(hex)) : []));
  const bits = [...new Set([...(o ?? []), ...(a ?? [])])].sort((x, y) => x - y);
  return bits.map((bit) => ({
    bit,
    ...featureInfo(bit),
    offered: o?.has(bit) ?? false,
    accepted: a?.has(bit) ?? false,
    negotiated: n?.has(bit) ?? false,
  }));
}

/** device_status bits, in the order a driver sets them. @spec 2.1 */
export const STATUS_BITS = [
  { bit: 1, name: 'ACKNOWLEDGE', meaning: 'The guest has noticed the device.' },
  { bit: 2, name: 'DRIVER', meaning: 'The guest knows how to drive it.' },
  { bit: 8, name: 'FEATURES_OK', meaning: 'Features are negotiated.' },
  { bit: 4, name: 'DRIVER_OK', meaning: 'The driver is ready: the device is live.' },
  { bit: 64, name: 'NEEDS_RESET', meaning: 'The device met an error it cannot recover from.' },
  { bit: 128, name: 'FAILED', meaning: 'The driver has given up on the device.' },
] as const;
