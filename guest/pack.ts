/** Turns unpacked packages into the files of public/guest/ and their manifest. */
import { gzipSync } from 'node:zlib';
import type { Indexes } from './archive.ts';
import { writeCpio } from './cpio.ts';
import type { PackageFiles } from './deb.ts';
import { GUEST_FILES } from './boot.ts';
import { assemble, copyrightPath } from './image.ts';
import { licenceOf } from './licence.ts';
import type { GuestFile, GuestManifest, GuestPackage } from './manifest.ts';
import { FIRMWARE, FIRMWARE_PACKAGE, RELEASE } from './recipe.ts';
import type { Resolved } from './resolve.ts';
import { sha256 } from './store.ts';

/** v86 looks at the kernel as an array of 32-bit words. */
const KERNEL_ALIGNMENT = 4;

export interface Packed {
  /** Name -> content, manifest.json among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: GuestManifest;
}

export async function pack(
  resolved: Resolved,
  packages: ReadonlyMap<string, PackageFiles>,
  indexes: Indexes,
  rootfs: string,
): Promise<Packed> {
  const image = await assemble(packages, resolved.kernel.name, rootfs);
  const initramfs = writeCpio(image.tree, Date.parse(indexes.built) / 1000);
  const files = new Map<string, Uint8Array>([
    [GUEST_FILES.kernel, padded(contentOf(packages, resolved.kernel.name, `boot/vmlinuz-${image.kernelRelease}`))],
    [GUEST_FILES.initramfs, gzipSync(initramfs, { level: 9 })],
  ]);
  for (const [name, path] of Object.entries(FIRMWARE)) files.set(name, contentOf(packages, FIRMWARE_PACKAGE, path));

  const manifest: GuestManifest = {
    version: 1,
    suite: RELEASE,
    omittedSuites: indexes.omitted,
    built: indexes.built,
    kernel: image.kernelRelease,
    files: [...files].map(([name, data]): GuestFile => {
      const file = { name, bytes: data.length, sha256: sha256(data) };
      return name === GUEST_FILES.initramfs ? { ...file, unpackedBytes: initramfs.length } : file;
    }),
    packages: usedPackages(resolved, packages, image.used),
  };
  files.set('manifest.json', new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`));
  return { files, manifest };
}

function usedPackages(
  { records }: Resolved,
  packages: ReadonlyMap<string, PackageFiles>,
  used: ReadonlySet<string>,
): GuestPackage[] {
  return [...records.values()]
    .filter(({ name }) => used.has(name) || name === FIRMWARE_PACKAGE)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((record) => {
      const { name, version, architecture, size } = record;
      const copyright = packages.get(name)?.get(copyrightPath(name));
      const text = copyright?.kind === 'file' ? new TextDecoder().decode(copyright.data) : undefined;
      return { name, version, architecture, sha256: record.sha256, size, licence: licenceOf(text) };
    });
}

function contentOf(packages: ReadonlyMap<string, PackageFiles>, name: string, path: string): Uint8Array {
  const entry = packages.get(name)?.get(path);
  if (entry?.kind !== 'file') throw new Error(`the package ${name} has no file ${path}`);
  return entry.data;
}

function padded(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(data.length / KERNEL_ALIGNMENT) * KERNEL_ALIGNMENT);
  whole.set(data);
  return whole;
}
