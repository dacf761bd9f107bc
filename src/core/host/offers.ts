/**
 * What the VMMs offer, as they are usually configured. What this lab's device can never do is left out: it
 * is masked with what the device can do anyway (`offerable` in feature-rules.ts).
 *
 * VIRTIO_NET_F_CTRL_MAC_ADDR is in none: the page switches it on by hand.
 */
import * as F from '../virtio/features.ts';
import { VIONA_FEATURES } from '../viona/ioctl.ts';

/** Checksum and segmentation offload in both directions. */
const OFFLOADS = F.featureSet(
  F.VIRTIO_NET_F_CSUM,
  F.VIRTIO_NET_F_GUEST_CSUM,
  F.VIRTIO_NET_F_GUEST_TSO4,
  F.VIRTIO_NET_F_GUEST_TSO6,
  F.VIRTIO_NET_F_GUEST_ECN,
  F.VIRTIO_NET_F_HOST_TSO4,
  F.VIRTIO_NET_F_HOST_TSO6,
  F.VIRTIO_NET_F_HOST_ECN,
  F.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
);
const USO = F.featureSet(F.VIRTIO_NET_F_GUEST_USO4, F.VIRTIO_NET_F_GUEST_USO6, F.VIRTIO_NET_F_HOST_USO);
const BASE = F.featureSet(
  F.VIRTIO_F_VERSION_1,
  F.VIRTIO_NET_F_MAC,
  F.VIRTIO_NET_F_STATUS,
  F.VIRTIO_NET_F_MTU,
  F.VIRTIO_NET_F_CTRL_VQ,
  F.VIRTIO_NET_F_MQ,
);
const FILTERS = F.featureSet(F.VIRTIO_NET_F_CTRL_RX, F.VIRTIO_NET_F_CTRL_RX_EXTRA, F.VIRTIO_NET_F_CTRL_VLAN);

/** @source viona.rs features() at d59ac2dc^; queue.rs Features::transitional */
export const PROPOLIS_BEFORE_1125_OFFERS = BASE | VIONA_FEATURES | F.featureSet(F.VIRTIO_F_INDIRECT_DESC);

/** @source viona.rs features() at 372a574 and on the branch zl/multicast */
export const PROPOLIS_OFFERS = PROPOLIS_BEFORE_1125_OFFERS | F.featureSet(F.VIRTIO_NET_F_CTRL_RX);

/**
 * QEMU 10.1 with host_mtu and mq set, as management software does, and a backend with offloads. What is off
 * by default (packed rings, in-order, RSS, hash reports) is left out.
 *
 * @source virtio-net.c virtio_net_properties, virtio.c
 */
export const QEMU_OFFERS =
  BASE |
  FILTERS |
  OFFLOADS |
  USO |
  F.featureSet(
    F.VIRTIO_NET_F_MRG_RXBUF,
    F.VIRTIO_NET_F_GUEST_ANNOUNCE,
    F.VIRTIO_F_NOTIFY_ON_EMPTY,
    F.VIRTIO_F_ANY_LAYOUT,
    F.VIRTIO_F_INDIRECT_DESC,
    F.VIRTIO_F_EVENT_IDX,
    F.VIRTIO_F_NOTIFICATION_DATA,
    F.VIRTIO_F_RING_RESET,
  );

/** @source cloud-hypervisor virtio-devices/src/net.rs: offloads are on by default, the tap tells its MTU */
export const CLOUD_HYPERVISOR_OFFERS =
  BASE | OFFLOADS | F.featureSet(F.VIRTIO_NET_F_GUEST_ANNOUNCE, F.VIRTIO_F_EVENT_IDX);

/** Every feature of the specification that this device can be made to do. */
export const EXACT_OFFERS =
  QEMU_OFFERS |
  F.featureSet(
    F.VIRTIO_NET_F_GUEST_HDRLEN,
    F.VIRTIO_NET_F_SPEED_DUPLEX,
    F.VIRTIO_NET_F_HASH_REPORT,
    F.VIRTIO_NET_F_RSS,
    F.VIRTIO_NET_F_NOTF_COAL,
    F.VIRTIO_NET_F_VQ_NOTF_COAL,
    F.VIRTIO_NET_F_DEVICE_STATS,
    F.VIRTIO_F_RING_PACKED,
    F.VIRTIO_F_IN_ORDER,
    F.VIRTIO_F_NOTIF_CONFIG_DATA,
    F.VIRTIO_F_SUSPEND,
  );
