/**
 * Builds the guest image: `npx tsx guest/build.ts [--force] [--refresh] [--all-suites]`.
 *
 * Debian packages are fetched and verified (archive.ts), unpacked (deb.ts), put together (image.ts) and
 * written to public/guest/ in one step (store.ts). With nothing changed there is nothing to do, and no
 * network is asked; the modules that do the work are not even loaded then.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Archive, Indexes } from './archive.ts';
import type { GuestManifest } from './manifest.ts';
import { Problem, messageOf } from './problem.ts';
import { buildKey, intactManifest, publish, readState, sourcesHash, writeState } from './store.ts';

const SOURCES = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = dirname(SOURCES);
const OUTPUT = join(REPOSITORY, 'public/guest');
const CACHE = join(REPOSITORY, '.cache/guest');
const STATE = join(CACHE, 'state.json');

const USAGE = `usage: npx tsx guest/build.ts [options]
  --force          build again, from the packages already known
  --refresh        ask the Debian mirror for newer packages, and build again if there are any
  --all-suites     fail if the mirror does not serve bookworm-updates or bookworm-security intact, rather than
                   build without them
On a host without apt set GUEST_MIRROR (base URL of a Debian mirror) and GUEST_KEYRING (path of Debian's
archive keyring); GUEST_SECURITY_MIRROR if the security archive is not at the mirror's URL plus "-security".`;

interface Options {
  readonly force: boolean;
  readonly refresh: boolean;
  readonly allSuites: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const known = ['--force', '--refresh', '--all-suites'];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown !== undefined) throw new Problem(`${unknown} is not an option\n${USAGE}`);
  const [force, refresh, allSuites] = known.map((option) => args.includes(option));
  return { force: force === true, refresh: refresh === true, allSuites: allSuites === true };
}

async function main(options: Options): Promise<void> {
  const sources = await sourcesHash(SOURCES);
  const previous = await intactManifest(OUTPUT);
  const state = await readState(STATE);
  const current = previous !== undefined && state?.key === buildKey(sources, previous.packages);
  if (current && !options.force && !options.refresh) {
    console.log(`guest: up to date: ${summary(previous)}`);
    return;
  }
  try {
    await build(options, sources, current && !options.force ? previous : undefined);
  } catch (error) {
    if (previous === undefined) throw error;
    const kept = `The previous image (${previous.kernel}, ${previous.built.slice(0, 10)}) was left as it is and can still be used.`;
    throw new Problem(`${messageOf(error)}\n${kept}`, { cause: error });
  }
}

/** `current` is the image if it is up to date but for packages the mirror may have by now. */
async function build(options: Options, sources: string, current: GuestManifest | undefined): Promise<void> {
  const { refreshIndexes, storedIndexes } = await import('./archive.ts');
  const { fetchPackages, resolvePackages } = await import('./resolve.ts');
  await mkdir(CACHE, { recursive: true });
  const archive = once(() => findArchive());
  const directory = join(CACHE, 'index');
  const ask = async (): Promise<Indexes> => refreshIndexes(await archive(), directory, options.allSuites);
  const stored = options.refresh ? undefined : await storedIndexes(directory);
  let indexes = stored ?? (await ask());

  if (current !== undefined && isNewest(current, indexes)) {
    console.log(`guest: up to date, the mirror has nothing newer: ${summary(current)}`);
    return;
  }
  let resolved = resolvePackages(indexes.index);
  const debs = join(CACHE, 'debs');
  const packages = await fetchPackages(resolved, archive, debs).catch(async (error: unknown) => {
    // The index kept from last time may name packages that the mirror has replaced since.
    if (stored === undefined || error instanceof Problem) throw error;
    indexes = await ask();
    resolved = resolvePackages(indexes.index);
    return fetchPackages(resolved, archive, debs);
  });
  const { pack } = await import('./pack.ts');
  const { files, manifest } = await pack(resolved, packages, indexes, join(SOURCES, 'rootfs'));
  await publish(files, OUTPUT, CACHE);
  await writeState(STATE, { key: buildKey(sources, manifest.packages) });
  console.log(`guest: built: ${summary(manifest)}`);
}

function isNewest(manifest: GuestManifest, { index, omitted }: Indexes): boolean {
  const sameSuites = omitted.join() === manifest.omittedSuites.join();
  return sameSuites && manifest.packages.every(({ name, sha256 }) => index.get(name)?.sha256 === sha256);
}

/** The host's apt if it has one, unless a mirror was named. */
async function findArchive(): Promise<Archive> {
  const { GUEST_MIRROR, GUEST_SECURITY_MIRROR, GUEST_KEYRING } = process.env;
  const mirror = GUEST_MIRROR?.replace(/\/+$/, '');
  if (mirror) {
    if (!GUEST_KEYRING)
      throw new Problem(
        'GUEST_MIRROR is set, but GUEST_KEYRING is not: it must be the path of debian-archive-keyring.gpg',
      );
    const { mirrorArchive } = await import('./mirror.ts');
    const securityMirror = GUEST_SECURITY_MIRROR?.replace(/\/+$/, '') ?? `${mirror}-security`;
    return mirrorArchive({ mirror, securityMirror, keyring: GUEST_KEYRING });
  }
  const { aptArchive } = await import('./apt.ts');
  const archive = await aptArchive(join(CACHE, 'apt'), GUEST_KEYRING);
  if (archive !== undefined) return archive;
  throw new Problem(
    'the guest is made of Debian packages, and this host has no apt with a Debian mirror to get them from.\n' +
      'Set GUEST_MIRROR to the base URL of a Debian mirror (the directory with dists/ and pool/) and GUEST_KEYRING to the\n' +
      'path of debian-archive-keyring.gpg (in the Debian package debian-archive-keyring), and run this again.',
  );
}

function summary({ kernel, files, packages, omittedSuites, built }: GuestManifest): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const without = omittedSuites.length === 0 ? '' : `, WITHOUT ${omittedSuites.join(' and ')}`;
  return `Linux ${kernel}, ${packages.length} packages as of ${built.slice(0, 10)}${without}, ${(bytes / 1e6).toFixed(1)} MB`;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  // A Problem is the user's to mend; so is, mostly, anything else that a strange host or archive does here.
  console.error(`guest: ${messageOf(error)}`);
  process.exitCode = 1;
}
