import { describe, expect, it } from 'vitest';
import { IOCTL_NAMES, IOCTLS, ioctlName, ioctlNumber } from './ioctl-table.ts';

describe('the table of ioctls', () => {
  it('has the numbers of viona_io.h', () => {
    expect(ioctlNumber('VNA_IOC_GET_FEATURES')).toBe(0x0056_4322);
    expect(Object.fromEntries(IOCTL_NAMES.map((name) => [name.slice(8), ioctlNumber(name) & 0xff]))).toEqual({
      CREATE: 0x01,
      DELETE: 0x02,
      VERSION: 0x03,
      DEFAULT_PARAMS: 0x04,
      RING_INIT: 0x10,
      RING_RESET: 0x11,
      RING_KICK: 0x12,
      RING_SET_MSI: 0x13,
      RING_INTR_CLR: 0x14,
      RING_SET_STATE: 0x15,
      RING_GET_STATE: 0x16,
      RING_PAUSE: 0x17,
      RING_INIT_MODERN: 0x18,
      INTR_POLL: 0x20,
      SET_FEATURES: 0x21,
      GET_FEATURES: 0x22,
      SET_NOTIFY_IOP: 0x23,
      SET_PROMISC: 0x24,
      GET_PARAMS: 0x25,
      SET_PARAMS: 0x26,
      GET_MTU: 0x27,
      SET_MTU: 0x28,
      SET_NOTIFY_MMIO: 0x29,
      INTR_POLL_MQ: 0x2a,
      SET_MAC_FILTERS: 0x2b,
      GET_MAC_FILTERS: 0x2c,
      SET_MAC_ADDR: 0x2d,
      GET_MAC_ADDR: 0x2e,
      GET_PAIRS: 0x30,
      SET_PAIRS: 0x31,
      GET_USEPAIRS: 0x32,
      SET_USEPAIRS: 0x33,
    });
  });

  it('has the sizes of the structures, and no field lies outside or over another', () => {
    const sizes = { CREATE: 8, RING_INIT_MODERN: 32, RING_SET_STATE: 32, RING_SET_MSI: 24, INTR_POLL_MQ: 68 };
    const more = { SET_NOTIFY_MMIO: 16, GET_PARAMS: 16, SET_PARAMS: 32, SET_MAC_FILTERS: 24, SET_MAC_ADDR: 12 };
    for (const [name, bytes] of Object.entries({ ...sizes, ...more })) {
      expect(IOCTLS[ioctlName(name) as 'VNA_IOC_CREATE'].bytes).toBe(bytes);
    }
    for (const { bytes, layout } of Object.values(IOCTLS)) {
      let end = 0;
      for (const { offset, size, count = 1 } of layout) {
        expect(offset).toBeGreaterThanOrEqual(end);
        end = offset + size * count;
      }
      if (layout.length > 0) expect(end).toBeLessThanOrEqual(Number(bytes));
    }
  });

  it('is found by name in any spelling, or by number', () => {
    expect(['set_promisc', ' VNA_IOC_SET_PROMISC ', '0x564324', '5653284'].map(ioctlName)).toEqual(
      Array(4).fill('VNA_IOC_SET_PROMISC'),
    );
    expect(ioctlName('0x5643ff')).toBe('VNA_IOC_0X5643FF');
  });
});
