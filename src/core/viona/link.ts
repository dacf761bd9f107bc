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
 * failed ioctl they differ, and that difference is the trap of `setPromisc`. Functions are pure; the
 * ioctls that users and VMMs issue are decoded in `ioctl.ts`.
 *
 * Sources: illumos-gate viona_main.c (viona_ioc_create, viona_ioc_set_promisc), viona_rx.c (viona_rx_set).
 */

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

export interface LinkConfig {
  readonly mac: number;
  /** Bytes of layer-3 payload: 68..65535. */
  readonly mtu: number;
}

/** Plain data: the part of viona_link_t that matters for reception. */
export interface LinkState {
  readonly config: LinkConfig;
  /** `l_promisc` as recorded, which after a failed ioctl can differ from what the callbacks do. */
  readonly level: PromiscLevel;
  readonly callbacks: LinkCallbacks;
  /** errnos that the next ioctls of that name will fail with, in order (fault injection). */
  readonly faults: readonly { readonly name: string; readonly errno: ErrnoName }[];
}

/** An errno by its name: `EINVAL`. */
export type ErrnoName = `E${string}`;
/** What an ioctl ended with: 0 for success. */
export type Errno = 0 | ErrnoName;

export interface IoctlRecord {
  /** For example `VNA_IOC_SET_PROMISC`. */
  readonly name: string;
  /** The argument as people write it: `NONE`, `1500`. */
  readonly arg: string;
  readonly errno: Errno;
  /** What the ioctl returned, for those that return something. */
  readonly value?: number;
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

/** A new link. @source viona_main.c viona_ioc_create: MULTI, callbacks installed */
export function createLink(config: LinkConfig): LinkState {
  return { config, level: 'MULTI', callbacks: LEVEL_CALLBACKS.MULTI, faults: [] };
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
  readonly value?: number;
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

/** The level whose callbacks are registered: what the link does, whatever it has recorded. */
export function levelInForce(callbacks: LinkCallbacks): PromiscLevel {
  return callbacks.promisc?.kind ?? 'NONE';
}
