/** IP addresses as people write them. */
import { type Ip4, ip4 } from './ipv4.ts';
import { type Ip6, ip6 } from './ipv6.ts';

/** The address, or null if the text is not four numbers from 0 to 255 with dots. */
export function parseIp4(text: string): Ip4 | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return Math.max(a, b, c, d) > 255 ? null : ip4(a, b, c, d);
}

/** The address, or null if the text is not eight groups of hex, of which one run may be `::` (RFC 4291 section 2.2). */
export function parseIp6(text: string): Ip6 | null {
  const halves = text.split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return null;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return ip6(...groups.map((group) => Number.parseInt(group, 16)));
}
