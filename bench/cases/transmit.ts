/** How many packets a second the guest gets rid of: pktgen into each NIC, and into an interface with nothing behind it. */
import type { Bench } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { Guest } from '../driver/guest.ts';
import type { Measure } from '../driver/rounds.ts';
import { parsePktgen, pktgenCommand, PKTGEN_SETUP } from '../guest/pktgen.ts';

/** Bytes of a frame: the shortest and the longest. */
export const SIZES = [60, 1514] as const;
/** What one measurement takes about, in seconds. Short ones, and many: what else the machine does comes in spells of seconds. */
const SECONDS = 0.4;
/** Measurements for one of another case. */
const TIMES = 3;
const FIRST_COUNT = 2000;
/** Somebody on the link: the lab's station. Behind v86's NIC there is nobody. */
const TO = { dst: '10.0.2.2', dstMac: '02:00:00:00:00:02' };

/** @param burst packets that the driver is handed in one go; 1 is pktgen's default */
export function transmitting(guest: Guest, device: 'eth0' | 'dummy0', size: number, burst = 1): Measure {
  // pktgen ends with a whole burst.
  const whole = (packets: number): number => Math.ceil(packets / burst) * burst;
  let count = whole(FIRST_COUNT);
  return async () => {
    const result = parsePktgen(await guest.exec(pktgenCommand({ device, size, count, burst, ...TO })));
    if (result.packets !== count) throw new Error(`pktgen sent ${result.packets} of ${count} packets`);
    count = whole(Math.max(FIRST_COUNT, result.packetsPerSecond * SECONDS));
    return result.packetsPerSecond;
  };
}

export async function transmit(bench: Bench): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(1);
  for (const guest of [lab.guest, nic.guest]) await guest.exec(PKTGEN_SETUP);
  const results: CaseResult[] = [];
  for (const size of SIZES) {
    bench.log(`transmit, ${size} bytes`);
    const measures = {
      ours: transmitting(lab.guest, 'eth0', size),
      v86: transmitting(nic.guest, 'eth0', size),
      limit: transmitting(lab.guest, 'dummy0', size),
    };
    const samples = await bench.compare(measures, 'more', TIMES);
    results.push(caseResult(`transmit ${size} B`, 'packets/s', samples));
  }
  return results;
}
