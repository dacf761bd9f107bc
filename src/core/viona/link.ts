/**
 * viona's link: the part of it that decides what a guest receives.
 *
 * viona has no filter of its own. What reaches a guest is decided by *which receive callbacks are
 * registered with the MAC client*, and the promiscuity level is a name for a combination of them:
 *
 *     level   mac_rx_set             mac_promisc_add                      guest receives
 *     NONE    viona_rx_classified    -                                    own unicast, broadcast
 *     MULTI   viona_rx_classified    kind MULTI -> viona_rx_mcast         + all multicast
 *     ALL     cleared                kind ALL   -> viona_rx_classified    everything
 *
 * In ALL the classified callback is cleared so that each frame arrives once. A fresh link is in MULTI,
 * before any guest driver exists: a guest without VIRTIO_NET_F_CTRL_RX has no way to ask for multicast.
 *
 * So the state below keeps the recorded level (`l_promisc`) and the callbacks apart, because after a
 * failed ioctl they differ, and that difference is the trap of `setPromisc`.
 *
 * LinkState is plain data that survives JSON: it goes into snapshots. Functions are pure. What belongs to
 * one concern has its own file: `rings.ts` (rings and their worker), `mac-filters.ts` (what version 7
 * adds), `params.ts`, `faults.ts`; the ioctls that users and VMMs issue are in `ioctl.ts`.
 *
 * Sources: illumos-gate viona_main.c (viona_ioc_create, viona_ioc_delete, viona_ioc_set_promisc,
 * viona_ioc_link_setpairs), viona_rx.c (viona_rx_set).
 */
import type { Mac } from '../net/mac.ts';
import { formatFeatures } from '../virtio/features.ts';
import type { LinkParams } from './params.ts';
import { defaultParams } from './params.ts';
import type { RingState } from './rings.ts';
import { freshRings, resizedRings } from './rings.ts';

/** viona's promiscuity levels, by ioctl argument. @source viona_io.h viona_promisc_t */
export const PROMISC_LEVELS = ['NONE', 'MULTI', 'ALL'] as const;
export type PromiscLevel = (typeof PROMISC_LEVELS)[number];

/** Which receive callbacks are registered with the MAC client: this is the whole filter. */
export interface LinkCallbacks {
  /** mac_rx_set: viona_rx_classified, or null when cleared. */
  readonly classified: 'viona_rx_classified' | null;
  /** mac_promisc_add: the kind and the handler, or null when there is none. */
  readonly promisc: {
    readonly kind: 'MULTI' | 'ALL';
    readonly handler: 'viona_rx_mcast' | 'viona_rx_classified';
  } | null;
}

/** What the link is opened on: a NIC itself, or a VNIC on top of it. */
export type LinkKind = 'physical' | 'vnic';

export interface LinkConfig {
  /** The address that the device was given, and the data link's own at first. */
  readonly mac: Mac;
  /** Bytes of layer-3 payload: 68..65535. */
  readonly mtu: number;
  /** `physical` when it is left away. */
  readonly kind?: LinkKind;
}

/** 6 is the reference commit; 7 adds multicast filters and a settable unicast address. */
export type InterfaceVersion = 6 | 7;
/** @source viona_io.h VIONA_CURRENT_INTERFACE_VERSION, of the reference commit */
export const VIONA_INTERFACE_VERSION = 6;
/** @source viona_impl.h VIONA_DEFAULT_MTU */
const VIONA_DEFAULT_MTU = 1500;
export const VIONA_MIN_QPAIR = 1;
export const VIONA_MAX_QPAIR = 0x100;

/** `viona_link_t` as plain data, with what was injected into it. */
export interface LinkState {
  /** `mtu` is the one in force (`l_mtu`); the others stay as the link was made. */
  readonly config: LinkConfig;
  readonly version: InterfaceVersion;
  /** False after VNA_IOC_DELETE: nothing is received, and most ioctls are ENXIO. */
  readonly exists: boolean;
  /** `l_destroyed`: VNA_IOC_DELETE waits for a ring that does not stop. Ioctls are ENXIO. */
  readonly destroying: boolean;
  /** How often the link was created: a new one starts with counters of zero. */
  readonly creations: number;
  /** The data link's own address: on a VNIC it moves with VNA_IOC_SET_MAC_ADDR, and stays moved. */
  readonly primary: Mac;
  /** `l_promisc` as recorded, which after a failed ioctl can differ from what the callbacks do. */
  readonly level: PromiscLevel;
  readonly callbacks: LinkCallbacks;
  /** `l_modern`: VIRTIO_F_VERSION_1 was acknowledged. */
  readonly modern: boolean;
  /** `l_features`, as `formatFeatures` writes it. */
  readonly features: string;
  readonly pairs: number;
  /** Over how many pairs received frames are spread, from the first one on. */
  readonly usePairs: number;
  /** Twice `pairs`: receive rings are even, transmit rings odd. */
  readonly rings: readonly RingState[];
  readonly params: LinkParams;
  /** 0: none. */
  readonly notifyIop: number;
  readonly notifyMmio: { readonly address: number; readonly size: number } | null;
  /** The MAC client's address, or null after a failed restoration (version 7). */
  readonly unicast: Mac | null;
  /** Multicast filters that are installed with MAC, oldest first (version 7). */
  readonly filters: readonly Mac[];
  /** Injected: the lease on guest memory is being renewed. */
  readonly leaseRenewal: boolean;
  /** What the next ioctls of a name will meet, in order (fault injection). */
  readonly faults: readonly IoctlFault[];
}

/** An errno by its name: `EINVAL`. */
export type ErrnoName = `E${string}`;
/** What an ioctl ended with: 0 for success. */
export type Errno = 0 | ErrnoName;

/** What MAC refuses inside an ioctl that succeeds: the answer carries it, not the errno. */
export const SEMANTIC_FAULTS = ['VMF_ERR_INSTALL', 'VMA_ERR_INSTALL', 'VMA_ERR_MCAST_RESTORE'] as const;
export type FaultCode = ErrnoName | (typeof SEMANTIC_FAULTS)[number];

export interface IoctlFault {
  readonly name: string;
  readonly errno: FaultCode;
}

/** Plain data that JSON can carry. */
export type IoctlValue =
  number | string | boolean | null | readonly IoctlValue[] | { readonly [key: string]: IoctlValue };

export interface IoctlRecord<V = IoctlValue> {
  /** For example `VNA_IOC_SET_PROMISC`. */
  readonly name: string;
  /** The argument as people write it: `NONE`, `1500`. */
  readonly arg: string;
  readonly errno: Errno;
  /** What the ioctl returned, for those that return something. */
  readonly value?: V;
  /** Why the argument is none, and how to mend it; only if it could not be understood. */
  readonly hint?: string;
}

/** What `viona_rx_set` leaves registered, per level, when it succeeds. */
export const LEVEL_CALLBACKS: Readonly<Record<PromiscLevel, LinkCallbacks>> = Object.freeze({
  NONE: Object.freeze({ classified: 'viona_rx_classified', promisc: null }),
  MULTI: Object.freeze({
    classified: 'viona_rx_classified',
    promisc: Object.freeze({ kind: 'MULTI', handler: 'viona_rx_mcast' }),
  }),
  ALL: Object.freeze({ classified: null, promisc: Object.freeze({ kind: 'ALL', handler: 'viona_rx_classified' }) }),
});

/** Without a link nothing is registered. @source viona_rx.c viona_rx_clear */
export const NO_CALLBACKS: LinkCallbacks = Object.freeze({ classified: null, promisc: null });

/** A new link. @source viona_main.c viona_ioc_create: MULTI, callbacks installed, one pair of rings in RESET */
export function createLink(config: LinkConfig, version: InterfaceVersion = VIONA_INTERFACE_VERSION): LinkState {
  return {
    config,
    version,
    exists: true,
    destroying: false,
    creations: 1,
    primary: config.mac,
    level: 'MULTI',
    callbacks: LEVEL_CALLBACKS.MULTI,
    modern: false,
    features: formatFeatures(0n),
    pairs: 1,
    usePairs: 1,
    rings: freshRings(1),
    params: defaultParams(),
    notifyIop: 0,
    notifyMmio: null,
    unicast: config.mac,
    filters: [],
    leaseRenewal: false,
    faults: [],
  };
}

/** VNA_IOC_CREATE where there is none: everything is new but the data link, and what was injected. */
export function recreated(link: LinkState): LinkState {
  const { config, version, creations, primary, leaseRenewal, faults } = link;
  const fresh = createLink({ ...config, mtu: VIONA_DEFAULT_MTU }, version);
  return { ...fresh, creations: creations + 1, primary, unicast: primary, leaseRenewal, faults };
}

/** What is left when the link is gone. @source viona_main.c viona_ioc_delete */
export function deleted(link: LinkState): LinkState {
  return {
    ...link,
    exists: false,
    destroying: false,
    level: 'NONE',
    callbacks: NO_CALLBACKS,
    modern: false,
    features: formatFeatures(0n),
    pairs: 0,
    usePairs: 0,
    rings: [],
    params: defaultParams(),
    unicast: null,
    filters: [],
  };
}

export interface RxSetResult {
  readonly callbacks: LinkCallbacks;
  readonly errno: Errno;
}

/**
 * Installs the callbacks of a level. @source viona_rx.c viona_rx_set
 *
 * The existing promiscuous handle goes first, whatever comes then. NONE is only `mac_rx_set`, which cannot
 * fail. MULTI and ALL call `mac_promisc_add`; when that fails, the classified callback is what remains
 * (ALL had cleared it and puts it back): the callbacks of NONE.
 *
 * @param macPromiscAdd errno that mac_promisc_add will answer: `0`, or an injected fault
 */
export function vionaRxSet(level: PromiscLevel, macPromiscAdd: Errno = 0): RxSetResult {
  if (level === 'NONE') return { callbacks: LEVEL_CALLBACKS.NONE, errno: 0 };
  if (macPromiscAdd !== 0) return { callbacks: LEVEL_CALLBACKS.NONE, errno: macPromiscAdd };
  return { callbacks: LEVEL_CALLBACKS[level], errno: 0 };
}

export interface LinkResult {
  readonly link: LinkState;
  readonly errno: Errno;
}

/**
 * VNA_IOC_SET_PROMISC. @source viona_main.c viona_ioc_set_promisc
 *
 * 1. mode >= 3: EINVAL. 2. mode equals `l_promisc`: success, nothing is touched. 3. Otherwise the callbacks
 * are installed anew, and only success is recorded.
 *
 * The trap: step 3 takes the old promiscuous handle away before it tries the new one. After a failure the
 * recorded level is the old one but the callbacks are those of NONE, and asking for the old level again
 * ends in step 2. The natural roll-back reports success while multicast stays off.
 */
export function setPromisc(link: LinkState, mode: number, macPromiscAdd: Errno = 0): LinkResult {
  const level = PROMISC_LEVELS[mode];
  if (level === undefined) return { link, errno: 'EINVAL' };
  if (level === link.level) return { link, errno: 0 };
  const { callbacks, errno } = vionaRxSet(level, macPromiscAdd);
  if (errno !== 0) return { link: { ...link, callbacks }, errno };
  return { link: { ...link, level, callbacks }, errno };
}

/**
 * VNA_IOC_SET_PAIRS. @source viona_main.c viona_ioc_link_setpairs
 *
 * The callbacks go first, whatever comes then, and those of the recorded level are installed at the end,
 * whatever came before. The result of that is ignored: if `mac_promisc_add` fails, the ioctl succeeds and
 * the callbacks are those of NONE. And the other way round: a SET_PAIRS that is refused mends what the trap
 * of `setPromisc` has left.
 */
export function setPairs(link: LinkState, pairs: number, macPromiscAdd: Errno = 0): LinkResult {
  const { callbacks } = vionaRxSet(link.level, macPromiscAdd);
  const after = callbacks === link.callbacks ? link : { ...link, callbacks };
  if (pairs < VIONA_MIN_QPAIR || pairs > VIONA_MAX_QPAIR || pairs < link.usePairs) {
    return { link: after, errno: 'EINVAL' };
  }
  if (link.rings.some((ring) => ring.state !== 'RESET')) return { link: after, errno: 'EBUSY' };
  return { link: { ...after, pairs, rings: resizedRings(link.rings, pairs) }, errno: 0 };
}

/** The level whose callbacks are registered: what the link does, whatever it has recorded. */
export function levelInForce(callbacks: LinkCallbacks): PromiscLevel {
  return callbacks.promisc?.kind ?? 'NONE';
}
