/** Shared libraries: what the image's programs are linked to, and what those are linked to in turn. */
import { addParents } from './cpio.ts';
import type { Tree } from './cpio.ts';
import type { PackageFiles } from './deb.ts';
import { merged } from './deb.ts';
import { elfLinks, isElf } from './elf.ts';

const LIBRARY_DIRECTORIES = ['usr/lib/i386-linux-gnu', 'usr/lib'];

/** Whether a package's file may be a library or the loader: directly in a directory the loader searches. */
export function isLibraryPath(path: string): boolean {
  return LIBRARY_DIRECTORIES.includes(path.slice(0, path.lastIndexOf('/')));
}

/**
 * Adds to `tree` what its programs and libraries need, from `packages` (name -> files). Returns the
 * packages that something was taken from.
 */
export function addLibraries(tree: Tree, packages: ReadonlyMap<string, PackageFiles>): Set<string> {
  const used = new Set<string>();
  const queue = [...tree.keys()];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const entry = tree.get(path);
    if (entry?.kind !== 'file' || !isElf(entry.data) || path.endsWith('.ko')) continue;
    const { needed, interpreter } = elfLinks(entry.data);
    const wanted = needed.map((soname) => LIBRARY_DIRECTORIES.map((directory) => `${directory}/${soname}`));
    if (interpreter !== undefined) wanted.push([merged(interpreter)]);
    for (const candidates of wanted) {
      if (candidates.some((candidate) => tree.has(candidate))) continue;
      const found = take(tree, packages, candidates, used);
      if (found.length === 0)
        throw new Error(`/${path} needs ${candidates[0] ?? ''}, which no package it depends on has`);
      queue.push(...found);
    }
  }
  return used;
}

/** Copies the first candidate that exists, and the file behind it if it is a link. */
function take(
  tree: Tree,
  packages: ReadonlyMap<string, PackageFiles>,
  candidates: readonly string[],
  used: Set<string>,
): string[] {
  for (const [name, files] of packages) {
    for (const candidate of candidates) {
      const taken: string[] = [];
      let path: string | undefined = candidate;
      while (path !== undefined) {
        const entry = files.get(path);
        if (entry === undefined) break;
        addParents(tree, path);
        tree.set(path, entry);
        taken.push(path);
        path = entry.kind === 'symlink' ? linkTarget(path, entry.target) : undefined;
      }
      if (taken.length > 0 && path === undefined) {
        used.add(name);
        return taken;
      }
    }
  }
  return [];
}

/** Where a link leads, as a path of the image. */
export function linkTarget(path: string, target: string): string {
  const parts = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return merged(parts.join('/'));
}
