/**
 * Reading a link out of a snapshot. It is untrusted: each field is checked and copied, also against the
 * others, so that what comes out is a state that ioctls could have made.
 */
import type { Mac } from '../net/mac.ts';
import { isGroup, MAC_BROADCAST } from '../net/mac.ts';
import { formatFeatures } from '../virtio/features.ts';
import { StateReader } from '../virtio/state-reader.ts';
import { faultCodes, MAX_FAULTS } from './faults.ts';
import { VIONA_FEATURES, VIONA_MAX_MTU, VIONA_MIN_MTU } from './ioctl.ts';
import { isIoctlName } from './ioctl-table.ts';
import type {
  InterfaceVersion,
  IoctlFault,
  IoctlRecord,
  IoctlValue,
  LinkCallbacks,
  LinkConfig,
  LinkState,
  PromiscLevel,
} from './link.ts';
import { LEVEL_CALLBACKS, levelInForce, NO_CALLBACKS, PROMISC_LEVELS, VIONA_MAX_QPAIR } from './link.ts';
import { VIONA_MAX_MCAST_FILTERS } from './mac-filters.ts';
import type { LinkParams } from './params.ts';
import { VIONA_MAX_HEADER_PAD } from './params.ts';
import type { RingState } from './rings.ts';
import { RING_STATES, settled, VRING_MAX_LEN } from './rings.ts';

const MAX_MAC = 0xffff_ffff_ffff;
const MAX_U16 = 0xffff;
const MAX_U32 = 0xffff_ffff;
const ALL_REQUESTS = 7;
/** An answer of the link is small: a table of 64 addresses is the largest. */
const MAX_VALUE_DEPTH = 4;
const MAX_VALUE_ENTRIES = 512;

/** The link, or null if the data are no link's. */
export function restoreLink(data: unknown): LinkState | null {
  const reader = new StateReader();
  const link = readLink(reader, data);
  return reader.problem === null ? link : null;
}

function readLink(reader: StateReader, data: unknown): LinkState {
  const fields = reader.record(data, 'link');
  const version: InterfaceVersion = fields.version === 7 ? 7 : 6;
  if (fields.version !== version) reader.fail('link.version is not 6 or 7');
  const config = readConfig(reader, fields.config);
  const exists = reader.flag(fields.exists, 'link.exists');
  const destroying = reader.flag(fields.destroying, 'link.destroying');
  const level = readLevel(reader, fields.level);
  const pairs = reader.count(fields.pairs, 'link.pairs', VIONA_MAX_QPAIR);
  const rings = readRings(reader, fields.rings, pairs);
  const features = formatFeatures(reader.features(fields.features, 'link.features'));
  const link: LinkState = {
    config,
    version,
    exists,
    destroying,
    creations: reader.count(fields.creations, 'link.creations'),
    primary: readUnicast(reader, fields.primary, 'link.primary'),
    level,
    callbacks: readCallbacks(reader, fields.callbacks),
    modern: reader.flag(fields.modern, 'link.modern'),
    features,
    pairs,
    usePairs: reader.count(fields.usePairs, 'link.usePairs', pairs),
    rings,
    params: readParams(reader, fields.params),
    notifyIop: reader.count(fields.notifyIop, 'link.notifyIop', MAX_U16),
    notifyMmio: readMmio(reader, fields.notifyMmio),
    unicast: fields.unicast === null ? null : readUnicast(reader, fields.unicast, 'link.unicast'),
    filters: readFilters(reader, fields.filters),
    leaseRenewal: reader.flag(fields.leaseRenewal, 'link.leaseRenewal'),
    faults: readFaults(reader, fields.faults, version),
  };
  checkTogether(reader, link);
  return link;
}

/** What no field shows by itself. */
function checkTogether(reader: StateReader, link: LinkState): void {
  const { exists, destroying, callbacks, level, version, unicast, primary, filters, pairs, usePairs } = link;
  if ((BigInt(link.features) & ~VIONA_FEATURES) !== 0n) reader.fail('link.features has what no link offers');
  if (!exists) {
    const empty = callbacks === NO_CALLBACKS && level === 'NONE' && pairs === 0 && unicast === null;
    if (!empty || destroying) reader.fail('link is gone, but something is left of it');
    return;
  }
  // Level and callbacks agree, or a failed ioctl left the callbacks of NONE.
  const inForce = levelInForce(callbacks);
  if (callbacks === NO_CALLBACKS || (inForce !== level && inForce !== 'NONE')) {
    reader.fail('link.callbacks are not those of link.level');
  }
  if (pairs < 1 || usePairs < 1) reader.fail('link.pairs is 0');
  if (destroying && link.rings.every((ring) => ring.state === 'RESET'))
    reader.fail('link.destroying waits for no ring');
  if (version === 6 && (unicast !== primary || primary !== link.config.mac || filters.length > 0)) {
    reader.fail('link.version 6 has neither filters nor another address');
  }
  if (link.config.kind === 'vnic' && unicast !== primary) reader.fail('link.unicast is not the address of the VNIC');
  if (unicast === null && filters.length > 0) reader.fail('link.filters need an address');
}

function readConfig(reader: StateReader, data: unknown): LinkConfig {
  const fields = reader.record(data, 'link.config');
  const mac = reader.count(fields.mac, 'link.config.mac', MAX_MAC);
  const mtu = reader.count(fields.mtu, 'link.config.mtu', VIONA_MAX_MTU);
  if (mtu < VIONA_MIN_MTU) reader.fail('link.config.mtu is too small');
  const { kind } = fields;
  if (kind === undefined) return { mac, mtu };
  if (kind !== 'physical' && kind !== 'vnic') {
    reader.fail('link.config.kind is not physical or vnic');
    return { mac, mtu };
  }
  return { mac, mtu, kind };
}

function readLevel(reader: StateReader, data: unknown): PromiscLevel {
  const level = PROMISC_LEVELS.find((known) => known === data);
  if (level === undefined) reader.fail('link.level is no level');
  return level ?? 'NONE';
}

/** One of the combinations that viona_rx_set and viona_rx_clear can leave behind. */
function readCallbacks(reader: StateReader, data: unknown): LinkCallbacks {
  const fields = reader.record(data, 'link.callbacks');
  const promisc = fields.promisc === null ? null : reader.record(fields.promisc, 'link.callbacks.promisc');
  const found = [...PROMISC_LEVELS.map((level) => LEVEL_CALLBACKS[level]), NO_CALLBACKS].find(
    (callbacks) =>
      callbacks.classified === fields.classified &&
      (callbacks.promisc?.kind ?? null) === (promisc?.kind ?? null) &&
      (callbacks.promisc?.handler ?? null) === (promisc?.handler ?? null),
  );
  if (found === undefined) reader.fail('link.callbacks are no combination that viona makes');
  return found ?? NO_CALLBACKS;
}

function readRings(reader: StateReader, data: unknown, pairs: number): RingState[] {
  const list = reader.list(data, 'link.rings', 2 * VIONA_MAX_QPAIR);
  if (list.length !== 2 * pairs) reader.fail('link.rings are not two for each pair');
  return list.map((entry, index) => readRing(reader, entry, `link.rings[${index}]`));
}

function readRing(reader: StateReader, data: unknown, path: string): RingState {
  const fields = reader.record(data, path);
  const state = RING_STATES.find((known) => known === fields.state) ?? 'RESET';
  if (fields.state !== state) reader.fail(`${path}.state is no state`);
  const ring: RingState = {
    state,
    flags: reader.count(fields.flags, `${path}.flags`, ALL_REQUESTS),
    size: reader.count(fields.size, `${path}.size`, VRING_MAX_LEN),
    desc: reader.count(fields.desc, `${path}.desc`),
    driver: reader.count(fields.driver, `${path}.driver`),
    device: reader.count(fields.device, `${path}.device`),
    availIdx: reader.count(fields.availIdx, `${path}.availIdx`, MAX_U16),
    usedIdx: reader.count(fields.usedIdx, `${path}.usedIdx`, MAX_U16),
    msi: readMsi(reader, fields.msi, `${path}.msi`),
    intr: reader.flag(fields.intr, `${path}.intr`),
    stalled: reader.flag(fields.stalled, `${path}.stalled`),
    inits: reader.count(fields.inits, `${path}.inits`),
    stops: reader.count(fields.stops, `${path}.stops`),
  };
  const { size, flags, desc, driver, device } = ring;
  if ((size & (size - 1)) !== 0) reader.fail(`${path}.size is not a power of two`);
  const set = size > 0 && desc > 0 && driver > 0 && device > 0;
  if (state === 'RESET' ? size !== 0 || flags !== 0 : !set) reader.fail(`${path} is not set up as its state says`);
  if (settled(ring) !== ring) reader.fail(`${path} has a worker with work to do`);
  return ring;
}

function readMsi(reader: StateReader, data: unknown, path: string): RingState['msi'] {
  if (data === null) return null;
  const fields = reader.record(data, path);
  const address = reader.count(fields.address, `${path}.address`);
  if (address === 0) reader.fail(`${path}.address is 0`);
  return { address, message: reader.count(fields.message, `${path}.message`) };
}

function readParams(reader: StateReader, data: unknown): LinkParams {
  const fields = reader.record(data, 'link.params');
  return {
    tx_copy_data: reader.flag(fields.tx_copy_data, 'link.params.tx_copy_data'),
    tx_header_pad: reader.count(fields.tx_header_pad, 'link.params.tx_header_pad', VIONA_MAX_HEADER_PAD),
  };
}

function readMmio(reader: StateReader, data: unknown): LinkState['notifyMmio'] {
  if (data === null) return null;
  const fields = reader.record(data, 'link.notifyMmio');
  return {
    address: reader.count(fields.address, 'link.notifyMmio.address'),
    size: reader.count(fields.size, 'link.notifyMmio.size', MAX_U32),
  };
}

function readUnicast(reader: StateReader, data: unknown, path: string): Mac {
  const mac = reader.count(data, path, MAX_MAC);
  if (isGroup(mac)) reader.fail(`${path} is a group address`);
  return mac;
}

function readFilters(reader: StateReader, data: unknown): Mac[] {
  const filters = reader
    .list(data, 'link.filters', VIONA_MAX_MCAST_FILTERS)
    .map((entry, index) => reader.count(entry, `link.filters[${index}]`, MAX_MAC));
  const odd = filters.some((mac) => !isGroup(mac) || mac === MAC_BROADCAST);
  if (odd || new Set(filters).size !== filters.length) reader.fail('link.filters are not so many groups');
  return filters;
}

function readFaults(reader: StateReader, data: unknown, version: InterfaceVersion): IoctlFault[] {
  return reader.list(data, 'link.faults', MAX_FAULTS).map((entry, index) => {
    const { name, errno } = reader.record(entry, `link.faults[${index}]`);
    if (typeof name === 'string' && isIoctlName(name, version)) {
      const code = faultCodes(name).find((known) => known === errno);
      if (code !== undefined) return { name, errno: code };
    }
    reader.fail(`link.faults[${index}] cannot be injected`);
    return { name: '', errno: 'EINVAL' };
  });
}

/** One entry of an ioctl history, or null. */
export function restoreIoctlRecord(data: unknown): IoctlRecord | null {
  const reader = new StateReader();
  const { name, arg, errno, value, hint } = reader.record(data, 'record');
  if (reader.problem !== null || typeof name !== 'string' || typeof arg !== 'string') return null;
  if (errno !== 0 && !(typeof errno === 'string' && errno.startsWith('E'))) return null;
  if (hint !== undefined && typeof hint !== 'string') return null;
  if (value !== undefined && !isValue(value, MAX_VALUE_DEPTH)) return null;
  return {
    name,
    arg,
    errno: errno as IoctlRecord['errno'],
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function isValue(data: unknown, depth: number): data is IoctlValue {
  if (data === null || typeof data === 'boolean' || typeof data === 'string') return true;
  if (typeof data === 'number') return Number.isFinite(data);
  if (typeof data !== 'object' || depth === 0) return false;
  const entries: unknown[] = Object.values(data);
  return entries.length <= MAX_VALUE_ENTRIES && entries.every((entry) => isValue(entry, depth - 1));
}
