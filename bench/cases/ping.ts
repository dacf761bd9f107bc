/** How long a packet takes to another guest and back; and to the guest itself, over lo. */
import { type Bench, ADDRESSES } from '../driver/bench.ts';
import { caseResult, type CaseResult } from '../driver/case.ts';
import type { Guest } from '../driver/guest.ts';
import type { Measure } from '../driver/rounds.ts';
import { median } from '../driver/stats.ts';
import { parsePing, pingCommand } from '../guest/ping.ts';

const COUNT = 100;
const LOOPBACK = '127.0.0.1';

/** The median of so many round trips, in milliseconds. */
function pinging(guest: Guest, address: string): Measure {
  return async () => {
    const { times, sent, received } = parsePing(await guest.exec(pingCommand(address, COUNT)));
    if (received < sent) throw new Error(`${sent - received} of ${sent} pings to ${address} were not answered`);
    return median(times);
  };
}

export async function ping(bench: Bench): Promise<CaseResult[]> {
  const { lab, nic } = await bench.sides(2);
  bench.log('ping');
  const other = ADDRESSES[1];
  const samples = await bench.compare(
    {
      ours: pinging(lab.guest, other),
      v86: pinging(nic.guest, other),
      limit: pinging(lab.guest, LOOPBACK),
    },
    'less',
  );
  return [caseResult('ping round trip, p50', 'ms', samples)];
}
