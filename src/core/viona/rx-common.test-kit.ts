/** Frames with a TCP segment in them, for tests of offloads: headers without options, checksums of zero. */
export const FRAME_MAC = { own: [2, 0, 0, 0, 0, 0x15], sender: [2, 0, 0, 0, 0, 2] } as const;

/** @param ports source and destination: with them the flow differs */
export function tcpFrame(version: 4 | 6, payload: number, ports: readonly [number, number] = [1000, 2000]): Uint8Array {
  const network = version === 4 ? 20 : 40;
  const bytes = new Uint8Array(14 + network + 20 + payload).fill(0x5a, 14 + network + 20);
  bytes.set([...FRAME_MAC.own, ...FRAME_MAC.sender, ...(version === 4 ? [8, 0] : [0x86, 0xdd])]);
  const length = bytes.length - 14;
  if (version === 4) {
    bytes.set([0x45, 0, length >> 8, length, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15], 14);
  } else {
    const carried = length - 40;
    bytes.set([0x60, 0, 0, 0, carried >> 8, carried, 6, 64, 0xfd], 14);
    bytes.set([0xfd], 38);
    bytes[37] = 2;
    bytes[53] = 15;
  }
  const transport = 14 + network;
  const [from, to] = ports;
  bytes.set([from >> 8, from, to >> 8, to, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff], transport);
  return bytes;
}
