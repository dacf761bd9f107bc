/** The world of the original issue: no CTRL_RX, and a link that is in MULTI for ever. */
import { capture } from './capture.ts';
import { expect, test } from './fixtures.ts';
import { numbered } from './frames.ts';

test.use({ hostModel: 'propolis-before-1125' });

test('the level stays MULTI whatever the guest does', async ({ lab, ui }) => {
  for (const command of [
    'ip link set eth0 up',
    'ip link set eth0 promisc on',
    'ip link set eth0 allmulticast on',
    'ip maddr add 01:00:5e:01:02:03 dev eth0',
    'ip link set eth0 promisc off && ip link set eth0 allmulticast off',
    'lab-reprobe',
  ]) {
    await lab.exec(command);
    const { level, callbacks } = await lab.link();
    expect({ level, kind: callbacks?.promisc?.kind, calls: await lab.promiscCalls() }, command).toEqual({
      level: 'MULTI',
      kind: 'MULTI',
      calls: [],
    });
    await expect(ui.device).toMatchAriaSnapshot('- status "Link level": MULTI');
  }
});

test('multicast that nobody joined reaches the guest, foreign unicast does not', async ({ lab }) => {
  await lab.exec('ip link set eth0 up');
  const seen = await capture(lab, async () => {
    const [group4, group6, foreign, own] = await lab.inject([
      numbered('unjoined v4', 1),
      numbered('unjoined v6', 2),
      numbered('foreign unicast', 3),
      numbered('own unicast', 4),
    ]);
    expect(group4).toMatchObject({ fate: 'delivered', rule: 'promisc-multi' });
    expect(group6).toMatchObject({ fate: 'delivered', rule: 'promisc-multi' });
    expect(foreign).toMatchObject({ fate: 'dropped', reason: 'unicast-foreign' });
    expect(own).toMatchObject({ fate: 'delivered', rule: 'own-unicast' });
  });
  expect(seen).toEqual([1, 2, 4]);
});

test('promiscuous mode in the guest does not bring foreign unicast', async ({ lab }) => {
  await lab.exec('ip link set eth0 up');
  const seen = await capture(
    lab,
    async () => {
      expect(await lab.exec('ip -d link show eth0')).toContain('promiscuity 1');
      await lab.inject([numbered('foreign unicast', 1), numbered('broadcast', 2)]);
    },
    { promisc: true },
  );
  expect(seen).toEqual([2]);
});

test('a unicast frame costs one look more than on a link in NONE', async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  const multi = await lab.injectOne(numbered('own unicast', 1));
  expect(multi.byModel['propolis-before-1125']?.cost).toEqual({ looked: 2, copied: 0, delivered: 1, discarded: 0 });
  await ui.selectPacket(multi.id);
  await expect(ui.inspector).toContainText('Cost: looked at 2 times, 0 copies, 1 handed over');

  // Down, so that the driver joins nothing after it has negotiated CTRL_RX: the link is in NONE.
  await lab.exec('ip link set eth0 down');
  await lab.setHostModel('propolis-372a574');
  await lab.reprobe();
  const none = await lab.injectOne(numbered('own unicast', 2));
  expect(none.byModel['propolis-372a574']?.cost).toMatchObject({ looked: 1, copied: 0 });
  expect(none.byModel['propolis-before-1125']?.cost).toMatchObject({ looked: 2, copied: 0 });
  await ui.selectPacket(none.id);
  await expect(ui.inspector).toContainText('Cost: looked at 1 time, 0 copies');
  await expect(ui.verdictOf('372a574')).toContainText('1·0·0');
  await expect(ui.verdictOf('before-1125')).toContainText('2·0·0');
});
