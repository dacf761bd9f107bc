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
import type { NicSide } from '../driver/nic-side.ts';
import type { Measure } from '../driver/rounds.ts';
import { udpFrame } from '../guest/frames.ts';
import { dropIncoming, takeIncoming } from '../guest/ingress.ts';
import { parsePktgen, pktgenCommand, PKTGEN_SETUP } from '../guest/pktgen.ts';
import { SIZES } from './transmit.ts';

/** Of one measurement, in milliseconds. */
const TIME = 800;
const FIRST_RATE = 10_000;
const [UP, DOWN] = [1.2, 0.75];
const LOWEST_RATE = 100;
/** Frames in one turn of v86's event loop; the best of them counts. */
const BATCHES = [32, 128, 512] as const;
/** Measurements for each of them. */
const TRIES = 2;
const LIMIT_COUNT = 20_000;
const LAB_DEVICES = ['eth0', 'dummy0'];
const NIC_DEVICES = ['eth0'];

/** The highest rate at which nothing is lost. It is looked for from where it was the last time. */
export function receivingAtBest(lab: LabSide, size: number): Measure {
  const frame = udpFrame(lab.guest, size);
  let rate = FIRST_RATE;
  return async () => {
    let best = 0;
    while (rate > LOWEST_RATE) {
      const { received, lost } = await lab.receiveAt(rate, frame, TIME);
      if (lost === 0 && received > best) {
        best = received;
        rate *= UP;
      } else if (best > 0) {
        rate /= UP;
        return best;
      } else {
        rate *= DOWN;
      }
    }
    throw new Error(`the lab loses frames of ${size} bytes even at ${LOWEST_RATE} a second`);
  };
}

/** As many as v86's NIC can be made to take. */
export function floodingAtBest(nic: NicSide, size: number): Measure {
  const frame = udpFrame(nic.guest, size);
  const rates = new Map<number, number>(BATCHES.map((batch) => [batch, 0]));
  let tries = 0;
  return async () => {
    const best = [...rates].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
    const batch = tries < BATCHES.length * TRIES ? (BATCHES[tries % BATCHES.length] ?? best) : best;
    tries++;
    const rate = await nic.flood(frame, batch, TIME);
    rates.set(batch, Math.max(rate, rates.get(batch) ?? 0));
    return rate;
  };
}

/** The stack without a driver: pktgen hands its packets up instead of down. */
export function stackOnly(guest: Guest, size: number): Measure {
  return async () => {
    const dstMac = await guest.exec('cat /sys/class/net/dummy0/address');
    const to = { dst: guest.address, dstMac };
    const command = pktgenCommand({ device: 'dummy0', size, count: LIMIT_COUNT, mode: 'netif_receive', ...to });
    return parsePktgen(await guest.exec(command)).packetsPerSecond;
  };
}

/** What is compared is how packets come in, not what UDP does with them: that is the same, and far more work. */
export async function shortenStack(lab: LabSide, nic: NicSide): Promise<void> {
  await lab.guest.exec(dropIncoming(LAB_DEVICES));
  await nic.guest.exec(dropIncoming(NIC_DEVICES));
}

export async function receive(bench: Bench): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(1);
  await lab.guest.exec(PKTGEN_SETUP);
  await shortenStack(lab, nic);
  const results: CaseResult[] = [];
  for (const size of SIZES) {
    bench.log(`receive, ${size} bytes`);
    const theirs = floodingAtBest(nic, size);
    for (let i = 0; i < BATCHES.length * TRIES; i++) await theirs();
    const ours = receivingAtBest(lab, size);
    const samples = await bench.compare({ ours, v86: theirs, limit: stackOnly(lab.guest, size) });
    results.push(caseResult(`receive ${size} B, nothing lost`, 'packets/s', samples));
  }
  await lab.guest.exec(takeIncoming(LAB_DEVICES));
  await nic.guest.exec(takeIncoming(NIC_DEVICES));
  return results;
}
