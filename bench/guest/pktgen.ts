/**
 * The kernel's packet generator in the guest: what to type, and what it answers.
 *
 * @source Linux 6.1, Documentation/networking/pktgen.rst
 */

export interface PktgenRun {
  /** Interface; for `netif_receive` the one on which the packets seem to arrive. */
  readonly device: string;
  /** Bytes of a frame, without its checksum. */
  readonly size: number;
  readonly count: number;
  /** Packets handed to the driver in one go, with one kick for all of them. 1 is pktgen's default. */
  readonly burst?: number;
  /** `netif_receive` hands packets up the stack instead of down: receiving without a driver. */
  readonly mode?: 'start_xmit' | 'netif_receive';
  readonly dst: string;
  readonly dstMac: string;
}

export interface PktgenResult {
  readonly packets: number;
  readonly microseconds: number;
  /** Bytes of a frame, as pktgen has sent it. */
  readonly size: number;
  readonly packetsPerSecond: number;
}

/** Once in a guest: the module, and an interface behind which there is nothing. */
export const PKTGEN_SETUP = `
  modprobe pktgen && modprobe dummy && ip link set dummy0 up`;

/** The shell command of one run. It ends when the last packet is out, and prints what `parsePktgen` reads. */
export function pktgenCommand({ device, size, count, burst = 1, mode = 'start_xmit', dst, dstMac }: PktgenRun): string {
  const settings = [
    `count ${count}`,
    `pkt_size ${size}`,
    'delay 0',
    'clone_skb 0',
    `xmit_mode ${mode}`,
    `burst ${burst}`,
    `dst ${dst}`,
    `dst_mac ${dstMac}`,
  ];
  return [
    'set_to() { echo "$2" > /proc/net/pktgen/$1 || { echo "pktgen refuses: $2"; exit 1; }; }',
    'set_to kpktgend_0 rem_device_all',
    `set_to kpktgend_0 "add_device ${device}"`,
    ...settings.map((setting) => `set_to ${device} "${setting}"`),
    'set_to pgctrl start',
    `cat /proc/net/pktgen/${device}`,
  ].join('\n');
}

/** Throws if the text is not what a finished run leaves in /proc/net/pktgen/<device>. */
export function parsePktgen(text: string): PktgenResult {
  const [, microseconds, packets, size] =
    /^Result: OK: (\d+)\(c\d+\+d\d+\) usec, (\d+) \((\d+)byte,\d+frags\)/m.exec(text) ?? [];
  if (microseconds === undefined) throw new Error(`pktgen has no result:\n${text}`);
  return {
    packets: Number(packets),
    microseconds: Number(microseconds),
    size: Number(size),
    packetsPerSecond: (Number(packets) * 1e6) / Number(microseconds),
  };
}
