/** Checksums and segmentation: what is left to the other side, and what is done in software where it may not be. */
import { expectAck, expectTraffic, featuresInGuest, framesSoFar, offer, sentSince } from './device.ts';
import { expect, test } from './fixtures.ts';
import { tcpSegment } from './frames.ts';
import type { LabClient } from './lab-client.ts';

const OFFLOADS = [
  'VIRTIO_NET_F_CSUM',
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_HOST_TSO4',
  'VIRTIO_NET_F_HOST_TSO6',
  'VIRTIO_NET_F_MRG_RXBUF',
  'VIRTIO_NET_F_CTRL_GUEST_OFFLOADS',
];
const MSS = 1448;
const SEGMENTS = 10;

test.use({ hostModel: 'exact' });

/** Lengths of the TCP segments that tcpdump in the guest sees of one large segment. */
async function segmentsSeen(lab: LabClient): Promise<number[]> {
  await lab.exec(
    `tcpdump -i eth0 -p -n -Q in -c 1 'tcp port 5999' > /dev/null 2>&1 & 
     tcpdump -i eth0 -p -n -Q in 'tcp port 5999' > /tmp/seen 2> /tmp/seen.log &
     for try in $(seq 100); do grep -q 'listening on' /tmp/seen.log && exit; usleep 50000; done; exit 1`,
  );
  const frame = await lab.injectOne(tcpSegment(5999, MSS, SEGMENTS));
  expect(frame.fate).toBe('delivered');
  const text = await lab.exec(
    `for try in $(seq 40); do usleep 50000; [ -s /tmp/seen ] && break; done
     usleep 200000; killall -q tcpdump; while pidof tcpdump > /dev/null; do usleep 20000; done; cat /tmp/seen`,
  );
  return [...text.matchAll(/length (\d+)/g)].map(([, length]) => Number(length));
}

test('ethtool -k shows what was negotiated', async ({ lab }) => {
  await offer(lab, { add: OFFLOADS });
  expect(await featuresInGuest(lab)).toEqual(expect.arrayContaining([0, 1, 2, 7, 8, 11, 12, 15]));
  const shown = await lab.exec('ethtool -k eth0');
  expect(shown).toMatch(/^tx-checksumming: on$/m);
  expect(shown).toMatch(/^tcp-segmentation-offload: on$/m);
  expect(shown).toMatch(/^rx-gro-hw: on/m);
  await expectTraffic(lab);

  await offer(lab, { remove: OFFLOADS });
  const bare = await lab.exec('ethtool -k eth0');
  expect(bare).toMatch(/^tx-checksumming: off/m);
  expect(bare).toMatch(/^tcp-segmentation-offload: off/m);
  await expectTraffic(lab);
});

test('ethtool -K switches large receive: whole segments arrive, or software cuts them', async ({ lab }) => {
  await offer(lab, { add: OFFLOADS });
  await lab.exec('ip link set eth0 up');
  expect(await segmentsSeen(lab)).toEqual([MSS * SEGMENTS]);
  await lab.exec('ethtool -K eth0 rx-gro-hw off gro off');
  await expectAck(lab, 'VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET', 'OK');
  expect(await segmentsSeen(lab)).toEqual(Array.from({ length: SEGMENTS }, () => MSS));
  await lab.exec('ethtool -K eth0 rx-gro-hw on gro on');
  expect(await segmentsSeen(lab)).toEqual([MSS * SEGMENTS]);
});

test('what the guest sends in one piece leaves as one, and is answered', async ({ lab }) => {
  await offer(lab, { add: OFFLOADS });
  await lab.exec('ip link set eth0 up');
  const from = await framesSoFar(lab);
  // Nobody listens there: the connection is not what matters, the headers are.
  await lab.exec('echo hello | nc -w 1 10.0.2.2 9 || true');
  // VIRTIO_NET_HDR_F_NEEDS_CSUM: Linux leaves the checksum to the device.
  await expect.poll(async () => (await sentSince(lab, from)).map(({ flags }) => flags)).toContain(1);
});

test('NET-CFG-05: a jumbo MTU, with mergeable buffers', async ({ lab }) => {
  await offer(lab, { add: OFFLOADS });
  const { output } = await lab.run('ip link set eth0 mtu 9000');
  // The device's MTU is the largest that the driver may set.
  expect(output).toMatch(/mtu greater than device maximum/i);
});
