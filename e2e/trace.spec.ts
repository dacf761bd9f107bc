/** How much of what happens at frame rate is recorded and drawn: `lab.setTrace`, and its switch on the page. */
import { expect, test } from './fixtures.ts';
import type { LabClient } from './lab-client.ts';

const OWN = { dst: '02:00:00:00:00:15' };

/** What the page has counted, and what device and link have. */
async function counts(lab: LabClient): Promise<Record<'judged' | 'unrecorded' | 'sent' | 'device' | 'rows', number>> {
  return lab.page.evaluate(async () => {
    const { counters, end } = window.lab.store.frames;
    const { tx_packets: device = 0 } = (await window.lab.nic()).counters;
    const { injected: judged, sent } = counters;
    return { judged, unrecorded: counters.unrecorded, sent: sent + counters.unrecordedFromGuest, device, rows: end };
  });
}

test.beforeEach(async ({ lab }) => {
  await lab.page.evaluate(() => window.lab.store.clearFrames());
  await lab.exec('ip link set eth0 up');
});

test.afterEach(async ({ lab }) => {
  await lab.stopTraffic();
  await lab.setTrace('live');
});

test('recorded: the list stands still, and is complete when it is live again', async ({ lab, ui }) => {
  await ui.packetFilter.fill('');
  await lab.injectOne(OWN);
  await expect(ui.packetsShown).not.toHaveText('0');
  await ui.trace('Recorded').click();
  await expect(ui.trace('Recorded')).toHaveAttribute('aria-pressed', 'true');
  await lab.startTraffic({ frames: [OWN], rate: 200 });
  await expect(ui.packets).toContainText(/[1-9]\d\d recorded/);
  // What came before may still be drawn; what is only recorded is not.
  expect(Number(await ui.packetsShown.textContent())).toBeLessThan(100);
  await lab.stopTraffic();
  await ui.trace('Live').click();
  await expect.poll(async () => (await counts(lab)).rows).toBeGreaterThan(100);
  await expect
    .poll(async () => Number((await ui.packetsShown.textContent())?.replaceAll(',', '')) - (await counts(lab)).rows)
    .toBe(0);
});

test('recorded: what is injected is shown', async ({ lab, ui }) => {
  await lab.setTrace('recorded');
  await lab.injectOne({ ...OWN, payload: '0102030405' });
  await expect(ui.packetRows.filter({ hasText: '5 bytes' })).toHaveCount(1);
});

test('off: frames are counted and not recorded, the device’s counters go on, and nothing is lost', async ({
  lab,
  ui,
}) => {
  await lab.setTrace('off');
  await expect(ui.trace('Off')).toHaveAttribute('aria-pressed', 'true');
  const before = await counts(lab);
  await lab.exec('ip addr add 10.0.2.15/24 dev eth0; ping -c 5 -i 0.2 10.0.2.2');
  await expect(ui.packets).toContainText(/\d+ not recorded/);
  await expect
    .poll(async () => {
      const after = await counts(lab);
      return after.sent - before.sent - (after.device - before.device);
    })
    .toBe(0);
  const after = await counts(lab);
  expect(after.unrecorded).toBeGreaterThanOrEqual(10);
  expect(after.rows).toBe(before.rows);
});

test('off: what is injected is recorded all the same', async ({ lab }) => {
  await lab.setTrace('off');
  const { rows } = await counts(lab);
  const result = await lab.injectOne(OWN);
  expect(result).toMatchObject({ fate: 'delivered', rule: 'own-unicast' });
  const after = await counts(lab);
  expect(after.rows - rows).toBe(1);
});

test('a switch in a flood contradicts no frame', async ({ lab }) => {
  await lab.startTraffic({ frames: [OWN], rate: 3000 });
  for (let round = 0; round < 5; round++)
    for (const mode of ['off', 'recorded', 'live'] as const) await lab.setTrace(mode);
  await lab.stopTraffic();
  await expect.poll(() => lab.page.evaluate(() => window.lab.store.frames.counters.pending)).toBe(0);
  expect(await lab.page.evaluate(() => window.lab.store.frames.counters.inconsistent)).toBe(0);
});

test('changes are events, and a mode that is none is refused', async ({ lab }) => {
  const since = ((await lab.trace()).at(-1)?.seq ?? -1) + 1;
  for (const mode of ['off', 'recorded', 'live'] as const) await lab.setTrace(mode);
  const events = await lab.trace({ type: 'trace-mode', since });
  expect(events.map(({ event }) => event)).toEqual([
    { type: 'trace-mode', mode: 'off' },
    { type: 'trace-mode', mode: 'recorded' },
    { type: 'trace-mode', mode: 'live' },
  ]);
  await expect(lab.setTrace('loud' as 'live')).rejects.toThrow(/no trace mode “loud”; there are live, recorded, off/);
});

test('on a narrow page the switch is a list', async ({ lab, ui }) => {
  const size = lab.page.viewportSize();
  await lab.page.setViewportSize({ width: 390, height: 800 });
  await ui.panes.getByRole('button', { name: 'Packets' }).click();
  const list = ui.packets.getByRole('combobox', { name: 'Trace' });
  await list.selectOption('off');
  await expect.poll(() => lab.page.evaluate(() => window.lab.store.model.traceMode)).toBe('off');
  await lab.setTrace('live');
  await expect(list).toHaveValue('live');
  // Chosen, and undone before the page is drawn again.
  await list.evaluate(async (select: HTMLSelectElement) => {
    select.value = 'off';
    select.dispatchEvent(new Event('change'));
    await window.lab.setTrace('live');
  });
  await expect(list).toHaveValue('live');
  await lab.page.setViewportSize(size ?? { width: 1440, height: 900 });
});
