/** The device's snapshot: versioned plain data, and the check that data is one. */
import type { Mac } from '../net/mac.ts';
import * as F from '../virtio/features.ts';
import { StateReader } from '../virtio/state-reader.ts';
import { type FunctionState, readFunctionState } from '../virtio-pci/pci-function.ts';
import { type CheckedTransportState, readTransportState, type TransportState } from '../virtio-pci/transport-state.ts';
import type { Coalesce, CoalescingState } from './coalescing.ts';
import { CONTROL_BYTES_MAX } from './control.ts';
import { CTRL_COUNTER_NAMES, type Counters, RX_COUNTER_NAMES, TX_COUNTER_NAMES } from './counters.ts';
import { judgeDependencies } from './feature-rules.ts';
import { CONFIG_SIZE, netQueues } from './layout.ts';
import { GUEST_OFFLOADS } from './offload-state.ts';
import {
  type HashConfig,
  RSS_MAX_KEY_SIZE,
  RSS_MAX_TABLE_LENGTH,
  type RssConfig,
  SUPPORTED_HASH_TYPES,
} from './rss.ts';
import { type FilterCopy, type MacTables, RX_FLAGS, type RxFlag } from './rx-mode.ts';
import { FLOWS, type SteeringState } from './steering.ts';

export const SNAPSHOT_VERSION = 2;

export interface NetSnapshot {
  readonly filter: FilterCopy;
  readonly mac: Mac;
  readonly linkUp: boolean;
  readonly announce: boolean;
  readonly steering: SteeringState;
  /** Bits in force, as `formatFeatures` writes them. */
  readonly offloads: string;
  readonly coalescing: CoalescingState;
  /** A fault that waits: the next packet that needs several receive buffers finds the ring dry. */
  readonly shortage: boolean;
  readonly counters: Counters;
}

export interface NetPciSnapshot {
  readonly version: typeof SNAPSHOT_VERSION;
  readonly transport: TransportState;
  readonly function: FunctionState;
  readonly net: NetSnapshot;
}

/** The device that a snapshot is read for. */
export interface SnapshotLimits {
  /** Its machine knows message-signalled interrupts. */
  readonly messages: boolean;
  readonly queuePairs: number;
  /** Its own address. */
  readonly mac: Mac;
  /** The most it may ever have offered. */
  readonly possible: F.FeatureSet;
}

export type RestoreResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

type CheckedSnapshot =
  | { readonly ok: false; readonly reason: string }
  | {
      readonly ok: true;
      readonly transport: CheckedTransportState;
      readonly function: FunctionState;
      readonly net: NetSnapshot;
    };

const MAC_MAX = 0xffff_ffff_ffff;
const VID_COUNT = 4096;
const U32 = 0xffff_ffff;

export function readSnapshot(value: unknown, limits: SnapshotLimits): CheckedSnapshot {
  const read = new StateReader();
  const root = read.record(value, 'snapshot');
  if (root.version !== SNAPSHOT_VERSION) {
    const found = typeof root.version === 'number' ? `of version ${root.version}` : 'without version';
    return { ok: false, reason: `snapshot ${found}, this device reads version ${SNAPSHOT_VERSION}` };
  }
  const fn = readFunctionState(read, root.function);
  const transport = readTransportState(read, root.transport, {
    specs: netQueues(limits.queuePairs),
    configSize: CONFIG_SIZE,
    offerable: limits.possible,
    kind: fn.kind,
    messages: limits.messages,
  });
  const { negotiated } = transport;
  const fault = judgeDependencies(negotiated);
  if (fault) read.fail(`negotiated: ${fault.reason}`);
  const net = readNet(read, root.net, limits);
  judgeNet(read, net, negotiated, limits);
  return read.problem === null ? { ok: true, transport, function: fn, net } : { ok: false, reason: read.problem };
}

function readNet(read: StateReader, value: unknown, limits: SnapshotLimits): NetSnapshot {
  const net = read.record(value, 'net');
  const offloads = read.features(net.offloads, 'net.offloads');
  const coalescing = read.record(net.coalescing, 'net.coalescing');
  const defaults = read.record(coalescing.defaults, 'net.coalescing.defaults');
  const queues = netQueues(limits.queuePairs).length;
  return {
    filter: readFilter(read, net.filter),
    mac: read.count(net.mac, 'net.mac', MAC_MAX),
    linkUp: read.flag(net.linkUp, 'net.linkUp'),
    announce: read.flag(net.announce, 'net.announce'),
    shortage: read.flag(net.shortage, 'net.shortage'),
    steering: readSteering(read, net.steering, limits.queuePairs),
    offloads: F.formatFeatures(offloads),
    coalescing: {
      defaults: {
        rx: readCoalesce(read, defaults.rx, 'net.coalescing.defaults.rx'),
        tx: readCoalesce(read, defaults.tx, 'net.coalescing.defaults.tx'),
      },
      queues: exactly(read, coalescing.queues, 'net.coalescing.queues', queues).map((entry, index) =>
        readCoalesce(read, entry, `net.coalescing.queues[${index}]`),
      ),
    },
    counters: readCounters(read, net.counters, limits.queuePairs),
  };
}

/** State that only a driver with the right features can have brought about. */
function judgeNet(read: StateReader, net: NetSnapshot, negotiated: F.FeatureSet, limits: SnapshotLimits): void {
  const has = (...bits: readonly number[]): boolean => bits.some((bit) => F.hasFeature(negotiated, bit));
  const { steering, coalescing } = net;
  if (net.mac !== limits.mac && !has(F.VIRTIO_NET_F_CTRL_MAC_ADDR))
    read.fail('net.mac is not the address of this device');
  if (net.announce && !has(F.VIRTIO_NET_F_GUEST_ANNOUNCE)) read.fail('net.announce was not negotiated');
  if (steering.pairsInUse !== 1 && !has(F.VIRTIO_NET_F_MQ)) read.fail('net.steering.pairsInUse needs MQ');
  if (steering.rss && !has(F.VIRTIO_NET_F_RSS)) read.fail('net.steering.rss was not negotiated');
  if (steering.hash.types !== 0 && !has(F.VIRTIO_NET_F_RSS, F.VIRTIO_NET_F_HASH_REPORT)) {
    read.fail('net.steering.hash was not negotiated');
  }
  if (F.parseFeatures(net.offloads) & ~(negotiated & GUEST_OFFLOADS)) read.fail('net.offloads were not negotiated');
  const values = [coalescing.defaults.rx, coalescing.defaults.tx, ...coalescing.queues];
  const coalesced = values.some(({ maxPackets, maxUsecs }) => maxPackets + maxUsecs !== 0);
  if (coalesced && !has(F.VIRTIO_NET_F_NOTF_COAL, F.VIRTIO_NET_F_VQ_NOTF_COAL)) {
    read.fail('net.coalescing was not negotiated');
  }
}

function readFilter(read: StateReader, value: unknown): FilterCopy {
  const filter = read.record(value, 'net.filter');
  const flags = read.record(filter.rxMode, 'net.filter.rxMode');
  const rxMode = Object.fromEntries(
    RX_FLAGS.map((flag) => [flag, flags[flag] === null ? null : read.flag(flags[flag], `net.filter.rxMode.${flag}`)]),
  ) as Record<RxFlag, boolean | null>;
  const tables = read.record(filter.tables, 'net.filter.tables');
  const vlans = read
    .list(filter.vlans, 'net.filter.vlans', VID_COUNT)
    .map((vid, index) => read.count(vid, `net.filter.vlans[${index}]`, VID_COUNT - 1));
  if (vlans.some((vid, index) => index > 0 && vid <= (vlans[index - 1] ?? 0))) {
    read.fail('net.filter.vlans is not in ascending order');
  }
  return {
    rxMode,
    tables: {
      unicast: readTable(read, tables.unicast, 'net.filter.tables.unicast'),
      multicast: readTable(read, tables.multicast, 'net.filter.tables.multicast'),
    } satisfies MacTables,
    vlans,
  };
}

/** Addresses of either kind: what a host acknowledged is kept as it came. */
function readTable(read: StateReader, value: unknown, path: string): Mac[] {
  return read.list(value, path, CONTROL_BYTES_MAX).map((mac, index) => read.count(mac, `${path}[${index}]`, MAC_MAX));
}

function readSteering(read: StateReader, value: unknown, pairs: number): SteeringState {
  const steering = read.record(value, 'net.steering');
  const pairsInUse = read.count(steering.pairsInUse, 'net.steering.pairsInUse', pairs);
  if (pairsInUse === 0) read.fail('net.steering.pairsInUse is 0');
  const flows = read.list(steering.flows, 'net.steering.flows', FLOWS).map((entry, index) => {
    const flow = read.record(entry, `net.steering.flows[${index}]`);
    return {
      number: read.count(flow.number, `net.steering.flows[${index}].number`, U32),
      pair: read.count(flow.pair, `net.steering.flows[${index}].pair`, pairs - 1),
    };
  });
  return {
    pairsInUse,
    rss: steering.rss === null ? null : readRss(read, steering.rss, pairs),
    hash: readHash(read, read.record(steering.hash, 'net.steering.hash'), 'net.steering.hash'),
    flows,
  };
}

function readRss(read: StateReader, value: unknown, pairs: number): RssConfig {
  const path = 'net.steering.rss';
  const rss = read.record(value, path);
  const table = read
    .list(rss.table, `${path}.table`, RSS_MAX_TABLE_LENGTH)
    .map((pair, index) => read.count(pair, `${path}.table[${index}]`, pairs - 1));
  if (table.length === 0 || (table.length & (table.length - 1)) !== 0) read.fail(`${path}.table has a wrong length`);
  return {
    ...readHash(read, rss, path),
    table,
    unclassified: read.count(rss.unclassified, `${path}.unclassified`, pairs - 1),
    maxTxQueues: read.count(rss.maxTxQueues, `${path}.maxTxQueues`, pairs),
  };
}

function readHash(read: StateReader, record: Readonly<Record<string, unknown>>, path: string): HashConfig {
  const types = read.count(record.types, `${path}.types`, SUPPORTED_HASH_TYPES);
  const key = read.list(record.key, `${path}.key`, RSS_MAX_KEY_SIZE);
  return { types, key: key.map((byte, index) => read.count(byte, `${path}.key[${index}]`, 0xff)) };
}

function readCoalesce(read: StateReader, value: unknown, path: string): Coalesce {
  const record = read.record(value, path);
  return {
    maxPackets: read.count(record.maxPackets, `${path}.maxPackets`, U32),
    maxUsecs: read.count(record.maxUsecs, `${path}.maxUsecs`, U32),
  };
}

function readCounters(read: StateReader, value: unknown, pairs: number): Counters {
  const counters = read.record(value, 'net.counters');
  const named = <K extends string>(from: unknown, path: string, names: readonly K[]): Record<K, number> => {
    const record = read.record(from, path);
    return Object.fromEntries(names.map((name) => [name, read.count(record[name], `${path}.${name}`)])) as Record<
      K,
      number
    >;
  };
  return {
    rx: exactly(read, counters.rx, 'net.counters.rx', pairs).map((entry, index) =>
      named(entry, `net.counters.rx[${index}]`, RX_COUNTER_NAMES),
    ),
    tx: exactly(read, counters.tx, 'net.counters.tx', pairs).map((entry, index) =>
      named(entry, `net.counters.tx[${index}]`, TX_COUNTER_NAMES),
    ),
    ctrl: named(counters.ctrl, 'net.counters.ctrl', CTRL_COUNTER_NAMES),
  };
}

function exactly(read: StateReader, value: unknown, path: string, length: number): readonly unknown[] {
  const items = read.list(value, path, length);
  if (items.length !== length) read.fail(`${path} does not have ${length} entries`);
  return items;
}
