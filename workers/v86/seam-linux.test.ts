/**
 * The seam holds for Linux: the guest's own kernel boots in real v86, in Node, with our device, and uses what needs
 * more of the machine than ports and a pin: message-signalled interrupts, a BAR in memory, a function that is
 * pulled out and comes back as another one.
 *
 * Needs the guest image (`npm run guest`). The boot is most of the time.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUEST_FILES } from '../../guest/boot.ts';
import { PackedWriter } from '../../src/core/trace/packed.ts';
import { VirtioNetPci } from '../../src/core/virtio-net/virtio-net-pci.ts';
import { ExecAgent } from '../exec-agent.ts';
import { Machine } from './machine.ts';

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');
const BOOT_TIMEOUT = 600_000;
const STEP_TIMEOUT = 180_000;
/** MTU, MAC, STATUS, CTRL_VQ, CTRL_RX, MQ; INDIRECT_DESC, VERSION_1. */
const OFFERS = 0x1_1047_0028n;
const GUEST_MAC = 0x02_08_20_00_00_01;
const QUEUE_PAIRS = 2;
/** How often traffic goes each way; each is an interrupt. */
const ROUNDS = 3;
const PCI_DEVICE = '/sys/bus/pci/devices/0000:00:08.0';

function file(name: string): Buffer {
  return readFileSync(new URL(`../../public/guest/${name}`, import.meta.url));
}

const exact = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

describe('Linux', () => {
  let machine: Machine;
  let device: VirtioNetPci;
  let frames = 0;
  const errors: string[] = [];
  let ready: () => void = () => undefined;
  const booted = new Promise<void>((resolve) => (ready = resolve));
  const agent = new ExecAgent(
    (bytes) => {
      machine.sendSerial(1, bytes);
    },
    () => {
      ready();
    },
  );

  const run = async (command: string): Promise<string> => (await agent.exec(command)).output;

  /** Interrupts so far by the name that the driver gave the vector, and how they are delivered. */
  const interrupts = async (): Promise<Map<string, { count: number; kind: string }>> => {
    const lines = (await run('grep virtio /proc/interrupts')).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [, count, kind, ...rest] = line.trim().split(/\s+/);
        return [(rest.at(-1) ?? '').replace(/^virtio\d+-?/, ''), { count: Number(count), kind: kind ?? '' }];
      }),
    );
  };

  /** A frame for the guest. */
  const receive = (): void => {
    const frame = new Uint8Array(98);
    frame.set([0x02, 0x08, 0x20, 0x00, 0x00, 0x01, 0x02, 0, 0, 0, 0, 0x09, 0x08, 0x00]);
    frames += 2;
    device.receive(frames, frame, 0, frame.length);
    device.flush();
  };

  /** Traffic in both directions: what each vector counted for it. */
  const traffic = async (): Promise<Map<string, number>> => {
    await run('ip link set eth0 up; ip addr replace 10.0.0.2/24 dev eth0; ping -c 1 -W 1 10.0.0.1');
    const before = await interrupts();
    for (let i = 0; i < ROUNDS; i++) {
      receive();
      await run('ping -c 1 -W 1 10.0.0.1');
    }
    return new Map(
      [...(await interrupts())].map(([name, { count }]) => [name, count - (before.get(name)?.count ?? 0)]),
    );
  };

  const become = (kind: { transitional: boolean; msix: boolean }): void => {
    const { features, ctrlMacAddr } = device.describe().personality;
    expect(device.setPersonality({ features, ctrlMacAddr, ...kind })).toMatchObject({ ok: true });
  };

  beforeAll(async () => {
    const unpacked = gunzipSync(file(GUEST_FILES.initramfs));
    const initramfs = new ArrayBuffer(unpacked.length + (unpacked.length % 2));
    new Uint8Array(initramfs).set(unpacked);
    machine = await Machine.create({
      wasm: WASM,
      image: {
        kernel: exact(file(GUEST_FILES.kernel)),
        initramfs,
        bios: exact(file(GUEST_FILES.bios)),
        vgaBios: exact(file(GUEST_FILES.vgaBios)),
      },
      device: ({ memory, interrupt }) => {
        device = new VirtioNetPci({
          memory,
          interrupt,
          host: { rxEvent: () => ({ ack: 'OK', reason: null, needsReset: false, generation: 1 }) },
          wire: { send: () => true, flush: () => undefined },
          trace: new PackedWriter(
            () => undefined,
            () => 0,
          ),
          emit: (event) => {
            if (event.type === 'guest-error') errors.push(`${event.code}: ${event.detail}`);
          },
          now: () => performance.now() * 1e6,
          mac: GUEST_MAC,
          mtu: 1500,
          offers: OFFERS,
          queuePairs: QUEUE_PAIRS,
        });
        become({ transitional: true, msix: true });
        return device;
      },
      onSerial: (line, byte) => {
        if (line === 1) agent.receive(byte);
      },
      onReset: () => {
        device.machineReset();
      },
      onKernel: () => undefined,
      onPowerOff: () => undefined,
    });
    await machine.run();
    await booted;
  }, BOOT_TIMEOUT);

  afterAll(() => machine.stop());

  it(
    'PCI-MSIX-04: has a vector for each event, and they count up by queue',
    async () => {
      const found = await interrupts();
      expect([...found.keys()]).toEqual(['config', 'input.0', 'output.0', 'input.1', 'output.1']);
      expect(new Set([...found.values()].map(({ kind }) => kind))).toEqual(new Set(['PCI-MSI']));
      const counted = await traffic();
      expect(counted.get('input.0')).toBeGreaterThanOrEqual(ROUNDS);
      expect(counted.get('output.0')).toBeGreaterThanOrEqual(ROUNDS);
      expect(counted.get('input.1')).toBe(0);
      device.setLinkUp(false);
      expect(await run('ip link show eth0')).toContain('NO-CARRIER');
      device.setLinkUp(true);
      expect((await interrupts()).get('config')?.count).toBe(2);
    },
    STEP_TIMEOUT,
  );

  it(
    'LEG-01, LEG-09: drives the same function through the legacy interface',
    async () => {
      await run(
        'modprobe -r virtio_net; modprobe -r virtio_pci; modprobe virtio_pci force_legacy=1; modprobe virtio_net',
      );
      expect(await run(`cat ${PCI_DEVICE}/device ${PCI_DEVICE}/revision`)).toBe('0x1000\n0x00\n');
      // No bit from 32 on; ANY_LAYOUT, which only a legacy driver sees.
      const features = (await run('cat /sys/bus/virtio/devices/virtio*/features')).trim();
      expect([features.indexOf('1', 32), features[27]]).toEqual([-1, '1']);
      const counted = await traffic();
      expect(counted.get('input.0')).toBeGreaterThanOrEqual(ROUNDS);
      expect(counted.get('output.0')).toBeGreaterThanOrEqual(ROUNDS);
      await run('ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:77; ip link set eth0 up');
      expect(device.describe().mac).toBe('02:08:20:00:00:01');
    },
    STEP_TIMEOUT,
  );

  it.each([
    ['without MSI-X', { transitional: false, msix: false }, 'IO-APIC', ['']],
    [
      'with MSI-X, its table where the kernel moved it',
      { transitional: false, msix: true },
      'PCI-MSI',
      ['input.0', 'output.0'],
    ],
  ])(
    'finds another function after it let go of the one before: modern only, %s',
    async (_name, kind, delivery, names) => {
      await run(`echo 1 > ${PCI_DEVICE}/remove`);
      become(kind);
      await run('echo 1 > /sys/bus/pci/rescan');
      expect(await run(`cat ${PCI_DEVICE}/device`)).toBe('0x1041\n');
      const counted = await traffic();
      for (const name of names) expect(counted.get(name), name).toBeGreaterThanOrEqual(ROUNDS);
      expect(new Set([...(await interrupts()).values()].map((each) => each.kind))).toEqual(new Set([delivery]));
    },
    STEP_TIMEOUT,
  );

  it(
    'counts its messages after a restart of the machine as well, and knows nothing of those before',
    async () => {
      const again = new Promise<void>((resolve) => (ready = resolve));
      machine.reset();
      await again;
      expect(await run('dmesg | grep "No irq handler"')).toBe('');
      const counted = await traffic();
      for (const name of ['input.0', 'output.0']) expect(counted.get(name), name).toBeGreaterThanOrEqual(ROUNDS);
    },
    BOOT_TIMEOUT,
  );

  it('makes no mistake that the device would have to record', () => {
    expect(errors).toEqual([]);
  });
});
