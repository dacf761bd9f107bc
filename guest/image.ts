/** Puts the image together from unpacked packages: which files, where, and what the package's own scripts would have done. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { addParents } from './cpio.ts';
import type { Tree, TreeEntry } from './cpio.ts';
import type { PackageFiles } from './deb.ts';
import { addLibraries } from './libraries.ts';
import { moduleIndexes, readModule, selectModules } from './modules.ts';
import { APPLETS, MODULES, PROGRAMS } from './recipe.ts';
import { WAKE_PROGRAM } from './wake.ts';

export interface Image {
  readonly tree: Tree;
  readonly kernelRelease: string;
  /** Packages that something came from, by name. */
  readonly used: ReadonlySet<string>;
}

/** Directories and links that exist whether or not a package puts something there. */
const SKELETON: readonly (readonly [string, TreeEntry])[] = [
  ...['.', 'dev', 'etc', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/bin', 'usr/lib', 'usr/sbin', 'var/lib'].map(
    (path): [string, TreeEntry] => [path, { kind: 'directory', mode: path === 'root' ? 0o700 : 0o755 }],
  ),
  ...['bin', 'lib', 'sbin'].map((path): [string, TreeEntry] => [path, { kind: 'symlink', target: `usr/${path}` }]),
  ['var/run', { kind: 'symlink', target: '../run' }],
  ['var/tmp', { kind: 'symlink', target: '../tmp' }],
  ['etc/mtab', { kind: 'symlink', target: '../proc/self/mounts' }],
  ['usr/bin/sh', { kind: 'symlink', target: 'dash' }],
  // The kernel opens these before there is a devtmpfs.
  ['dev/console', { kind: 'device', mode: 0o600, major: 5, minor: 1 }],
  ['dev/null', { kind: 'device', mode: 0o666, major: 1, minor: 3 }],
];

/**
 * `packages` has the kernel's package, those of the recipe and the libraries they depend on; `rootfs` is
 * the directory of the lab's own files.
 */
export async function assemble(
  packages: ReadonlyMap<string, PackageFiles>,
  kernelPackage: string,
  rootfs: string,
): Promise<Image> {
  const tree: Tree = new Map();
  const put = (path: string, entry: TreeEntry): void => {
    addParents(tree, path);
    tree.set(path, entry);
  };
  for (const [path, entry] of SKELETON) put(path, entry);
  for (const [name, patterns] of Object.entries(PROGRAMS)) {
    for (const pattern of patterns) {
      const found = [...filesOf(packages, name)].filter(([path]) => matches(path, pattern));
      if (found.length === 0) throw new Error(`the package ${name} has no file ${pattern}`);
      for (const [path, entry] of found) put(path, entry);
    }
  }
  const kernelRelease = addModules(filesOf(packages, kernelPackage), put);
  const libraries = addLibraries(tree, packages);
  addApplets(tree, put);
  for (const [path, entry] of await ownFiles(rootfs)) put(path, entry);
  put('usr/sbin/lab-wake', { kind: 'file', mode: 0o755, data: WAKE_PROGRAM });

  const used = new Set([kernelPackage, ...Object.keys(PROGRAMS), ...libraries]);
  for (const name of used) {
    const path = copyrightPath(name);
    const entry = filesOf(packages, name).get(path);
    if (entry !== undefined) put(path, entry);
  }
  return { tree, kernelRelease, used };
}

export function copyrightPath(name: string): string {
  return `usr/share/doc/${name}/copyright`;
}

/** Whether anything the image may want lies at `path`; for packages other than the kernel's. */
export function isRecipePath(name: string, path: string): boolean {
  return (PROGRAMS[name] ?? []).some((pattern) => matches(path, pattern));
}

function matches(path: string, pattern: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.[\]+?()^$|\\{}]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${expression}$`).test(path);
}

function filesOf(packages: ReadonlyMap<string, PackageFiles>, name: string): PackageFiles {
  const files = packages.get(name);
  if (files === undefined) throw new Error(`the package ${name} was not unpacked`);
  return files;
}

function addModules(kernel: PackageFiles, put: (path: string, entry: TreeEntry) => void): string {
  const builtinPath = [...kernel.keys()].find((path) => path.endsWith('/modules.builtin'));
  const builtin = kernel.get(builtinPath ?? '');
  if (builtinPath === undefined || builtin?.kind !== 'file')
    throw new Error('the kernel package has no modules.builtin');
  const base = builtinPath.slice(0, -'modules.builtin'.length);
  const text = new TextDecoder().decode(builtin.data);
  const all = [...kernel].flatMap(([path, entry]) =>
    path.startsWith(base) && path.endsWith('.ko') && entry.kind === 'file'
      ? [readModule(path.slice(base.length), entry.data)]
      : [],
  );
  const selected = selectModules(all, text, MODULES);
  for (const module of selected) {
    const entry = kernel.get(base + module.path);
    if (entry !== undefined) put(base + module.path, entry);
  }
  const indexes = moduleIndexes(selected);
  const file = (content: string): TreeEntry => ({ kind: 'file', mode: 0o644, data: new TextEncoder().encode(content) });
  put(builtinPath, builtin);
  put(`${base}modules.dep`, file(indexes.dep));
  put(`${base}modules.alias`, file(indexes.alias));
  put(`${base}modules.softdep`, file(indexes.softdep));
  put(`${base}modules.symbols`, file(''));
  return base.split('/').at(-2) ?? '';
}

/** Links to busybox; a name that the binary does not know would be a command that only says "applet not found". */
function addApplets(tree: Tree, put: (path: string, entry: TreeEntry) => void): void {
  const busybox = tree.get('usr/bin/busybox');
  if (busybox?.kind !== 'file') throw new Error('the image has no busybox');
  const binary = Buffer.from(busybox.data);
  for (const applet of APPLETS) {
    if (!binary.includes(`\0${applet}\0`)) throw new Error(`busybox has no applet ${applet}`);
    if (!tree.has(`usr/bin/${applet}`) && !tree.has(`usr/sbin/${applet}`)) {
      put(`usr/bin/${applet}`, { kind: 'symlink', target: 'busybox' });
    }
  }
  // The kernel calls /sbin/modprobe by that path.
  for (const applet of ['init', 'modprobe']) put(`usr/sbin/${applet}`, { kind: 'symlink', target: '../bin/busybox' });
}

/** The files of `rootfs`; those that begin with #! are programs. */
async function ownFiles(rootfs: string): Promise<[string, TreeEntry][]> {
  const entries = await readdir(rootfs, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async (entry): Promise<[string, TreeEntry]> => {
      const path = join(entry.parentPath, entry.name);
      const data = await readFile(path);
      const mode = data.subarray(0, 2).toString('latin1') === '#!' ? 0o755 : 0o644;
      return [path.slice(rootfs.length + 1), { kind: 'file', mode, data }];
    }),
  );
}
