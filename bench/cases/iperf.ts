/** Throughput between two guests, over the lab's link and over v86's in-browser network; and in one guest, over lo. */
import { ADDRESSES, type Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult, type CaseSamples } from '../driver/case.ts';
import type { Guest } from '../driver/guest.ts';
import type { Measure } from '../driver/rounds.ts';
import { median, type Samples } from '../driver/stats.ts';
import { iperfCommand, IPERF_SERVER, parseIperf, UDP_BYTES } from '../guest/iperf3.ts';

const SECONDS = 2;
/** Measurements of what is lost for one of another case: mostly it is nothing, and then a burst. */
const TIMES = 2;
const LOOPBACK = '127.0.0.1';

/** What the lab's guests negotiate for it; v86's NIC has none of them to offer. */
export const OFFLOADS = [
  'VIRTIO_NET_F_CSUM',
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_HOST_TSO4',
  'VIRTIO_NET_F_HOST_TSO6',
  'VIRTIO_NET_F_MRG_RXBUF',
] as const;

const throughput =
  (guest: Guest, address: string, protocol: 'tcp' | 'udp'): Measure =>
  async () =>
    parseIperf(await guest.exec(iperfCommand(address, protocol, SECONDS))).received;

/** Percent, at a rate in Mbit/s. */
const losing =
  (guest: Guest, address: string, rate: number): Measure =>
  async () =>
    parseIperf(await guest.exec(iperfCommand(address, 'udp', SECONDS, rate))).lostPercent;

export async function iperf(bench: Bench): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(2);
  await lab.offer({ add: OFFLOADS });
  for (const guest of [...lab.guests, ...nic.guests]) await guest.exec(IPERF_SERVER);
  const other = ADDRESSES[1];
  const compare = (protocol: 'tcp' | 'udp'): Promise<CaseSamples & { readonly v86: Samples }> => {
    bench.log(`iperf3, ${protocol.toUpperCase()}`);
    return bench.compare({
      ours: throughput(lab.guest, other, protocol),
      v86: throughput(nic.guest, other, protocol),
      limit: throughput(lab.guest, LOOPBACK, protocol),
    });
  };
  const tcp = await compare('tcp');
  const udp = await compare('udp');

  // Who is sent more than it can read loses some, and over a fast network more than over a slow one. So the same is sent
  // over both: what the slower one carried.
  const rate = Math.max(1, median(udp.v86));
  bench.log('iperf3, UDP at the rate of v86’s');
  const lost = await bench.inTurn({ ours: losing(lab.guest, other, rate), v86: losing(nic.guest, other, rate) }, TIMES);
  return [
    caseResult('TCP between guests', 'Mbit/s', tcp),
    caseResult(`UDP ${UDP_BYTES} B between guests`, 'Mbit/s', udp),
    caseResult(`UDP ${UDP_BYTES} B at v86's rate, lost`, '%', lost),
  ];
}
