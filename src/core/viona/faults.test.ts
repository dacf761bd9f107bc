import { describe, expect, it } from 'vitest';
import type { Fault } from './faults.ts';
import { addFault, clearFaults, faultsOf } from './faults.ts';
import { linkIoctl } from './ioctl.ts';
import type { LinkState } from './link.ts';
import { createLink } from './link.ts';

const link = createLink({ mac: 0x0200_0000_0015, mtu: 1500 });
const SET = 'VNA_IOC_SET_PROMISC';
const ioctlFault = (errno: string, name = SET): Fault => ({ kind: 'ioctl', name, errno });

function inject(state: LinkState, ...faults: readonly Fault[]): LinkState {
  for (const fault of faults) {
    const added = addFault(state, fault);
    expect(added.error).toBeNull();
    state = added.state;
  }
  return state;
}

const refusal = (fault: unknown, state = link): string | null => {
  const result = addFault(state, fault as Fault);
  expect(result.state).toBe(state);
  return result.error;
};

describe('injecting', () => {
  it('is refused with a sentence for what cannot be', () => {
    expect(refusal(ioctlFault('EIO', 'NONSENSE'))).toMatch(/no ioctl VNA_IOC_NONSENSE: choose one of VNA_IOC_CREATE,/);
    expect(refusal(ioctlFault('EWHAT'))).toMatch(/^EWHAT cannot be injected into VNA_IOC_SET_PROMISC: choose one of/);
    expect(refusal(ioctlFault('VMF_ERR_INSTALL'))).toMatch(/cannot be injected/);
    expect(refusal({ kind: 'ioctl' })).toMatch(/no ioctl/);
    expect(refusal({ kind: 'flood' })).toMatch(/no kind of fault: choose one of ioctl, ring-stall, lease/);
    expect(refusal(null)).toMatch(/no kind of fault/);
    expect(refusal({ kind: 'ring-stall', ring: 2 })).toBe('The link has rings 0 to 1.');
    expect(refusal({ kind: 'ring-stall', ring: '0' })).toBe('The link has rings 0 to 1.');
    const gone = linkIoctl(link, 'VNA_IOC_DELETE', null).state;
    expect(refusal({ kind: 'ring-stall', ring: 0 }, gone)).toBe('There is no link: create it first.');
  });

  it('at most 16 wait', () => {
    const full = inject(link, ...Array.from({ length: 16 }, () => ioctlFault('EIO')));
    expect(refusal(ioctlFault('EIO'), full)).toMatch(/16 faults are waiting/);
  });

  it('takes the name in any spelling', () => {
    expect(inject(link, ioctlFault('EIO', 'set_promisc')).faults).toEqual([{ name: SET, errno: 'EIO' }]);
  });

  it('what is in force already stays as it is', () => {
    const both = inject(link, { kind: 'lease' }, { kind: 'ring-stall', ring: 1 });
    expect(inject(both, { kind: 'lease' }, { kind: 'ring-stall', ring: 1 })).toBe(both);
  });
});

describe('what happens', () => {
  it('faults of one name happen in the order they were injected, those of others wait', () => {
    let state = inject(link, ioctlFault('EIO', 'GET_MTU'), ioctlFault('ENOMEM'), ioctlFault('EBUSY'));
    const errnos = [2, 0, 2, 2].map((mode) => {
      const result = linkIoctl(state, SET, mode);
      state = result.state;
      return result.record.errno;
    });
    expect(errnos).toEqual(['ENOMEM', 0, 'EBUSY', 0]);
    expect(state.faults).toEqual([{ name: 'VNA_IOC_GET_MTU', errno: 'EIO' }]);
    expect(linkIoctl(state, 'VNA_IOC_GET_MTU', null).record.errno).toBe('EIO');
  });

  it('an ioctl that calls nothing that can fail, fails at the door', () => {
    const { state, record } = linkIoctl(inject(link, ioctlFault('EIO', 'SET_MTU')), 'VNA_IOC_SET_MTU', 1);
    expect([record.errno, state.faults]).toEqual(['EIO', []]);
  });
});

describe('taking back', () => {
  const faults: readonly Fault[] = [ioctlFault('EIO'), { kind: 'ring-stall', ring: 1 }, { kind: 'lease' }];

  it('all, or those of one kind', () => {
    const state = inject(link, ...faults);
    expect(faultsOf(state)).toEqual(faults);
    for (const fault of faults) {
      expect(faultsOf(clearFaults(state, fault.kind))).toEqual(faults.filter((each) => each !== fault));
    }
    expect(clearFaults(state)).toEqual(link);
  });

  it('leaves a link without faults as it is', () => {
    expect(clearFaults(link)).toBe(link);
  });

  it('a stall stays with its ring when pairs are changed, an ioctl fault and a renewal also without a link', () => {
    const more = linkIoctl(inject(link, ...faults), 'VNA_IOC_SET_PAIRS', 3).state;
    expect(faultsOf(more)).toContainEqual({ kind: 'ring-stall', ring: 1 });
    const again = linkIoctl(linkIoctl(more, 'VNA_IOC_DELETE', null).state, 'VNA_IOC_CREATE', { linkid: 1, vmfd: 3 });
    expect(faultsOf(again.state)).toEqual([ioctlFault('EIO'), { kind: 'lease' }]);
  });
});
