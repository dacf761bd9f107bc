/** The link by itself: every state of it, reached by ioctls alone, without a word from the guest. */
import { expect, test } from './fixtures.ts';
import { FOREIGN, GROUP_V4, OWN } from './frames.ts';
import type { LabClient } from './lab-client.ts';

const SET_PROMISC = 'VNA_IOC_SET_PROMISC';
const RING = { index: 0, size: 256, desc: 0x1000, driver: 0x3000, device: 0x4000 };

/** A link that nobody but the test drives: the driver is away. */
test.beforeEach(async ({ lab }) => {
  await lab.exec('rmmod virtio_net');
  await lab.recreateLink();
});

test.afterEach(async ({ lab }) => {
  await lab.exec('modprobe virtio_net && lab-addr');
});

async function errno(lab: LabClient, name: string, arg?: unknown): Promise<string | number> {
  return (await lab.ioctl(name, arg)).errno;
}

const ringState = async (lab: LabClient): Promise<string | undefined> => (await lab.link()).rings[0]?.state;

test('levels, and the trap of a failed one', async ({ lab }) => {
  expect(await lab.link()).toMatchObject({ level: 'MULTI', version: 6, exists: true });
  for (const level of ['NONE', 'ALL', 'MULTI']) {
    expect(await errno(lab, SET_PROMISC, level)).toBe(0);
    expect((await lab.link()).level).toBe(level);
  }
  expect(await errno(lab, SET_PROMISC, 3)).toBe('EINVAL');

  await lab.fault({ kind: 'ioctl', name: SET_PROMISC, errno: 'ENOMEM' });
  expect(await errno(lab, SET_PROMISC, 'ALL')).toBe('ENOMEM');
  expect(await errno(lab, SET_PROMISC, 'MULTI')).toBe(0);
  expect(await lab.link()).toMatchObject({ level: 'MULTI', callbacks: { promisc: null } });
  expect(await lab.injectOne({ dst: GROUP_V4 })).toMatchObject({ reason: 'multicast-no-listener' });
});

test('a ring goes from RESET to RUN and back, and every step has its order', async ({ lab }) => {
  expect(await ringState(lab)).toBe('RESET');
  expect(await errno(lab, 'VNA_IOC_RING_KICK', 0)).toBe('EBUSY');
  expect(await errno(lab, 'VNA_IOC_RING_INIT_MODERN', { ...RING, size: 3 })).toBe('EINVAL');
  expect(await errno(lab, 'VNA_IOC_RING_INIT_MODERN', RING)).toBe(0);
  expect(await errno(lab, 'VNA_IOC_RING_INIT_MODERN', RING)).toBe('EBUSY');
  expect(await errno(lab, 'VNA_IOC_RING_KICK', 0)).toBe(0);
  expect(await ringState(lab)).toBe('RUN');
  expect(await errno(lab, 'VNA_IOC_SET_PAIRS', 4)).toBe('EBUSY');
  expect(await errno(lab, 'VNA_IOC_RING_PAUSE', 0)).toBe(0);
  expect(await ringState(lab)).toBe('INIT');
  expect(await errno(lab, 'VNA_IOC_RING_RESET', 0)).toBe(0);
  expect(await ringState(lab)).toBe('RESET');
  expect(await errno(lab, 'VNA_IOC_SET_PAIRS', 4)).toBe(0);
  expect((await lab.link()).pairs).toBe(4);
});

test('a link that is deleted answers ENXIO until it is created again', async ({ lab }) => {
  expect(await errno(lab, 'VNA_IOC_DELETE')).toBe(0);
  expect((await lab.link()).exists).toBe(false);
  expect(await errno(lab, SET_PROMISC, 'ALL')).toBe('ENXIO');
  expect(await lab.ioctl('VNA_IOC_VERSION')).toMatchObject({ errno: 0, value: 6 });
  expect(await errno(lab, 'VNA_IOC_CREATE', { linkid: 1, vmfd: 3 })).toBe(0);
  expect(await lab.link()).toMatchObject({ exists: true, level: 'MULTI' });
  expect(await errno(lab, 'VNA_IOC_NO_SUCH')).toBe('ENOTTY');
});

test.describe('interface version 7', () => {
  test.use({ hostModel: 'propolis-v7' });

  test('exact multicast: installed filters under NONE, and the promiscuous callback otherwise', async ({ lab }) => {
    expect((await lab.link()).version).toBe(7);
    expect(await errno(lab, 'VNA_IOC_SET_MAC_FILTERS', [GROUP_V4])).toBe(0);
    expect((await lab.link()).filters).toEqual([GROUP_V4]);
    expect(await errno(lab, SET_PROMISC, 'NONE')).toBe(0);
    expect((await lab.injectOne({ dst: GROUP_V4 })).byModel['propolis-v7']).toMatchObject({ accept: true });
    expect((await lab.injectOne({ dst: '01:00:5e:7f:00:01' })).byModel['propolis-v7']).toMatchObject({ accept: false });
    // A unicast entry is no filter: the whole list is refused, and the one that is there stays.
    await lab.ioctl('VNA_IOC_SET_MAC_FILTERS', [FOREIGN]);
    expect((await lab.link()).filters).toEqual([GROUP_V4]);
    expect(await errno(lab, 'VNA_IOC_SET_MAC_FILTERS', [])).toBe(0);
    expect((await lab.link()).filters).toEqual([]);
    expect((await lab.link()).address).toBe(OWN);
  });
});

test('on a VNIC, ALL is filtered: foreign unicast stays away', async ({ lab }) => {
  await lab.ioctl(SET_PROMISC, 'ALL');
  expect((await lab.injectOne({ dst: FOREIGN })).byModel['propolis-372a574']).toMatchObject({ accept: true });
  await lab.setLinkKind('vnic');
  await lab.ioctl(SET_PROMISC, 'ALL');
  expect((await lab.injectOne({ dst: FOREIGN })).byModel['propolis-372a574']).toMatchObject({ accept: false });
});
