/** The lab's own station on the link: who answers the guest, and who sends when nobody else is named. */
import { type Ip4, ip4 } from './ipv4.ts';
import { type Ip6, ip6 } from './ipv6.ts';
import type { Mac } from './mac.ts';

export const STATION_MAC: Mac = 0x0200_0000_0002;
export const STATION_IPV4: Ip4 = ip4(10, 0, 2, 2);
export const STATION_IPV6: Ip6 = ip6(0xfd00, 0, 0, 2, 0, 0, 0, 2);
