/** The whole way there and back: driver, device, link, station. */
import { expect, test } from './fixtures.ts';

for (const [protocol, station] of [
  ['IPv4', '10.0.2.2'],
  ['IPv6', 'fd00:0:0:2::2'],
] as const) {
  for (const size of [56, 1400]) {
    test(`100 pings over ${protocol} with ${size} bytes, none lost`, async ({ lab }) => {
      await lab.exec('ip link set eth0 up');
      const output = await lab.exec(`ping -n -q -c 100 -i 0.01 -s ${size} ${station}`);
      expect(output).toContain('100 packets transmitted, 100 received, 0% packet loss');
    });
  }
}
