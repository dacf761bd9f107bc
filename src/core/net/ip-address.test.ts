import { describe, expect, it } from 'vitest';
import { parseIp4, parseIp6 } from './ip-address.ts';

describe('IP addresses as people write them', () => {
  it.each([
    ['0.0.0.0', 0],
    ['10.0.2.15', 0x0a00_020f],
    ['255.255.255.255', 0xffff_ffff],
    ['256.0.0.1', null],
    ['1.2.3', null],
    ['1.2.3.4.5', null],
    ['1.2.3.-4', null],
    ['', null],
  ])('IPv4 %s', (text, expected) => {
    expect(parseIp4(text)).toBe(expected);
  });

  it.each([
    ['::', Array(8).fill(0)],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
    ['fe80::', [0xfe80, 0, 0, 0, 0, 0, 0, 0]],
    ['fd00:0:0:2::15', [0xfd00, 0, 0, 2, 0, 0, 0, 0x15]],
    ['FF15::1:203', [0xff15, 0, 0, 0, 0, 0, 1, 0x203]],
    ['1:2:3:4:5:6:7:8', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['1:2:3:4::5:6:7:8', null],
    ['1::2::3', null],
    [':1', null],
    ['1:::2', null],
    ['12345::', null],
    ['g::', null],
    ['10.0.2.15', null],
    ['', null],
  ])('IPv6 %s', (text, groups) => {
    const bytes = groups?.flatMap((group: number) => [group >> 8, group & 0xff]);
    expect(parseIp6(text)).toEqual(bytes === undefined ? null : Uint8Array.from(bytes));
  });
});
