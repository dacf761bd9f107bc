/** What a VMM without a link answers: no ioctls, so only state, ack and reason are left. */
import type { IoctlRecord } from '../viona/link.ts';
import { ioctlArgumentText } from '../viona/ioctl-arguments.ts';
import type { HostModel, Transition } from './host-model.ts';

export function done<S>(state: S): Transition<S> {
  return { state, ack: 'OK', ioctls: [], reason: null, needsReset: false };
}

export function refuse<S>(state: S, reason: string): Transition<S> {
  return { state, ack: 'ERR', ioctls: [], reason, needsReset: false };
}

type LinkHalf = 'link' | 'ioctl' | 'fault' | 'clearFaults';

/** The link half of a model that has no link. */
export function withoutLink<S>(): Pick<HostModel<S>, LinkHalf> {
  return {
    link: () => null,
    // There is no link to open: open(2) itself would fail so.
    ioctl: (state, name, arg) => {
      const record: IoctlRecord = { name, arg: ioctlArgumentText(name, arg), errno: 'ENXIO' };
      return { state, record };
    },
    fault: (state) => ({
      state,
      error: 'This model has no viona link in which something could fail: choose a Propolis model.',
    }),
    clearFaults: (state) => state,
  };
}
