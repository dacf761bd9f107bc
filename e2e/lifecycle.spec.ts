/** Drivers come and go, and so do guests: lab and page follow. */
import { expect, test } from './fixtures.ts';
import type { LabClient } from './lab-client.ts';
import type { LabPage } from './lab-page.ts';

const BOOT = { timeout: 150_000 };

async function expectPing(lab: LabClient): Promise<void> {
  // Succeeds as soon as three answers are in.
  await lab.exec('ip link set eth0 up && ping -n -q -c 3 -i 0.2 -w 20 10.0.2.2');
}

const pciId = (lab: LabClient): Promise<string> => lab.exec('cat /sys/class/net/eth0/device/../device');

/** After a reset of the machine: the stages pass, then all works as on the first day. */
async function expectAnotherBoot(lab: LabClient, ui: LabPage, since: number): Promise<void> {
  await expect(ui.guest).not.toContainText('Guest ready');
  await expect(ui.guest).toContainText('Guest ready', BOOT);
  const stages = (await lab.trace({ type: 'boot', since })).flatMap(({ event }) =>
    event.type === 'boot' ? [event.stage] : [],
  );
  expect(stages[0]).toBe('firmware');
  expect(stages.at(-1)).toBe('ready');
  expect(await lab.trace({ type: 'machine-reset', since })).toHaveLength(1);

  // The new shell must be told again: a serial line has no size.
  const rows = await ui.terminalRows();
  await expect.poll(() => lab.exec('stty -F /dev/ttyS0 size')).toMatch(new RegExp(`^${rows} `));
  await ui.typeInConsole('echo alive-$((6*7))');
  await expect(ui.consoleScreen).toContainText('alive-42');
  await expectPing(lab);
}

test('the driver is taken off and put on again', async ({ lab, ui }) => {
  const pci = await lab.exec('basename $(dirname $(readlink -f /sys/class/net/eth0/device))');
  await expectPing(lab);
  await lab.exec(`echo ${pci} > /sys/bus/pci/drivers/virtio-pci/unbind`);
  // Reset, and noticed: Linux acknowledges a device that has no driver again.
  expect((await lab.nic()).status).toBe(1);
  expect((await lab.run('ip link show eth0')).exitCode).not.toBe(0);
  await expect(ui.deviceStatus).toContainText('DRIVER_OK clear');

  await lab.exec(`echo ${pci} > /sys/bus/pci/drivers/virtio-pci/bind && lab-addr`);
  await expect(ui.deviceStatus).toContainText('DRIVER_OK set');
  await expectPing(lab);
});

test('a frame for a device without a driver is dropped, and the page says so', async ({ lab, ui }) => {
  await lab.exec('rmmod virtio_net');
  const frame = await lab.injectOne({ dst: 'ff:ff:ff:ff:ff:ff' });
  await lab.exec('modprobe virtio_net && lab-addr');
  expect(frame).toMatchObject({ fate: 'dropped', reason: 'ring_not_running' });
  await ui.selectPacket(frame.id);
  await expect(ui.inspector).toContainText('The receive ring is not running');
});

test('the module is unloaded and loaded', async ({ lab }) => {
  await expectPing(lab);
  await lab.exec('rmmod virtio_net');
  expect((await lab.nic()).status & 4).toBe(0);
  await lab.exec('modprobe virtio_net && lab-addr');
  expect((await lab.nic()).status).toBe(0x0f);
  await expectPing(lab);
});

test('down and up, ten times', async ({ lab }) => {
  await lab.exec('for i in 1 2 3 4 5 6 7 8 9 10; do ip link set eth0 up; ip link set eth0 down; done');
  await expectPing(lab);
  expect((await lab.trace({ type: 'guest-error', since: lab.since })).map(({ event }) => event)).toEqual([]);
});

test('traffic goes on over a re-probe, and every frame has its fate', async ({ lab, ui }) => {
  await lab.exec('ip link set eth0 up');
  await lab.startTraffic({ frames: [{ dst: 'ff:ff:ff:ff:ff:ff', payload: '00'.repeat(50) }], rate: 200 });
  await lab.reprobe();
  await lab.stopTraffic();
  await ui.inspect('Counters');
  await expect(ui.balance.getByRole('row', { name: 'pending' })).toHaveCount(0);
  await expect(ui.balanceMark).toHaveText('✓ adds up');
  await expectPing(lab);
});

test('the guest reboots by itself', async ({ lab, ui }) => {
  const since = lab.since;
  // It ends with the machine: there is nobody left to answer.
  const reboot = expect(lab.run('reboot -f')).rejects.toThrow(/reset/);
  await expectAnotherBoot(lab, ui, since);
  await reboot;
});

test('the reset button restarts the guest, which finds the PCI function that was asked for', async ({ lab, ui }) => {
  const since = lab.since;
  await lab.setPersonality({ transitional: true });
  await ui.restart.click();
  await expectAnotherBoot(lab, ui, since);
  expect((await lab.link()).level).toBe('MULTI');
  expect(await pciId(lab)).toBe('0x1000');
});

test('the guest switches the machine off, and Restart switches it on', async ({ lab, ui }) => {
  const off = expect(lab.run('poweroff -f')).rejects.toThrow(/switched the machine off/);
  await expect(ui.page.getByText('The guest switched the machine off.')).toBeVisible();
  await off;
  const since = lab.since;
  await ui.restart.click();
  await expectAnotherBoot(lab, ui, since);
  expect(await pciId(lab), 'whatever it was before').toBe('0x1041');
});
