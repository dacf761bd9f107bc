/**
 * Where packages come from. Two implementations, apt.ts on a host that has apt and mirror.ts on one that
 * has not; both check every index against the archive's signature and every .deb against its index.
 * This file holds what they share: which suites, retries, and the copy of the indexes on disk.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PackageIndex } from './control.ts';
import type { PackageRecord } from './control.ts';
import { Problem, messageOf } from './problem.ts';
import { ARCHITECTURE, COMPONENT, RELEASE } from './recipe.ts';

/** One suite's index, verified. */
export interface SuiteIndex {
  readonly suite: string;
  /** The Release file's Date, ISO 8601. */
  readonly date: string;
  /** The text of its Packages file. */
  readonly packages: string;
}

export interface Archive {
  /** The suites it offers, of those in RELEASE order; the first is the release itself. */
  readonly suites: readonly string[];
  fetchSuite(suite: string): Promise<SuiteIndex>;
  /** Puts each record's .deb at `debPath(directory, record)`, verified. */
  download(records: readonly PackageRecord[], directory: string): Promise<void>;
}

/** The indexes a build resolves packages with. */
export interface Indexes {
  readonly index: PackageIndex;
  readonly built: string;
  readonly omitted: readonly string[];
}

interface StoredSuites {
  readonly suites: readonly { readonly suite: string; readonly date: string }[];
  readonly omitted: readonly string[];
}

const BACK_OFF_MS = [2_000, 5_000, 10_000];

export function debPath(directory: string, record: PackageRecord): string {
  const version = record.version.replaceAll(':', '%3a');
  return join(directory, `${record.name}_${version}_${record.architecture}.deb`);
}

export const PACKAGES_PATH = `${COMPONENT}/binary-${ARCHITECTURE}/Packages`;

/** The value of a Release file's field, or undefined. */
export function releaseField(release: string, field: string): string | undefined {
  return new RegExp(`^${field}: *(.*)$`, 'm').exec(release)?.[1]?.trim();
}

export function releaseDate(release: string, suite: string): string {
  const date = Date.parse(releaseField(release, 'Date') ?? '');
  if (Number.isNaN(date)) throw new Error(`the Release file of ${suite} has no date`);
  return new Date(date).toISOString();
}

/** Tries `action` again after a pause for as long as pauses last; the last failure is the result. */
export async function withRetries<T>(what: string, action: () => Promise<T>): Promise<T> {
  for (const pause of BACK_OFF_MS) {
    try {
      return await action();
    } catch (error) {
      if (error instanceof Problem) throw error;
      console.warn(`guest: ${what}: ${messageOf(error)}\nguest: trying again in ${pause / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return action();
}

/**
 * Asks the mirror for all suites and keeps a copy in `directory`. The release itself must be had. An update
 * suite that the mirror does not serve intact, even after retries, is left out with a warning, and the
 * manifest says so: a guest without the last fixes is a whole guest, and a mirror in the middle of an update
 * must not keep the lab from starting. With `allSuites` that, too, is fatal.
 */
export async function refreshIndexes(archive: Archive, directory: string, allSuites: boolean): Promise<Indexes> {
  const fetched: SuiteIndex[] = [];
  const omitted: string[] = [];
  for (const suite of archive.suites) {
    try {
      fetched.push(await withRetries(`index of ${suite}`, () => archive.fetchSuite(suite)));
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (suite === RELEASE || allSuites) {
        throw new Problem(
          `cannot get the index of ${suite} from the Debian mirror: ${messageOf(error)}\n` +
            'If the mirror is being updated, try again later; if it cannot be reached, check the network and proxy settings.',
        );
      }
      console.warn(
        `guest: WARNING: building without ${suite}, which the mirror does not serve intact: ${messageOf(error)}\n` +
          'guest: `npm run guest -- --refresh` asks again.',
      );
      omitted.push(suite);
    }
  }
  await mkdir(directory, { recursive: true });
  for (const { suite, packages } of fetched) await writeFile(join(directory, `${suite}.Packages`), packages);
  const stored: StoredSuites = { suites: fetched.map(({ suite, date }) => ({ suite, date })), omitted };
  await writeFile(join(directory, 'suites.json.new'), JSON.stringify(stored));
  await rename(join(directory, 'suites.json.new'), join(directory, 'suites.json'));
  return toIndexes(fetched, omitted);
}

/** The copy that the last refresh left, or undefined. */
export async function storedIndexes(directory: string): Promise<Indexes | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(directory, 'suites.json'), 'utf8')) as StoredSuites;
    const suites = await Promise.all(
      stored.suites.map(async ({ suite, date }) => {
        return { suite, date, packages: await readFile(join(directory, `${suite}.Packages`), 'utf8') };
      }),
    );
    return toIndexes(suites, stored.omitted);
  } catch {
    return undefined; // absent or damaged: the mirror has another
  }
}

function toIndexes(suites: readonly SuiteIndex[], omitted: readonly string[]): Indexes {
  const index = new PackageIndex();
  for (const { suite, packages } of suites) index.add(suite, packages);
  const built = suites
    .map(({ date }) => date)
    .sort()
    .at(-1);
  if (built === undefined) throw new Error('no suite at all');
  return { index, built, omitted };
}
