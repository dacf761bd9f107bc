/** The transport's state as plain data, and the check that data is such a state. */
import { type FeatureSet, hasFeature, VIRTIO_F_VERSION_1 } from '../virtio/features.ts';
import * as S from '../virtio/layout.ts';
import type { QueueState } from '../virtio/queue.ts';
import type { QueueSpec } from '../virtio/device.ts';
import type { StateReader } from '../virtio/state-reader.ts';
import type { FeatureRegistersState } from './feature-registers.ts';
import { PCI_COMMAND_WRITABLE } from './layout.ts';

export interface TransportState {
  readonly status: number;
  readonly negotiated: string;
  readonly features: FeatureRegistersState;
  readonly queueSelect: number;
  readonly generation: number;
  readonly configChanged: boolean;
  readonly isr: number;
  readonly command: number;
  readonly queues: readonly { readonly address: readonly number[]; readonly state: QueueState }[];
  readonly kicks: readonly number[];
  readonly interrupts: readonly number[];
}

export interface CheckedTransportState {
  readonly state: TransportState;
  readonly offered: FeatureSet;
  readonly negotiated: FeatureSet;
}

const U16 = 0xffff;
const U32 = 0xffff_ffff;
const ADDRESS_REGISTERS = 6;
const FEATURE_WORDS = 4;

/** @param offerable the most the device may ever offer */
export function readTransportState(
  read: StateReader,
  value: unknown,
  specs: readonly QueueSpec[],
  offerable: FeatureSet,
): CheckedTransportState {
  const root = read.record(value, 'transport');
  const features = read.record(root.features, 'features');
  const offered = read.features(features.offered, 'features.offered');
  const negotiated = read.features(root.negotiated, 'negotiated');
  const status = read.count(root.status, 'status', 0xff);
  const driver = read.counts(features.driver, 'features.driver', FEATURE_WORDS, U32);
  const isr = read.count(root.isr, 'isr', 3);
  const command = read.count(root.command, 'command', U16);
  checkStatus(read, status);
  if (offered & ~offerable) read.fail('features.offered has bits that this device cannot offer');
  if (negotiated & ~offered) read.fail('negotiated has bits that were not offered');
  if (status & S.VIRTIO_CONFIG_S_FEATURES_OK) {
    const written = driver.reduceRight((set, word) => (set << 32n) | BigInt(word), 0n);
    if (!hasFeature(negotiated, VIRTIO_F_VERSION_1)) read.fail('FEATURES_OK without VIRTIO_F_VERSION_1');
    if (negotiated !== written) read.fail('negotiated is not what the driver wrote');
  } else if (negotiated !== 0n) {
    read.fail('negotiated without FEATURES_OK');
  }
  if (isr !== 0 && !(status & S.VIRTIO_CONFIG_S_DRIVER_OK)) read.fail('isr is set without DRIVER_OK');
  if (command & ~PCI_COMMAND_WRITABLE) read.fail('command has bits that cannot be written');
  const queues = read.list(root.queues, 'queues', specs.length);
  if (queues.length !== specs.length) read.fail(`queues does not have ${specs.length} entries`);
  return {
    offered,
    negotiated,
    state: {
      status,
      negotiated: '',
      features: {
        offered: '',
        driver,
        beyond: read.flag(features.beyond, 'features.beyond'),
        deviceSelect: read.count(features.deviceSelect, 'features.deviceSelect', U32),
        driverSelect: read.count(features.driverSelect, 'features.driverSelect', U32),
      },
      queueSelect: read.count(root.queueSelect, 'queueSelect', U16),
      generation: read.count(root.generation, 'generation', 0xff),
      configChanged: read.flag(root.configChanged, 'configChanged'),
      isr,
      command,
      queues: queues.map((queue, index) => {
        const record = read.record(queue, `queues[${index}]`);
        return {
          address: read.counts(record.address, `queues[${index}].address`, ADDRESS_REGISTERS, U32),
          state: readQueueState(read, record.state, `queues[${index}].state`, specs[index]?.maximumSize ?? 0),
        };
      }),
      kicks: read.counts(root.kicks, 'kicks', specs.length),
      interrupts: read.counts(root.interrupts, 'interrupts', specs.length),
    },
  };
}

/** Each step of initialisation stands on the one before it, and nothing but a reset takes one back. */
function checkStatus(read: StateReader, status: number): void {
  if (status & ~(S.VIRTIO_CONFIG_S_BY_DRIVER | S.VIRTIO_CONFIG_S_NEEDS_RESET)) read.fail('status has unknown bits');
  const steps = [
    S.VIRTIO_CONFIG_S_ACKNOWLEDGE,
    S.VIRTIO_CONFIG_S_DRIVER,
    S.VIRTIO_CONFIG_S_FEATURES_OK,
    S.VIRTIO_CONFIG_S_DRIVER_OK,
  ];
  const taken = steps.map((step) => (status & step) !== 0);
  if (taken.some((step, index) => step && !(taken[index - 1] ?? true))) read.fail('status skips a step');
}

function readQueueState(read: StateReader, value: unknown, path: string, maximumSize: number): QueueState {
  const record = read.record(value, path);
  const size = read.count(record.size, `${path}.size`, U16);
  if (!S.isQueueSize(size, maximumSize)) read.fail(`${path}.size is not a queue size`);
  const state = {
    size,
    enabled: read.flag(record.enabled, `${path}.enabled`),
    desc: read.count(record.desc, `${path}.desc`),
    driver: read.count(record.driver, `${path}.driver`),
    device: read.count(record.device, `${path}.device`),
    availIdx: read.count(record.availIdx, `${path}.availIdx`, U16),
    usedIdx: read.count(record.usedIdx, `${path}.usedIdx`, U16),
    notify: read.flag(record.notify, `${path}.notify`),
  };
  // A buffer that was taken was given back before the snapshot. Besides, a used index ahead of the available
  // one, in rings that overlap, would have the device offer itself work for ever.
  if (state.availIdx !== state.usedIdx) read.fail(`${path} has buffers under way`);
  if (!state.enabled && state.desc + state.driver + state.device + state.availIdx !== 0) {
    read.fail(`${path} is not enabled but has areas or positions`);
  }
  return state;
}
