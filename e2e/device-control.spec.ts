/** What the guest asks of the device on the control queue, and what comes of it. */
import { expectAck, featuresInGuest, framesSoFar, offer, sentSince } from './device.ts';
import { expect, test } from './fixtures.ts';
import { OWN } from './frames.ts';

const OTHER = '02:00:00:00:00:77';

test.use({ hostModel: 'exact' });

test('NET-VLAN-02, NET-VLAN-03: a VLAN interface lets its frames in, and no others', async ({ lab }) => {
  await offer(lab, { add: ['VIRTIO_NET_F_CTRL_VLAN'] });
  await lab.exec('ip link set eth0 up');
  const tagged = (vlan: number) => lab.injectOne({ dst: OWN, vlan, payload: '00'.repeat(46) });
  expect(await tagged(5)).toMatchObject({ fate: 'dropped', reason: 'vlan-table-miss' });
  await lab.exec('ip link add link eth0 name eth0.5 type vlan id 5 && ip link set eth0.5 up');
  await expectAck(lab, 'VIRTIO_NET_CTRL_VLAN_ADD', 'OK');
  expect((await lab.nic()).tables.vlans).toContain(5);
  expect(await tagged(5)).toMatchObject({ fate: 'delivered' });
  expect(await tagged(6)).toMatchObject({ fate: 'dropped', reason: 'vlan-table-miss' });
  expect(await lab.exec('cat /sys/class/net/eth0.5/statistics/rx_packets')).not.toBe('0');
  await lab.exec('ip link del eth0.5');
  await expectAck(lab, 'VIRTIO_NET_CTRL_VLAN_DEL', 'OK');
  expect(await tagged(5)).toMatchObject({ fate: 'dropped', reason: 'vlan-table-miss' });
});

test('an address that the guest takes is obeyed with CTRL_MAC_ADDR, and otherwise not', async ({ lab }) => {
  expect(await featuresInGuest(lab)).not.toContain(23);
  await lab.exec(`ip link set eth0 address ${OTHER} && ip link set eth0 up`);
  expect((await lab.nic()).mac).toBe(OWN);
  expect(await lab.injectOne({ dst: OTHER })).toMatchObject({ fate: 'dropped', reason: 'unicast-table-miss' });
  await lab.exec(`ip link set eth0 down && ip link set eth0 address ${OWN}`);

  await offer(lab, { add: ['VIRTIO_NET_F_CTRL_MAC_ADDR'] });
  await lab.exec(`ip link set eth0 address ${OTHER} && ip link set eth0 up`);
  await expectAck(lab, 'VIRTIO_NET_CTRL_MAC_ADDR_SET', 'OK');
  expect((await lab.nic()).mac).toBe(OTHER);
  expect(await lab.injectOne({ dst: OTHER })).toMatchObject({ fate: 'delivered', rule: 'own-unicast' });
  expect(await lab.injectOne({ dst: OWN })).toMatchObject({ fate: 'dropped', reason: 'unicast-table-miss' });
  await lab.exec(`ip link set eth0 down && ip link set eth0 address ${OWN}`);
});

test('the guest sees the link go down and come up', async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  const carrier = (): Promise<string> => lab.exec('cat /sys/class/net/eth0/carrier');
  await expect.poll(carrier).toBe('1');
  await ui.linkSwitch.click();
  await expect.poll(carrier).toBe('0');
  await ui.linkSwitch.click();
  await expect.poll(carrier).toBe('1');
});

test('NET-ANN-01: asked to announce itself, the guest does, and acknowledges', async ({ lab }) => {
  await offer(lab, { add: ['VIRTIO_NET_F_GUEST_ANNOUNCE'] });
  await lab.exec('ip link set eth0 up');
  const from = await framesSoFar(lab);
  await lab.announce();
  await expectAck(lab, 'VIRTIO_NET_CTRL_ANNOUNCE_ACK', 'OK');
  await expect
    .poll(() => sentSince(lab, from))
    .toContainEqual(expect.objectContaining({ summary: expect.objectContaining({ protocol: 'ARP' }) }));
});
