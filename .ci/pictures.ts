/**
 * The README's pictures, light and dark, of the lab as it is served:
 *
 *     npm run build && npm run preview
 *     npx tsx .ci/pictures.ts http://localhost:4173/
 */
import { chromium, type Page } from '@playwright/test';
import '../e2e/lab-client.ts';
import { findChromium } from './chromium.ts';

const [address = 'http://localhost:4173/'] = process.argv.slice(2);
const FOLDER = 'docs/images';

const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  chromiumSandbox: false,
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(address);
  await page.evaluate(() => window.lab.ready);
  await makeTraffic(page);

  const inspector = page.getByRole('region', { name: 'Inspector' });
  const showAs = page.getByRole('group', { name: 'Show as' });
  await page.getByRole('grid', { name: 'Packets' }).getByRole('row').filter({ hasText: 'leak' }).last().click();
  await picture(page, 'lab');
  await showAs.getByRole('button', { name: 'Matrix' }).click();
  await inspector.getByRole('tab', { name: 'Cost' }).click();
  await picture(page, 'matrix');
} finally {
  await browser.close();
}

/** A guest that has said something, and frames of all kinds towards it. */
async function makeTraffic(page: Page): Promise<void> {
  // What is typed before the prompt would be echoed twice.
  await page.getByText('root@guest:~#').waitFor();
  await page.getByRole('textbox', { name: /^Serial console input/ }).focus();
  await page.keyboard.type('ip link set eth0 up; ping -c 3 10.0.2.2\n');
  await page.getByText('3 packets transmitted').waitFor();
  await page.evaluate(async () => {
    await window.lab.exec('ip maddr add 01:00:5e:01:02:03 dev eth0');
  });
  await page.getByRole('tab', { name: 'Traffic' }).click();
  for (const preset of await page.getByRole('group', { name: 'Presets' }).getByRole('button').all()) {
    await preset.click();
    await page.getByRole('status', { name: 'Result', exact: true }).filter({ hasText: 'frame' }).waitFor();
  }
}

async function picture(page: Page, name: string): Promise<void> {
  for (const [theme, ending] of [
    ['light', ''],
    ['dark', '-dark'],
  ] as const) {
    await page.getByRole('combobox', { name: 'Theme' }).selectOption(theme);
    await page.screenshot({ path: `${FOLDER}/${name}${ending}.png`, animations: 'disabled' });
  }
}
