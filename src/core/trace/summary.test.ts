import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMac } from '../net/mac.ts';
import { groupName } from './group-names.ts';
import { summarize } from './summary.ts';

const bytes = (...hex: readonly string[]): Uint8Array =>
  Uint8Array.from(
    hex
      .join('')
      .replaceAll(/[^0-9a-f]/g, '')
      .match(/../g) ?? [],
    (byte) => Number.parseInt(byte, 16),
  );

const MACS = 'ff:ff:ff:ff:ff:ff 52:54:00:12:34:56';
const ARP_WHO_HAS = '0001 0800 06 04 0001 525400123456 0a00020f 000000000000 0a000202';
const ipv4 = (protocol: string, payload: string): string =>
  `0800 45000054 00004000 40${protocol}0000 0a00020f 0a000202 ${payload}`;
const ipv6 = (next: string, payload: string): string =>
  `86dd 60000000 0020${next}ff fe80000000000000 0000000000000001 ff02000000000000 0000000000000016 ${payload}`;

describe('summarize', () => {
  it.each([
    ['ARP request', `0806 ${ARP_WHO_HAS}`, 'ARP', 'who-has 10.0.2.2 tell 10.0.2.15'],
    ['ICMP echo', ipv4('01', '0800 0000 0003 0001'), 'ICMP', 'echo request id 3 seq 1 10.0.2.15 → 10.0.2.2'],
    ['UDP', ipv4('11', '04d2 162e 0010 0000'), 'UDP', '1234 → 5678 len 8 10.0.2.15 → 10.0.2.2'],
    ['TCP', ipv4('06', '0050 c000 00000000 00000000 5012'), 'TCP', '80 → 49152 [SYN ACK] 10.0.2.15 → 10.0.2.2'],
    ['IGMP', ipv4('02', '1600 0000 e00000fb'), 'IGMP', 'join 224.0.0.251 10.0.2.15 → 10.0.2.2'],
    ['MLD behind hop-by-hop', ipv6('00', '3a00 0502 0000 0100 8f00'), 'ICMPv6', 'MLDv2 report fe80::1 → ff02::16'],
    ['a private EtherType with text', '88b5 68656c6c6f 00', '0x88b5', '“hello”'],
    ['802.3 length', '0026 424203', '802.3', 'LLC, 38 bytes'],
    ['a cut IPv4 header', '0800 4500', 'IPv4', 'header cut short'],
  ])('reads %s', (_name, frame, protocol, info) => {
    expect(summarize(bytes(MACS, frame))).toMatchObject({ protocol, info });
  });

  it('looks behind a VLAN tag', () => {
    const summary = summarize(bytes(MACS, '8100 a00a 0806', ARP_WHO_HAS));
    expect(summary).toMatchObject({ vid: 10, etherType: 0x0806, protocol: 'ARP' });
    expect(summarize(bytes(MACS, '0806')).vid).toBeNull();
  });

  it('makes something of any bytes', () => {
    const cut = bytes(MACS, ipv6('00', '3a00 0502 0000 0100 8f00 0000'));
    for (let length = 0; length <= cut.length; length++) summarize(cut.subarray(0, length));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom('', '0800', '86dd', '0806', '8100'),
        (tail, type) => {
          const { protocol, info } = summarize(Uint8Array.from([...bytes(MACS, type), ...tail]));
          expect(typeof protocol).toBe('string');
          expect(info).not.toContain('undefined');
        },
      ),
    );
  });
});

describe('groupName', () => {
  it.each([
    ['01:00:5e:00:00:01', 'all-hosts 224.0.0.1'],
    ['33:33:00:00:00:01', 'all-nodes ff02::1'],
    ['33:33:ff:12:34:56', 'solicited-node ff02::1:ff12:3456'],
    ['01:00:5e:01:02:03', 'IPv4 group x.1.2.3'],
    ['33:33:12:34:56:78', 'IPv6 group'],
    ['03:00:00:00:00:01', 'group'],
    ['ff:ff:ff:ff:ff:ff', 'broadcast'],
    ['52:54:00:12:34:56', null],
  ])('knows %s as %s', (mac, name) => {
    expect(groupName(parseMac(mac)!)).toBe(name);
  });
});
