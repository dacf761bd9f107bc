/** Control commands as a driver writes them, from the tables in 5.1.9.5. Constants declared again on purpose. */

/** Class 0: PROMISC 0, ALLMULTI 1, ALLUNI 2, NOMULTI 3, NOUNI 4, NOBCAST 5. */
export function rxModeCommand(command: number, value: number): Uint8Array {
  return Uint8Array.of(0, command, value);
}

/** Class 1, command 0. Addresses as text, `01:00:5e:00:00:01`. */
export function macTableSet(unicast: readonly string[], multicast: readonly string[]): Uint8Array {
  return Uint8Array.of(1, 0, ...table(unicast), ...table(multicast));
}

function table(macs: readonly string[]): number[] {
  const n = macs.length;
  const count = [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
  return [...count, ...macs.flatMap((mac) => mac.split(':').map((byte) => Number.parseInt(byte, 16)))];
}
