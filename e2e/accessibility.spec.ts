/** What axe finds against WCAG 2.2, levels A and AA, in the states of the page. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from './fixtures.ts';
import { mixedBurst } from './frames.ts';
import type { LabPage } from './lab-page.ts';

const WIDE = { width: 1440, height: 900 };
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

async function expectClean(ui: LabPage, state: string): Promise<void> {
  await test.step(`axe: ${state}`, async () => {
    // The page has a browser context of its own, in which axe may not open another page.
    const { violations } = await new AxeBuilder({ page: ui.page }).setLegacyMode(true).withTags(TAGS).analyze();
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => ({ id, target, failureSummary })),
    );
    expect(found, state).toEqual([]);
  });
}

test.beforeEach(async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  await lab.inject(mixedBurst(26));
  await lab.fault({ kind: 'lease' });
  await ui.showPackets('List');
});

test.afterEach(async ({ lab, ui }) => {
  await lab.clearFaults();
  await ui.page.setViewportSize(WIDE);
  await ui.theme.selectOption('auto');
  await ui.showPackets('List');
});

for (const theme of ['light', 'dark'] as const) {
  test(`${theme}: packets and what is said of them`, async ({ ui }) => {
    await ui.theme.selectOption(theme);
    await ui.packetRows.first().click();
    await expectClean(ui, 'list, a packet');
    await ui.showPackets('Matrix');
    await ui.inspect('Cost');
    await expectClean(ui, 'matrix, cost');
  });

  test(`${theme}: host, traffic and features`, async ({ ui }) => {
    await ui.theme.selectOption(theme);
    await ui.inspect('Host');
    await expectClean(ui, 'host, a fault in force');
    await ui.inspect('Traffic');
    await ui.editFeatures.click();
    await expectClean(ui, 'feature editor');
    await ui.page.keyboard.press('Escape');
  });
}

test('a phone', async ({ ui }) => {
  await ui.showPackets('Matrix');
  await ui.page.setViewportSize({ width: 390, height: 844 });
  for (const pane of ['Packets', 'Device', 'Inspector']) {
    await ui.panes.getByRole('button', { name: pane }).click();
    await expectClean(ui, pane);
  }
});
