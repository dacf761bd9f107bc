/** From the recipe's package names to unpacked packages: the newest versions, their libraries, the .deb files. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { debPath } from './archive.ts';
import type { Archive } from './archive.ts';
import type { PackageIndex, PackageRecord } from './control.ts';
import { readDeb } from './deb.ts';
import type { PackageFiles } from './deb.ts';
import { copyrightPath, isRecipePath } from './image.ts';
import { isLibraryPath } from './libraries.ts';
import { FIRMWARE, FIRMWARE_PACKAGE, KERNEL_METAPACKAGE, MODULE_DIRECTORIES, PROGRAMS } from './recipe.ts';
import { sha256 } from './store.ts';

export interface Resolved {
  readonly kernel: PackageRecord;
  readonly records: ReadonlyMap<string, PackageRecord>;
}

/** Every package that may be needed: the recipe's, the real kernel, and the libraries that they depend on. */
export function resolvePackages(index: PackageIndex): Resolved {
  const records = new Map<string, PackageRecord>();
  const add = (name: string): PackageRecord => {
    const record = index.get(name);
    if (record === undefined) throw new Error(`the archive has no package ${name}`);
    records.set(name, record);
    return record;
  };
  const kernelName = add(KERNEL_METAPACKAGE).depends.find((name) => name.startsWith('linux-image-'));
  records.delete(KERNEL_METAPACKAGE); // empty: it only names the real one
  if (kernelName === undefined) throw new Error(`${KERNEL_METAPACKAGE} depends on no kernel`);
  const kernel = add(kernelName);
  add(FIRMWARE_PACKAGE);
  const queue = Object.keys(PROGRAMS).map(add);
  for (let record = queue.shift(); record !== undefined; record = queue.shift()) {
    // What else a package depends on (configuration, a system to be installed on) the image does without.
    for (const name of record.depends) {
      if (/^z?lib/.test(name) && !records.has(name) && index.get(name) !== undefined) queue.push(add(name));
    }
  }
  return { kernel, records };
}

/** Gets what is not in `directory` yet, and unpacks from each package what the image may want. */
export async function fetchPackages(
  resolved: Resolved,
  archive: () => Promise<Archive>,
  directory: string,
): Promise<Map<string, PackageFiles>> {
  await mkdir(directory, { recursive: true });
  const missing: PackageRecord[] = [];
  for (const record of resolved.records.values()) {
    const size = await stat(debPath(directory, record)).then(
      (found) => found.size,
      () => -1,
    );
    if (size !== record.size) missing.push(record);
  }
  if (missing.length > 0) {
    const bytes = missing.reduce((sum, { size }) => sum + size, 0);
    console.log(`guest: fetching ${missing.length} packages, ${(bytes / 1e6).toFixed(1)} MB`);
    await (await archive()).download(missing, directory);
  }
  const packages = new Map<string, PackageFiles>();
  for (const record of resolved.records.values()) {
    const path = debPath(directory, record);
    const deb = await readFile(path);
    if (sha256(deb) !== record.sha256) throw new Error(`${path} is damaged; remove it and run again`);
    packages.set(record.name, await readDeb(deb, wantedFrom(record, resolved.kernel)));
  }
  return packages;
}

function wantedFrom(record: PackageRecord, kernel: PackageRecord): (path: string) => boolean {
  const { name } = record;
  const copyright = copyrightPath(name);
  if (name === kernel.name) {
    return (path) =>
      path === copyright ||
      path.startsWith('boot/vmlinuz-') ||
      path.endsWith('/modules.builtin') ||
      MODULE_DIRECTORIES.test(path);
  }
  if (name === FIRMWARE_PACKAGE) return (path) => path === copyright || Object.values(FIRMWARE).includes(path);
  return (path) => path === copyright || isRecipePath(name, path) || isLibraryPath(path);
}
