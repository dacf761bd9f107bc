/**
 * Faults that can be injected into a link: part of its state, so they are in snapshots, and reversible.
 *
 * `ioctl`: the next ioctl of that name fails, once. It fails where the real one would. ENXIO fails at the
 * door (the link is being destroyed: nothing was touched), and so does every errno of an ioctl that calls
 * nothing that can fail. The others get as far as what can fail in them, and only a call that gets there
 * uses the fault up:
 *
 *     SET_PROMISC                        mac_promisc_add: not with a mode out of range, the recorded one, NONE
 *     SET_PAIRS                          mac_promisc_add, whose result is ignored: the call succeeds
 *     RING_INIT(_MODERN), RING_SET_STATE EBUSY is no lease, any other what comes after the checks
 *     RING_RESET, RING_PAUSE             the wait for the worker: the caller gives up, the worker does not
 *     SET_NOTIFY_IOP, SET_NOTIFY_MMIO    the new hook, when the old one has been taken away
 *     SET_MAC_FILTERS, SET_MAC_ADDR      MAC's refusal, with the codes VMF_ERR_ and VMA_ERR_
 *
 * `ring-stall`: the worker of a ring does not come round, until cleared. `lease`: the lease on guest memory
 * is being renewed, until cleared: rings drop what is received for them, and none can be set up.
 */
import { IOCTL_NAMES, ioctlName, isIoctlName } from './ioctl-table.ts';
import type { FaultCode, IoctlFault, LinkState } from './link.ts';
import { deleted } from './link.ts';
import { settled, withRing } from './rings.ts';

export type Fault =
  | { readonly kind: 'ioctl'; readonly name: string; readonly errno: string }
  | { readonly kind: 'ring-stall'; readonly ring: number }
  | { readonly kind: 'lease' };
export const FAULT_KINDS = ['ioctl', 'ring-stall', 'lease'] as const satisfies readonly Fault['kind'][];
export type FaultKind = (typeof FAULT_KINDS)[number];

/** errnos that can be injected into any ioctl. */
export const FAULT_ERRNOS = [
  'E2BIG',
  'EAGAIN',
  'EBADF',
  'EBUSY',
  'EEXIST',
  'EFAULT',
  'EINTR',
  'EINVAL',
  'EIO',
  'ENOENT',
  'ENOMEM',
  'ENOTSUP',
  'ENXIO',
] as const;
/** Faults that wait: more are refused, so that a script cannot grow the state without bound. */
export const MAX_FAULTS = 16;

const DEEP: readonly string[] = [
  'VNA_IOC_SET_PROMISC',
  'VNA_IOC_SET_PAIRS',
  'VNA_IOC_RING_INIT',
  'VNA_IOC_RING_INIT_MODERN',
  'VNA_IOC_RING_SET_STATE',
  'VNA_IOC_RING_RESET',
  'VNA_IOC_RING_PAUSE',
  'VNA_IOC_SET_NOTIFY_IOP',
  'VNA_IOC_SET_NOTIFY_MMIO',
];
const SEMANTIC: Readonly<Record<string, readonly FaultCode[]>> = {
  VNA_IOC_SET_MAC_FILTERS: ['VMF_ERR_INSTALL'],
  VNA_IOC_SET_MAC_ADDR: ['VMA_ERR_INSTALL', 'VMA_ERR_MCAST_RESTORE'],
};

/** What an ioctl of that name may be made to fail with. */
export function faultCodes(name: string): readonly FaultCode[] {
  return [...FAULT_ERRNOS, ...(Object.hasOwn(SEMANTIC, name) ? (SEMANTIC[name] ?? []) : [])];
}

/** The fault that waits longest for that ioctl. */
export function faultFor(link: LinkState, name: string): IoctlFault | undefined {
  return link.faults.find((waiting) => waiting.name === name);
}

/** True if the ioctl fails before it has looked at anything. */
export function failsAtTheDoor({ name, errno }: IoctlFault): boolean {
  return errno === 'ENXIO' || (!DEEP.includes(name) && !SEMANTIC[name]?.includes(errno));
}

export function withoutFault(link: LinkState, fault: IoctlFault): LinkState {
  return { ...link, faults: link.faults.filter((waiting) => waiting !== fault) };
}

export interface FaultResult {
  readonly state: LinkState;
  /** Why it cannot be, and what to do; null if it was done. */
  readonly error: string | null;
}

/** Injects a fault. It may come from outside: each field is checked. */
export function addFault(link: LinkState, fault: Fault): FaultResult {
  const fields = fault as Readonly<Partial<Record<'kind' | 'name' | 'errno' | 'ring', unknown>>> | null;
  switch (fields?.kind) {
    case 'ioctl':
      return addIoctlFault(link, fields.name, fields.errno);
    case 'ring-stall':
      return stall(link, fields.ring);
    case 'lease':
      return { state: link.leaseRenewal ? link : { ...link, leaseRenewal: true }, error: null };
    default:
      return refuse(link, `This is no kind of fault: choose one of ${FAULT_KINDS.join(', ')}.`);
  }
}

const refuse = (state: LinkState, error: string): FaultResult => ({ state, error });

function addIoctlFault(link: LinkState, given: unknown, errno: unknown): FaultResult {
  const name = typeof given === 'string' ? ioctlName(given) : '';
  if (!isIoctlName(name, link.version)) {
    const known = IOCTL_NAMES.filter((each) => isIoctlName(each, link.version));
    return refuse(link, `The link has no ioctl ${name}: choose one of ${known.join(', ')}.`);
  }
  const codes = faultCodes(name);
  const known = codes.find((code) => code === errno);
  if (known === undefined) {
    const what = typeof errno === 'string' ? errno : 'This';
    return refuse(link, `${what} cannot be injected into ${name}: choose one of ${codes.join(', ')}.`);
  }
  if (link.faults.length >= MAX_FAULTS) {
    return refuse(link, `${MAX_FAULTS} faults are waiting already: let some of them happen, or clear them.`);
  }
  return { state: { ...link, faults: [...link.faults, { name, errno: known }] }, error: null };
}

function stall(link: LinkState, index: unknown): FaultResult {
  const ring = typeof index === 'number' ? link.rings[index] : undefined;
  if (ring === undefined) {
    const have = link.rings.length;
    return refuse(link, have > 0 ? `The link has rings 0 to ${have - 1}.` : 'There is no link: create it first.');
  }
  return { state: ring.stalled ? link : withRing(link, index as number, { ...ring, stalled: true }), error: null };
}

/** Takes back what was injected, all of it or one kind. Stalled workers do what has waited for them. */
export function clearFaults(link: LinkState, kind?: FaultKind): LinkState {
  let after = link;
  if (kind !== 'ring-stall' && kind !== 'lease' && after.faults.length > 0) after = { ...after, faults: [] };
  if (kind !== 'ring-stall' && kind !== 'ioctl' && after.leaseRenewal) after = { ...after, leaseRenewal: false };
  if (kind === 'lease' || kind === 'ioctl' || !after.rings.some((ring) => ring.stalled)) return after;
  const rings = after.rings.map((ring) => (ring.stalled ? settled({ ...ring, stalled: false }) : ring));
  after = { ...after, rings };
  return after.destroying && rings.every((ring) => ring.state === 'RESET') ? deleted(after) : after;
}

/** All faults in force or waiting. */
export function faultsOf(link: LinkState): Fault[] {
  const faults: Fault[] = link.faults.map(({ name, errno }) => ({ kind: 'ioctl', name, errno }));
  for (const [ring, { stalled }] of link.rings.entries()) if (stalled) faults.push({ kind: 'ring-stall', ring });
  if (link.leaseRenewal) faults.push({ kind: 'lease' });
  return faults;
}
