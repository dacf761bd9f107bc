/** The whole way there and back: driver, device, link, station. */
import { expect, test } from './fixtures.ts';

const PINGS = 100;

for (const [protocol, station, replies] of [
  [
    'IPv4',
    '10.0.2.2',
    `awk '/^Icmp:/ { if (n++) print $(at); else for (at = NF; $at != "InEchoReps"; at--); }' /proc/net/snmp`,
  ],
  ['IPv6', 'fd00:0:0:2::2', `awk '$1 == "Icmp6InEchoReplies" { print $2 }' /proc/net/snmp6`],
] as const) {
  for (const size of [56, 1400]) {
    test(`${PINGS} pings over ${protocol} with ${size} bytes, none lost`, async ({ lab }) => {
      const received = async (): Promise<number> => Number(await lab.exec(replies));
      await lab.exec('ip link set eth0 up');
      const before = await received();
      const output = await lab.exec(`ping -n -q -c ${PINGS} -i 0.01 -s ${size} ${station}`);
      expect(output).toContain(`${PINGS} packets transmitted`);
      // Counted by the kernel: a reply that comes late, because this machine is busy, is not lost.
      await expect.poll(async () => (await received()) - before).toBe(PINGS);
    });
  }
}
