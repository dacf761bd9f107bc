/** With shared memory and without: what the lab can do is the same. */
import { expect, test } from './fixtures.ts';
import { mixedBurst } from './frames.ts';
import { LabClient } from './lab-client.ts';
import { LabPage } from './lab-page.ts';

test('as served, the page is cross-origin isolated', async ({ bootedPage, ui }) => {
  expect(await bootedPage.evaluate(() => crossOriginIsolated)).toBe(true);
  await expect(ui.page.getByText('✓ isolated')).toBeVisible();
});

test('without isolation the guest boots, pings and receives a burst', async ({ pages }) => {
  const page = await pages.open();
  await page.goto('/?isolation=off');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect(await page.evaluate(() => typeof SharedArrayBuffer)).toBe('undefined');
  const lab = new LabClient(page);
  const ui = new LabPage(page);
  await expect(page.getByText('✕ not isolated')).toBeVisible();
  await lab.ready();
  await expect(ui.guest).toContainText('Guest ready');

  await lab.exec('ip link set eth0 up');
  await lab.exec('ping -n -q -c 20 -i 0.05 -w 20 10.0.2.2');
  const before = Number(await lab.exec('cat /sys/class/net/eth0/statistics/rx_packets'));
  const results = await lab.inject(mixedBurst(300));
  expect(results).toHaveLength(300);
  const delivered = results.filter(({ fate }) => fate === 'delivered').length;
  expect(delivered).toBeGreaterThan(100);
  // Others may have come meanwhile: neighbours that answer.
  const after = Number(await lab.exec('cat /sys/class/net/eth0/statistics/rx_packets'));
  expect(after - before).toBeGreaterThanOrEqual(delivered);
  await ui.inspect('Counters');
  await expect(ui.balanceMark).toHaveText('✓ adds up');
  await page.close();
});
