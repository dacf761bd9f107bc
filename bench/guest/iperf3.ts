/** iperf3 in the guest: what to type, and what it answers (`-J`, one JSON document). */

export const IPERF_SERVER = 'pidof iperf3 > /dev/null || iperf3 -s -D > /dev/null';

/** Bytes of a datagram's payload: with all headers below the MTU. */
export const UDP_BYTES = 1400;

/** @param rate of UDP, in Mbit/s; 0: as fast as it can */
export function iperfCommand(address: string, protocol: 'tcp' | 'udp', seconds: number, rate = 0): string {
  const udp = protocol === 'udp' ? ` -u -b ${rate === 0 ? 0 : `${rate.toFixed(2)}M`} -l ${UDP_BYTES}` : '';
  return `iperf3 -J -c ${address} -t ${seconds}${udp}`;
}

export interface IperfResult {
  /** What arrived, in Mbit/s of payload. */
  readonly received: number;
  /** Datagrams that did not arrive, in percent; 0 with TCP. */
  readonly lostPercent: number;
}

interface Sum {
  readonly bits_per_second: number;
  readonly lost_percent?: number;
}

interface Report {
  readonly error?: string;
  readonly end?: { readonly sum?: Sum; readonly sum_sent?: Sum; readonly sum_received?: Sum };
}

/** Throws with iperf3's own words if it failed. */
export function parseIperf(text: string): IperfResult {
  let report: Report;
  try {
    report = JSON.parse(text) as Report;
  } catch {
    throw new Error(`iperf3 has no result:\n${text}`);
  }
  if (report.error !== undefined) throw new Error(`iperf3: ${report.error}`);
  const { sum, sum_sent: sent, sum_received: received } = report.end ?? {};
  const arrived = received ?? sum;
  if (arrived === undefined || sent === undefined) throw new Error(`iperf3 has no sums:\n${text}`);
  return { received: arrived.bits_per_second / 1e6, lostPercent: sum?.lost_percent ?? 0 };
}
