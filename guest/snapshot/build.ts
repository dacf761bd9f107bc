/**
 * Keeps a snapshot of the booted guest beside its image: `npx tsx guest/snapshot/build.ts [--force]`.
 *
 * It is made anew when the image or the machine has changed, and then takes as long as a boot. `snapshot.json` is
 * written last: without it there is no snapshot.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GUEST_FILES } from '../boot.ts';
import type { SnapshotRecord } from '../../workers/snapshot-store.ts';
import { MACHINE_IDENTITY, packSnapshot } from '../../workers/v86/snapshot.ts';
import { makeSnapshot } from './make.ts';

const GUEST = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'public/guest');
const RECORD = join(GUEST, 'snapshot.json');
const IMAGE = join(GUEST, 'snapshot.img');

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function read(name: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(join(GUEST, name))).buffer;
}

/** v86 looks at it as an array of 16-bit words. */
function unpackedInitramfs(packed: ArrayBuffer): ArrayBuffer {
  const unpacked = gunzipSync(packed);
  const even = new Uint8Array(unpacked.length + (unpacked.length % 2));
  even.set(unpacked);
  return even.buffer;
}

async function current(image: string): Promise<SnapshotRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(RECORD, 'utf8')) as SnapshotRecord;
    const { size } = await stat(IMAGE);
    const fits = record.machine === MACHINE_IDENTITY && record.image === image && record.bytes === size;
    return fits ? record : undefined;
  } catch {
    return undefined; // there is none, or a damaged one: make it
  }
}

async function build(force: boolean): Promise<void> {
  const image = sha256(await readFile(join(GUEST, 'manifest.json')));
  const previous = force ? undefined : await current(image);
  if (previous) {
    console.log(`snapshot: up to date: ${summary(previous)}`);
    return;
  }
  console.log('snapshot: the guest boots; this takes about a minute');
  const snapshot = await makeSnapshot({
    kernel: await read(GUEST_FILES.kernel),
    initramfs: unpackedInitramfs(await read(GUEST_FILES.initramfs)),
    bios: await read(GUEST_FILES.bios),
    vgaBios: await read(GUEST_FILES.vgaBios),
  });
  const unpacked = packSnapshot(snapshot);
  const packed = gzipSync(unpacked, { level: 9 });
  const record: SnapshotRecord = {
    machine: MACHINE_IDENTITY,
    image,
    bytes: packed.length,
    sha256: sha256(packed),
    unpackedBytes: unpacked.length,
  };
  await rm(RECORD, { force: true });
  await replace(IMAGE, packed);
  await replace(RECORD, `${JSON.stringify(record, undefined, 2)}\n`);
  console.log(`snapshot: made: ${summary(record)}`);
}

async function replace(path: string, data: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.new`, data);
  await rename(`${path}.new`, path);
}

function summary({ bytes, unpackedBytes }: SnapshotRecord): string {
  return `${(bytes / 1e6).toFixed(1)} MB, ${(unpackedBytes / 1e6).toFixed(1)} MB unpacked`;
}

try {
  await build(argv.includes('--force'));
} catch (error) {
  console.error(`snapshot: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
