/** What guest, device and page say of the negotiation: the same. */
import { expect, test } from './fixtures.ts';
import type { LabClient } from './lab-client.ts';

const CTRL_RX = 18;

/** Feature bits as Linux shows them: a string of 0 and 1, bit 0 first. */
async function featuresInGuest(lab: LabClient): Promise<number[]> {
  const word = await lab.exec('cat /sys/class/net/eth0/device/features');
  return Array.from(word, (digit, bit) => (digit === '1' ? bit : -1)).filter((bit) => bit >= 0);
}

function bitsOf(hex: string): number[] {
  const word = BigInt(hex);
  return Array.from({ length: 128 }, (_, bit) => bit).filter((bit) => (word >> BigInt(bit)) & 1n);
}

test('guest, device and page agree on the features in force', async ({ lab, ui }) => {
  const bits = await featuresInGuest(lab);
  expect(bits).toContain(CTRL_RX);
  const { features } = await lab.nic();
  expect(bitsOf(features.negotiated)).toEqual(bits);
  expect(bitsOf(features.acked)).toEqual(bits);
  expect(bitsOf(features.offered)).toEqual(expect.arrayContaining(bits));
  await expect(ui.featuresInForce.locator('td:first-child')).toHaveText(bits.map(String));
});

test('the status bits are those of a driver that is ready, in the guest and on the page', async ({ lab, ui }) => {
  expect(Number(await lab.exec('cat /sys/class/net/eth0/device/status'))).toBe(0x0f);
  expect((await lab.nic()).status).toBe(0x0f);
  await expect(ui.deviceStatus.getByRole('listitem')).toHaveText(
    ['ACKNOWLEDGE', 'DRIVER', 'FEATURES_OK', 'DRIVER_OK'].map((name) => `✓ ${name} set`),
  );
});

test('the MAC address is the one in the configuration space', async ({ lab }) => {
  expect(await lab.exec('cat /sys/class/net/eth0/address')).toBe((await lab.nic()).mac);
});

test('up and down do not negotiate again; a re-probe does', async ({ lab, ui }) => {
  const resets = async (): Promise<number> => (await lab.trace({ type: 'device-reset', since: lab.since })).length;
  const before = await resets();
  await lab.exec('ip link set eth0 up && ip link set eth0 down');
  expect(await resets()).toBe(before);
  expect((await lab.nic()).status).toBe(0x0f);
  await lab.reprobe();
  await expect.poll(resets).toBeGreaterThan(before);
  await ui.showLogs('Negotiation');
  await expect(ui.logs.getByRole('row', { name: /FEATURES_OK.*accepted/ }).first()).toBeVisible();
});

test('another host model says that a re-probe is needed, and offers it', async ({ lab, ui }) => {
  await expect(ui.reprobeNotice).toBeHidden();
  await ui.hostModel.selectOption('propolis-before-1125');
  await expect(ui.reprobeNotice).toBeVisible();
  expect(await featuresInGuest(lab)).toContain(CTRL_RX);

  await ui.reprobe.click();
  await expect(ui.reprobeNotice).toBeHidden();
  expect(await featuresInGuest(lab)).not.toContain(CTRL_RX);
  expect(bitsOf((await lab.nic()).features.offered)).not.toContain(CTRL_RX);
  await expect(ui.features.getByRole('row', { name: 'CTRL_RX' })).toHaveCount(0);

  await ui.hostModel.selectOption('exact');
  await ui.reprobe.click();
  await expect(ui.reprobeNotice).toBeHidden();
  expect(await featuresInGuest(lab)).toContain(CTRL_RX);
  await expect(ui.featuresInForce.filter({ hasText: /^\s*18/ })).toHaveCount(1);
});
