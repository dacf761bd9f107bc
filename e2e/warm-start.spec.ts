/** The guest comes up from a snapshot: fast, with its own clock and its own chance, and never from a wrong one. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';
import { LabClient } from './lab-client.ts';
import { LabPage } from './lab-page.ts';

const CACHE = 'virtio-net-lab-snapshot';

/** What became of each snapshot that was found: `used storage`. */
async function snapshots(page: Page): Promise<string[]> {
  const events = await new LabClient(page).trace({ type: 'snapshot' });
  return events.flatMap(({ event }) =>
    event.type === 'snapshot' && event.outcome !== 'found' ? [`${event.outcome} ${event.from}`] : [],
  );
}

async function stages(page: Page): Promise<Set<string>> {
  const events = await new LabClient(page).trace({ type: 'boot' });
  return new Set(events.flatMap(({ event }) => (event.type === 'boot' ? [event.stage] : [])));
}

async function visit(page: Page, path = '/'): Promise<LabClient> {
  await page.goto(path);
  const lab = new LabClient(page);
  await lab.ready();
  return lab;
}

test('the second visit goes on from what the first stored, and the driver negotiates live', async ({ pages }) => {
  const page = await pages.open();
  await visit(page);
  await expect.poll(() => snapshots(page)).toEqual(['used server', 'kept storage']);

  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  const lab = await visit(page);
  expect(await snapshots(page)).toEqual(['used storage']);
  expect(asked.filter((path) => /snapshot\.img|vmlinuz|initramfs/.test(path))).toEqual([]);
  expect([...(await stages(page))]).toEqual(['restore', 'userspace', 'ready']);

  const ui = new LabPage(page);
  await ui.typeInConsole('echo usable-$((6*7))');
  await expect(ui.consoleScreen).toContainText('usable-42');
  const judged = await lab.trace({ type: 'features-judged' });
  expect(judged.map(({ event }) => event.type === 'features-judged' && event.ok)).toEqual([true]);
  expect((await lab.nic()).status).toBe(0x0f);
  await lab.exec('ip link set eth0 up && ping -n -q -c 3 -i 0.2 -w 20 10.0.2.2');
  await page.close();
});

test('guests from one snapshot draw different random numbers, and know what time it is', async ({ pages }) => {
  const page = await pages.open();
  const drawn: string[] = [];
  for (let time = 0; time < 2; time++) {
    const lab = await visit(page);
    expect([...(await stages(page))]).toContain('restore');
    drawn.push(await lab.exec('od -An -N 16 -t x1 /dev/urandom; cat /proc/sys/kernel/random/uuid'));
    const [seconds, now] = [Number(await lab.exec('date +%s')), Date.now() / 1000];
    // Set to the second; what is between the question and the answer is the machine's.
    expect(Math.abs(seconds - now)).toBeLessThan(15);
  }
  const numbers = drawn.flatMap((text) => text.split('\n'));
  expect(new Set(numbers).size).toBe(4);
  await page.close();
});

test('a damaged snapshot is refused and said, wherever it lies; without a right one the guest boots from power-on', async ({
  pages,
}) => {
  const page = await pages.open();
  await visit(page);
  await expect.poll(() => snapshots(page)).toContain('kept storage');
  const damage = (): Promise<void> =>
    page.evaluate(async (name) => {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const bytes = new Uint8Array((await (await cache.match(request))?.arrayBuffer()) ?? []);
        bytes[bytes.length >> 1]! ^= 1;
        await cache.put(request, new Response(bytes));
      }
      await cache.put(new URL('guest/snapshot.img?sha256=of-another', location.href).href, new Response('stale'));
    }, CACHE);
  await damage();
  await visit(page);
  await expect
    .poll(() => snapshots(page))
    .toEqual(['refused storage', 'refused storage', 'used server', 'kept storage']);

  await damage();
  await page.route('**/guest/snapshot.img*', (route) => route.fulfill({ body: 'not a snapshot' }));
  await page.goto('/');
  const ui = new LabPage(page);
  await expect(ui.console).toContainText('The server’s snapshot cannot be used');
  // The boot is shown while it goes on.
  await expect(ui.guest).toContainText(/Guest: (firmware|kernel)/);
  await new LabClient(page).ready();
  expect(await snapshots(page)).toEqual(['refused storage', 'refused storage', 'refused server']);
  // What is stored was tried, and the guest has not run a single instruction of it.
  expect([...(await stages(page))]).toEqual(['restore', 'download', 'firmware', 'kernel', 'userspace', 'ready']);
  await expect(ui.guest).toContainText('Guest ready');
  await page.close();
});

test('storage that is full is said, and the lab works', async ({ pages, baseURL }) => {
  const page = await pages.open();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: baseURL!, quotaSize: 1_000_000 });
  const lab = await visit(page);
  await expect.poll(() => snapshots(page)).toEqual(['used server', 'not-kept storage']);
  expect(await lab.exec('echo works')).toBe('works');
  await page.close();
});

test('?boot=cold boots from power-on although there is a snapshot', async ({ pages }) => {
  const page = await pages.open();
  await page.goto('/?boot=cold');
  await expect(new LabPage(page).guest).toContainText(/Guest: (firmware|kernel)/);
  expect(await snapshots(page)).toEqual([]);
  expect([...(await stages(page))]).toContain('firmware');
  await page.close();
});
