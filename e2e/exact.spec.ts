/** The specification, literally: filtering by the tables that the driver has programmed. */
import { capture } from './capture.ts';
import { framesSoFar } from './device.ts';
import { expect, test } from './fixtures.ts';
import { FOREIGN, GROUP_V4, numbered } from './frames.ts';

test.use({ hostModel: 'exact' });

test('a joined group arrives; one that was not joined is dropped, and the page says why', async ({ lab, ui }) => {
  await lab.exec(`ip link set eth0 up && ip maddr add ${GROUP_V4} dev eth0`);
  let dropped = 0;
  const seen = await capture(lab, async () => {
    const [joined, unjoined] = await lab.inject([numbered('joined v4', 1), numbered('unjoined v4', 2)]);
    expect(joined).toMatchObject({ fate: 'delivered', rule: 'multicast-table' });
    expect(unjoined).toMatchObject({ fate: 'dropped', reason: 'multicast-table-miss' });
    dropped = unjoined?.id ?? 0;
  });
  expect(seen).toEqual([1]);
  await ui.selectPacket(dropped);
  await expect(ui.inspector).toContainText('Multicast to a group that is not in the multicast MAC table.');

  await lab.exec(`ip maddr del ${GROUP_V4} dev eth0`);
  expect(await lab.injectOne(numbered('joined v4', 3))).toMatchObject({ reason: 'multicast-table-miss' });
});

test('what the filter drops costs the guest nothing', async ({ lab }) => {
  await lab.exec('ip link set eth0 up; head -c 8000000 /dev/zero > /tmp/work');
  const cost = async (): Promise<number> => {
    const before = await lab.instructions();
    await lab.exec('sha256sum /tmp/work');
    return ((await lab.instructions()) - before) >>> 0;
  };
  await cost();
  const idle = await cost();
  const [from, received] = [await framesSoFar(lab), (await lab.nic()).counters.rx_packets ?? 0];
  await lab.startTraffic({ frames: [{ dst: FOREIGN, payload: '5a'.repeat(46) }], rate: 20_000 });
  const busy = await cost();
  await lab.stopTraffic();
  expect(await framesSoFar(lab)).toBeGreaterThan(from + 1000);
  expect(((await lab.nic()).counters.rx_packets ?? 0) - received).toBeLessThan(100);
  expect(busy / idle).toBeLessThan(1.1);
});

test('the address of a macvlan arrives through the unicast table', async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  expect(await lab.injectOne(numbered('foreign unicast', 1))).toMatchObject({ reason: 'unicast-table-miss' });

  await lab.exec(`ip link add second link eth0 address ${FOREIGN} type macvlan && ip link set second up`);
  expect((await lab.nic()).tables.unicast).toContain(FOREIGN);
  await expect(ui.device.getByRole('cell', { name: FOREIGN })).toBeVisible();
  const seen = await capture(
    lab,
    async () => {
      const frame = await lab.injectOne(numbered('foreign unicast', 2));
      expect(frame).toMatchObject({ fate: 'delivered', rule: 'unicast-table' });
    },
    { dev: 'second', dst: FOREIGN },
  );
  expect(seen).toEqual([2]);

  await lab.exec('ip link del second');
  expect(await lab.injectOne(numbered('foreign unicast', 3))).toMatchObject({ reason: 'unicast-table-miss' });
});
