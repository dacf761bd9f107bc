/** Frames for a guest, like those that pktgen makes. */
import { buildFrame, ETHERTYPE_IPV4 } from '../../src/core/net/ethernet.ts';
import { buildUdp4, ip4 } from '../../src/core/net/ipv4.ts';
import { parseMac } from '../../src/core/net/mac.ts';
import { STATION_IPV4, STATION_MAC } from '../../src/core/net/station.ts';
import type { Guest } from '../driver/guest.ts';

/** The discard port, to which nobody listens. */
const PORT = 9;
/** Of Ethernet, IPv4 and UDP. */
const HEADERS = 14 + 20 + 8;

/** A datagram for that guest in a frame of so many bytes, without the frame's checksum. */
export function udpFrame({ mac, address }: Pick<Guest, 'mac' | 'address'>, size: number): Uint8Array {
  const dst = parseMac(mac);
  if (dst === null) throw new Error(`“${mac}” is no MAC address`);
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const payload = buildUdp4(STATION_IPV4, ip4(a, b, c, d), PORT, PORT, new Uint8Array(size - HEADERS));
  return buildFrame({ dst, src: STATION_MAC, etherType: ETHERTYPE_IPV4, payload });
}
