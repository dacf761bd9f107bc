/**
 * The guest, booted once with v86's own NIC and kept, so that a run of the benchmark need not boot it again: the
 * other side goes on from a snapshot too. Kept in .cache/bench, made anew when the guest's image or the machine changes.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { GUEST_FILES } from '../../guest/boot.ts';
import { NIC_MACHINE_IDENTITY, nicMachine } from './machine.ts';

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');

interface StateRecord {
  readonly machine: string;
  /** SHA-256 of the guest image's manifest. */
  readonly image: string;
  readonly bytes: number;
}

/**
 * Makes sure that the state is there, and returns its path.
 * @param guest folder of the guest image
 * @param folder where states are kept
 */
export async function nicState(guest: string, folder: string, log: (line: string) => void): Promise<string> {
  const path = join(folder, 'v86-nic.state');
  const image = createHash('sha256')
    .update(await readFile(join(guest, 'manifest.json')))
    .digest('hex');
  if (await isCurrent(path, image)) return path;
  log('the guest boots once with v86’s own NIC; this takes about a minute');
  const state = await bootAndSave(guest);
  const record: StateRecord = { machine: NIC_MACHINE_IDENTITY, image, bytes: state.length };
  await mkdir(dirname(path), { recursive: true });
  await rm(recordOf(path), { force: true });
  await writeFile(`${path}.new`, state);
  await rename(`${path}.new`, path);
  await writeFile(recordOf(path), `${JSON.stringify(record, undefined, 2)}\n`);
  return path;
}

const recordOf = (path: string): string => `${path}.json`;

async function isCurrent(path: string, image: string): Promise<boolean> {
  try {
    const record = JSON.parse(await readFile(recordOf(path), 'utf8')) as StateRecord;
    const { size } = await stat(path);
    return record.machine === NIC_MACHINE_IDENTITY && record.image === image && record.bytes === size;
  } catch {
    return false; // there is none, or a damaged one: make it
  }
}

async function bootAndSave(guest: string): Promise<Uint8Array> {
  const read = async (name: string): Promise<ArrayBuffer> => new Uint8Array(await readFile(join(guest, name))).buffer;
  const unpacked = gunzipSync(await read(GUEST_FILES.initramfs));
  // v86 looks at it as an array of 16-bit words.
  const initramfs = new Uint8Array(unpacked.length + (unpacked.length % 2));
  initramfs.set(unpacked);
  const { emulator, agent, booted } = await nicMachine({
    wasm: WASM,
    media: {
      bios: { buffer: await read(GUEST_FILES.bios) },
      vga_bios: { buffer: await read(GUEST_FILES.vgaBios) },
      bzimage: { buffer: await read(GUEST_FILES.kernel) },
      initrd: { buffer: initramfs.buffer },
    },
    network: false,
  });
  try {
    await emulator.run();
    await booted;
    const { output, exitCode } = await agent.exec('test -e /sys/class/net/eth0 && echo 3 > /proc/sys/vm/drop_caches');
    if (exitCode !== 0) throw new Error(`the guest does not see v86’s NIC: ${output}`);
    await emulator.stop();
    return new Uint8Array(await emulator.save_state());
  } finally {
    await emulator.destroy();
  }
}
