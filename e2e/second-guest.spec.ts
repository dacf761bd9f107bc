/** Two guests on one switch: real Debians that talk to each other, each through a link of its own. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Fate } from '../src/core/host/verdict.ts';
import { featuresInGuest, framesSoFar, offer } from './device.ts';
import { expect, test as base } from './fixtures.ts';
import { LabClient } from './lab-client.ts';
import { LabPage } from './lab-page.ts';

const OFFLOADS = [
  'VIRTIO_NET_F_CSUM',
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_HOST_TSO4',
  'VIRTIO_NET_F_HOST_TSO6',
  'VIRTIO_NET_F_MRG_RXBUF',
];
const RECEIVING_OFFLOADS = [
  'VIRTIO_NET_F_GUEST_CSUM',
  'VIRTIO_NET_F_GUEST_TSO4',
  'VIRTIO_NET_F_GUEST_TSO6',
  'VIRTIO_NET_F_GUEST_ECN',
  'VIRTIO_NET_F_GUEST_USO4',
  'VIRTIO_NET_F_GUEST_USO6',
];
const PORT = 5001;
const LONGEST_ON_A_WIRE = 1514;

interface TwoGuests {
  readonly one: LabClient;
  readonly two: LabClient;
  readonly page: LabPage;
}

const test = base.extend<object, { guests: TwoGuests }>({
  guests: [
    async ({ pages }, use) => {
      const page = await pages.open();
      await page.goto('/?guests=2');
      const one = new LabClient(page, 1);
      const two = new LabClient(page, 2);
      await Promise.all([one.ready(), two.ready()]);
      await use({ one, two, page: new LabPage(page) });
    },
    { scope: 'worker', timeout: 170_000 },
  ],
});

/** Both as after a start, with the interface up. */
test.beforeEach(async ({ guests: { one, two } }) => {
  const begin = async (guest: LabClient): Promise<void> => {
    await guest.reset('propolis-372a574');
    await guest.exec('ip link set eth0 up');
  };
  await Promise.all([begin(one), begin(two)]);
});

interface FrameToGuest {
  /** Its first bytes. */
  readonly header: readonly number[];
  readonly wire: number;
  readonly gsoType: number;
  readonly fate: Fate;
}

/** Frames that came to the guest's link since `from`. */
async function framesTo(lab: LabClient, from: number): Promise<FrameToGuest[]> {
  return lab.evaluate(({ store: { frames, log } }, first) => {
    const found: FrameToGuest[] = [];
    for (let number = Math.max(first, frames.first); number < frames.end; number++) {
      const row = frames.row(number);
      const bytes = row && log.captured(row.seq);
      if (!row?.toGuest || !bytes) continue;
      const { wire, gsoType, fate } = row;
      found.push({ header: [...bytes.subarray(0, 24)], wire, gsoType, fate });
    }
    return found;
  }, from);
}

const isTcp = ({ header }: FrameToGuest): boolean => (header[12] === 8 ? header[23] === 6 : header[20] === 6);

/** The first guest sends that many random bytes to the second over TCP. What arrives must be what was sent. */
async function sendData({ one, two }: TwoGuests, to: string, bytes = 400_000): Promise<void> {
  // An input that ends would end the connection: busybox' nc closes it then, in both directions.
  await two.exec(
    `rm -f /tmp/input; mkfifo /tmp/input; nc -l -p ${PORT} <> /tmp/input > /tmp/data &
     for try in $(seq 100); do netstat -ltn | grep -q ':${PORT} ' && exit; usleep 50000; done; exit 1`,
  );
  await one.exec(`head -c ${bytes} /dev/urandom > /tmp/data; nc ${to} ${PORT} < /tmp/data`);
  expect(await two.exec('md5sum < /tmp/data')).toBe(await one.exec('md5sum < /tmp/data'));
}

test('they ping each other, over IPv4 and IPv6, and both reach the station', async ({ guests: { one, two } }) => {
  await one.exec('ping -n -q -c 5 -i 0.2 -w 20 10.0.2.16');
  await one.exec('ping -6 -n -q -c 5 -i 0.2 -w 20 fd00:0:0:2::16');
  await two.exec('ping -n -q -c 5 -i 0.2 -w 20 -s 1400 10.0.2.15');
  await two.exec('ping -6 -n -q -c 5 -i 0.2 -w 20 -s 1400 fd00:0:0:2::15');
  for (const guest of [one, two]) {
    await guest.exec('ping -n -q -c 3 -i 0.2 -w 20 10.0.2.2');
    await guest.exec('ping -6 -n -q -c 3 -i 0.2 -w 20 fd00:0:0:2::2');
  }
  const ports = await one.page.evaluate(() => window.lab.switchPorts());
  expect(ports.map(({ name, addresses }) => [name, addresses])).toEqual([
    ['Station', ['02:00:00:00:00:02']],
    ['Guest 1', ['02:00:00:00:00:15']],
    ['Guest 2', ['02:00:00:00:00:16']],
  ]);
  for (const { framesIn, framesOut, refused, malformed } of ports) {
    expect(Math.min(framesIn, framesOut)).toBeGreaterThan(0);
    expect([refused, malformed]).toEqual([0, 0]);
  }
});

for (const [model, to, gsoType] of [
  ['propolis-372a574', '10.0.2.16', 1],
  ['propolis-372a574', 'fd00:0:0:2::16', 4],
  ['exact', '10.0.2.16', 1],
] as const) {
  test(`large segments cross whole where both negotiated them: ${model}, to ${to}`, async ({ guests }) => {
    const { one, two } = guests;
    const prepare = async (guest: LabClient): Promise<void> => {
      await guest.setHostModel(model);
      await offer(guest, { add: OFFLOADS });
      expect(await featuresInGuest(guest)).toEqual(expect.arrayContaining([0, 1, 7, 8, 11, 12, 15]));
    };
    await Promise.all([prepare(one), prepare(two)]);
    const from = await framesSoFar(two);
    await two.exec(
      `tcpdump -i eth0 -p -n -q -Q in 'tcp port ${PORT} and greater ${LONGEST_ON_A_WIRE + 1}' > /tmp/seen 2> /tmp/seen.log &
       for try in $(seq 100); do grep -q 'listening on' /tmp/seen.log && exit; usleep 50000; done; exit 1`,
    );
    await sendData(guests, to);

    const rows = (await framesTo(two, from)).filter(isTcp);
    const large = rows.filter(({ wire }) => wire > LONGEST_ON_A_WIRE);
    expect(large.length).toBeGreaterThan(5);
    expect(large.every((row) => row.gsoType === gsoType && row.fate === 'delivered')).toBe(true);
    expect((await two.link()).ringStats.rx_gro_fallback).toBe(0);
    const { counters } = await two.nic();
    expect(counters.rx_gro_fallback ?? 0).toBe(0);
    expect(counters.rx_gso_packets).toBeGreaterThan(5);
    await two.exec('killall tcpdump; while pidof tcpdump > /dev/null; do usleep 20000; done');
    expect(Number(await two.exec('wc -l < /tmp/seen'))).toBeGreaterThan(5);
  });
}

for (const model of ['propolis-372a574', 'exact'] as const) {
  test(`large segments are cut for a guest that did not negotiate them, and nothing is lost: ${model}`, async ({
    guests,
  }) => {
    const { one, two } = guests;
    await offer(one, { add: OFFLOADS });
    await two.setHostModel(model);
    await offer(two, { remove: RECEIVING_OFFLOADS });
    expect(await featuresInGuest(two)).not.toContain(7);
    const from = await framesSoFar(two);
    const whole = async (): Promise<number> => (await two.nic()).counters.rx_gso_packets ?? 0;
    const before = await whole();
    await sendData(guests, '10.0.2.16');

    const rows = (await framesTo(two, from)).filter(isTcp);
    const large = rows.filter(({ wire }) => wire > LONGEST_ON_A_WIRE);
    expect(large.length).toBeGreaterThan(5);
    if (model === 'exact') {
      // Without a link it is the device that cuts them.
      expect((await two.nic()).counters.rx_gro_fallback).toBeGreaterThan(5);
    } else {
      expect(large.every(({ fate }) => fate === 'rx_gro_fallback')).toBe(true);
      expect((await two.link()).ringStats.rx_gro_fallback).toBeGreaterThan(5);
    }
    expect(await whole()).toBe(before);
  });
}

test('what one asks of its host is nothing to the other', async ({ guests: { one, two } }) => {
  const levels = async (): Promise<unknown[]> => [(await one.link()).level, (await two.link()).level];
  expect(await levels()).toEqual(['MULTI', 'MULTI']);
  await one.exec('ip link set eth0 promisc on');
  await expect.poll(levels).toEqual(['ALL', 'MULTI']);

  const from = await framesSoFar(two);
  const [other] = await one.inject({ dst: '02:00:00:00:00:99' });
  expect(other?.fate).toBe('delivered');
  const [dropped] = await two.inject({ dst: '02:00:00:00:00:99' });
  expect(dropped?.reason).toBe('unicast-foreign');
  // What was injected into the one's link is on nobody else's.
  const foreign = (await framesTo(two, from)).filter(({ header }) => header.slice(0, 6).join() === '2,0,0,0,0,153');
  expect(foreign).toHaveLength(1);

  await two.setHostModel('exact');
  expect([(await one.link()).model, (await two.link()).model]).toEqual(['propolis-372a574', 'exact']);
  await one.exec('ip link set eth0 promisc off');
  await expect.poll(levels).toEqual(['MULTI', null]);
});

test('the page shows the chosen one: console, packets, device', async ({ guests: { one, two, page: ui } }) => {
  await expect(ui.guestShown.getByRole('button')).toHaveText([/Guest 1\s*ready/, /Guest 2\s*ready/]);
  await ui.showGuest(1);
  await ui.typeInConsole('echo one-$((40+1))');
  await expect(ui.consoleScreen).toContainText('one-41');
  await ui.showGuest(2);
  await expect(ui.guestShown.getByRole('button', { pressed: true })).toHaveText(/Guest 2/);
  await ui.typeInConsole('echo two-$((40+2))');
  await expect(ui.consoleScreen).toContainText('two-42');
  await expect(ui.consoleScreen).not.toContainText('one-41');

  await two.exec('ip link set eth0 promisc on');
  await expect(ui.linkLevel).toContainText('ALL');
  await ui.clear.click();
  await two.inject({ dst: '02:00:00:00:00:98', etherType: 0x1234 });
  await ui.packetFilter.fill('dst:02:00:00:00:00:98');
  await expect(ui.packetRows).toHaveCount(1);

  await ui.showGuest(1);
  await expect(ui.consoleScreen).toContainText('one-41');
  await expect(ui.consoleScreen).not.toContainText('two-42');
  await expect(ui.linkLevel).toContainText('MULTI');
  await expect(ui.packetFilter).toHaveValue('');
  await one.inject({ dst: '02:00:00:00:00:15', etherType: 0x1235 });
  await ui.packetFilter.fill('dst:02:00:00:00:00:98');
  await expect(ui.packetRows).toHaveCount(0);
  await ui.packetFilter.fill('');

  // What was looked at of the other is still there.
  await ui.showGuest(2);
  await expect(ui.packetFilter).toHaveValue('dst:02:00:00:00:00:98');
  await ui.packetFilter.fill('');
  await ui.showGuest(1);
});

test('the switch is in the Counters tab', async ({ guests: { one, page: ui } }) => {
  await one.exec('ping -n -q -c 2 -i 0.2 -w 20 10.0.2.16');
  await ui.inspect('Counters');
  const rows = ui.switchPorts.getByRole('row');
  await expect(rows.filter({ hasText: 'Guest 2' })).toBeVisible();
  await expect(ui.switchPorts).toContainText('02:00:00:00:00:16');
});

test('axe finds nothing, wide or narrow', async ({ guests: { page: ui } }) => {
  const { page } = ui;
  const violations = async (): Promise<unknown[]> => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const found = await new AxeBuilder({ page }).setLegacyMode(true).withTags(tags).analyze();
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => ({ id, target })));
  };
  for (const theme of ['light', 'dark']) {
    await ui.theme.selectOption(theme);
    expect(await violations()).toEqual([]);
  }
  await ui.theme.selectOption('auto');
  const wide = page.viewportSize()!;
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(ui.guestShown.getByRole('button', { name: 'Guest 2' })).toBeVisible();
  expect(await violations()).toEqual([]);
  await page.setViewportSize(wide);
});

test('there is room for two, and the second one can go and come back', async ({ guests: { one, two, page: ui } }) => {
  const { page } = ui;
  await expect(page.evaluate(() => window.lab.addGuest())).rejects.toThrow(/room for 2 guests/);
  await expect(page.evaluate(() => window.lab.removeGuest(window.lab))).rejects.toThrow(/first guest/);

  await ui.showGuest(1);
  const pending = two.run('sleep 1000').catch(String);
  await page.getByRole('button', { name: 'Remove Guest 2' }).click();
  expect(await pending).toContain('The guest was removed.');
  await expect(ui.guestShown).toBeHidden();
  await expect(ui.guest).toHaveText(/Guest ready/);
  await expect.poll(() => page.evaluate(() => window.lab.switchPorts())).toHaveLength(2);
  expect((await one.run('ping -n -q -c 1 -w 2 10.0.2.16')).exitCode).not.toBe(0);
  await one.exec('ping -n -q -c 2 -i 0.2 -w 20 10.0.2.2');

  await page.getByRole('button', { name: '+ Second guest' }).click();
  await two.ready();
  await expect(ui.guestShown.getByRole('button', { pressed: true })).toHaveText(/Guest 2/);
  await two.exec('ip link set eth0 up');
  await two.exec('ping -n -q -c 3 -i 0.2 -w 20 10.0.2.15');
});

test('without shared memory too', async ({ pages }) => {
  const page = await pages.open();
  await page.goto('/?isolation=off&guests=2');
  const guests = { one: new LabClient(page, 1), two: new LabClient(page, 2), page: new LabPage(page) };
  await Promise.all([guests.one.ready(), guests.two.ready()]);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  for (const guest of [guests.one, guests.two]) await guest.exec('ip link set eth0 up');
  await sendData(guests, '10.0.2.16');
  expect((await guests.two.nic()).counters.rx_gso_packets).toBeGreaterThan(5);
  await page.close();
});
