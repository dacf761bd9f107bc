/**
 * Everything a guest can do wrong, as a closed list: each entry has the clause it offends and the one
 * response the device gives. Guest input never throws and never only logs; it ends here, as a trace event.
 */

/** What the device does about it. */
export type GuestErrorResponse =
  | 'ignored' // the access has no effect
  | 'read-zero' // the access reads as zero
  | 'ack-err' // the control command is answered VIRTIO_NET_ERR
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
  // Rings (2.7)
  'avail-index-jump': spec('2.7.6', 'needs-reset', 'The available index moved by more than the queue size.'),
  'head-out-of-range': spec('2.7.5', 'needs-reset', 'The available ring names a descriptor beyond the queue size.'),
  'next-out-of-range': spec('2.7.5', 'needs-reset', 'A descriptor links to one beyond the queue size.'),
  'descriptor-loop': spec('2.7.5.2', 'needs-reset', 'The descriptor chain is longer than the queue, so it loops.'),
  'indirect-not-negotiated': spec('2.7.5.3.1', 'needs-reset', 'INDIRECT is set without VIRTIO_F_INDIRECT_DESC.'),
  'indirect-nested': spec('2.7.5.3.1', 'needs-reset', 'An indirect table holds another indirect descriptor.'),
  'indirect-with-next': spec('2.7.5.3.1', 'needs-reset', 'A descriptor sets both INDIRECT and NEXT.'),
  'indirect-bad-length': spec('2.7.5.3', 'needs-reset', 'An indirect table is empty or not a multiple of 16 bytes.'),
  'readable-after-writable': spec('2.7.4.2', 'needs-reset', 'A readable descriptor follows a writable one.'),
  'address-outside-ram': spec('6.1', 'needs-reset', 'A descriptor or table points outside guest RAM.'),
  'chain-too-long': spec('2.7.5.2', 'needs-reset', 'The chain adds up to more than 2^32 bytes.'),
  'chain-over-limit': spec(
    '2.7.4.1',
    'needs-reset',
    'The chain has more descriptors than the largest queue of the device.',
  ),
  'ring-misaligned': spec('2.7', 'needs-reset', 'A ring area is not aligned to 16, 2 or 4 bytes.'),
  'ring-outside-ram': spec('6.1', 'needs-reset', 'A ring area does not lie in guest RAM.'),
  // Transport (4.1)
  'bad-queue-size': spec('4.1.5.1.3', 'ignored', 'The queue size is not a power of two, or above the maximum.'),
  'no-such-queue': spec('4.1.4.3', 'ignored', 'queue_select names a queue that does not exist.'),
  'write-to-read-only': spec('4.1.4.3.2', 'ignored', 'The register is read-only.'),
  'access-out-of-range': spec('4.1.4', 'ignored', 'The access lies outside every structure.'),
  'queue-write-while-enabled': spec('4.1.4.3.2', 'ignored', 'A queue field was written after queue_enable.'),
  'queue-disable': spec('4.1.4.3.2', 'ignored', 'The driver wrote 0 to queue_enable.'),
  'features-after-ok': spec('3.1.1', 'ignored', 'The driver changed its features after FEATURES_OK.'),
  'bad-queue-enable': spec('4.1.4.3.2', 'ignored', 'The driver wrote neither 0 nor 1 to queue_enable.'),
  'bad-vector': spec('4.1.5.1.2.1', 'ignored', 'An MSI-X vector was written, but there is no MSI-X capability.'),
  'feature-not-offered': spec('2.2.1', 'features-ok-refused', 'The driver accepted a bit that was not offered.'),
  'feature-dependency': spec('2.2.1', 'features-ok-refused', 'The driver accepted a bit without the one it requires.'),
  'version-1-declined': spec('6.1', 'features-ok-refused', 'The driver did not accept VIRTIO_F_VERSION_1.'),
  'status-bit-cleared': spec('2.1.1', 'ignored', 'The driver cleared a status bit without a reset.'),
  'status-out-of-order': spec('3.1.1', 'needs-reset', 'DRIVER_OK was set without FEATURES_OK.'),
  'status-skipped-step': spec('3.1.1', 'ignored', 'A status bit was set before the bit that it follows.'),
  'status-unknown-bit': spec('2.1.1', 'ignored', 'The driver set a status bit that does not exist or is not its own.'),
  'kick-before-driver-ok': spec('3.1.1', 'ignored', 'A queue was kicked before DRIVER_OK.'),
  'kick-bad-queue': spec('4.1.5.2', 'ignored', 'A kick names a queue that is not enabled.'),
  'config-write': spec('5.1.4', 'ignored', 'Device configuration is read-only to the driver.'),
  'cfg-window-bad-access': spec('4.1.4.9', 'read-zero', 'The PCI-cfg window names no valid BAR, offset or length.'),
  // Net (5.1)
  'rx-chain-not-writable': spec('5.1.9.3', 'chain-returned', 'A receive buffer has no room for the packet header.'),
  'tx-chain-malformed': spec(
    '5.1.9.2',
    'chain-returned',
    'A transmit buffer is shorter than header and Ethernet header.',
  ),
  'ctrl-malformed': spec('5.1.9.5', 'ack-err', 'The control command is too short or its data does not add up.'),
  'ctrl-no-ack-space': spec('5.1.9.5', 'chain-returned', 'The control buffer has no writable byte for the ack.'),
  'ctrl-unknown': spec('5.1.9.5', 'ack-err', 'The control class or command does not exist.'),
  'ctrl-not-negotiated': spec('5.1.9.5', 'ack-err', 'The command belongs to a feature that was not negotiated.'),
  'ctrl-bad-value': spec('5.1.9.5.1', 'ack-err', 'An RX mode value is neither 0 nor 1.'),
  'ctrl-bad-table': spec('5.1.9.5.2', 'ack-err', 'A MAC table holds an address of the wrong kind.'),
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
