/** Well-known group addresses, for people. @source IANA multicast address registries, RFC 1112, RFC 2464 */
import { MAC_BROADCAST } from '../net/mac.ts';
import type { Mac } from '../net/mac.ts';

const IPV4_GROUPS = 0x0100_5e00_0000;
const IPV4_GROUPS_END = 0x0100_5e80_0000;
const IPV6_GROUPS = 0x3333_0000_0000;
const IPV6_GROUPS_END = 0x3334_0000_0000;
const SOLICITED_NODE = 0x3333_ff00_0000;

const NAMES: ReadonlyMap<Mac, string> = new Map([
  [MAC_BROADCAST, 'broadcast'],
  [0x0100_5e00_0001, 'all-hosts 224.0.0.1'],
  [0x0100_5e00_0002, 'all-routers 224.0.0.2'],
  [0x0100_5e00_0005, 'OSPF 224.0.0.5'],
  [0x0100_5e00_0012, 'VRRP 224.0.0.18'],
  [0x0100_5e00_0016, 'IGMPv3 224.0.0.22'],
  [0x0100_5e00_00fb, 'mDNS 224.0.0.251'],
  [0x0100_5e00_00fc, 'LLMNR 224.0.0.252'],
  [0x0100_5e7f_fffa, 'SSDP 239.255.255.250'],
  [0x3333_0000_0001, 'all-nodes ff02::1'],
  [0x3333_0000_0002, 'all-routers ff02::2'],
  [0x3333_0000_0016, 'MLDv2 ff02::16'],
  [0x3333_0000_00fb, 'mDNS ff02::fb'],
  [0x3333_0001_0002, 'DHCPv6 ff02::1:2'],
  [0x3333_0001_0003, 'LLMNR ff02::1:3'],
  [0x0180_c200_0000, 'STP bridges'],
  [0x0180_c200_000e, 'LLDP nearest bridge'],
  [0x011b_1900_0000, 'PTP'],
]);

/** What the group is known as, or what kind of group it is; null for an individual address. */
export function groupName(mac: Mac): string | null {
  const known = NAMES.get(mac);
  if (known) return known;
  if (mac >= SOLICITED_NODE && mac < IPV6_GROUPS_END) {
    const low = (mac - SOLICITED_NODE).toString(16).padStart(6, '0');
    return `solicited-node ff02::1:ff${low.slice(0, 2)}:${low.slice(2)}`;
  }
  if (mac >= IPV6_GROUPS && mac < IPV6_GROUPS_END) return 'IPv6 group';
  if (mac >= IPV4_GROUPS && mac < IPV4_GROUPS_END) {
    // 23 of the 28 bits of the group are in the address: 32 groups share it.
    const low = mac - IPV4_GROUPS;
    return `IPv4 group x.${low >>> 16}.${(low >>> 8) & 0xff}.${low & 0xff}`;
  }
  return Math.floor(mac / 0x100_0000_0000) & 1 ? 'group' : null;
}
