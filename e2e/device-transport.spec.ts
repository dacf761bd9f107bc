/** Ways to find and to drive the device: modern, transitional, legacy; MSI-X and INTx; split and packed rings. */
import type { PersonalityRequest } from '../src/core/virtio-net/personality-request.ts';
import { expectTraffic, featuresInGuest, interrupts, offer } from './device.ts';
import type { Lab } from '../src/app/lab.ts';
import { expect, type OpenPages, test } from './fixtures.ts';
import { OWN } from './frames.ts';
import { LabClient } from './lab-client.ts';

const VERSION_1 = 32;
const EVENT_IDX = 29;
const RING_PACKED = 34;
const MRG_RXBUF = 15;

/**
 * Without merged buffers Linux posts 68 KiB for each of 256 buffers of every queue that there is, used or not:
 * with eleven pairs that is most of the guest's memory.
 */
const SEVERAL_PAIRS = ['VIRTIO_NET_F_MQ', 'VIRTIO_NET_F_RSS'];

const MODEL = 'exact';

test.use({ hostModel: MODEL });

const pciIds = (lab: LabClient): Promise<string> =>
  lab.exec('cd $(dirname $(readlink -f /sys/class/net/eth0/device)); echo $(cat device revision)');

/** Loads the driver anew, with or without `force_legacy`. */
async function reloadDriver(lab: LabClient, parameters: string): Promise<void> {
  await lab.exec(
    `ip link set eth0 down; rmmod virtio_net virtio_pci && modprobe virtio_pci ${parameters} && modprobe virtio_net && lab-addr`,
  );
}

test('a modern device: MSI-X has a vector for each queue and one for the configuration', async ({ lab }) => {
  expect(await pciIds(lab)).toBe('0x1041 0x01');
  expect(await featuresInGuest(lab)).toContain(VERSION_1);
  const before = await interrupts(lab);
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['config', 'input.0', 'output.0']));
  await expectTraffic(lab);
  const after = await interrupts(lab);
  expect(after['input.0']).toBeGreaterThan(before['input.0'] ?? 0);
  expect(after['output.0']).toBeGreaterThanOrEqual(before['output.0'] ?? 0);

  await lab.setLinkUp(false);
  await expect.poll(async () => (await interrupts(lab)).config).toBeGreaterThan(after.config ?? 0);
  await lab.setLinkUp(true);
});

test('without MSI-X the device interrupts by INTx, with either ring', async ({ pages }) => {
  const lab = await openWith(pages, { msix: false });
  for (const packed of [false, true]) {
    await offer(lab, { msix: false, ...rings(packed, packed) });
    expect((await featuresInGuest(lab)).includes(RING_PACKED)).toBe(packed);
    await expectTraffic(lab);
    const lines = await interrupts(lab);
    expect(lines).not.toHaveProperty('input.0');
    expect(lines.intx).toBeGreaterThan(0);
  }
  await lab.page.close();
});

test('a transitional device serves a modern driver, and a legacy driver', async ({ pages }) => {
  const lab = await openWith(pages, { transitional: true });
  expect(await pciIds(lab)).toBe('0x1000 0x00');
  expect(await featuresInGuest(lab)).toContain(VERSION_1);
  await expectTraffic(lab);

  for (const mergeable of [true, false]) {
    const buffers = { [mergeable ? 'add' : 'remove']: ['VIRTIO_NET_F_MRG_RXBUF', ...SEVERAL_PAIRS] };
    await lab.setPersonality({ transitional: true, ...buffers });
    await reloadDriver(lab, 'force_legacy=1');
    const bits = await featuresInGuest(lab);
    expect(bits).not.toContain(VERSION_1);
    expect(bits.every((bit) => bit < 32)).toBe(true);
    expect(bits.includes(MRG_RXBUF)).toBe(mergeable);
    await expectTraffic(lab);
  }
  // A legacy driver writes its address to the configuration space: recorded, and without effect.
  await lab.exec('ip link set eth0 address 02:00:00:00:00:77');
  expect((await lab.nic()).mac).toBe(OWN);
  expect((await lab.trace({ type: 'config-write', since: lab.since })).length).toBeGreaterThan(0);
  await lab.page.close();
});

for (const packed of [false, true]) {
  for (const eventIdx of [false, true]) {
    for (const mergeable of [false, true]) {
      const title = `${packed ? 'packed' : 'split'} ring, ${eventIdx ? 'event index' : 'flags'}, ${mergeable ? 'merged' : 'single'} buffers`;
      test(`${title}: negotiated, and carries traffic`, async ({ lab }) => {
        await offer(lab, rings(packed, eventIdx, mergeable));
        const bits = await featuresInGuest(lab);
        expect(bits.includes(RING_PACKED)).toBe(packed);
        expect(bits.includes(EVENT_IDX)).toBe(eventIdx);
        expect(bits.includes(MRG_RXBUF)).toBe(mergeable);
        await expectTraffic(lab);
        expect((await lab.nic()).counters.guest_errors).toBe(0);
      });
    }
  }
}

function rings(packed: boolean, eventIdx: boolean, mergeable = true): PersonalityRequest {
  const wanted = [
    ['VIRTIO_F_RING_PACKED', packed],
    ['VIRTIO_F_EVENT_IDX', eventIdx],
    ['VIRTIO_NET_F_MRG_RXBUF', mergeable],
    ...SEVERAL_PAIRS.map((name) => [name, mergeable] as const),
  ] as const;
  const names = (on: boolean): string[] => wanted.filter(([, value]) => value === on).map(([name]) => name);
  return { add: names(true), remove: names(false) };
}

/**
 * A page of its own. What the PCI function is, is read when the machine starts, so it is asked for as soon as there is a
 * lab to ask: the guest finds that function and no other.
 */
async function openWith(pages: OpenPages, request: PersonalityRequest): Promise<LabClient> {
  const page = await pages.open();
  await page.addInitScript((asked) => {
    Object.defineProperty(window, 'lab', {
      configurable: true,
      set(lab: Lab) {
        Object.defineProperty(window, 'lab', { value: lab });
        void lab.setPersonality(asked);
      },
    });
  }, request);
  await page.goto('/');
  const lab = new LabClient(page);
  await lab.ready();
  await lab.setHostModel(MODEL);
  await lab.reprobe();
  return lab;
}
