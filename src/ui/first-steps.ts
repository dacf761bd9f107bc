/** What somebody new does first, and how the lab can tell that it was done. */
import type { LabStore } from './store.ts';

export interface FirstStep {
  readonly command: string;
  readonly why: string;
  readonly done: (store: LabStore) => boolean;
}

export const FIRST_STEPS: readonly FirstStep[] = [
  {
    command: 'ip link set eth0 up',
    why: 'starts the device: the driver asks for its groups',
    done: ({ model, frames }) => model.rxMode.promisc !== null || frames.counters.sent > 0,
  },
  {
    command: 'ping -c 3 10.0.2.2',
    why: 'makes the first packets',
    done: ({ frames }) => frames.counters.fate('delivered') > 0,
  },
  {
    command: 'ip link set eth0 promisc on',
    why: 'makes the guest ask for every frame',
    done: ({ model }) => model.rxMode.promisc === true,
  },
];
