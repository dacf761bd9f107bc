/**
 * The one taxonomy of what can happen to a frame on its way to the guest.
 *
 * A verdict is what a host model says of a frame: accepted or dropped, the rule that decided, the callback
 * path the frame took, and what the host had to do for it. Verdicts are interned: a model owns a handful of
 * frozen objects, made once with `verdict()`, and `decide` returns a reference, so deciding allocates
 * nothing and a packed trace record names a verdict by its `code`.
 *
 * Over-delivery is legal, under-delivery is the bug (NET-CTRLRX-18): `judge` tells them apart by comparing
 * with the model that reads the specification literally.
 */

/** Why a frame was let in or kept out, in words that stand on their own. `accept` is fixed per rule. */
export const RULES = {
  'own-unicast': { accept: true, text: 'The destination is the device’s own MAC address.' },
  broadcast: { accept: true, text: 'The destination is the broadcast address.' },
  'promisc-all': { accept: true, text: 'The link is in promiscuous mode ALL: every frame is taken.' },
  'promisc-multi': { accept: true, text: 'The link is in promiscuous mode MULTI: every multicast frame is taken.' },
  promisc: { accept: true, text: 'The driver asked for promiscuous mode.' },
  allmulti: { accept: true, text: 'The driver asked for all multicast frames.' },
  'no-ctrl-rx': {
    accept: true,
    text: 'The driver did not negotiate VIRTIO_NET_F_CTRL_RX, so it cannot ask for multicast and is given all of it.',
  },
  'unicast-table': { accept: true, text: 'The destination is in the unicast MAC table.' },
  'multicast-table': { accept: true, text: 'The destination is in the multicast MAC table.' },
  'unicast-table-miss': { accept: false, text: 'Foreign unicast: neither the own MAC nor in the unicast MAC table.' },
  'multicast-table-miss': { accept: false, text: 'Multicast to a group that is not in the multicast MAC table.' },
  'unicast-foreign': { accept: false, text: 'Foreign unicast, and nothing listens for foreign unicast.' },
  'multicast-no-listener': {
    accept: false,
    text: 'Multicast, but the link is in NONE and has not joined the group, so the MAC layer hands it to nobody.',
  },
  'vid-mismatch': {
    accept: false,
    text: 'The frame carries a VLAN tag that is not the client’s, so the MAC layer does not hand it over.',
  },
  'bad-header': { accept: false, text: 'The frame is too short to hold an Ethernet header.' },
  'multicast-joined': { accept: true, text: 'The link has joined the group: it is among its multicast filters.' },
  'promisc-filtered': {
    accept: true,
    text: 'The link is in ALL. On a VNIC that means every group-addressed frame, and own unicast.',
  },
  'filtered-foreign': {
    accept: false,
    text: 'Foreign unicast. The link is in ALL, but on a VNIC the MAC layer makes FILTERED of it, which brings none.',
  },
  'no-unicast-address': {
    accept: false,
    text: 'The link has lost its unicast address, so the MAC layer knows no client for the frame.',
  },
  'no-link': { accept: false, text: 'The link was deleted: there is no client for the MAC layer to hand it to.' },
  'ring-not-running': {
    accept: false,
    text: 'The frame belongs to a ring pair that is in use but was never kicked, so viona drops it in silence.',
  },
  'promisc-untold': { accept: true, text: 'The VMM is promiscuous until the driver says otherwise.' },
  'vlan-table-miss': { accept: false, text: 'The frame carries a VLAN tag whose VID is not in the VLAN table.' },
  alluni: { accept: true, text: 'The driver asked for all unicast frames.' },
  nouni: { accept: false, text: 'The driver asked for no unicast frames, which excludes its own too.' },
  nomulti: { accept: false, text: 'The driver asked for no multicast frames.' },
  nobcast: { accept: false, text: 'The driver asked for no broadcast frames.' },
  'unicast-overflow': {
    accept: true,
    text: 'The unicast MAC table was longer than the VMM can hold, so it takes all unicast frames.',
  },
  'multicast-overflow': {
    accept: true,
    text: 'The multicast MAC table was longer than the VMM has room for, so it takes all multicast frames.',
  },
  unfiltered: { accept: true, text: 'The VMM filters nothing: what the wire brings is delivered.' },
} as const satisfies Record<string, { accept: boolean; text: string }>;

export type RuleId = keyof typeof RULES;

/** Which way the frame took through the host (viona's callbacks, or no viona at all). */
export const PATHS = {
  classified: 'viona_rx_classified: unicast and broadcast that the MAC layer classified to this client',
  'promisc-multi': 'viona_rx_mcast: promiscuous callback of kind MULTI',
  'promisc-filtered': 'viona_rx_classified as promiscuous callback of kind ALL, which on a VNIC is FILTERED',
  'promisc-all': 'viona_rx_classified as promiscuous callback of kind ALL',
  filter: 'the model’s own filter; no viona callback is involved',
  none: 'no callback: the MAC layer or the NIC kept the frame',
} as const;

export type PathId = keyof typeof PATHS;

/** What one frame cost the host. Counts, not time. */
export interface Cost {
  /** Times host software examined the frame to decide about it. */
  readonly looked: number;
  /** Copies made of it before delivery. */
  readonly copied: number;
  /** Times it was handed to the guest: 0 or 1 in every settled state. */
  readonly delivered: number;
  /** Copies or hand-overs thrown away after the look (broadcast suppression, for example). */
  readonly discarded: number;
}

export interface Verdict {
  /** Index into the registry: 16 bits in a packed record. */
  readonly code: number;
  readonly accept: boolean;
  readonly rule: RuleId;
  readonly path: PathId;
  readonly cost: Cost;
  /** The MAC layer takes the VLAN tag off on this path (VLAN_TAG_STRIP). */
  readonly stripTag: boolean;
}

const registry: Verdict[] = [];
const byKey = new Map<string, Verdict>();

/**
 * Interns a verdict. Call at module load only, and only in `verdicts.ts`: codes are given in the order of
 * calls, and one module is evaluated in one order whatever imported it first.
 */
export function verdict(rule: RuleId, path: PathId, cost: Cost, stripTag = false): Verdict {
  const key = `${rule}|${path}|${cost.looked},${cost.copied},${cost.delivered},${cost.discarded}|${stripTag}`;
  const known = byKey.get(key);
  if (known) return known;
  const made: Verdict = Object.freeze({
    code: registry.length,
    accept: RULES[rule].accept,
    rule,
    path,
    cost: Object.freeze({ ...cost }),
    stripTag,
  });
  registry.push(made);
  byKey.set(key, made);
  return made;
}

/** The verdict with that code. All threads load the same `verdicts.ts`, so codes agree. */
export function verdictOf(code: number): Verdict | undefined {
  return registry[code];
}

/**
 * Where a frame ended: the single final fate of every frame id. `delivered`, a filter drop (then the
 * deciding rule says more), or one of the drops on the way after the filter. Names are viona's counters
 * where it has one. The order is the wire code of packed records: append only.
 */
export const FATES = [
  'pending',
  'delivered',
  'filtered',
  'rx_drop_over_mtu',
  'channel_full',
  'device_not_ready',
  'ring_not_running',
  'no_space',
  'too_short',
  'bad_rx_frame',
  'device_broken',
  'rx_merge_underrun',
  'rx_merge_overrun',
  'rx_gro_malformed',
  'csum_malformed',
  'lease_renewal',
  'rx_gro_fallback',
  'rx_gro_fallback_fail',
] as const;

export type Fate = (typeof FATES)[number];
export type DropReason = Exclude<Fate, 'pending' | 'delivered' | 'filtered'> | RuleId;

export const FATE_TEXT: Readonly<Record<Fate, string>> = {
  pending: 'On its way.',
  delivered: 'In a receive buffer of the guest.',
  filtered: 'Dropped by the filter of the host model in force.',
  rx_drop_over_mtu: 'Longer than MTU + 14 bytes (18 with a VLAN tag), dropped by the link.',
  channel_full: 'The queue between host and device was full.',
  device_not_ready: 'The driver has not set DRIVER_OK.',
  ring_not_running: 'The receive ring is not running: the driver has not set it up, or not kicked it.',
  no_space: 'The driver has posted no receive buffer.',
  too_short: 'The receive buffer is too small for header and frame.',
  bad_rx_frame: 'The receive buffer has no room even for the header.',
  device_broken: 'The device needs a reset.',
  lease_renewal: 'The link was renewing its lease on guest memory, and dropped what came meanwhile.',
  rx_gro_fallback: 'A large segment that the guest did not negotiate: the link split it, and the pieces follow it.',
  rx_gro_fallback_fail: 'A large segment that the guest did not negotiate and that the link could not split.',
  rx_merge_underrun:
    'The ring ran dry in the middle of the packet; what fitted went to the guest as a truncated packet, as viona does it.',
  rx_merge_overrun: 'The packet would have taken more than 32 receive buffers.',
  rx_gro_malformed:
    'A large segment whose headers do not fit what is said of it, so it can be neither cut nor passed on.',
  csum_malformed: 'Its checksum was left to be finished, at a place that is not in the frame.',
};

export function fateCode(fate: Fate): number {
  return FATES.indexOf(fate);
}

export type Judgement = 'agree' | 'leak' | 'loss';

/** Compares a verdict with the literal reading of the specification: more is a leak (legal), less is a loss (the bug). */
export function judge(verdict: Verdict, exact: Verdict): Judgement {
  if (verdict.accept === exact.accept) return 'agree';
  return verdict.accept ? 'leak' : 'loss';
}
