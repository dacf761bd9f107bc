/**
 * What all versions of Propolis here have in common: how it drives the link's features, pairs and rings.
 *
 *     negotiation     SET_FEATURES; with MQ also SET_PAIRS 11 and, at once, SET_USEPAIRS 11
 *     queue enabled   RING_RESET if the ring is not in RESET; RING_INIT_MODERN. Bad addresses are not fatal: the
 *                     ring just does not run
 *     queue kicked    RING_KICK
 *     PAIRS_SET n     SET_USEPAIRS n, for 1 to 11, unless that many are in use already
 *     driver reset    RING_RESET for each queue that was ever in use; pairs in use stay as they are
 *     machine reset   the same, then SET_USEPAIRS 1 (unless 1) and SET_PAIRS 1
 *     migration       on the new link: SET_FEATURES; SET_PAIRS 11 with MQ; SET_USEPAIRS; the filter, which is
 *                     the model's own; then for each queue in use RING_RESET, RING_SET_STATE, RING_KICK
 *
 * Two consequences. Received frames are spread over 11 rings before the driver has asked for more than one
 * (NET-MQ-06), and what hashes to a ring that was not kicked is lost in silence. And the pairs in use survive
 * a driver reset: a next driver without MQ kicks one ring of the eleven.
 *
 * A third one is derived, not seen: a migration restarts the rings of the pairs in use, and nothing sets the
 * others up later. So more pairs than were in use at the migration do not run when they are asked for.
 *
 * The control queue is no ring of the link: index 2, or with MQ the last one, 22.
 *
 * Deviations. The host is not told where rings lie in guest memory, so the addresses here are made up, with
 * the layout of a legacy ring. MSI and notification hooks are not told either. A ring that could not be reset
 * is "Fatal" to Propolis for ever; here it is tried again. A kick of a queue beyond the pairs in use, which
 * Propolis ignores until it comes again, is taken, because the device tells of the first kick only.
 *
 * @source viona.rs set_features, set_use_pairs, queue_change, queue_notify, queues_restart, Lifecycle::reset,
 * MigrateMulti::import; pci.rs virtio_reset; queue.rs VirtQueues
 */
import * as F from '../virtio/features.ts';
import { VIONA_MIN_MTU } from '../viona/ioctl.ts';
import type { InterfaceVersion } from '../viona/link.ts';
import { createLink } from '../viona/link.ts';
import { legacyAddresses } from '../viona/rings.ts';
import { restoreLink } from '../viona/link-restore.ts';
import type { Mac } from '../net/mac.ts';
import type { RxEvent } from './host-model.ts';
import type { Fields, ModelReader } from './validate.ts';
import type { HasLink } from './viona-half.ts';
import type { VmmCall } from './vmm-call.ts';

/** @source viona.rs PROPOLIS_MAX_MQ_PAIRS */
export const PROPOLIS_MAX_MQ_PAIRS = 11;
/** Apart far enough for the largest ring. */
const MADE_UP_SPACING = 0x40_0000;
/** Makes a promise to the reader of a reason: in the original this ends the process. */
const WOULD_PANIC = 'Propolis does not expect that and would panic here';

/** What the VMM knows of its queues. */
export interface PropolisVmm extends HasLink {
  /** What the driver acknowledged of what this VMM offers, as `formatFeatures` writes it. */
  readonly features: string;
  /** Half of `VirtQueues::len`. */
  readonly pairsInUse: number;
  /** The most pairs in use since the last machine reset: half of `VirtQueues::peak`. */
  readonly peakPairs: number;
}

export type QueueEvent = Extract<RxEvent, { type: 'queue' }>;

export const NO_QUEUES = { features: F.formatFeatures(0n), pairsInUse: 1, peakPairs: 1 } as const;

export function negotiatedFeature(state: PropolisVmm, bit: number): boolean {
  return F.hasFeature(F.parseFeatures(state.features), bit);
}

/** Which queue is the control queue, or -1. */
function controlQueue(state: PropolisVmm): number {
  if (!negotiatedFeature(state, F.VIRTIO_NET_F_CTRL_VQ)) return -1;
  return negotiatedFeature(state, F.VIRTIO_NET_F_MQ) ? 2 * PROPOLIS_MAX_MQ_PAIRS : 2;
}

/** False if the link refused: FEATURES_OK stays clear, and the device needs a reset. @source viona.rs set_features */
export function setFeatures(call: VmmCall<PropolisVmm>, features: F.FeatureSet): boolean {
  const text = F.formatFeatures(features);
  call.set({ features: text });
  if (!call.ioctl('VNA_IOC_SET_FEATURES', text)) return false;
  if (!F.hasFeature(features, F.VIRTIO_NET_F_CTRL_VQ) || !F.hasFeature(features, F.VIRTIO_NET_F_MQ)) return true;
  return call.ioctl('VNA_IOC_SET_PAIRS', PROPOLIS_MAX_MQ_PAIRS) && setUsePairs(call, PROPOLIS_MAX_MQ_PAIRS);
}

/** @source viona.rs set_use_pairs */
function setUsePairs(call: VmmCall<PropolisVmm>, pairs: number): boolean {
  const { pairsInUse, peakPairs } = call.state;
  if (pairs === pairsInUse) return true;
  if (!call.ioctl('VNA_IOC_SET_USEPAIRS', pairs)) return false;
  call.set({ pairsInUse: pairs, peakPairs: Math.max(peakPairs, pairs) });
  return true;
}

/**
 * VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET: null if it was done, or why not. Whether MQ was negotiated is not asked.
 *
 * @source viona.rs ctl_mq
 */
export function commandPairs(call: VmmCall<PropolisVmm>, pairs: number): string | null {
  if (pairs < 1 || pairs > PROPOLIS_MAX_MQ_PAIRS) return `${pairs} pairs, of 1 to ${PROPOLIS_MAX_MQ_PAIRS}.`;
  return setUsePairs(call, pairs) ? null : `${call.failure}.`;
}

/** Null, or why the device needs a reset. @source viona.rs queue_change, queue_notify */
export function changeQueue(call: VmmCall<PropolisVmm>, { queue, to, size }: QueueEvent): string | null {
  if (queue === controlQueue(call.state)) return null;
  if (to === 'kicked') {
    call.ioctl('VNA_IOC_RING_KICK', queue);
    return null;
  }
  if (queue >= 2 * call.state.pairsInUse) return null;
  const ring = call.state.link.rings[queue];
  if (to === 'reset' || (ring && ring.state !== 'RESET')) {
    if (!call.ioctl('VNA_IOC_RING_RESET', queue)) return `${call.failure}, so the device needs a reset.`;
  }
  if (to === 'reset') return null;
  const addresses = legacyAddresses((queue + 1) * MADE_UP_SPACING, size);
  if (addresses) call.ioctl('VNA_IOC_RING_INIT_MODERN', { index: queue, size, ...addresses });
  return null;
}

/** Both kinds of reset begin so. What fails here is forgotten with the status. @source pci.rs virtio_reset */
export function resetQueues(call: VmmCall<PropolisVmm>): void {
  const control = controlQueue(call.state);
  for (let queue = 0; queue < 2 * call.state.peakPairs; queue++) {
    if (queue !== control) call.ioctl('VNA_IOC_RING_RESET', queue);
  }
  call.set({ features: NO_QUEUES.features });
}

/** False if the link refused one of the two; both are tried. @source viona.rs Lifecycle::reset */
export function resetPairs(call: VmmCall<PropolisVmm>): boolean {
  const used = setUsePairs(call, 1);
  const allocated = call.ioctl('VNA_IOC_SET_PAIRS', 1);
  call.set({ peakPairs: call.state.pairsInUse });
  return used && allocated;
}

/** The sentence for what Propolis `unwrap`s or `expect`s. */
export function wouldPanic(call: VmmCall<PropolisVmm>, when: string): string {
  return `${call.failure} ${when}. ${WOULD_PANIC}.`;
}

/**
 * Migration, around what the model does about its filter: null if it is done, or why the machine stays.
 *
 * @param importFilter false if the link refused
 * @source viona.rs MigrateMulti::import, queues_restart
 */
export function migrateLink<S extends PropolisVmm>(
  call: VmmCall<S>,
  importFilter: (call: VmmCall<S>) => boolean,
): string | null {
  const old = call.state.link;
  const link = { ...createLink(old.config, old.version), creations: old.creations + 1 };
  call.set({ link } as Partial<S>);
  const imported =
    call.ioctl('VNA_IOC_SET_FEATURES', call.state.features) &&
    (!negotiatedFeature(call.state, F.VIRTIO_NET_F_MQ) || call.ioctl('VNA_IOC_SET_PAIRS', PROPOLIS_MAX_MQ_PAIRS)) &&
    call.ioctl('VNA_IOC_SET_USEPAIRS', call.state.pairsInUse) &&
    importFilter(call);
  if (!imported) return `${call.failure} on the new host, so the import fails and the machine stays where it is.`;

  // The control queue lies behind these: a link without MQ has not got this far with more than one pair.
  for (let index = 0; index < 2 * call.state.pairsInUse; index++) {
    call.ioctl('VNA_IOC_RING_RESET', index);
    const ring = old.rings[index];
    if (!ring || ring.size === 0) continue;
    const { size, desc, driver, device, availIdx, usedIdx, state } = ring;
    const set = call.ioctl('VNA_IOC_RING_SET_STATE', { index, size, desc, driver, device, availIdx, usedIdx });
    if (set && state === 'RUN') call.ioctl('VNA_IOC_RING_KICK', index);
  }
  return null;
}

export interface VmmIdentity {
  readonly mac: Mac;
  readonly offers: F.FeatureSet;
  readonly version: InterfaceVersion;
}

export function readVmm(reader: ModelReader, fields: Fields, { mac, offers, version }: VmmIdentity): PropolisVmm {
  const link = restoreLink(fields.link);
  if (link?.config.mac !== mac || link.version !== version) reader.fail('the link is damaged, or of another device');
  const features = reader.features(fields.features, 'features');
  if ((features & ~offers) !== 0n) reader.fail('features has what was never offered');
  const peakPairs = reader.count(fields.peakPairs, 'peakPairs', PROPOLIS_MAX_MQ_PAIRS);
  const pairsInUse = reader.count(fields.pairsInUse, 'pairsInUse', peakPairs);
  if (pairsInUse < 1) reader.fail('pairsInUse is 0');
  return {
    link: link ?? createLink({ mac, mtu: VIONA_MIN_MTU }),
    features: F.formatFeatures(features),
    pairsInUse,
    peakPairs,
  };
}
