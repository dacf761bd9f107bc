/**
 * The link's rings, and what their workers do.
 *
 *     RESET --RING_INIT--> SETUP --worker starts--> INIT --RING_KICK--> RUN --stop or pause--> STOP
 *       ^                                            ^                                          |
 *       +------------------ stop --------------------+----------------- pause ------------------+
 *
 * Once a worker exists, only it moves the state; ioctls leave requests for it. There is no thread here: what
 * the worker would do has been done when the call returns (`settled`). So SETUP and STOP are seen only on a
 * ring that is stalled, which is how the lab makes a worker that does not come round: one that was not
 * scheduled yet, or that waits for the MAC's receive barrier, or for transmitted frames that the NIC does not
 * give back. A stalled ring that runs still goes to STOP when it is asked to, because the worker sets that
 * state before it waits.
 *
 * A ring that is not in RUN drops what is received for it, and nobody counts that.
 *
 * Deviations: avail and used positions are those that were set, because the rings themselves live in the
 * device. How much memory the guest has is not known here, so only addresses that no guest can have are
 * unmappable.
 *
 * Sources: viona_ring.c (viona_ring_init, viona_ring_reset, viona_ring_pause, viona_worker), viona_rx.c
 * viona_worker_rx, viona_main.c viona_ioc_ring_kick.
 */
import type { Errno, LinkState } from './link.ts';

export const RING_STATES = ['RESET', 'SETUP', 'INIT', 'RUN', 'STOP'] as const;
export type RingStateName = (typeof RING_STATES)[number];

/** Requests to the worker, as bits of `flags`. @source viona_impl.h viona_ring_state_flags */
export const VRSF_REQ_START = 1;
export const VRSF_REQ_STOP = 2;
export const VRSF_REQ_PAUSE = 4;

/** Guest-physical addresses of a split virtqueue's parts, by their names in the specification. */
export interface RingAddresses {
  readonly desc: number;
  readonly driver: number;
  readonly device: number;
}

/** `viona_vring_t` as plain data. */
export interface RingState extends RingAddresses {
  readonly state: RingStateName;
  readonly flags: number;
  /** 0 in RESET. */
  readonly size: number;
  readonly availIdx: number;
  /** A reset leaves it as it was. */
  readonly usedIdx: number;
  /** Interrupts go there; null leaves them to poll(2) and INTR_POLL. */
  readonly msi: { readonly address: number; readonly message: number } | null;
  /** `vr_intr_enabled`: an interrupt waits for INTR_POLL. */
  readonly intr: boolean;
  /** Injected: the worker does not come round. */
  readonly stalled: boolean;
  /** How often it was set up and how often it left RUN: counters are cleared and folded by these. */
  readonly inits: number;
  readonly stops: number;
}

export interface RingParams extends RingAddresses {
  readonly index: number;
  readonly size: number;
  readonly availIdx: number;
  readonly usedIdx: number;
}

/** @source viona_ring.c VRING_MAX_LEN */
export const VRING_MAX_LEN = 32768;
const LEGACY_ALIGN = 4096;
const ALIGN: Readonly<RingAddresses> = { desc: 16, driver: 2, device: 4 };
const PARTS = ['desc', 'driver', 'device'] as const;
/** The widest physical address of x86. */
const ADDRESS_LIMIT = 2 ** 52;

const FRESH: RingState = Object.freeze({
  state: 'RESET',
  flags: 0,
  size: 0,
  desc: 0,
  driver: 0,
  device: 0,
  availIdx: 0,
  usedIdx: 0,
  msi: null,
  intr: false,
  stalled: false,
  inits: 0,
  stops: 0,
});

export function freshRings(pairs: number): readonly RingState[] {
  return Array.from({ length: 2 * pairs }, () => FRESH);
}

/** The rings after SET_PAIRS: all are new, but a stall stays where it was injected, and counts go on. */
export function resizedRings(rings: readonly RingState[], pairs: number): readonly RingState[] {
  return Array.from({ length: 2 * pairs }, (_, index) => {
    const old = rings[index];
    return old ? { ...FRESH, stalled: old.stalled, inits: old.inits + 1, stops: old.stops } : FRESH;
  });
}

/** Hot path: the receive ring for a frame. With one pair in use no hash is taken. @source viona_rx.c */
export function ringFor(link: LinkState, flowHash: number): number {
  return link.usePairs <= 1 ? 0 : 2 * ((flowHash >>> 0) % link.usePairs);
}

/** Hot path: false if the ring drops what it is given, silently. */
export function ringRuns(link: LinkState, ring: number): boolean {
  const state = link.rings[ring];
  return state?.state === 'RUN' && !state.stalled && !link.leaseRenewal;
}

/** The requests that wait for a ring's worker, by viona's names. */
export function ringRequests(link: LinkState, index: number): string[] {
  const ring = link.rings[index];
  if (!ring) return [];
  const names: string[] = [];
  if (ring.flags & VRSF_REQ_START) names.push('START');
  if (ring.flags & VRSF_REQ_STOP) names.push('STOP');
  if (ring.flags & VRSF_REQ_PAUSE) names.push('PAUSE');
  if (link.leaseRenewal && ring.state === 'RUN') names.push('RENEW');
  return names;
}

/** Runs the worker until it waits for something. */
export function settled(ring: RingState): RingState {
  for (;;) {
    const next = step(ring);
    if (next === ring) return ring;
    ring = next;
  }
}

function step(ring: RingState): RingState {
  const { state, flags, stalled } = ring;
  if (state === 'RUN') {
    const leaves = (flags & (VRSF_REQ_STOP | VRSF_REQ_PAUSE)) !== 0;
    return leaves ? { ...ring, state: 'STOP', stops: ring.stops + 1 } : ring;
  }
  if (stalled || state === 'RESET') return ring;
  if (flags & VRSF_REQ_STOP) return wiped(ring);
  if (state === 'SETUP') return { ...ring, state: 'INIT' };
  // It left RUN, so it was asked to: what is not a stop is a pause.
  if (state === 'STOP') return { ...ring, state: 'INIT', flags: flags & ~VRSF_REQ_PAUSE };
  return flags & VRSF_REQ_START ? { ...ring, state: 'RUN', flags: flags & ~VRSF_REQ_START } : ring;
}

/** What the worker leaves behind. MSI, used position and interrupt flag stay. */
function wiped(ring: RingState): RingState {
  return { ...ring, state: 'RESET', flags: 0, size: 0, desc: 0, driver: 0, device: 0, availIdx: 0 };
}

export function withRing(link: LinkState, index: number, ring: RingState): LinkState {
  if (ring === link.rings[index]) return link;
  return { ...link, rings: link.rings.map((each, at) => (at === index ? ring : each)) };
}

export interface RingResult {
  readonly link: LinkState;
  readonly errno: Errno;
  /** The call got to where the injected fault sits. */
  readonly met?: boolean;
}

/**
 * RING_INIT, RING_INIT_MODERN and RING_SET_STATE. The order of the checks is the kernel's. What is asked of
 * the addresses depends on whether VERSION_1 was acknowledged, not on which of the three it is: without it
 * every part must lie on a page, so that a legacy ring below 256 entries is refused.
 *
 * @param fault what a call meets that gets as far as the lease (EBUSY), the mapping (EINVAL) or the worker
 */
export function ringInit(link: LinkState, params: RingParams, fault: Errno): RingResult {
  const ring = link.rings[params.index];
  if (!ring) return { link, errno: 'EINVAL' };
  const { index, size, desc, driver, device, availIdx, usedIdx } = params;
  if (size < 1 || size > VRING_MAX_LEN || (size & (size - 1)) !== 0) return { link, errno: 'EINVAL' };
  if (desc === 0 || driver === 0 || device === 0) return { link, errno: 'EINVAL' };
  if (ring.state !== 'RESET') return { link, errno: 'EBUSY' };
  const fail = (errno: Errno, met = false): RingResult => ({
    link: withRing(link, index, { ...wiped(ring), usedIdx: 0 }),
    errno,
    met,
  });
  if (link.leaseRenewal) return fail('EBUSY');
  if (fault === 'EBUSY') return fail(fault, true);
  if (PARTS.some((part) => params[part] % (link.modern ? ALIGN[part] : LEGACY_ALIGN) !== 0)) return fail('EINVAL');
  if (PARTS.some((part) => params[part] + partSize(part, size) > ADDRESS_LIMIT)) return fail('EINVAL');
  if (fault !== 0) return fail(fault, true);
  const { intr, stalled, inits, stops } = ring;
  const set: RingState = {
    state: 'SETUP',
    flags: 0,
    size,
    desc,
    driver,
    device,
    availIdx,
    usedIdx,
    msi: null,
    intr,
    stalled,
    inits: inits + 1,
    stops,
  };
  return { link: withRing(link, index, settled(set)), errno: 0 };
}

function partSize(part: (typeof PARTS)[number], size: number): number {
  if (part === 'desc') return 16 * size;
  return part === 'driver' ? 2 * (size + 3) : 8 * size + 6;
}

/** The three addresses of a legacy ring, or null without a base. @source viona_ring.c viona_ring_legacy_addr */
export function legacyAddresses(desc: number, size: number): RingAddresses | null {
  if (desc === 0) return null;
  const driver = desc + partSize('desc', size);
  const inFront = partSize('desc', size) + partSize('driver', size);
  return { desc, driver, device: desc + Math.ceil(inFront / LEGACY_ALIGN) * LEGACY_ALIGN };
}

/** @param fault EINTR for a caller who is interrupted while it waits; the worker goes on all the same */
export function ringReset(link: LinkState, index: number, fault: Errno): RingResult {
  const ring = link.rings[index];
  if (!ring) return { link, errno: 'EINVAL' };
  if (ring.state === 'RESET') return { link, errno: 0 };
  const after = settled({ ...ring, flags: ring.flags | VRSF_REQ_STOP });
  const asked = withRing(link, index, after);
  if (fault !== 0) return { link: asked, errno: fault, met: true };
  // A stalled ring would be waited for without end: a signal is what ends the call.
  return { link: asked, errno: after.state === 'RESET' ? 0 : 'EINTR' };
}

export function ringKick(link: LinkState, index: number): RingResult {
  const ring = link.rings[index];
  if (!ring) return { link, errno: 'EINVAL' };
  if (ring.state === 'RUN') return { link, errno: 0 };
  if (ring.state !== 'SETUP' && ring.state !== 'INIT') return { link, errno: 'EBUSY' };
  const kicked = settled({ ...ring, flags: ring.flags | VRSF_REQ_START });
  return { link: withRing(link, index, kicked), errno: 0 };
}

export function ringPause(link: LinkState, index: number, fault: Errno): RingResult {
  const ring = link.rings[index];
  if (!ring) return { link, errno: 'EINVAL' };
  if (ring.state !== 'RUN' && ring.state !== 'STOP') {
    // Not started yet: it is enough to take the request to start away.
    const flags = ring.flags & ~VRSF_REQ_START;
    return { link: flags === ring.flags ? link : withRing(link, index, { ...ring, flags }), errno: 0 };
  }
  if (ring.state === 'STOP' && ring.flags & VRSF_REQ_STOP) return { link, errno: 'EBUSY' };
  const after = settled({ ...ring, flags: ring.flags | VRSF_REQ_PAUSE });
  const asked = withRing(link, index, after);
  if (fault !== 0) return { link: asked, errno: fault, met: true };
  return { link: asked, errno: after.flags & VRSF_REQ_PAUSE ? 'EINTR' : 0 };
}

/** A ring's interrupt: without MSI it waits for INTR_POLL. @source viona_ring.c viona_intr_ring */
export function ringInterrupt(link: LinkState, index: number): LinkState {
  const ring = link.rings[index];
  if (ring?.msi !== null || ring.intr) return link;
  return withRing(link, index, { ...ring, intr: true });
}
