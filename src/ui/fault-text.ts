/** Injected faults in words: what waits, what is in force, and what has come of one. */
import type { LabModel } from '../core/trace/model.ts';
import type { Fault, FaultKind } from '../protocol/api.ts';

/** Whether what of a kind is injected lies in wait or acts now, and how it is taken back. */
export const FAULT_STATES: Readonly<Record<FaultKind, { readonly when: string; readonly undo: string }>> = {
  ioctl: { when: 'waiting', undo: 'let the ioctls succeed' },
  'ring-stall': { when: 'in force', undo: 'let the rings go on' },
  lease: { when: 'in force', undo: 'end the renewal' },
  shortage: { when: 'waiting', undo: 'let the packet have its buffers' },
};

/** In the link of the model in force and in the device. */
export function injectedFaults({ faults, shortage }: LabModel): readonly Fault[] {
  return shortage ? [...faults, { kind: 'shortage' }] : faults;
}

export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'ioctl':
      return `the next ${short(fault.name)} fails with ${fault.errno}`;
    case 'ring-stall':
      return `the worker of ring ${fault.ring} stands still`;
    case 'lease':
      return 'the lease on guest memory is being renewed';
    case 'shortage':
      return 'the next packet of several buffers runs short';
  }
}

/** What waited in `before` and has happened since; null if nothing did. */
export function happened(before: LabModel, now: LabModel): string | null {
  for (const fault of before.faults) {
    if (fault.kind !== 'ioctl' || waiting(now, fault) >= waiting(before, fault)) continue;
    const failed = now.ioctls.entries.some(
      ({ seq, event }) => seq >= before.seq && event.name === fault.name && event.errno === fault.errno,
    );
    if (failed) return `It happened: ${short(fault.name)} failed with ${fault.errno}. Logs › Ioctls has it.`;
  }
  return null;
}

function waiting({ faults }: LabModel, { name, errno }: Extract<Fault, { kind: 'ioctl' }>): number {
  return faults.filter((each) => each.kind === 'ioctl' && each.name === name && each.errno === errno).length;
}

const short = (name: string): string => name.replace('VNA_IOC_', '');
