/**
 * MAC addresses. One address is a 48-bit number (exact in a double), so that filters compare numbers and
 * never allocate; text is for people.
 *
 * The group bit is the lowest bit of the first byte on the wire (IEEE 802.3 clause 3.2.3).
 */

/** 48-bit address, first byte on the wire in the highest byte. */
export type Mac = number;

export const MAC_BROADCAST: Mac = 0xffff_ffff_ffff;

const MAC_PATTERN = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

export function macAt(bytes: Uint8Array, offset: number): Mac {
  const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
  const low =
    (bytes[offset + 2] ?? 0) * 0x100_0000 +
    ((bytes[offset + 3] ?? 0) << 16) +
    (((bytes[offset + 4] ?? 0) << 8) | (bytes[offset + 5] ?? 0));
  return high * 0x1_0000_0000 + low;
}

export function writeMac(mac: Mac, into: Uint8Array, offset: number): void {
  const high = Math.floor(mac / 0x1_0000_0000);
  into[offset] = high >>> 8;
  into[offset + 1] = high;
  into[offset + 2] = mac >>> 24;
  into[offset + 3] = mac >>> 16;
  into[offset + 4] = mac >>> 8;
  into[offset + 5] = mac;
}

export function isGroup(mac: Mac): boolean {
  // `&` takes the whole part. So short that an engine inlines it, and then the number needs no box.
  return ((mac / 0x100_0000_0000) & 1) === 1;
}

/** Group-addressed but not broadcast. */
export function isMulticast(mac: Mac): boolean {
  return mac !== MAC_BROADCAST && isGroup(mac);
}

export function formatMac(mac: Mac): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
}

export function sameMacs(a: readonly Mac[], b: readonly Mac[]): boolean {
  return a.length === b.length && a.every((mac, index) => mac === b[index]);
}

/** The address, or null if the text is not six colon-separated bytes. */
export function parseMac(text: string): Mac | null {
  return MAC_PATTERN.test(text) ? Number.parseInt(text.replaceAll(':', ''), 16) : null;
}
