/** Several queue pairs: who chooses the queue, and what `ethtool` does about it. */
import { expectTraffic, featuresInGuest, interrupts, offer } from './device.ts';
import { expect, test } from './fixtures.ts';
import { udpFlow } from './frames.ts';

const MQ = 22;
const RSS = 60;
const FLOWS = 32;

test.use({ hostModel: 'exact' });

const flows = Array.from({ length: FLOWS }, (_, flow) => udpFlow(40_000 + flow));

/** Queue pairs on which the frames arrived, without repetition. */
async function pairsUsed(lab: Parameters<typeof offer>[0]): Promise<number[]> {
  const ids = (await lab.inject(flows)).map(({ id, fate }) => {
    expect(fate).toBe('delivered');
    return id;
  });
  const queues = await lab.page.evaluate(
    (all) =>
      all.map((id) => {
        const row = window.lab.store.frames.byId(id);
        return row?.toGuest ? (row.placed?.queue ?? -1) : -1;
      }),
    ids,
  );
  return [...new Set(queues.map((queue) => queue / 2))].sort((a, b) => a - b);
}

test('NET-MQ-06: one pair until the driver asks; ethtool -L uses more, each with interrupts of its own', async ({
  lab,
}) => {
  await offer(lab, { add: ['VIRTIO_NET_F_MQ'], remove: ['VIRTIO_NET_F_RSS', 'VIRTIO_NET_F_HASH_REPORT'] });
  expect(await featuresInGuest(lab)).toContain(MQ);
  await lab.exec('ip link set eth0 up');
  expect(await pairsUsed(lab)).toEqual([0]);

  await lab.exec('ethtool -L eth0 combined 4');
  expect(await lab.exec('ethtool -l eth0')).toMatch(/Current hardware settings:[^]*Combined:\s+4/);
  const before = await interrupts(lab);
  expect(await pairsUsed(lab)).toEqual([0, 1, 2, 3]);
  const after = await interrupts(lab);
  for (const queue of [0, 1, 2, 3]) expect(after[`input.${queue}`]).toBeGreaterThan(before[`input.${queue}`] ?? 0);
  await expectTraffic(lab);

  await lab.exec('ethtool -L eth0 combined 1');
  expect(await pairsUsed(lab)).toEqual([0]);
  expect((await lab.run('ethtool -L eth0 combined 12')).exitCode).not.toBe(0);
});

test('NET-RSS-01, NET-RSS-03: ethtool -X spreads over the queues that its table names', async ({ lab }) => {
  await offer(lab, { add: ['VIRTIO_NET_F_RSS', 'VIRTIO_NET_F_MQ'] });
  expect(await featuresInGuest(lab)).toContain(RSS);
  await lab.exec('ip link set eth0 up && ethtool -L eth0 combined 4 && ethtool -X eth0 equal 4');
  expect((await pairsUsed(lab)).length).toBeGreaterThan(1);
  await lab.exec('ethtool -X eth0 equal 2');
  expect(await lab.exec('ethtool -x eth0')).toMatch(/indirection table[^]*0:\s+0\s+1\s+0\s+1/);
  expect(await pairsUsed(lab)).toEqual([0, 1]);
  await lab.exec('ethtool -X eth0 weight 0 0 0 1');
  expect(await pairsUsed(lab)).toEqual([3]);
  await expectTraffic(lab);
});

test('ethtool -c and -C: coalescing delays interrupts, and the device says what it was told', async ({ lab }) => {
  await offer(lab, { add: ['VIRTIO_NET_F_NOTF_COAL'], remove: ['VIRTIO_NET_F_MQ', 'VIRTIO_NET_F_RSS'] });
  // Linux sets it by the same command that switches NAPI on transmit, and that only while the interface is down.
  await lab.exec('ethtool -C eth0 rx-frames 8 rx-usecs 5000 tx-frames 1 && ip link set eth0 up');
  expect(await lab.exec('ethtool -c eth0')).toMatch(/rx-usecs:\s+5000[^]*rx-frames:\s+8/);
  await expectTraffic(lab);

  const taken = async (): Promise<number> => (await interrupts(lab))['input.0'] ?? 0;
  const before = await taken();
  await lab.inject(flows);
  const coalesced = (await taken()) - before;
  expect(coalesced).toBeLessThanOrEqual(FLOWS / 2);
  expect(coalesced).toBeGreaterThan(0);
});
