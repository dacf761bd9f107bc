/** The panels of the page, each against what the facade and the guest say of the same thing. */
import type { InjectResult } from '../src/app/lab.ts';
import { expect, test } from './fixtures.ts';
import { featuresInGuest } from './device.ts';
import { FOREIGN, GROUP_V4, KINDS, mixedBurst, numbered, OWN, tcpSegment } from './frames.ts';
import type { LabClient } from './lab-client.ts';
import type { LabPage } from './lab-page.ts';

/** Host models by the names of their columns. */
const COLUMNS = {
  'propolis-before-1125': 'before-1125',
  'propolis-372a574': '372a574',
  'propolis-v7': 'v7',
  qemu: 'qemu',
  'cloud-hypervisor': 'cloud-hyp.',
  exact: 'exact',
} as const;
const MODELS = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
const BEFORE = 'propolis-before-1125';

const RING_PACKED = 34;
const CTRL_VQ = 17;
const CTRL_RX = 18;
const MAC = 5;

test.beforeEach(async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  await ui.verdictsToShow.selectOption('all');
  await ui.showPackets('List');
  await ui.clear.click();
});

type Opinion = NonNullable<InjectResult['byModel'][keyof InjectResult['byModel']]>;

function opinionOf({ byModel }: InjectResult, model: keyof typeof COLUMNS): Opinion {
  const opinion = byModel[model];
  if (!opinion) throw new Error(`${model} has no opinion.`);
  return opinion;
}

const isJudged = (result: InjectResult, kind: 'leak' | 'loss'): boolean =>
  MODELS.some((model) => opinionOf(result, model).judgement === kind);

/** What the matrix says, by frame id: the cells' names, in the order of the columns. */
function matrix(ui: LabPage): Promise<Record<string, string[]>> {
  return ui.packetRows.evaluateAll((rows) =>
    Object.fromEntries(
      rows.map((row) => {
        const [number, ...cells] = row.querySelectorAll('[role="gridcell"]');
        const { id } = window.lab.store.frames.row(Number(number?.textContent) - 1) ?? {};
        return [
          String(id),
          cells.map((cell) => cell.getAttribute('aria-label')).filter((name) => name !== null),
        ] as const;
      }),
    ),
  );
}

test('the matrix says of a burst what the facade says, and marks leaks and losses apart', async ({ lab, ui }) => {
  await ui.showPackets('Matrix');
  const results = await lab.inject(mixedBurst(KINDS.length));
  await expect(async () => {
    const shown = await matrix(ui);
    for (const result of results) {
      const expected = MODELS.map((model) => {
        const { judgement, accept } = opinionOf(result, model);
        const word = judgement === 'leak' || judgement === 'loss' ? judgement : accept ? 'accepted' : 'dropped';
        return `${COLUMNS[model]}: ${word}`;
      });
      expect(shown[result.id]).toEqual(expected);
    }
  }).toPass({ timeout: 10_000 });
  const marked = (word: string) => ui.packetGrid.getByRole('gridcell', { name: `372a574: ${word}` }).first();
  await expect(marked('leak')).toContainText('▲');
  await expect(marked('loss')).toContainText('▼');
  const tint = await marked('leak').evaluate((cell) => getComputedStyle(cell).backgroundColor);
  await expect(marked('loss')).not.toHaveCSS('background-color', tint);
});

test('the filter leaves what the models disagree on, or what one of them leaks', async ({ lab, ui }) => {
  await ui.showPackets('Matrix');
  const results = await lab.inject(mixedBurst(KINDS.length));
  const differ = results.filter((result) => isJudged(result, 'leak') || isJudged(result, 'loss'));
  await ui.verdictsToShow.selectOption('differ');
  await expect(ui.packetsShown).toHaveText(new RegExp(`^${differ.length} of `));
  expect(Object.keys(await matrix(ui)).map(Number)).toEqual(differ.map(({ id }) => id));

  const leaks = results.filter((result) => opinionOf(result, 'cloud-hypervisor').judgement === 'leak');
  const head = ui.packets.getByRole('button', { name: `${leaks.length} leaks of Cloud Hypervisor` });
  await head.click();
  await expect(head).toHaveAttribute('aria-pressed', 'true');
  await expect(ui.packetsShown).toHaveText(new RegExp(`^${leaks.length} of `));
  expect(Object.keys(await matrix(ui)).map(Number)).toEqual(leaks.map(({ id }) => id));
  await head.click();
  await expect(ui.verdictsToShow).toHaveValue('all');
});

/** The work that MULTI made of these frames. */
function workOf(results: readonly InjectResult[]): Record<'frames' | 'looks' | 'needed' | 'needless', number> {
  const work = { frames: results.length, looks: 0, needed: 0, needless: 0 };
  for (const result of results) {
    const { looked } = opinionOf(result, BEFORE).cost;
    const needed = opinionOf(result, 'exact').accept && looked > 0 ? 1 : 0;
    work.looks += looked;
    work.needed += needed;
    work.needless += looked - needed;
  }
  return work;
}

test('needless work is one number in the answer, its derivation and the facade', async ({ lab, ui }) => {
  await ui.inspect('Cost');
  // Again if a neighbour has answered the guest meanwhile: that is a frame, too.
  const work = await test.step('send a burst that nothing comes between', async () => {
    for (;;) {
      await ui.clear.click();
      const results = await lab.inject(mixedBurst(KINDS.length * 4));
      const seen = await lab.page.evaluate(() => window.lab.store.frames.counters.injected);
      if (seen === results.length) return workOf(results);
    }
  });
  const { frames, looks, needed, needless } = work;
  const percent = Math.round((100 * needless) / looks);
  await expect(ui.needless).toContainText(`${percent} %`);
  await expect(ui.needless).toContainText(`Of ${looks} looks at ${frames} frames, ${needless} were needless`);
  await ui.inspector.getByText('Derivation', { exact: true }).click();
  const sum = ui.derivation.getByRole('row', { name: /^all / });
  await expect(sum.getByRole('cell')).toHaveText(['all', frames, '', looks, needed, needless].map(String));

  const row = ui.hostModels.getByRole('row', { name: /before-1125/ });
  await expect(row.getByRole('cell').nth(1)).toHaveText(String(looks));
  const facade = await lab.page.evaluate(
    (id) => window.lab.store.frames.counters.models().find(({ model }) => model === id),
    BEFORE,
  );
  expect(facade).toMatchObject({ judged: frames, looked: looks });
  await ui.costOverTime.focus();
  await ui.page.keyboard.press('End');
  await expect(ui.costOverTime).toHaveAttribute('aria-valuetext', new RegExp(`before-1125 ${looks}\\b`));
});

const inject = (ui: LabPage, what: string): Promise<void> =>
  ui.faults.getByRole('button', { name: `Inject ${what}` }).click();
const undo = (ui: LabPage): Promise<void> => ui.injectedFaults.getByRole('button', { name: /^Undo/ }).click();
const faultsInTrace = async (lab: LabClient): Promise<unknown> => {
  const last = (await lab.trace({ type: 'faults', since: lab.since })).at(-1)?.event;
  return last?.type === 'faults' ? last.faults : null;
};

test('a fault that waits makes the ioctl fail, and the page tells that it happened', async ({ lab, ui }) => {
  await ui.inspect('Host');
  await inject(ui, 'a failing ioctl');
  await expect(ui.injectedFaults).toContainText('waiting the next SET_PROMISC fails with ENOMEM');
  expect(await faultsInTrace(lab)).toEqual([{ kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'ENOMEM' }]);
  await lab.exec('ip link set eth0 promisc on');
  await expect(ui.faultResult).toContainText('It happened: SET_PROMISC failed with ENOMEM.');
  await expect(ui.injectedFaults).toHaveText('Nothing is injected.');
  await ui.showLogs('Ioctls');
  await expect(ui.ioctls.getByRole('row').filter({ hasText: 'ENOMEM' })).toHaveCount(1);
  expect(await lab.injectOne(numbered('unjoined v4', 1))).toMatchObject({ reason: 'multicast-no-listener' });
});

test('faults of rings and lease hold frames back until they are undone', async ({ lab, ui }) => {
  await ui.inspect('Host');
  for (const [what, kind] of [
    ['a stalled ring', 'ring-stall'],
    ['an expired lease', 'lease'],
  ] as const) {
    await inject(ui, what);
    await expect(ui.injectedFaults).toContainText('in force');
    expect(await faultsInTrace(lab)).toEqual([expect.objectContaining({ kind })]);
    expect((await lab.injectOne({ dst: OWN })).fate).toBe('dropped');
    await undo(ui);
    await expect(ui.injectedFaults).toHaveText('Nothing is injected.');
    await expect(ui.faultResult).toHaveText('1 fault taken back.');
    expect(await faultsInTrace(lab)).toEqual([]);
    expect((await lab.injectOne({ dst: OWN })).fate).toBe('delivered');
  }
});

test('a shortage of buffers waits for a packet of several, and is undone', async ({ lab, ui }) => {
  await ui.inspect('Host');
  const large = tcpSegment(4000, 1448, 10);
  await inject(ui, 'a shortage of buffers');
  await expect(ui.injectedFaults).toContainText('waiting the next packet of several buffers runs short');
  await undo(ui);
  await expect(ui.injectedFaults).toHaveText('Nothing is injected.');
  expect((await lab.injectOne(large)).fate).toBe('delivered');
  await inject(ui, 'a shortage of buffers');
  await expect(ui.injectedFaults).toContainText('waiting');
  expect((await lab.injectOne({ dst: OWN })).fate).toBe('delivered');
  expect(await lab.injectOne(large)).toMatchObject({ fate: 'dropped', reason: 'rx_merge_underrun' });
  await expect(ui.injectedFaults).toHaveText('Nothing is injected.');
  const waits = await lab.trace({ type: 'shortage', since: lab.since });
  expect(waits.map(({ event }) => event.type === 'shortage' && event.waiting)).toEqual([true, false, true, false]);
});

test('an ioctl by hand shows its errno, and takes effect', async ({ lab, ui }) => {
  await ui.inspect('Host');
  await ui.ioctlByHand.getByRole('button', { name: 'SET_PROMISC ALL' }).click();
  await expect(ui.ioctlResult).toHaveText('SET_PROMISC ALL: OK.');
  await expect(ui.linkLevel).toHaveText('ALL');
  expect((await lab.injectOne({ dst: FOREIGN })).fate).toBe('delivered');
  await ui.showLogs('Ioctls');
  await expect(ui.ioctls.getByRole('row').nth(1)).toContainText('by hand');

  await ui.ioctlByHand.getByRole('combobox', { name: 'Ioctl' }).selectOption('VNA_IOC_RING_KICK');
  await ui.ioctlByHand.getByRole('textbox', { name: 'Argument' }).fill('999');
  await ui.ioctlByHand.getByRole('button', { name: 'Issue' }).click();
  await expect(ui.ioctlResult).toContainText('RING_KICK 999: EINVAL.');
  await expect(ui.ioctls).not.toContainText('VNA_IOC_RING_KICK');
  await ui.logs.getByRole('button', { name: 'Ring ioctls' }).click();
  await expect(ui.ioctls.getByRole('row').nth(1)).toContainText('VNA_IOC_RING_KICK');
  await ui.logs.getByRole('button', { name: 'Ring ioctls' }).click();
});

test('the feature editor keeps dependencies, says why, and the guest gets the new bits', async ({ lab, ui }) => {
  const box = (name: string) => ui.featureDialog.getByRole('checkbox', { name, exact: true });
  const follows = ui.featureDialog.getByRole('status', { name: 'What follows' });
  await ui.editFeatures.click();
  await expect(box('VERSION_1')).toBeDisabled();
  await box('CTRL_VQ').uncheck();
  await expect(box('CTRL_RX')).not.toBeChecked();
  await expect(follows).toContainText('CTRL_RX needs VIRTIO_NET_F_CTRL_VQ');
  await box('CTRL_RX').check();
  await expect(box('CTRL_VQ')).toBeChecked();
  await box('CTRL_RX').uncheck();
  await box('RING_PACKED').check();
  await ui.featureDialog.getByRole('button', { name: 'Apply and re-probe' }).click();
  await expect(ui.featureDialog).toBeHidden();
  const bits = await featuresInGuest(lab);
  expect(bits).toEqual(expect.arrayContaining([RING_PACKED, CTRL_VQ, MAC]));
  expect(bits).not.toContain(CTRL_RX);
  await expect(ui.featuresInForce.filter({ hasText: 'RING_PACKED' })).toHaveCount(1);
  await expect(ui.device.getByRole('heading', { name: 'Queues, packed rings' })).toBeVisible();

  await ui.editFeatures.click();
  await ui.featureDialog.getByRole('button', { name: 'As the model' }).click();
  await ui.featureDialog.getByRole('button', { name: 'Apply and re-probe' }).click();
  await expect.poll(() => featuresInGuest(lab)).toContain(CTRL_RX);
  expect(await featuresInGuest(lab)).not.toContain(RING_PACKED);
});

test('on a VNIC, promiscuous mode is filtered, and a migration keeps what the guest has', async ({ lab, ui }) => {
  await ui.inspect('Host');
  await ui.linkInFull.getByRole('combobox', { name: 'On' }).selectOption('vnic');
  await expect(ui.linkResult).toContainText('The link is created again.');
  expect((await lab.link()).kind).toBe('vnic');
  await lab.reprobe();
  await lab.exec('ip link set eth0 up; ip link set eth0 promisc on');
  await expect(ui.linkLevel).toHaveText('ALL');
  expect((await lab.injectOne({ dst: FOREIGN })).byModel['propolis-372a574']).toMatchObject({ accept: false });
  expect((await lab.injectOne({ dst: GROUP_V4 })).fate).toBe('delivered');

  await ui.linkInFull.getByRole('button', { name: 'Migrate' }).click();
  await expect(ui.linkResult).toHaveText('The guest moved to another host.');
  await ui.showLogs('Negotiation');
  await expect(ui.logs.getByRole('row', { name: /migrated/ })).toContainText('372a574 OK');
  await ui.showLogs('Ioctls');
  await expect(ui.linkLevel).toHaveText('ALL');
  expect((await lab.injectOne({ dst: OWN })).fate).toBe('delivered');
  await ui.linkInFull.getByRole('combobox', { name: 'On' }).selectOption('physical');
  await expect.poll(async () => (await lab.link()).kind).toBe('physical');
});

test('the plug is pulled and put in, and the guest is asked to announce itself', async ({ lab, ui }) => {
  const carrier = ui.device.getByRole('status', { name: 'Carrier' });
  const announce = ui.device.getByRole('button', { name: 'Ask to announce' });
  await expect(announce).toBeDisabled();
  await lab.setPersonality({ add: ['VIRTIO_NET_F_GUEST_ANNOUNCE'] });
  await lab.reprobe();
  await lab.exec('ip link set eth0 up');
  await ui.linkSwitch.click();
  await expect(carrier).toHaveText('✕ down');
  await expect.poll(() => lab.exec('cat /sys/class/net/eth0/carrier')).toBe('0');
  await ui.linkSwitch.click();
  await expect(carrier).toHaveText('✓ up');
  await expect.poll(() => lab.exec('cat /sys/class/net/eth0/carrier')).toBe('1');
  await expect(announce).toBeEnabled();
  await ui.clear.click();
  await announce.click();
  await ui.packetFilter.fill('out proto:arp announce');
  await expect(ui.packetRows).not.toHaveCount(0);
  await ui.packetFilter.fill('');
});
