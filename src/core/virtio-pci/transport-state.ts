/** The transport's state as plain data, and the check that data is such a state. */
import {
  type FeatureSet,
  hasFeature,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from '../virtio/features.ts';
import * as S from '../virtio/layout.ts';
import type { QueueSpec } from '../virtio/device.ts';
import { readQueueState } from '../virtio/queue-state.ts';
import type { StateReader } from '../virtio/state-reader.ts';
import type { DeviceConfigState } from './device-config.ts';
import { type FeatureRegistersState, legacyOffer } from './feature-registers.ts';
import type { InterruptsState } from './interrupts.ts';
import * as P from './layout.ts';
import { type MsixState, pendingBytes } from './msix.ts';
import type { FunctionKind } from './pci-function.ts';
import type { BankedQueueState } from './queue-bank.ts';

export interface TransportState {
  readonly status: number;
  /** A legacy driver is in charge. */
  readonly legacy: boolean;
  readonly negotiated: string;
  readonly features: FeatureRegistersState;
  readonly queueSelect: number;
  readonly legacyQueueSelect: number;
  readonly config: DeviceConfigState;
  /** A configuration interrupt is due when the device resumes. */
  readonly owed: boolean;
  /** PCI command register. */
  readonly command: number;
  readonly signals: InterruptsState;
  readonly queues: readonly BankedQueueState[];
  readonly kicks: readonly number[];
  readonly interrupts: readonly number[];
}

export interface CheckedTransportState {
  readonly state: TransportState;
  readonly offered: FeatureSet;
  readonly negotiated: FeatureSet;
}

/** The device that a state is read for. */
export interface TransportLimits {
  readonly specs: readonly QueueSpec[];
  /** What kind of function it was. */
  readonly kind: FunctionKind;
  /** The machine knows messages. */
  readonly messages: boolean;
  /** Bytes of device configuration. */
  readonly configSize: number;
  /** The most it may ever offer. */
  readonly offerable: FeatureSet;
}

const U8 = 0xff;
const U16 = 0xffff;
const U32 = 0xffff_ffff;
const ADDRESS_REGISTERS = 6;
const FEATURE_WORDS = 4;
const MSIX_CONTROL_WRITABLE = P.MSIX_CONTROL_ENABLE | P.MSIX_CONTROL_FUNCTION_MASK;

export function readTransportState(
  read: StateReader,
  value: unknown,
  { specs, configSize, offerable, kind, messages }: TransportLimits,
): CheckedTransportState {
  const root = read.record(value, 'transport');
  const status = read.count(root.status, 'status', U8);
  const legacy = read.flag(root.legacy, 'legacy');
  const features = read.record(root.features, 'features');
  const offered = read.features(features.offered, 'features.offered');
  const negotiated = read.features(root.negotiated, 'negotiated');
  const driver = read.counts(features.driver, 'features.driver', FEATURE_WORDS, U32);
  if (offered & ~offerable) read.fail('features.offered has bits that this device cannot offer');
  if (legacy) checkLegacy(read, status, offered, negotiated);
  else checkModern(read, status, offered, negotiated, driver);
  const suspended = (status & S.VIRTIO_CONFIG_S_SUSPEND) !== 0;
  const owed = read.flag(root.owed, 'owed');
  if (owed && !suspended) read.fail('owed, but the device is not suspended');
  const command = read.count(root.command, 'command', U16);
  if (command & ~P.PCI_COMMAND_WRITABLE) read.fail('command has bits that cannot be written');
  const signals = readSignals(read, root.signals, specs.length);
  if (legacy && !kind.transitional) read.fail('legacy, but the function is not transitional');
  if ((signals.msix !== null) !== messages) read.fail('signals.msix, but only one of the two machines knows messages');
  const mapped = signals.vectors.some((vector) => vector !== P.VIRTIO_MSI_NO_VECTOR);
  if (!kind.msix && (mapped || signals.msix?.control)) read.fail('signals.msix is in use, but not shown');
  const told = (status & (S.VIRTIO_CONFIG_S_DRIVER_OK | S.VIRTIO_CONFIG_S_SUSPEND)) !== 0 || legacy;
  if (signals.isr !== 0 && !told) read.fail('isr is set without DRIVER_OK');
  const packed = hasFeature(negotiated, VIRTIO_F_RING_PACKED);
  const queues = read.list(root.queues, 'queues', specs.length);
  if (queues.length !== specs.length) read.fail(`queues does not have ${specs.length} entries`);
  return {
    offered,
    negotiated,
    state: {
      status,
      legacy,
      negotiated: '',
      features: {
        offered: '',
        driver,
        beyond: read.flag(features.beyond, 'features.beyond'),
        deviceSelect: read.count(features.deviceSelect, 'features.deviceSelect', U32),
        driverSelect: read.count(features.driverSelect, 'features.driverSelect', U32),
      },
      queueSelect: read.count(root.queueSelect, 'queueSelect', U16),
      legacyQueueSelect: read.count(root.legacyQueueSelect, 'legacyQueueSelect', U16),
      config: readConfig(read, root.config, suspended ? configSize : null),
      owed,
      command,
      signals,
      queues: queues.map((queue, index) => {
        const record = read.record(queue, `queues[${index}]`);
        return {
          address: read.counts(record.address, `queues[${index}].address`, ADDRESS_REGISTERS, U32),
          state: readQueueState(read, record.state, `queues[${index}].state`, specs[index]?.maximumSize ?? 0, packed),
        };
      }),
      kicks: read.counts(root.kicks, 'kicks', specs.length),
      interrupts: read.counts(root.interrupts, 'interrupts', specs.length),
    },
  };
}

function checkModern(
  read: StateReader,
  status: number,
  offered: FeatureSet,
  negotiated: FeatureSet,
  driver: readonly number[],
): void {
  // A suspended device shows SUSPEND in the place of DRIVER_OK.
  const suspended = (status & S.VIRTIO_CONFIG_S_SUSPEND) !== 0;
  const running = suspended ? status ^ (S.VIRTIO_CONFIG_S_SUSPEND | S.VIRTIO_CONFIG_S_DRIVER_OK) : status;
  if (suspended && !hasFeature(negotiated, VIRTIO_F_SUSPEND)) read.fail('suspended without VIRTIO_F_SUSPEND');
  checkStatus(read, running, [
    S.VIRTIO_CONFIG_S_ACKNOWLEDGE,
    S.VIRTIO_CONFIG_S_DRIVER,
    S.VIRTIO_CONFIG_S_FEATURES_OK,
    S.VIRTIO_CONFIG_S_DRIVER_OK,
  ]);
  if (negotiated & ~offered) read.fail('negotiated has bits that were not offered');
  if (status & S.VIRTIO_CONFIG_S_FEATURES_OK) {
    const written = driver.reduceRight((set, word) => (set << 32n) | BigInt(word), 0n);
    if (!hasFeature(negotiated, VIRTIO_F_VERSION_1)) read.fail('FEATURES_OK without VIRTIO_F_VERSION_1');
    if (negotiated !== written) read.fail('negotiated is not what the driver wrote');
  } else if (negotiated !== 0n) {
    read.fail('negotiated without FEATURES_OK');
  }
}

function checkLegacy(read: StateReader, status: number, offered: FeatureSet, negotiated: FeatureSet): void {
  const steps = [S.VIRTIO_CONFIG_S_ACKNOWLEDGE, S.VIRTIO_CONFIG_S_DRIVER, S.VIRTIO_CONFIG_S_DRIVER_OK];
  checkStatus(read, status, steps);
  if (!(status & S.VIRTIO_CONFIG_S_DRIVER)) read.fail('legacy without DRIVER');
  if (negotiated & ~legacyOffer(offered)) read.fail('negotiated has bits that were not offered to a legacy driver');
}

/** Each step of initialisation stands on the one before it, and nothing but a reset takes one back. */
function checkStatus(read: StateReader, status: number, steps: readonly number[]): void {
  const known = steps.reduce((bits, bit) => bits | bit, S.VIRTIO_CONFIG_S_FAILED | S.VIRTIO_CONFIG_S_NEEDS_RESET);
  if (status & ~known) read.fail('status has unknown bits');
  const taken = steps.map((step) => (status & step) !== 0);
  if (taken.some((step, index) => step && !(taken[index - 1] ?? true))) read.fail('status skips a step');
}

/** @param frozen how many bytes a suspended device shows; null if it is not suspended */
function readConfig(read: StateReader, value: unknown, frozen: number | null): DeviceConfigState {
  const config = read.record(value, 'config');
  if (frozen === null && config.frozen !== null) read.fail('config.frozen, but the device is not suspended');
  return {
    generation: read.count(config.generation, 'config.generation', U8),
    changed: read.flag(config.changed, 'config.changed'),
    frozen: frozen === null ? null : read.counts(config.frozen, 'config.frozen', frozen, U8),
  };
}

function readSignals(read: StateReader, value: unknown, queues: number): InterruptsState {
  const signals = read.record(value, 'signals');
  const events = queues + 1;
  const vectors = read.counts(signals.vectors, 'signals.vectors', events, U16);
  const msix = signals.msix === null ? null : readMsix(read, signals.msix, events);
  const mapped = vectors.filter((vector) => vector !== P.VIRTIO_MSI_NO_VECTOR);
  if (mapped.some((vector) => vector >= events || msix === null)) read.fail('signals.vectors names no vector');
  return { isr: read.count(signals.isr, 'signals.isr', 3), vectors, msix };
}

function readMsix(read: StateReader, value: unknown, vectors: number): MsixState {
  const msix = read.record(value, 'signals.msix');
  const control = read.count(msix.control, 'signals.msix.control', U16);
  if (control & ~MSIX_CONTROL_WRITABLE) read.fail('signals.msix.control has bits that cannot be written');
  const words = P.MSIX_ENTRY_SIZE / 4;
  const table = read.counts(msix.table, 'signals.msix.table', words * vectors, U32);
  if (table.some((word, index) => index % words === 3 && word > 1)) read.fail('signals.msix.table has unknown bits');
  if (table.some((word, index) => index % words === 0 && word % 4 !== 0)) read.fail('signals.msix.table is misaligned');
  const pending = read.counts(msix.pending, 'signals.msix.pending', pendingBytes(vectors), U8);
  const beyond = pending.some((byte, index) => byte >> Math.max(0, vectors - 8 * index) !== 0);
  if (beyond) read.fail('signals.msix.pending names no vector');
  return { control, table, pending };
}
