/**
 * The link's ioctls, as users, tests and the VMM half of a model issue them: by name, with the argument as
 * its type in `IoctlArguments`, or as people write it.
 *
 * The order of the checks is the kernel's. CREATE, DELETE, VERSION and DEFAULT_PARAMS come before the
 * question whether there is a link; all others, unknown numbers too, are ENXIO without one, and only then is
 * an unknown number ENOTTY. An injected fault comes next, if it fails at the door (faults.ts), and then the
 * argument: one that is none is EFAULT where the kernel copies a structure in, EINVAL where it takes a word,
 * and the record says how to mend it.
 *
 * @source viona_main.c viona_ioctl and the functions that it calls
 */
import {
  featureSet,
  formatFeatures,
  hasFeature,
  parseFeatures,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_HOST_TSO4,
  VIRTIO_NET_F_HOST_TSO6,
  VIRTIO_NET_F_MRG_RXBUF,
} from '../virtio/features.ts';
import { failsAtTheDoor, faultFor, withoutFault } from './faults.ts';
import type { ArgumentOf, IoctlArguments } from './ioctl-arguments.ts';
import { ioctlArgumentText, parseIoctlArgument } from './ioctl-arguments.ts';
import type { IoctlName } from './ioctl-table.ts';
import { IOCTLS, isIoctlName } from './ioctl-table.ts';
import type { Errno, IoctlRecord, IoctlValue, LinkState } from './link.ts';
import { deleted, recreated, setPairs, setPromisc } from './link.ts';
import type { GetMacAddrValue, GetMacFiltersValue, SetMacAddrValue, SetMacFiltersValue } from './mac-filters.ts';
import { getMacAddr, getMacFilters, setMacAddr, setMacFilters } from './mac-filters.ts';
import type { GetParamsValue, SetParamsValue } from './params.ts';
import { defaultParams, getParams, setParams } from './params.ts';
import type { RingParams } from './rings.ts';
import {
  legacyAddresses,
  ringInit,
  ringKick,
  ringPause,
  ringReset,
  settled,
  VRSF_REQ_STOP,
  withRing,
} from './rings.ts';

export const VNA_IOC_SET_PROMISC = 'VNA_IOC_SET_PROMISC';
export const VIONA_MIN_MTU = 68;
export const VIONA_MAX_MTU = 65535;
const MAX_U16 = 0xffff;
/** INTR_POLL knows the first pair only. */
const INTR_POLL_RINGS = 2;

/** @source viona_main.c VIONA_S_HOSTCAPS */
const HOST_CAPS = featureSet(
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_INDIRECT_DESC,
);
/** `l_features_hw`: the lab's NIC checksums and segments whatever an IP packet can hold. */
const HARDWARE = featureSet(VIRTIO_NET_F_CSUM, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6);
/** What GET_FEATURES answers, and what SET_FEATURES masks with. */
export const VIONA_FEATURES = HOST_CAPS | HARDWARE;

/** Rings with a waiting interrupt, and how many they are. */
interface IntrPollValue {
  readonly count: number;
  readonly rings: readonly number[];
}

/** What ioctls answer, by name, for those that answer something. */
export interface IoctlValues {
  /** Rings that DELETE waits for: it does not return before they have stopped. */
  VNA_IOC_DELETE: { readonly waitsFor: readonly number[] };
  VNA_IOC_VERSION: number;
  VNA_IOC_DEFAULT_PARAMS: GetParamsValue;
  VNA_IOC_RING_GET_STATE: RingParamsValue;
  VNA_IOC_INTR_POLL: IntrPollValue;
  VNA_IOC_INTR_POLL_MQ: IntrPollValue;
  VNA_IOC_GET_FEATURES: string;
  VNA_IOC_GET_PARAMS: GetParamsValue;
  VNA_IOC_SET_PARAMS: SetParamsValue;
  VNA_IOC_GET_MTU: number;
  VNA_IOC_SET_MAC_FILTERS: SetMacFiltersValue;
  VNA_IOC_GET_MAC_FILTERS: GetMacFiltersValue;
  VNA_IOC_SET_MAC_ADDR: SetMacAddrValue;
  VNA_IOC_GET_MAC_ADDR: GetMacAddrValue;
  VNA_IOC_GET_PAIRS: number;
  VNA_IOC_GET_USEPAIRS: number;
}
type RingParamsValue = { readonly [K in keyof RingParams]: number };
export type ValueOf<N extends string> = N extends keyof IoctlValues ? IoctlValues[N] : IoctlValue;

export interface IoctlResult<V = IoctlValue> {
  readonly state: LinkState;
  readonly record: IoctlRecord<V>;
}

interface Outcome {
  readonly link: LinkState;
  readonly errno: Errno;
  readonly value?: unknown;
  /** The injected fault has happened. */
  readonly met?: boolean;
}

/** Never throws, whatever it is given. */
export function linkIoctl<N extends string>(link: LinkState, name: N, arg: ArgumentOf<N>): IoctlResult<ValueOf<N>> {
  const { hint, ...outcome } = attempt(link, name, arg);
  const { value } = outcome;
  const record = {
    name,
    arg: ioctlArgumentText(name, arg),
    errno: outcome.errno,
    ...(value === undefined ? {} : { value: value as ValueOf<N> }),
    ...(hint === undefined ? {} : { hint }),
  };
  return { state: outcome.link, record };
}

const WITHOUT_A_LINK: readonly string[] = [
  'VNA_IOC_CREATE',
  'VNA_IOC_DELETE',
  'VNA_IOC_VERSION',
  'VNA_IOC_DEFAULT_PARAMS',
];

function attempt(link: LinkState, name: string, given: unknown): Outcome & { readonly hint?: string } {
  if (!WITHOUT_A_LINK.includes(name) && (!link.exists || link.destroying)) return { link, errno: 'ENXIO' };
  if (!isIoctlName(name, link.version)) return { link, errno: 'ENOTTY' };
  const fault = faultFor(link, name);
  // A semantic code never fails at the door, so what does is an errno.
  if (fault && failsAtTheDoor(fault)) return { link: withoutFault(link, fault), errno: fault.errno as Errno };
  const parsed = parseIoctlArgument(name, given);
  if (!parsed.ok) {
    return { link, errno: IOCTLS[name].bytes === 'value' ? 'EINVAL' : 'EFAULT', hint: parsed.error };
  }
  // The table of handlers has for each name one that takes the argument of that name.
  const handler = HANDLERS[name] as (link: LinkState, arg: unknown, fault: Errno) => Outcome;
  const outcome = handler(link, parsed.arg, (fault?.errno ?? 0) as Errno);
  return fault && outcome.met ? { ...outcome, link: withoutFault(outcome.link, fault) } : outcome;
}

type Handlers = {
  readonly [N in IoctlName]: (link: LinkState, arg: IoctlArguments[N], fault: Errno) => Outcome;
};

const done = (link: LinkState, value?: unknown): Outcome => ({ link, errno: 0, value });
const fail = (link: LinkState, errno: Errno): Outcome => ({ link, errno });

const HANDLERS: Handlers = {
  VNA_IOC_CREATE(link, { linkid, vmfd }) {
    if (link.exists) return fail(link, 'EEXIST');
    if (vmfd < 0) return fail(link, 'EBADF');
    // DATALINK_INVALID_LINKID. Which errno mac_open_by_linkid gives for it is not verified.
    if (linkid === 0) return fail(link, 'ENOENT');
    return done(recreated(link));
  },
  VNA_IOC_DELETE: deleteLink,
  VNA_IOC_VERSION: (link) => done(link, link.version),
  VNA_IOC_DEFAULT_PARAMS: (link, room) => ({ link, ...getParams(defaultParams(), room) }),
  VNA_IOC_RING_INIT(link, { index, size, address }, fault) {
    // The base is looked at before the size is.
    const parts = index < link.rings.length ? legacyAddresses(address, size) : null;
    if (parts === null) return fail(link, 'EINVAL');
    return ringInit(link, { index, size, ...parts, availIdx: 0, usedIdx: 0 }, fault);
  },
  VNA_IOC_RING_INIT_MODERN: (link, arg, fault) => ringInit(link, { ...arg, availIdx: 0, usedIdx: 0 }, fault),
  VNA_IOC_RING_SET_STATE: (link, arg, fault) => ringInit(link, arg, fault),
  VNA_IOC_RING_GET_STATE(link, index) {
    const ring = link.rings[index];
    if (!ring) return fail(link, 'EINVAL');
    const { size, desc, driver, device, availIdx, usedIdx } = ring;
    return done(link, { index, size, desc, driver, device, availIdx, usedIdx } satisfies RingParams);
  },
  VNA_IOC_RING_RESET: (link, index, fault) => ringReset(link, index >>> 0, fault),
  VNA_IOC_RING_KICK: (link, index) => ringKick(link, index >>> 0),
  VNA_IOC_RING_PAUSE: (link, index, fault) => ringPause(link, index >>> 0, fault),
  VNA_IOC_RING_SET_MSI(link, { index, address, message }) {
    const ring = link.rings[index];
    if (!ring) return fail(link, 'EINVAL');
    return done(withRing(link, index, { ...ring, msi: address === 0 ? null : { address, message } }));
  },
  VNA_IOC_RING_INTR_CLR(link, given) {
    const index = given >>> 0;
    const ring = link.rings[index];
    if (!ring) return fail(link, 'EINVAL');
    return done(ring.intr ? withRing(link, index, { ...ring, intr: false }) : link);
  },
  VNA_IOC_INTR_POLL: (link) => done(link, waitingInterrupts(link, Math.min(INTR_POLL_RINGS, 2 * link.usePairs))),
  VNA_IOC_INTR_POLL_MQ(link, nrings) {
    if (nrings < 1 || nrings > 2 * link.usePairs) return fail(link, 'EINVAL');
    return done(link, waitingInterrupts(link, nrings));
  },
  VNA_IOC_SET_FEATURES: (link, features) => done(setFeatures(link, parseFeatures(features))),
  VNA_IOC_GET_FEATURES: (link) => done(link, formatFeatures(VIONA_FEATURES)),
  VNA_IOC_SET_NOTIFY_IOP(link, port, fault) {
    if (port < 0 || port > MAX_U16) return fail(link, 'EINVAL');
    // The old hook goes before the new one is tried.
    if (port !== 0 && fault !== 0) return { link: { ...link, notifyIop: 0 }, errno: fault, met: true };
    return done(port === link.notifyIop ? link : { ...link, notifyIop: port });
  },
  VNA_IOC_SET_NOTIFY_MMIO(link, notifyMmio, fault) {
    if (notifyMmio !== null && fault !== 0) return { link: { ...link, notifyMmio: null }, errno: fault, met: true };
    return done({ ...link, notifyMmio });
  },
  VNA_IOC_SET_PROMISC(link, mode, fault) {
    const result = setPromisc(link, mode, fault);
    // Touched and failed: the call got as far as mac_promisc_add, and the fault has happened.
    return { ...result, met: fault !== 0 && result.errno === fault && result.link !== link };
  },
  VNA_IOC_GET_PARAMS: (link, room) => ({ link, ...getParams(link.params, room) }),
  VNA_IOC_SET_PARAMS(link, given) {
    const { params, ...answer } = setParams(link.params, given);
    return { link: params === link.params ? link : { ...link, params }, ...answer };
  },
  VNA_IOC_GET_MTU: (link) => done(link, link.config.mtu),
  VNA_IOC_SET_MTU(link, mtu) {
    if (mtu < VIONA_MIN_MTU || mtu > VIONA_MAX_MTU) return fail(link, 'EINVAL');
    return done(mtu === link.config.mtu ? link : { ...link, config: { ...link.config, mtu } });
  },
  VNA_IOC_SET_MAC_FILTERS: (link, table) => setMacFilters(link, table),
  VNA_IOC_GET_MAC_FILTERS: (link, room) => getMacFilters(link, room),
  VNA_IOC_SET_MAC_ADDR: (link, mac) => setMacAddr(link, mac),
  VNA_IOC_GET_MAC_ADDR: (link) => getMacAddr(link),
  VNA_IOC_GET_PAIRS: (link) => done(link, link.pairs),
  VNA_IOC_SET_PAIRS(link, pairs, fault) {
    if (pairs > MAX_U16) return fail(link, 'EINVAL');
    // The word is cut down to 16 bits. NONE does not call mac_promisc_add.
    return { ...setPairs(link, pairs & MAX_U16, fault), met: link.level !== 'NONE' };
  },
  VNA_IOC_GET_USEPAIRS: (link) => done(link, link.usePairs),
  VNA_IOC_SET_USEPAIRS(link, given) {
    const usePairs = given & MAX_U16;
    if (given > MAX_U16 || usePairs < 1 || usePairs > link.pairs) return fail(link, 'EINVAL');
    return done(usePairs === link.usePairs ? link : { ...link, usePairs });
  },
};

/** Hooks go, then every ring is stopped and waited for: a stalled one holds the call up without end. */
function deleteLink(link: LinkState): Outcome {
  if (link.destroying) return fail(link, 'EAGAIN');
  if (!link.exists) return done(link);
  const rings = link.rings.map((ring) =>
    ring.state === 'RESET' ? ring : settled({ ...ring, flags: ring.flags | VRSF_REQ_STOP }),
  );
  const after: LinkState = { ...link, notifyIop: 0, notifyMmio: null, rings };
  const waitsFor = rings.flatMap((ring, index) => (ring.state === 'RESET' ? [] : [index]));
  return waitsFor.length === 0 ? done(deleted(after)) : done({ ...after, destroying: true }, { waitsFor });
}

function setFeatures(link: LinkState, asked: bigint): LinkState {
  let set = asked & VIONA_FEATURES;
  if (!hasFeature(set, VIRTIO_NET_F_CSUM)) set &= ~featureSet(VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6);
  if (!hasFeature(set, VIRTIO_NET_F_GUEST_CSUM)) set &= ~featureSet(VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6);
  const modern = hasFeature(asked, VIRTIO_F_VERSION_1);
  const features = formatFeatures(set);
  return modern === link.modern && features === link.features ? link : { ...link, modern, features };
}

function waitingInterrupts(link: LinkState, among: number): IntrPollValue {
  const rings = link.rings.slice(0, among).flatMap((ring, index) => (ring.intr ? [index] : []));
  return { count: rings.length, rings };
}
