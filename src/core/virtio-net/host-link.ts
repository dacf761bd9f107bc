/** The device's line to the host: facts that the host cannot refuse, though it can give up. */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import type { Transport } from '../virtio/device.ts';

/** The host: decides what a command does. */
export interface DeviceHost {
  rxEvent(event: RxEvent): HostAnswer | Promise<HostAnswer>;
}

/** The other thread failed: host and device no longer agree on what the driver was promised. */
const NO_ANSWER: HostAnswer = { ack: 'ERR', reason: 'The host did not answer.', needsReset: true, generation: 0 };

export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && 'then' in value;

/** Tells a fact. `done` hears of the answer unless a reset came first. */
export function tellHost(
  host: DeviceHost,
  transport: Transport,
  event: RxEvent,
  done: (answer: HostAnswer) => void = () => undefined,
): void {
  const { epoch } = transport;
  const answered = (answer: HostAnswer): void => {
    if (transport.epoch !== epoch) return;
    done(answer);
    if (answer.needsReset) transport.needsReset(answer.reason ?? 'The host gave up.');
  };
  const answer = host.rxEvent(event);
  if (isPromise(answer)) answer.then(answered, () => answered(NO_ANSWER));
  else answered(answer);
}
