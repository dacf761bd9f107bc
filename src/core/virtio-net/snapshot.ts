/** The device's snapshot: versioned plain data, and the check that data is one. */
import { isGroup, type Mac } from '../net/mac.ts';
import { NET_QUEUES } from './layout.ts';
import { StateReader } from '../virtio/state-reader.ts';
import { type CheckedTransportState, readTransportState, type TransportState } from '../virtio-pci/transport-state.ts';
import { CONTROL_BYTES_MAX } from './control.ts';
import { COUNTER_NAMES, type Counters } from './counters.ts';
import { BASE_FEATURES, HOST_FEATURES, judgeDependencies } from './feature-rules.ts';
import { type MacTables, RX_FLAGS, type RxMode } from './rx-mode.ts';

export const SNAPSHOT_VERSION = 1;

export interface NetSnapshot {
  readonly rxMode: RxMode;
  readonly tables: MacTables;
  readonly linkUp: boolean;
  readonly counters: Counters;
}

export interface NetPciSnapshot {
  readonly version: typeof SNAPSHOT_VERSION;
  readonly transport: TransportState;
  /** The writable bytes of the PCI_CFG capability. */
  readonly window: readonly number[];
  readonly net: NetSnapshot;
}

export type RestoreResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

type CheckedSnapshot =
  | { readonly ok: false; readonly reason: string }
  | {
      readonly ok: true;
      readonly transport: CheckedTransportState;
      readonly window: readonly number[];
      readonly net: NetSnapshot;
    };

const MAC_MAX = 0xffff_ffff_ffff;

export function readSnapshot(value: unknown, windowSize: number): CheckedSnapshot {
  const read = new StateReader();
  const root = read.record(value, 'snapshot');
  if (root.version !== SNAPSHOT_VERSION) {
    const found = typeof root.version === 'number' ? `of version ${root.version}` : 'without version';
    return { ok: false, reason: `snapshot ${found}, this device reads version ${SNAPSHOT_VERSION}` };
  }
  const transport = readTransportState(read, root.transport, NET_QUEUES, BASE_FEATURES | HOST_FEATURES);
  const fault = judgeDependencies(transport.negotiated);
  if (fault) read.fail(`negotiated: ${fault.reason}`);
  const window = read.counts(root.window, 'window', windowSize, 0xff);
  const net = readNet(read, root.net);
  return read.problem === null ? { ok: true, transport, window, net } : { ok: false, reason: read.problem };
}

function readNet(read: StateReader, value: unknown): NetSnapshot {
  const net = read.record(value, 'net');
  const flags = read.record(net.rxMode, 'net.rxMode');
  const rxMode = Object.fromEntries(
    RX_FLAGS.map((flag) => [flag, flags[flag] === null ? null : read.flag(flags[flag], `net.rxMode.${flag}`)]),
  ) as Record<(typeof RX_FLAGS)[number], boolean | null>;
  const tables = read.record(net.tables, 'net.tables');
  const counters = read.record(net.counters, 'net.counters');
  return {
    rxMode,
    tables: {
      unicast: readTable(read, tables.unicast, 'net.tables.unicast', false),
      multicast: readTable(read, tables.multicast, 'net.tables.multicast', true),
    },
    linkUp: read.flag(net.linkUp, 'net.linkUp'),
    counters: Object.fromEntries(
      COUNTER_NAMES.map((name) => [name, read.count(counters[name], `net.counters.${name}`)]),
    ) as Counters,
  };
}

function readTable(read: StateReader, value: unknown, path: string, group: boolean): Mac[] {
  return read.list(value, path, CONTROL_BYTES_MAX).map((entry, index) => {
    const mac = read.count(entry, `${path}[${index}]`, MAC_MAX);
    if (read.problem === null && isGroup(mac) !== group) read.fail(`${path}[${index}] is of the wrong kind`);
    return mac;
  });
}
