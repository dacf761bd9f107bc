/**
 * Keeps a snapshot of the booted guest beside its image: `npx tsx guest/snapshot/build.ts [--force]`.
 *
 * It is made anew when the image or the machine has changed, and then takes as long as a boot. `snapshot.json` is
 * written last: without it there is no snapshot.
 */
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GUEST_FILES } from '../boot.ts';
import type { SnapshotRecord } from '../../workers/snapshot-store.ts';
import { MACHINE_IDENTITY } from '../../workers/v86/snapshot.ts';
import { describe, sha256 } from './describe.ts';
import { MAKER, makeSnapshot } from './make.ts';

const GUEST = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'public/guest');
const RECORD = join(GUEST, 'snapshot.json');
const IMAGE = join(GUEST, 'snapshot.img');

const MAKER_HASH = sha256(MAKER);

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
    const { machine, maker, packed } = record;
    const fits =
      machine === MACHINE_IDENTITY && maker === MAKER_HASH && record.image === image && packed.bytes === size;
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
  const unpacked = await makeSnapshot({
    kernel: await read(GUEST_FILES.kernel),
    initramfs: unpackedInitramfs(await read(GUEST_FILES.initramfs)),
    bios: await read(GUEST_FILES.bios),
    vgaBios: await read(GUEST_FILES.vgaBios),
  });
  const packed = gzipSync(unpacked, { level: 9 });
  const record: SnapshotRecord = {
    machine: MACHINE_IDENTITY,
    image,
    maker: MAKER_HASH,
    sha256: sha256(packed),
    packed: describe(packed),
    unpacked: describe(unpacked),
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

function summary({ packed, unpacked }: SnapshotRecord): string {
  return `${(packed.bytes / 1e6).toFixed(1)} MB, ${(unpacked.bytes / 1e6).toFixed(1)} MB unpacked`;
}

try {
  await build(argv.includes('--force'));
} catch (error) {
  console.error(`snapshot: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
