/**
 * How many packets a second the guest takes, with none of them lost.
 *
 * Both senders wait when the guest has all that it can take. The lab's frames come from the host's thread, through link and
 * channel; v86's NIC gets the most favourable treatment there is: frames are injected in its own thread, as many as
 * the guest has buffers for.
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
import { OFFLOADS } from './iperf.ts';
import { SIZES } from './transmit.ts';

/** Of one measurement, in milliseconds. */
const TIME = 400;
/** Measurements for one of another case. */
const TIMES = 2;
/** Frames in one turn of v86's event loop; the best of them counts. */
const BATCHES = [32, 128, 512] as const;
/** Measurements for each of them. */
const TRIES = 2;
const LIMIT_COUNT = 20_000;
const LAB_DEVICES = ['eth0', 'dummy0'];
const NIC_DEVICES = ['eth0'];

/** As many as the lab's guest takes. Throws if one of them was lost anywhere. */
export function receivingAtBest(lab: LabSide, size: number): Measure {
  const frame = udpFrame(lab.guest, size);
  return async () => {
    const { received, lost } = await lab.receiveAt(Infinity, frame, TIME);
    if (lost > 0) throw new Error(`${lost} frames of ${size} bytes were lost at ${Math.round(received)} a second`);
    return received;
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

/** With nothing offered that v86's NIC does not offer, the driver takes packets in the same way from both. */
export async function likeV86(lab: LabSide): Promise<void> {
  await lab.offer({ remove: OFFLOADS });
}

async function measure(bench: Bench, name: (size: number) => string): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(1);
  await shortenStack(lab, nic);
  const results: CaseResult[] = [];
  for (const size of SIZES) {
    bench.log(name(size));
    const theirs = floodingAtBest(nic, size);
    for (let i = 0; i < BATCHES.length * TRIES; i++) await theirs();
    const ours = receivingAtBest(lab, size);
    const samples = await bench.compare({ ours, v86: theirs, limit: stackOnly(lab.guest, size) }, 'more', TIMES);
    results.push(caseResult(name(size), 'packets/s', samples));
  }
  await lab.guest.exec(takeIncoming(LAB_DEVICES));
  await nic.guest.exec(takeIncoming(NIC_DEVICES));
  return results;
}

export async function receive(bench: Bench): Promise<CaseResult[]> {
  const { lab } = await bench.sides(1);
  await lab.guest.exec(PKTGEN_SETUP);
  await likeV86(lab);
  const alike = await measure(bench, (size) => `receive ${size} B, nothing lost`);
  await lab.offer({});
  const offered = await measure(bench, (size) => `receive ${size} B, as the model offers it`);
  return [...alike, ...offered];
}
