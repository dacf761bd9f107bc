/** The page as its users find it. */
import { expect, test } from './fixtures.ts';
import { mixedBurst, numbered } from './frames.ts';
import type { LabPage } from './lab-page.ts';

const WIDE = { width: 1440, height: 900 };

test.beforeEach(async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  await ui.clear.click();
});

/** The lines of the balance: count by fate, and `injected`. */
async function balance(ui: LabPage): Promise<Record<string, number>> {
  const rows = await ui.balance
    .getByRole('row')
    .filter({ hasNot: ui.page.locator('[colspan="2"].mono') })
    .all();
  const cells = await Promise.all(rows.map((row) => row.getByRole('cell').allInnerTexts()));
  return Object.fromEntries(
    cells.map(([count = '', what = '']) => [what.split(/\s/)[0] ?? '', Number(count.replaceAll(',', ''))]),
  );
}

test('all landmarks are there, and have names', async ({ ui }) => {
  await expect(ui.page.getByRole('banner')).toBeVisible();
  await expect(ui.page.getByRole('main')).toBeVisible();
  await expect(ui.page.getByRole('heading', { level: 1 })).toHaveText('virtio-net lab');
  for (const region of [ui.console, ui.device, ui.logs, ui.packets, ui.inspector]) await expect(region).toBeVisible();
  expect(await ui.page.getByRole('region', { name: /^$/ }).count()).toBe(0);
});

test('what was injected is what was delivered and what was dropped', async ({ lab, ui }) => {
  const results = await lab.inject(mixedBurst(260));
  const delivered = results.filter(({ fate }) => fate === 'delivered').length;
  const filtered = results.filter(({ reason, rule }) => reason !== null && reason === rule).length;
  await ui.inspect('Counters');
  await expect(ui.balanceMark).toHaveText('✓ adds up');
  await expect(async () => {
    const { injected = 0, ...ends } = await balance(ui);
    expect(injected).toBe(Object.values(ends).reduce((sum, count) => sum + count, 0));
    // Neighbours may have answered the guest meanwhile: that is delivered, never filtered.
    expect(injected).toBeGreaterThanOrEqual(260);
    expect(ends.delivered).toBeGreaterThanOrEqual(delivered);
    expect(ends.filtered).toBe(filtered);
    expect(ends.rx_drop_over_mtu).toBe(20);
  }).toPass({ timeout: 10_000 });
  await ui.inspect('Cost');
  await expect(ui.hostModels.getByRole('row', { name: /before-1125/ })).toBeVisible();
});

test('a chosen packet is explained', async ({ lab, ui }) => {
  const { id } = await lab.injectOne(numbered('unjoined v4', 1));
  await ui.selectPacket(id);
  await expect(ui.inspector).toContainText('The link is in promiscuous mode MULTI: every multicast frame is taken.');
  await expect(ui.inspector).toContainText('Path: viona_rx_mcast');
  await expect(ui.inspector).toContainText('▲ leak');
  await expect(ui.inspector).toContainText('delivered');
  await expect(ui.inspector).toContainText('Filter generation');
  await expect(ui.verdictOf('exact')).toContainText('multicast-table-miss');
  await expect(ui.inspector.getByLabel('Hex dump')).toContainText('01 00 5e 7f 00 01');
});

test('the filter box narrows the list', async ({ lab, ui }) => {
  await lab.inject(mixedBurst(130));
  await expect.poll(async () => Number(await ui.packetGrid.getAttribute('aria-rowcount'))).toBeGreaterThanOrEqual(130);
  await ui.packetFilter.fill('rule:unicast-foreign');
  await expect(ui.packetsShown).toHaveText(/^10 of /);
  await expect(ui.packetRows).toHaveCount(10);
  await ui.packetFilter.fill('vlan:5 dst:ff:ff');
  await expect(ui.packetsShown).toHaveText(/^10 of /);
  await ui.packetFilter.fill('no-such-thing-anywhere');
  await expect(ui.packets).toContainText('No packet matches the filter.');
  await ui.packetFilter.press('Escape');
  await expect(ui.packetFilter).toHaveValue('');
  await expect(ui.packetRows).not.toHaveCount(0);
});

test('the packet list is used by keyboard alone', async ({ lab, ui }) => {
  await lab.inject(mixedBurst(26));
  const { keyboard } = ui.page;
  const chosen = ui.chosenPacket;
  await ui.packetGrid.focus();
  await keyboard.press('Home');
  await expect(chosen).toHaveAttribute('aria-rowindex', '1');
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await expect(chosen).toHaveAttribute('aria-rowindex', '3');
  await keyboard.press('ArrowUp');
  await expect(chosen).toHaveAttribute('aria-rowindex', '2');
  await expect(ui.packetGrid).toHaveAttribute('aria-activedescendant', (await chosen.getAttribute('id')) ?? '');
  await keyboard.press('Enter');
  await expect(ui.inspector.getByRole('tab', { name: 'Packet' })).toBeFocused();
  await keyboard.press('ArrowRight');
  await expect(ui.inspector.getByRole('tab', { name: 'Counters' })).toBeFocused();
  await keyboard.press('/');
  await expect(ui.packetFilter).toBeFocused();
  await keyboard.type('dropped');
  await keyboard.press('Enter');
  await expect(ui.packetGrid).toBeFocused();
  await keyboard.press('Escape');
  await expect(chosen).toHaveCount(0);
  await ui.packetFilter.fill('');
  await ui.packetGrid.focus();
  await keyboard.press('?');
  await expect(ui.page.getByRole('dialog', { name: 'Keys and filters' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(ui.page.getByRole('dialog')).toHaveCount(0);
});

test('presets send frames at a click', async ({ ui }) => {
  await ui.inspect('Traffic');
  for (const [preset, end, rule] of [
    ['Broadcast', 'delivered', 'broadcast'],
    ['To another station', 'unicast-foreign', 'unicast-foreign'],
    ['IPv4 group 239.1.2.3', 'delivered', 'promisc-multi'],
  ] as const) {
    await ui.presets.getByRole('button', { name: preset, exact: true }).click();
    await expect(ui.result).toHaveText(`1 frame: 1 ${end}.`);
    await expect(ui.chosenPacket).toContainText(rule);
  }
});

test('the form sends a frame many times, and as a stream', async ({ ui }) => {
  await ui.inspect('Traffic');
  await ui.frameForm.getByRole('button', { name: 'Fields' }).click();
  await ui.frameForm.getByLabel('Destination').fill('02:00:00:00:00:99');
  await ui.frameForm.getByLabel('Times').fill('50');
  await ui.frameForm.getByRole('button', { name: 'Send' }).click();
  await expect(ui.result).toHaveText('50 frames: 50 unicast-foreign.');
  await ui.frameForm.getByRole('button', { name: 'Start stream' }).click();
  await expect(ui.frameForm.getByText('streaming 100 frames/s')).toBeVisible();
  await expect.poll(async () => Number(await ui.packetGrid.getAttribute('aria-rowcount'))).toBeGreaterThan(60);
  await ui.frameForm.getByRole('button', { name: 'Stop stream' }).click();
  await expect(ui.frameForm.getByText('streaming')).toBeHidden();
});

test('a frame that cannot be sent is answered with how to mend it', async ({ ui }) => {
  await ui.inspect('Traffic');
  await ui.frameForm.getByRole('button', { name: 'Raw hex' }).click();
  for (const [text, answer] of [
    ['02 zz', 'contains “z”: only the digits 0-9 and a-f'],
    ['123', 'has 3 hex digits: two make a byte, so add or remove one.'],
    ['', 'write at least one byte of hex'],
  ] as const) {
    await ui.frameForm.getByLabel('Bytes').fill(text);
    await ui.frameForm.getByRole('button', { name: 'Send' }).click();
    await expect(ui.result).toContainText(answer);
  }
  // The guest may have sent something meanwhile.
  await ui.packetFilter.fill('in');
  await expect(ui.packetRows).toHaveCount(0);
  await ui.packetFilter.fill('');
});

test('the host model chooser shows what is in force', async ({ lab, ui }) => {
  await expect(ui.hostModel).toHaveValue('propolis-372a574');
  await lab.setHostModel('exact');
  await expect(ui.hostModel).toHaveValue('exact');
  await expect(ui.device).toContainText('This host model has no viona link');
  await ui.hostModel.selectOption('propolis-before-1125');
  await expect.poll(async () => (await lab.link()).model).toBe('propolis-before-1125');
});

test('ten thousand packets are a list of some dozen elements', async ({ lab, ui }) => {
  const ends = await lab.page.evaluate(async () => {
    const results = await window.lab.inject({ dst: '02:00:00:00:00:99' }, 10_000);
    return results.filter(({ reason }) => reason === 'unicast-foreign').length;
  });
  expect(ends).toBe(10_000);
  await expect
    .poll(async () => Number(await ui.packetGrid.getAttribute('aria-rowcount')))
    .toBeGreaterThanOrEqual(10_000);
  await expect.poll(() => ui.packetRows.count()).toBeGreaterThan(5);
  expect(await ui.packetRows.count()).toBeLessThan(100);
  await ui.packetGrid.focus();
  await ui.page.keyboard.press('Home');
  await expect(ui.chosenPacket).toHaveAttribute('aria-rowindex', '1');
  // Again if a packet of the guest's own came in between.
  await expect(async () => {
    await ui.page.keyboard.press('End');
    const last = (await ui.packetGrid.getAttribute('aria-rowcount')) ?? '';
    await expect(ui.chosenPacket).toHaveAttribute('aria-rowindex', last, { timeout: 1000 });
  }).toPass({ timeout: 10_000 });
  expect(await ui.packetRows.count()).toBeLessThan(100);
});

test('light and dark', async ({ ui }) => {
  const root = ui.page.locator('html');
  const app = ui.page.locator('lab-app');
  await ui.theme.selectOption('dark');
  await expect(root).toHaveAttribute('data-theme', 'dark');
  const dark = await app.evaluate((element) => getComputedStyle(element).backgroundColor);
  await ui.theme.selectOption('light');
  await expect(root).toHaveAttribute('data-theme', 'light');
  await expect(app).not.toHaveCSS('background-color', dark);
  await ui.theme.selectOption('auto');
  await expect(root).not.toHaveAttribute('data-theme');
});

test.describe('in a narrow window', () => {
  test.beforeEach(async ({ ui }) => {
    await ui.page.setViewportSize({ width: 420, height: 800 });
  });
  test.afterEach(async ({ ui }) => {
    await ui.page.setViewportSize(WIDE);
  });

  test('panes are shown one at a time', async ({ lab, ui }) => {
    const { id } = await lab.injectOne(numbered('broadcast', 1));
    const panes = [
      ['Console', ui.console],
      ['Device', ui.device],
      ['Logs', ui.logs],
      ['Packets', ui.packets],
      ['Inspector', ui.inspector],
    ] as const;
    for (const [name, pane] of panes) {
      await ui.panes.getByRole('button', { name }).click();
      await expect(pane).toBeVisible();
      for (const [, other] of panes) if (other !== pane) await expect(other).toBeHidden();
    }
    await ui.panes.getByRole('button', { name: 'Packets' }).click();
    await ui.packetFilter.fill(`id:${id}`);
    await ui.packetRows.first().dblclick();
    await expect(ui.inspector).toContainText(`id ${id}`);
    await ui.panes.getByRole('button', { name: 'Packets' }).click();
    await ui.packetFilter.fill('');
    const overflow = await ui.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
