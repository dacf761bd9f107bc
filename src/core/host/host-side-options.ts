/** What a HostSide is made of, and how it describes itself. */
import type { Mac } from '../net/mac.ts';
import { formatMac } from '../net/mac.ts';
import type { FrameSender } from '../ring/frames.ts';
import type { Emit } from '../trace/event.ts';
import type { PackedWriter } from '../trace/packed.ts';
import type { Fault } from '../viona/faults.ts';
import { faultsOf } from '../viona/faults.ts';
import type { LinkCounters } from '../viona/kstat.ts';
import type { InterfaceVersion, IoctlRecord, LinkCallbacks, LinkKind, LinkState, PromiscLevel } from '../viona/link.ts';
import type { RingState, RingStateName } from '../viona/rings.ts';
import { ringRequests } from '../viona/rings.ts';
import type { HostModelId } from './host-model.ts';

export interface HostSideOptions {
  readonly mac: Mac;
  readonly mtu: number;
  /** What links are opened on; `physical` when it is left away. */
  readonly linkKind?: LinkKind;
  /** Where frame records go. */
  readonly trace: PackedWriter;
  readonly emit: Emit;
  /** Towards the device. */
  readonly deliver: FrameSender;
  readonly model: HostModelId;
}

/** One ring of the link. */
export interface RingDescription {
  readonly index: number;
  readonly role: 'rx' | 'tx';
  readonly state: RingStateName;
  /** Entries; 0 until it is set up. */
  readonly size: number;
  /** What waits for its worker: START, STOP, PAUSE, RENEW. */
  readonly requests: readonly string[];
  readonly stalled: boolean;
  /** Received frames are spread over it, if it is a receive ring. */
  readonly inUse: boolean;
}

/** The link of the model in force, for people: plain data. */
export interface LinkDescription {
  readonly model: HostModelId;
  /** What links are opened on. */
  readonly kind: LinkKind;
  /** The viona link, or null for a model that has none. */
  readonly version: InterfaceVersion | null;
  /** False after VNA_IOC_DELETE, and for a model without a link. */
  readonly exists: boolean;
  readonly level: PromiscLevel | null;
  readonly callbacks: LinkCallbacks | null;
  /** The MAC client's unicast address; null if it has lost it. */
  readonly address: string | null;
  readonly mtu: number | null;
  /** Feature bits that the link was told, in hexadecimal. */
  readonly features: string | null;
  readonly pairs: number;
  readonly usePairs: number;
  readonly rings: readonly RingDescription[];
  /** Multicast filters (version 7). */
  readonly filters: readonly string[];
  /** The kstat viona_stat as viona shows it: with several pairs, of the last one in use only. */
  readonly kstats: Readonly<Record<string, number>>;
  /** The same eight, with every ring in them. */
  readonly honest: Readonly<Record<string, number>>;
  /** Ring error statistics, by viona's names, over all rings. */
  readonly ringStats: Readonly<Record<string, number>>;
  /** Losses that viona counts nowhere, by our names. */
  readonly silent: Readonly<Record<string, number>>;
  /** Injected and waiting, or in force. */
  readonly faults: readonly Fault[];
  /** Of the model in force, oldest first, since the link was created or the model was chosen. */
  readonly ioctls: readonly IoctlRecord[];
}

export function describeLink(
  model: HostModelId,
  kind: LinkKind,
  link: LinkState | null,
  counters: LinkCounters,
  ioctls: readonly IoctlRecord[],
): LinkDescription {
  const usePairs = link?.usePairs ?? 0;
  const unicast = link?.unicast ?? null;
  return {
    model,
    kind,
    version: link?.version ?? null,
    exists: link?.exists ?? false,
    level: link?.level ?? null,
    callbacks: link?.callbacks ?? null,
    address: unicast === null ? null : formatMac(unicast),
    mtu: link?.config.mtu ?? null,
    features: link?.features ?? null,
    pairs: link?.pairs ?? 0,
    usePairs,
    rings: link?.rings.map((ring, index) => describeRing(link, ring, index)) ?? [],
    filters: link?.filters.map(formatMac) ?? [],
    kstats: counters.kstat(usePairs),
    honest: counters.honest(),
    ringStats: counters.ringStats(),
    silent: counters.silent(),
    faults: link === null ? [] : faultsOf(link),
    ioctls: [...ioctls],
  };
}

function describeRing(link: LinkState, { state, size, stalled }: RingState, index: number): RingDescription {
  return {
    index,
    role: index % 2 === 0 ? 'rx' : 'tx',
    state,
    size,
    requests: ringRequests(link, index),
    stalled,
    inUse: index < 2 * link.usePairs,
  };
}
