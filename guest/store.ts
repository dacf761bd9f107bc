/** Files on disk: what the last build was made from, whether its image is still whole, and how a new one takes its place. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { GuestManifest, GuestPackage } from './manifest.ts';

export interface BuildState {
  readonly key: string;
}

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A build is known by the builder's own sources (tests aside) and the packages it resolved to. */
export async function sourcesHash(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !/\.test\.ts$|^tsconfig\.json$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path);
    hash.update(`${path.slice(directory.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

export function buildKey(sources: string, packages: readonly GuestPackage[]): string {
  return sha256(
    `${sources}\n${packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}\n`).join('')}`,
  );
}

/** The image's manifest if every file it lists is there in full. */
export async function intactManifest(directory: string): Promise<GuestManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as GuestManifest;
    const sizes = await Promise.all(manifest.files.map(({ name }) => stat(join(directory, name))));
    return sizes.every(({ size }, index) => size === manifest.files[index]?.bytes) ? manifest : undefined;
  } catch {
    return undefined; // there is none, or a damaged one: build it
  }
}

export async function readState(path: string): Promise<BuildState | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as BuildState;
  } catch {
    return undefined;
  }
}

export async function writeState(path: string, state: BuildState): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`);
  await rename(`${path}.new`, path);
}

/**
 * Replaces `directory` by one that holds exactly `files`. They are written, and on disk, elsewhere first, so
 * that whoever looks sees the old image or the new one. `work` must be on the same file system.
 */
export async function publish(files: ReadonlyMap<string, Uint8Array>, directory: string, work: string): Promise<void> {
  const arriving = join(work, `image-${randomUUID()}`);
  const leaving = join(work, `image-${randomUUID()}`);
  await mkdir(arriving, { recursive: true });
  try {
    for (const [name, data] of files) {
      const handle = await open(join(arriving, name), 'w', 0o644);
      await handle.writeFile(data);
      await handle.sync();
      await handle.close();
    }
    await mkdir(dirname(directory), { recursive: true });
    await rename(directory, leaving).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
    await rename(arriving, directory);
  } finally {
    await rm(arriving, { recursive: true, force: true });
    await rm(leaving, { recursive: true, force: true });
  }
}
