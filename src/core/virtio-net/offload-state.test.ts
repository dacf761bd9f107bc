import { describe, expect, it } from 'vitest';
import * as C from '../testing/command-bytes.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import { OffloadState } from './offload-state.ts';

const bits = (...numbers: number[]): bigint => numbers.reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
const GUEST_CSUM = 1;
const CTRL_GUEST_OFFLOADS = 2;
const TSO4 = 7;
const TSO6 = 8;
const ECN = 9;
const USO4 = 54;
const USO6 = 55;

describe('offload state', () => {
  it('NET-GOFF-01: all that were negotiated are on at first; SET replaces the whole set', () => {
    const bench = new DeviceBench({ offers: bits(GUEST_CSUM, CTRL_GUEST_OFFLOADS, TSO4, TSO6, USO4, USO6) });
    const driver = bench.driver();
    const names = (): string => bench.device.describe().offloads.join(' ').replaceAll('VIRTIO_NET_F_GUEST_', '');
    expect(names()).toBe('CSUM TSO4 TSO6 USO4 USO6');
    expect(driver.ask(C.offloadsSet(bits(GUEST_CSUM, USO6)), 1).bytes[0]).toBe(0);
    expect(names()).toBe('CSUM USO6');
    expect(driver.ask(C.offloadsSet(bits(GUEST_CSUM, TSO4)), 1).bytes[0]).toBe(0);
    expect(names()).toBe('CSUM TSO4');
    expect(driver.ask(C.offloadsSet(0n), 1).bytes[0]).toBe(0);
    expect(names()).toBe('');
    driver.initialise();
    expect(names()).toBe('CSUM TSO4 TSO6 USO4 USO6');
    driver.reset();
    expect(names()).toBe('');
  });

  it.each([TSO6, ECN, 46, 47, 0, 63])('ctrl-bad-offloads: bit %d was not negotiated, so nothing changes', (bit) => {
    const bench = new DeviceBench({ offers: bits(GUEST_CSUM, CTRL_GUEST_OFFLOADS, TSO4) });
    const driver = bench.driver();
    driver.ask(C.offloadsSet(bits(GUEST_CSUM)), 1);
    expect(driver.ask(C.offloadsSet(bits(GUEST_CSUM, TSO4, bit)), 1).bytes[0]).toBe(1);
    expect(bench.errors()).toEqual(['ctrl-bad-offloads']);
    expect(bench.device.describe().offloads).toEqual(['VIRTIO_NET_F_GUEST_CSUM']);
  });

  it('without CTRL_GUEST_OFFLOADS there is no command', () => {
    const bench = new DeviceBench({ offers: bits(GUEST_CSUM, TSO4) });
    expect(bench.driver().ask(C.offloadsSet(0n), 1).bytes[0]).toBe(1);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
  });

  it('what depends on checksums is in force only with them', () => {
    const state = new OffloadState();
    state.negotiated(bits(GUEST_CSUM, TSO4, TSO6, ECN, USO4, USO6));
    const inForce = (): boolean[] => [state.csum, state.tso4, state.tso6, state.ecn, state.uso4, state.uso6];
    expect(inForce()).toEqual([true, true, true, true, true, true]);
    expect(state.set(bits(TSO4, TSO6, ECN, USO4, USO6))).toBe(true);
    expect(inForce()).toEqual([false, false, false, false, false, false]);
    state.set(bits(GUEST_CSUM, ECN, USO4));
    expect(inForce()).toEqual([true, false, false, false, true, false]);
    state.set(bits(GUEST_CSUM, ECN, TSO6));
    expect(inForce()).toEqual([true, false, true, true, false, false]);
  });
});
