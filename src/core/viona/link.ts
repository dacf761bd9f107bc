// CONTRACT (types fixed; host-side owner implements the functions and the theory statement here)

/** viona's promiscuity levels, by ioctl argument. @source viona_io.h viona_promisc_t */
export const PROMISC_LEVELS = ['NONE', 'MULTI', 'ALL'] as const;
export type PromiscLevel = (typeof PROMISC_LEVELS)[number];

/** Which receive callbacks are registered with the MAC client: this is the whole filter. */
export interface LinkCallbacks {
  /** mac_rx_set: viona_rx_classified, or null when cleared. */
  readonly classified: 'viona_rx_classified' | null;
  /** mac_promisc_add: the kind and the handler, or null when there is none. */
  readonly promisc: { readonly kind: 'MULTI' | 'ALL'; readonly handler: 'viona_rx_mcast' | 'viona_rx_classified' } | null;
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
  /** errno names that the next ioctls of that name will fail with, in order (fault injection). */
  readonly faults: readonly { readonly name: string; readonly errno: string }[];
}

export interface IoctlRecord {
  /** For example `VNA_IOC_SET_PROMISC`. */
  readonly name: string;
  /** The argument as people write it: `NONE`, `1500`. */
  readonly arg: string;
  /** `0`, or the errno's name: `EINVAL`. */
  readonly errno: string;
}
