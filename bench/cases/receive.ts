/**
 * How many packets a second the guest takes, with none of them lost.
 *
 * The lab's frames come from the host's thread, at a rate; the rate is raised until something is lost. v86's NIC gets
 * the most favourable treatment there is: frames are injected in its own thread, as many as the guest has buffers for.
 */
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { Guest } from '../driver/guest.ts';
import type { LabSide } from '../driver/lab-side.ts';
import { type Measure, warmInTurn } from '../driver/rounds.ts';
import { udpFrame } from '../guest/frames.ts';
import { parsePktgen, pktgenCommand, PKTGEN_SETUP } from '../guest/pktgen.ts';
import { SIZES } from './transmit.ts';

/** Of one measurement, in milliseconds. */
const TIME = 1000;
const FIRST_RATE = 20_000;
const STEP = 1.1;
const NIC_BATCH = 256;
const LIMIT_COUNT = 100_000;

export function receivingAtBest(lab: LabSide, frame: Uint8Array): Measure {
  let rate = FIRST_RATE;
  return async () => {
    let best = 0;
    // Up while nothing is lost, else down until nothing is.
    for (;;) {
      const { received, lost } = await lab.receiveAt(rate, frame, TIME);
      if (process.env.BENCH_DEBUG) console.log('   at', Math.round(rate), Math.round(received), lost);
      if (lost > 0) {
        if (best > 0) return best;
        rate /= STEP;
        continue;
      }
      if (received <= best * 1.01) return best;
      best = received;
      rate *= STEP;
    }
  };
}

/** The stack without a driver: pktgen hands its packets up instead of down. */
export function stackOnly(guest: Guest, size: number): Measure {
  return async () => {
    const dstMac = await guest.exec('cat /sys/class/net/dummy0/address');
    const command = pktgenCommand({
      device: 'dummy0',
      size,
      count: LIMIT_COUNT,
      mode: 'netif_receive',
      dst: guest.address,
      dstMac,
    });
    return parsePktgen(await guest.exec(command)).packetsPerSecond;
  };
}

export async function receive({ rounds, lab, nic, log }: Bench): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  await lab.guest.exec(PKTGEN_SETUP);
  for (const size of SIZES) {
    log(`receive, ${size} bytes`);
    const samples = await warmInTurn(rounds, {
      ours: receivingAtBest(lab, udpFrame(lab.guest, size)),
      v86: () => nic.flood(udpFrame(nic.guest, size), NIC_BATCH, TIME),
      limit: stackOnly(lab.guest, size),
    });
    results.push(caseResult(`receive ${size} B`, 'packets/s', samples));
  }
  return results;
}
