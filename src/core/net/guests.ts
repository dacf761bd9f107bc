/**
 * The lab's guests, and the addresses that each has on the link. A guest gives itself the IP addresses by the last byte
 * of its MAC address (guest/rootfs/usr/sbin/lab-addr), which is why that reads the same in all three.
 */
import type { Mac } from './mac.ts';

export interface GuestAddresses {
  readonly mac: Mac;
  readonly ipv4: string;
  readonly ipv6: string;
}

export const GUESTS: readonly [GuestAddresses, GuestAddresses] = [
  { mac: 0x0200_0000_0015, ipv4: '10.0.2.15', ipv6: 'fd00:0:0:2::15' },
  { mac: 0x0200_0000_0016, ipv4: '10.0.2.16', ipv6: 'fd00:0:0:2::16' },
];
