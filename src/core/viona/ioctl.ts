/**
 * The link's ioctls, as users, tests and the VMM half of a model issue them: by name, with one number.
 *
 * Fault injection sits where the real failure would. An injected ENXIO fails the ioctl at the door (the
 * link is being destroyed: nothing was touched). Any other errno on SET_PROMISC is what `mac_promisc_add`
 * answers, so it is used up only by a call that gets that far: not by a mode out of range, not by the
 * recorded level, not by NONE. On other ioctls a fault fails at the door.
 */
import type { Errno, IoctlRecord, LinkState } from './link.ts';
import { PROMISC_LEVELS, setPromisc } from './link.ts';

export const VNA_IOC_VERSION = 'VNA_IOC_VERSION';
export const VNA_IOC_SET_PROMISC = 'VNA_IOC_SET_PROMISC';
export const VNA_IOC_GET_MTU = 'VNA_IOC_GET_MTU';
export const VNA_IOC_SET_MTU = 'VNA_IOC_SET_MTU';

/** Those that the lab's link knows; all others answer ENOTTY. */
export const IOCTL_NAMES = [VNA_IOC_VERSION, VNA_IOC_SET_PROMISC, VNA_IOC_GET_MTU, VNA_IOC_SET_MTU] as const;

/** errnos that can be injected. */
export const FAULT_ERRNOS = ['EBUSY', 'EINTR', 'EINVAL', 'EIO', 'ENOMEM', 'ENOTSUP', 'ENXIO'] as const;

/** Of the reference commit. @source viona_io.h VIONA_CURRENT_INTERFACE_VERSION */
export const VIONA_INTERFACE_VERSION = 6;
export const VIONA_MIN_MTU = 68;
export const VIONA_MAX_MTU = 65535;

const PREFIX = 'VNA_IOC_';
/** Faults that wait: more are refused, so that a script cannot grow the state without bound. */
export const MAX_FAULTS = 16;

/** The full name: people may leave the prefix away and write in lower case. */
export function ioctlName(text: string): string {
  const name = text.trim().toUpperCase();
  return name.startsWith(PREFIX) ? name : PREFIX + name;
}

/** The number that an argument stands for, or NaN: `MULTI`, `1`, `0x5dc`, 1500. */
export function ioctlArgument(name: string, arg: string | number): number {
  if (typeof arg === 'number') return arg;
  const text = arg.trim();
  if (name === VNA_IOC_SET_PROMISC) {
    const level = (PROMISC_LEVELS as readonly string[]).indexOf(text.toUpperCase());
    if (level >= 0) return level;
  }
  return text === '' ? 0 : Number(text);
}

export interface IoctlResult {
  readonly state: LinkState;
  readonly record: IoctlRecord;
}

export function linkIoctl(link: LinkState, name: string, arg: number): IoctlResult {
  const text = ioctlArgumentText(name, arg);
  const answer = (state: LinkState, errno: Errno, value?: number): IoctlResult => ({
    state,
    record: { name, arg: text, errno, ...(value === undefined || errno !== 0 ? {} : { value }) },
  });
  if (!(IOCTL_NAMES as readonly string[]).includes(name)) return answer(link, 'ENOTTY');

  const fault = link.faults.find((waiting) => waiting.name === name);
  const atTheDoor = fault !== undefined && (name !== VNA_IOC_SET_PROMISC || fault.errno === 'ENXIO');
  if (atTheDoor) return answer(withoutFault(link, fault), fault.errno);

  switch (name) {
    case VNA_IOC_VERSION:
      return answer(link, 0, VIONA_INTERFACE_VERSION);
    case VNA_IOC_GET_MTU:
      return answer(link, 0, link.config.mtu);
    case VNA_IOC_SET_MTU:
      if (!Number.isInteger(arg) || arg < VIONA_MIN_MTU || arg > VIONA_MAX_MTU) return answer(link, 'EINVAL');
      return answer(arg === link.config.mtu ? link : { ...link, config: { ...link.config, mtu: arg } }, 0);
    default: {
      const result = setPromisc(link, arg, fault?.errno ?? 0);
      // Touched and failed: the call got as far as mac_promisc_add, and the fault has happened.
      if (fault?.errno !== result.errno || result.link === link) return answer(result.link, result.errno);
      return answer(withoutFault(result.link, fault), result.errno);
    }
  }
}

/** Makes the next ioctl of that name fail; the sentence says why not, if not. */
export function addFault(link: LinkState, name: string, errno: string): { state: LinkState; error: string | null } {
  if (!(IOCTL_NAMES as readonly string[]).includes(name)) {
    return { state: link, error: `The link has no ioctl ${name}: choose one of ${IOCTL_NAMES.join(', ')}.` };
  }
  const known = FAULT_ERRNOS.find((each) => each === errno);
  if (!known) {
    return { state: link, error: `${errno} cannot be injected: choose one of ${FAULT_ERRNOS.join(', ')}.` };
  }
  if (link.faults.length >= MAX_FAULTS) {
    return { state: link, error: `${MAX_FAULTS} faults are waiting already: let some of them happen first.` };
  }
  return { state: { ...link, faults: [...link.faults, { name, errno: known }] }, error: null };
}

function withoutFault(link: LinkState, fault: LinkState['faults'][number]): LinkState {
  return { ...link, faults: link.faults.filter((waiting) => waiting !== fault) };
}

/** The argument as people write it. */
export function ioctlArgumentText(name: string, arg: number): string {
  if (name === VNA_IOC_VERSION || name === VNA_IOC_GET_MTU) return '';
  return (name === VNA_IOC_SET_PROMISC ? PROMISC_LEVELS[arg] : undefined) ?? String(arg);
}
