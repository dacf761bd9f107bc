/**
 * Everything a guest can do wrong, as a closed list: each entry has the clause it offends and the one
 * response the device gives. Guest input never throws and never only logs; it ends here, as a trace event.
 */

/** What the device does about it. */
export type GuestErrorResponse =
  | 'ignored' // the access has no effect
  | 'read-zero' // the access reads as zero
  | 'ack-err' // the control command is answered VIRTIO_NET_ERR
  | 'host-decides' // the control command goes to the host as it is, and the host's answer is the ack
  | 'tolerated' // the device goes on as if it were right
  | 'features-ok-refused' // FEATURES_OK reads back clear
  | 'chain-returned' // the buffer goes back unused, length 0
  | 'needs-reset'; // DEVICE_NEEDS_RESET is raised

interface GuestErrorSpec {
  /** Clause of Virtio 1.4 that the guest offends. */
  readonly clause: string;
  readonly response: GuestErrorResponse;
  /** One sentence for people. */
  readonly text: string;
}

const spec = (clause: string, response: GuestErrorResponse, text: string): GuestErrorSpec => ({
  clause,
  response,
  text,
});

export const GUEST_ERRORS = {
  // Split rings (2.7), and what packed rings (2.8) share with them
  'avail-index-jump': spec('2.7.6', 'needs-reset', 'The available index moved by more than the queue size.'),
  'ring-self-fed': spec(
    '2.7.6',
    'needs-reset',
    'More buffers became available in one pass than the ring holds: what the device wrote lies on the ring.',
  ),
  'head-out-of-range': spec('2.7.5', 'needs-reset', 'The available ring names a descriptor beyond the queue size.'),
  'next-out-of-range': spec('2.7.5', 'needs-reset', 'A descriptor links to one beyond the queue size.'),
  'descriptor-loop': spec('2.7.5.2', 'needs-reset', 'The descriptor chain is longer than the queue, so it loops.'),
  'indirect-not-negotiated': spec(
    '2.7.5.3.1, 2.8.19',
    'needs-reset',
    'INDIRECT is set without VIRTIO_F_INDIRECT_DESC.',
  ),
  'indirect-nested': spec('2.7.5.3.1', 'needs-reset', 'An indirect table holds another indirect descriptor.'),
  'indirect-with-next': spec('2.7.5.3.1', 'needs-reset', 'A descriptor sets both INDIRECT and NEXT.'),
  'indirect-bad-length': spec(
    '2.7.5.3, 2.8.7',
    'needs-reset',
    'An indirect table is empty or not a multiple of 16 bytes.',
  ),
  'readable-after-writable': spec('2.7.4.2, 2.8.17', 'needs-reset', 'A readable descriptor follows a writable one.'),
  'address-outside-ram': spec('6.1', 'needs-reset', 'A descriptor or table points outside guest RAM.'),
  'chain-too-long': spec('2.7.5.2, 2.8.17', 'needs-reset', 'The chain adds up to more than 2^32 bytes.'),
  'chain-over-limit': spec(
    '2.7.4.1, 2.8.17',
    'needs-reset',
    'The chain has more descriptors than the largest queue of the device.',
  ),
  'ring-misaligned': spec(
    '2.7, 2.8.11',
    'needs-reset',
    'A ring area is not aligned to 16, 2 and 4 bytes, or 16, 4 and 4 in a packed ring.',
  ),
  'ring-outside-ram': spec('6.1', 'needs-reset', 'A ring area does not lie in guest RAM.'),
  // Packed rings (2.8)
  'ring-overrun': spec('2.8.17', 'needs-reset', 'More descriptors are available than the ring has free.'),
  'list-incomplete': spec('2.8.17', 'needs-reset', 'A list links to a descriptor that is not available.'),
  'indirect-in-list': spec('2.8.19', 'needs-reset', 'An indirect descriptor is linked with others by NEXT.'),
  'event-flags-reserved': spec('2.8.14', 'ignored', 'The event flags have the reserved value: events stay enabled.'),
  'event-flags-not-negotiated': spec(
    '2.8.14',
    'ignored',
    'Events at a position are asked for without VIRTIO_F_EVENT_IDX: events stay enabled.',
  ),
  // Transport (4.1)
  'bad-queue-size': spec('4.1.5.1.3', 'ignored', 'The queue size is not a power of two, or above the maximum.'),
  'no-such-queue': spec('4.1.4.3', 'ignored', 'queue_select names a queue that does not exist.'),
  'write-to-read-only': spec('4.1.4.3.2', 'ignored', 'The register is read-only.'),
  'access-out-of-range': spec('4.1.4', 'ignored', 'The access lies outside every structure.'),
  'queue-write-while-enabled': spec('4.1.4.3.2', 'ignored', 'A queue field was written after queue_enable.'),
  'queue-disable': spec('4.1.4.3.2', 'ignored', 'The driver wrote 0 to queue_enable.'),
  'features-after-ok': spec('3.1.1', 'ignored', 'The driver changed its features after FEATURES_OK.'),
  'bad-queue-enable': spec('4.1.4.3.2', 'ignored', 'The driver wrote neither 0 nor 1 to queue_enable.'),
  'queue-reset-value': spec('4.1.4.3.2', 'ignored', 'The driver wrote something other than 1 to queue_reset.'),
  'bad-vector': spec('4.1.5.1.2.1', 'ignored', 'An MSI-X vector was written that is not in the table.'),
  'feature-not-offered': spec('2.2.1', 'features-ok-refused', 'The driver accepted a bit that was not offered.'),
  'feature-dependency': spec('2.2.1', 'features-ok-refused', 'The driver accepted a bit without the one it requires.'),
  'version-1-declined': spec('6.1', 'features-ok-refused', 'The driver did not accept VIRTIO_F_VERSION_1.'),
  'status-bit-cleared': spec('2.1.1', 'ignored', 'The driver cleared a status bit without a reset.'),
  'status-out-of-order': spec('3.1.1', 'needs-reset', 'DRIVER_OK was set without FEATURES_OK.'),
  'status-skipped-step': spec('3.1.1', 'ignored', 'A status bit was set before the bit that it follows.'),
  'status-unknown-bit': spec('2.1.1', 'ignored', 'The driver set a status bit that does not exist or is not its own.'),
  'kick-before-driver-ok': spec('3.1.1', 'ignored', 'A queue was kicked before DRIVER_OK.'),
  'kick-bad-queue': spec('4.1.5.2', 'ignored', 'A kick names a queue that is not enabled.'),
  'kick-without-bus-master': spec('4.1.1', 'ignored', 'A queue was kicked while PCI bus mastering was off.'),
  'notification-data-wrong': spec(
    '4.1.5.2',
    'tolerated',
    'A kick with VIRTIO_F_NOTIFICATION_DATA is too narrow, or tells a position where nothing was made available.',
  ),
  'driver-suspended': spec('3.4.2.1', 'ignored', 'The driver used the device while it was suspended.'),
  'interface-mixed': spec('4.1.4.10', 'ignored', 'A register belongs to the interface, legacy or modern, not in use.'),
  'legacy-features': spec('2.2.3', 'ignored', 'A legacy driver accepted bits that it cannot have: it goes without.'),
  'config-write': spec('5.1.4', 'ignored', 'Device configuration is read-only to the driver.'),
  'cfg-window-bad-access': spec('4.1.4.9', 'read-zero', 'The PCI-cfg window names no valid BAR, offset or length.'),
  // Net (5.1)
  'rx-chain-not-writable': spec('5.1.9.3', 'chain-returned', 'A receive buffer has no room for the packet header.'),
  'tx-chain-malformed': spec(
    '5.1.9.2',
    'chain-returned',
    'A transmit buffer is shorter than header and Ethernet header.',
  ),
  'tx-offload-not-negotiated': spec(
    '5.1.9.2.1',
    'chain-returned',
    'A packet asks for a checksum or for segmentation that was not negotiated.',
  ),
  'tx-bad-offload': spec(
    '5.1.9.2.1',
    'chain-returned',
    'What a packet asks for (checksum, segmentation) does not fit the packet.',
  ),
  'ctrl-malformed': spec('5.1.9.5', 'ack-err', 'The control command is too short or its data does not add up.'),
  'ctrl-no-ack-space': spec('5.1.9.5', 'chain-returned', 'The control buffer has no writable byte for the ack.'),
  'ctrl-unknown': spec('5.1.9.5', 'ack-err', 'The control class or command does not exist.'),
  'ctrl-not-negotiated': spec('5.1.9.5', 'ack-err', 'The command belongs to a feature that was not negotiated.'),
  'ctrl-bad-value': spec('5.1.9.5.1', 'host-decides', 'An RX mode value is neither 0 nor 1.'),
  'ctrl-bad-table': spec('5.1.9.5.2', 'host-decides', 'A MAC table holds an address of the wrong kind.'),
  'ctrl-bad-mac': spec('5.1.9.5.2', 'host-decides', 'The new MAC address is a group address.'),
  'ctrl-bad-vid': spec('5.1.9.5.3', 'ack-err', 'The VLAN id is above 4095.'),
  'ctrl-bad-pairs': spec('5.1.9.5.6.1', 'ack-err', 'The number of queue pairs is 0 or above max_virtqueue_pairs.'),
  'ctrl-bad-rss': spec(
    '5.1.9.5.7.2',
    'ack-err',
    'The RSS or hash configuration is beyond what the device said it has.',
  ),
  'ctrl-bad-offloads': spec('5.1.9.5.9.2', 'ack-err', 'An offload was switched on that was not negotiated.'),
  'ctrl-bad-queue': spec('5.1.9.5.10.5', 'ack-err', 'The command names no enabled receive or transmit queue.'),
  'ctrl-bad-stats': spec('5.1.9.5.11.13', 'ack-err', 'Statistics were asked for that the queue does not have.'),
  'ctrl-reserved-set': spec('5.1.9.5.6.4', 'tolerated', 'A reserved field of the hash configuration is not zero.'),
} as const satisfies Record<string, GuestErrorSpec>;

export type GuestErrorCode = keyof typeof GUEST_ERRORS;

/** Trace event: the guest did something wrong, and what the device did about it. */
export interface GuestErrorEvent {
  readonly type: 'guest-error';
  readonly code: GuestErrorCode;
  /** Queue index, if a queue is concerned. */
  readonly queue: number | null;
  /** What exactly was seen: values, offsets. */
  readonly detail: string;
}
