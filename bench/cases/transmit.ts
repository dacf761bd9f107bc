/** How many packets a second the guest gets rid of: pktgen into each NIC, and into an interface with nothing behind it. */
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { Bench } from '../driver/bench.ts';
import type { Guest } from '../driver/guest.ts';
import { warmInTurn, type Measure } from '../driver/rounds.ts';
import { parsePktgen, pktgenCommand, PKTGEN_SETUP } from '../guest/pktgen.ts';

export const SIZES = [60, 1514] as const;
/** Of one measurement, in seconds. */
const SECONDS = 1;
const FIRST_COUNT = 10_000;

/** Somebody on the link: the lab's station. v86's NIC has nobody there. */
const TO = { dst: '10.0.2.2', dstMac: '02:00:00:00:00:02' };

export function transmitting(guest: Guest, device: string, size: number, burst = 1): Measure {
  let count = FIRST_COUNT;
  return async () => {
    const result = parsePktgen(await guest.exec(pktgenCommand({ device, size, count, burst, ...TO })));
    if (result.packets !== count) throw new Error(`pktgen sent ${result.packets} of ${count} packets`);
    count = Math.max(FIRST_COUNT, Math.round(result.packetsPerSecond * SECONDS));
    return result.packetsPerSecond;
  };
}

export async function transmit({ rounds, lab, nic, log }: Bench): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const [ours, theirs] = [lab.guest, nic.guest];
  for (const guest of [ours, theirs]) await guest.exec(PKTGEN_SETUP);
  for (const size of SIZES) {
    log(`transmit, ${size} bytes`);
    const samples = await warmInTurn(rounds, {
      ours: transmitting(ours, 'eth0', size),
      v86: transmitting(theirs, 'eth0', size),
      limit: transmitting(ours, 'dummy0', size),
    });
    results.push(caseResult(`transmit ${size} B`, 'packets/s', samples));
  }
  return results;
}
