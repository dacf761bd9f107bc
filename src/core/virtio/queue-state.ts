/** Checks that data is the state of a queue. Whether its areas lie in guest memory is for `restore` to say. */
import { isQueueSize } from './layout.ts';
import type { QueueState } from './queue.ts';
import type { StateReader } from './state-reader.ts';

const U16 = 0xffff;

/** @param packed whether the layout is the packed one, under the features that were saved with the queue */
export function readQueueState(
  read: StateReader,
  value: unknown,
  path: string,
  maximumSize: number,
  packed: boolean,
): QueueState {
  const record = read.record(value, path);
  const size = read.count(record.size, `${path}.size`, U16);
  if (!isQueueSize(size, maximumSize, packed)) read.fail(`${path}.size is not a queue size`);
  const state = {
    size,
    enabled: read.flag(record.enabled, `${path}.enabled`),
    desc: read.count(record.desc, `${path}.desc`),
    driver: read.count(record.driver, `${path}.driver`),
    device: read.count(record.device, `${path}.device`),
    position: read.count(record.position, `${path}.position`, U16),
    notify: read.flag(record.notify, `${path}.notify`),
  };
  if (!state.enabled && state.desc + state.driver + state.device + state.position !== 0) {
    read.fail(`${path} is not enabled but has areas or a position`);
  }
  return state;
}
