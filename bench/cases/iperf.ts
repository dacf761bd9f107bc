/** Throughput between two guests, over the lab's link and over v86's in-browser network; and in one guest, over lo. */
import { ADDRESSES, type Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { Guest } from '../driver/guest.ts';
import type { Measure } from '../driver/rounds.ts';
import { iperfCommand, IPERF_SERVER, parseIperf, UDP_BYTES } from '../guest/iperf3.ts';

const SECONDS = 2;
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

/** @param lost where the share of lost datagrams goes, in percent */
function sending(guest: Guest, address: string, protocol: 'tcp' | 'udp', lost: number[] = []): Measure {
  return async () => {
    const { received, lostPercent } = parseIperf(await guest.exec(iperfCommand(address, protocol, SECONDS)));
    lost.push(lostPercent);
    return received;
  };
}

export async function iperf(bench: Bench): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(2);
  await lab.offer({ add: OFFLOADS });
  for (const guest of [...lab.guests, ...nic.guests]) await guest.exec(IPERF_SERVER);
  const other = ADDRESSES[1];

  bench.log('iperf3, TCP');
  const tcp = await bench.compare({
    ours: sending(lab.guest, other, 'tcp'),
    v86: sending(nic.guest, other, 'tcp'),
    limit: sending(lab.guest, LOOPBACK, 'tcp'),
  });

  bench.log('iperf3, UDP');
  const lost = { ours: [], v86: [], limit: [] } satisfies Record<string, number[]> as Record<
    'ours' | 'v86' | 'limit',
    number[]
  >;
  const udp = await bench.compare({
    ours: sending(lab.guest, other, 'udp', lost.ours),
    v86: sending(nic.guest, other, 'udp', lost.v86),
    limit: sending(lab.guest, LOOPBACK, 'udp', lost.limit),
  });
  // Of the samples, not of warming up.
  const losses = Object.fromEntries(
    Object.entries(lost).map(([subject, list]) => [subject, list.slice(-bench.rounds)]),
  );
  return [
    caseResult('TCP between guests', 'Mbit/s', tcp),
    caseResult(`UDP ${UDP_BYTES} B between guests`, 'Mbit/s', udp),
    caseResult(`UDP ${UDP_BYTES} B between guests, lost`, '%', losses),
  ];
}
