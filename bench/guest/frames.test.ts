import { expect, it } from 'vitest';
import { udpFrame } from './frames.ts';

const GUEST = { mac: '02:00:00:00:00:16', address: '10.0.2.16' };

it.each([60, 64, 1514])('makes a frame of %i bytes for that guest', (size) => {
  const frame = udpFrame(GUEST, size);
  expect(frame.length).toBe(size);
  expect([...frame.subarray(0, 6)]).toEqual([2, 0, 0, 0, 0, 0x16]);
  expect([...frame.subarray(30, 34)]).toEqual([10, 0, 2, 16]);
});

it('refuses what is no address', () => {
  expect(() => udpFrame({ mac: '', address: '10.0.2.16' }, 60)).toThrow('no MAC address');
});
