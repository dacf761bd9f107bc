/** Propolis with CTRL_RX: the link follows what the driver asks for, level by level. */
import { capture } from './capture.ts';
import { expect, test } from './fixtures.ts';
import { numbered } from './frames.ts';
import type { LabPage } from './lab-page.ts';

async function expectLevel(ui: LabPage, level: 'NONE' | 'MULTI' | 'ALL'): Promise<void> {
  await expect(ui.device).toMatchAriaSnapshot(`- status "Link level": ${level}`);
}

/** The newest SET_PROMISC that the page lists: newest first, among the ioctls for the rings. */
async function expectNewestIoctl(ui: LabPage, arg: string): Promise<void> {
  const newest = ui.ioctls.getByRole('row').filter({ hasText: 'VNA_IOC_SET_PROMISC' }).first();
  await expect(newest).toHaveText(new RegExp(`VNA_IOC_SET_PROMISC\\s*${arg}\\s*OK`));
}

test('the level follows the driver: NONE, MULTI, ALL and back', async ({ lab, ui }) => {
  await ui.showLogs('Ioctls');

  await test.step('negotiating CTRL_RX', async () => {
    expect((await lab.link()).level).toBe('NONE');
    expect(await lab.promiscCalls()).toEqual(['NONE']);
    await expectLevel(ui, 'NONE');
    await expectNewestIoctl(ui, 'NONE');
    await expect(ui.receiveMode.getByRole('listitem').first()).toHaveText('promisc –');
  });

  await test.step('up: a multicast table is programmed', async () => {
    await lab.exec('ip link set eth0 up');
    expect((await lab.nic()).tables.multicast).toContain('33:33:00:00:00:01');
    expect((await lab.link()).level).toBe('MULTI');
    expect(await lab.promiscCalls()).toEqual(['NONE', 'MULTI']);
    await expectLevel(ui, 'MULTI');
    await expectNewestIoctl(ui, 'MULTI');
    await expect(ui.receiveMode.getByRole('listitem').first()).toHaveText('promisc off');
    await expect(ui.device.getByRole('cell', { name: '33:33:00:00:00:01' })).toBeVisible();
  });

  await test.step('promiscuous mode on', async () => {
    await lab.exec('ip link set eth0 promisc on');
    expect((await lab.link()).level).toBe('ALL');
    expect(await lab.promiscCalls()).toEqual(['NONE', 'MULTI', 'ALL']);
    await expectLevel(ui, 'ALL');
    await expectNewestIoctl(ui, 'ALL');
    await expect(ui.receiveMode.getByRole('listitem').first()).toHaveText('promisc on');
    const seen = await capture(lab, async () => {
      const frame = await lab.injectOne(numbered('foreign unicast', 1));
      expect(frame).toMatchObject({ fate: 'delivered', rule: 'promisc-all' });
    });
    expect(seen).toEqual([1]);
  });

  await test.step('promiscuous mode off', async () => {
    await lab.exec('ip link set eth0 promisc off');
    expect((await lab.link()).level).toBe('MULTI');
    expect(await lab.promiscCalls()).toEqual(['NONE', 'MULTI', 'ALL', 'MULTI']);
    await expectLevel(ui, 'MULTI');
    await expectNewestIoctl(ui, 'MULTI');
    const frame = await lab.injectOne(numbered('foreign unicast', 2));
    expect(frame).toMatchObject({ fate: 'dropped', reason: 'unicast-foreign' });
  });
});

test('tcpdump raises the link to ALL while it runs', async ({ lab }) => {
  await lab.exec('ip link set eth0 up');
  const seen = await capture(
    lab,
    async () => {
      expect((await lab.link()).level).toBe('ALL');
      await lab.inject(numbered('foreign unicast', 7));
    },
    { promisc: true },
  );
  expect(seen).toEqual([7]);
  expect((await lab.link()).level).toBe('MULTI');
});

test('a level set by hand on the page is in force at once, and logged as such', async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  await ui.showLogs('Ioctls');
  await ui.inspect('Host');
  await ui.inspector.getByRole('button', { name: 'SET_PROMISC ALL' }).click();
  await expect(ui.ioctlResult).toHaveText('SET_PROMISC ALL: OK.');
  await expectLevel(ui, 'ALL');
  await expect(ui.ioctls.getByRole('row').nth(1)).toContainText('by hand');
  expect(await lab.injectOne(numbered('foreign unicast', 1))).toMatchObject({
    fate: 'delivered',
    byModel: { 'propolis-372a574': { judgement: 'leak' } },
  });
});
