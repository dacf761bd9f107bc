/**
 * Packages straight from a Debian mirror, for hosts without apt. The chain of trust is apt's: the keyring
 * signs InRelease, InRelease has the hash of Packages.xz, Packages has the hash of each .deb.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as openpgp from 'openpgp';
import { PACKAGES_PATH, debPath, releaseDate, releaseField, withRetries } from './archive.ts';
import type { Archive, SuiteIndex } from './archive.ts';
import type { PackageRecord } from './control.ts';
import { xzStream } from './deb.ts';
import { Problem, messageOf } from './problem.ts';
import { RELEASE } from './recipe.ts';

export interface MirrorSettings {
  /** Base URL: the directory that has dists/ and pool/. */
  readonly mirror: string;
  /** The same for the security archive; undefined if the mirror does not have it. */
  readonly securityMirror: string | undefined;
  /** Path of the Debian archive keyring. */
  readonly keyring: string;
}

export async function mirrorArchive(settings: MirrorSettings): Promise<Archive> {
  const bases = new Map([
    [RELEASE, settings.mirror],
    [`${RELEASE}-updates`, settings.mirror],
  ]);
  if (settings.securityMirror !== undefined) bases.set(`${RELEASE}-security`, settings.securityMirror);
  return new MirrorArchive(bases, await readKeyring(settings.keyring));
}

async function readKeyring(path: string): Promise<openpgp.PublicKey[]> {
  try {
    const bytes = await readFile(path);
    const armored = bytes.subarray(0, 5).toString('latin1') === '-----';
    const keys = await (armored
      ? openpgp.readKeys({ armoredKeys: bytes.toString('latin1') })
      : openpgp.readKeys({ binaryKeys: bytes }));
    return keys.map((key) => key.toPublic());
  } catch (error) {
    throw new Problem(
      `GUEST_KEYRING (${path}) cannot be read as an OpenPGP keyring: ${messageOf(error)}\n` +
        'It must be the file debian-archive-keyring.gpg of the Debian package debian-archive-keyring.',
    );
  }
}

class MirrorArchive implements Archive {
  readonly suites: readonly string[];
  readonly #bases: ReadonlyMap<string, string>;
  readonly #keys: openpgp.PublicKey[];

  constructor(bases: ReadonlyMap<string, string>, keys: openpgp.PublicKey[]) {
    this.#bases = bases;
    this.#keys = keys;
    this.suites = [...bases.keys()];
  }

  async fetchSuite(suite: string): Promise<SuiteIndex> {
    const directory = `${this.#base(suite)}/dists/${suite}`;
    const release = await this.#verified(Buffer.from(await get(`${directory}/InRelease`)).toString('utf8'), suite);
    const path = `${PACKAGES_PATH}.xz`;
    const { sha256, size } = indexEntry(release, path);
    const xz = await this.#index(directory, path, sha256);
    check(xz, sha256, size, `${suite}/${path}`);
    return { suite, date: releaseDate(release, suite), packages: await text(xzStream(xz)) };
  }

  async download(records: readonly PackageRecord[], directory: string): Promise<void> {
    for (const record of records) {
      await withRetries(record.name, async () => {
        const deb = await get(`${this.#base(record.suite)}/${record.filename}`);
        check(deb, record.sha256, record.size, record.filename);
        const path = debPath(directory, record);
        await writeFile(`${path}.new`, deb);
        await rename(`${path}.new`, path);
      });
    }
  }

  #base(suite: string): string {
    const base = this.#bases.get(suite);
    if (base === undefined) throw new Error(`no mirror is known for ${suite}`);
    return base;
  }

  /** Under its hash an index stays for a while after its successor has come; not all mirrors have that. */
  async #index(directory: string, path: string, sha256: string): Promise<Uint8Array> {
    const byHash = `${directory}/${path.replace(/[^/]*$/, '')}by-hash/SHA256/${sha256}`;
    return get(byHash).catch(() => get(`${directory}/${path}`));
  }

  /** The text that was signed, if one of the keyring's keys signed it and it is what was asked for. */
  async #verified(inRelease: string, suite: string): Promise<string> {
    const message = await openpgp.readCleartextMessage({ cleartextMessage: inRelease });
    const { data, signatures } = await openpgp.verify({ message, verificationKeys: this.#keys });
    const good = await Promise.allSettled(signatures.map((signature) => signature.verified));
    if (!good.some(({ status }) => status === 'fulfilled')) {
      throw new Error(`InRelease of ${suite} is not signed by a key of the keyring`);
    }
    const release = data.replaceAll('\r\n', '\n');
    if (releaseField(release, 'Codename') !== suite) throw new Error(`the mirror serves another suite as ${suite}`);
    const validUntil = Date.parse(releaseField(release, 'Valid-Until') ?? '');
    if (validUntil < Date.now()) throw new Error(`InRelease of ${suite} has expired: the mirror is out of date`);
    return release;
  }
}

/** A line of the Release file's SHA256 block: ` <hash> <size> <path>`. */
export function indexEntry(release: string, path: string): { sha256: string; size: number } {
  const block = /^SHA256:\n((?: .*\n?)*)/m.exec(release)?.[1] ?? '';
  for (const line of block.split('\n')) {
    const [sha256, size, name] = line.trim().split(/\s+/);
    if (name === path && sha256 !== undefined) return { sha256, size: Number(size) };
  }
  throw new Error(`the Release file does not list ${path}`);
}

async function get(url: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    throw new Error(`${url}: ${messageOf(cause ?? error)}`, { cause: error });
  }
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function check(data: Uint8Array, sha256: string, size: number, what: string): void {
  if (data.length === size && createHash('sha256').update(data).digest('hex') === sha256) return;
  throw new Error(
    `${what} is not what the signed index describes (${data.length} bytes for ${size}): mirror sync in progress?`,
  );
}
