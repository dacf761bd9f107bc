import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import { REG, STATUS } from '../testing/driver-ports.ts';
import type { FakeDriver } from '../testing/fake-driver.ts';

const VERSION_1 = 1n << 32n;
const CTRL_VQ = 1n << 17n;
const CTRL_RX = 1n << 18n;
const { ACKNOWLEDGE, DRIVER, FEATURES_OK } = STATUS;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  bench = new DeviceBench();
  driver = bench.driver({ initialise: false });
});

describe('features', () => {
  it('RSVD-01: VERSION_1 is offered', () => {
    expect(driver.offered() & VERSION_1).toBe(VERSION_1);
  });

  it('BASE-FEAT-02, BASE-FEAT-05: every legal subset is accepted, and accepted again after a reset', () => {
    const rest = [3, 5, 16, 28].map((bit) => 1n << BigInt(bit));
    for (let mask = 0; mask < 1 << rest.length; mask++) {
      const some = rest.reduce((set, bit, i) => ((mask >> i) & 1 ? set | bit : set), VERSION_1);
      for (const features of [some, some | CTRL_VQ, some | CTRL_VQ | CTRL_RX, some]) {
        driver.reset();
        driver.acknowledge();
        expect(driver.negotiate(features)).toBe(true);
      }
    }
  });

  it('PCI-COMMON-03: device_feature shows the selected word, and zero beyond the last', () => {
    const words = [0, 1, 2, 3, 4, 0x8000_0000, 0xffff_ffff].map((select) => {
      driver.common.write(REG.device_feature_select, 4, select);
      expect(driver.common.read(REG.device_feature_select, 4)).toBe(select);
      return driver.common.read(REG.device_feature, 4);
    });
    expect(words).toEqual([0x1007_0028, 1, 0, 0, 0, 0, 0]);
  });

  it('PCI-COMMON-04, PCI-COMMON-05: driver_feature reads back what was written, by word', () => {
    driver.writeFeatures(0x8000_0004_1234_5678n);
    driver.common.write(REG.driver_feature_select, 4, 0);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x1234_5678);
    driver.common.write(REG.driver_feature_select, 4, 1);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x8000_0004);
    driver.common.write(REG.driver_feature_select, 4, 9);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0);
  });

  it('PCI-LAYOUT-01: 32-bit fields work in 16-bit halves, as iPXE reads them', () => {
    driver.common.write(REG.device_feature_select, 2, 0);
    expect(driver.common.read(REG.device_feature, 2)).toBe(0x0028);
    expect(driver.common.read(REG.device_feature + 2, 2)).toBe(0x1007);
    driver.common.write(REG.driver_feature, 2, 0x5678);
    driver.common.write(REG.driver_feature + 2, 2, 0x1234);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0x1234_5678);
  });

  it('BASE-FEAT-02: every legal subset is accepted', () => {
    const optional = [3n, 5n, 16n, 17n, 18n, 28n];
    for (let choice = 0; choice < 1 << optional.length; choice++) {
      const wanted = optional.reduce((set, bit, i) => (choice & (1 << i) ? set | (1n << bit) : set), VERSION_1);
      const legal = (wanted & CTRL_RX) === 0n || (wanted & CTRL_VQ) !== 0n;
      driver.reset();
      driver.acknowledge();
      expect(driver.negotiate(wanted)).toBe(legal);
    }
  });

  it.each([
    ['NET-DEP-18: CTRL_RX without CTRL_VQ', VERSION_1 | CTRL_RX, 'feature-dependency'],
    ['RSVD-02: VERSION_1 declined', CTRL_VQ, 'version-1-declined'],
    ['a bit that was not offered', VERSION_1 | (1n << 34n), 'feature-not-offered'],
    ['a bit of the last word', VERSION_1 | (1n << 127n), 'feature-not-offered'],
  ])('BASE-FEAT-03: FEATURES_OK stays clear for %s', (_name, set, code) => {
    driver.acknowledge();
    driver.writeFeatures(set);
    driver.addStatus(FEATURES_OK);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER);
    expect(bench.errors()).toEqual([code]);
    expect(bench.eventsOf('features-judged')).toMatchObject([{ ok: false, reason: expect.any(String) as string }]);
    expect(bench.hostEvents.filter(({ type }) => type === 'negotiated')).toEqual([]);
  });

  it('BASE-FEAT-03: a bit beyond every word that is kept is refused too', () => {
    driver.acknowledge();
    driver.writeFeatures(VERSION_1);
    driver.common.write(REG.driver_feature_select, 4, 7);
    driver.common.write(REG.driver_feature, 4, 1);
    driver.addStatus(FEATURES_OK);
    expect(driver.status & FEATURES_OK).toBe(0);
  });

  it.each([4, 0xffff_ffff])(
    'BASE-FEAT-03: word %d holds no bit that could be accepted; zero may be written there',
    (word) => {
      driver.acknowledge();
      driver.writeFeatures(VERSION_1);
      driver.common.write(REG.driver_feature_select, 4, word);
      driver.common.write(REG.driver_feature, 4, 0);
      driver.addStatus(FEATURES_OK);
      expect(driver.status & FEATURES_OK).toBe(FEATURES_OK);
      driver.reset();
      driver.acknowledge();
      driver.writeFeatures(VERSION_1);
      driver.common.write(REG.driver_feature_select, 4, word);
      driver.common.write(REG.driver_feature, 4, 1);
      driver.addStatus(FEATURES_OK);
      expect(driver.status & FEATURES_OK).toBe(0);
      expect(bench.eventsOf('features-judged').at(-1)?.reason).toContain('bit 128');
    },
  );

  it('a refused driver may choose again', () => {
    driver.acknowledge();
    driver.writeFeatures(CTRL_RX);
    driver.addStatus(FEATURES_OK);
    expect(driver.negotiate(VERSION_1)).toBe(true);
  });

  it('features-after-ok: later changes are ignored', () => {
    driver.acknowledge();
    driver.negotiate(VERSION_1);
    driver.writeFeatures(VERSION_1 | CTRL_VQ);
    driver.common.write(REG.driver_feature_select, 4, 0);
    expect(driver.common.read(REG.driver_feature, 4)).toBe(0);
    expect(bench.device.describe().features.negotiated).toBe('0x0000000100000000');
    expect(bench.errors()).toContain('features-after-ok');
  });

  it('BASE-FEAT-04: the host cannot make the device offer what it does not implement', () => {
    bench.device.setOffers((1n << 128n) - 1n);
    driver.reset();
    // Legacy-only bits, shared memory's and the platform's, admin queues, standby, IPsec, and all without a name.
    const absent = [4, 6, 24, 25, 26, 27, 30, 31, 33, 36, 37, 41, 42, 44, 49, 62, 70, 71, 127];
    for (const bit of absent) expect((driver.offered() >> BigInt(bit)) & 1n, `bit ${bit}`).toBe(0n);
  });

  it('setOffers takes effect at the next reset, not before', () => {
    bench.device.setOffers(0x1_1003_0028n);
    expect(driver.offered() & CTRL_RX).toBe(CTRL_RX);
    driver.reset();
    expect(driver.offered() & CTRL_RX).toBe(0n);
    expect(bench.eventsOf('device-reset').at(-1)).toMatchObject({ kind: 'driver', offered: '0x0000000110030028' });
  });
});
