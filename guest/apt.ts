/**
 * Packages through the host's apt, as an ordinary user and without touching the host: apt gets a root of
 * its own (state, cache, an empty dpkg status) and a sources list made from the host's mirrors. The host's
 * other settings, such as proxies and credentials, stay in force.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debPath, releaseDate } from './archive.ts';
import type { Archive, SuiteIndex } from './archive.ts';
import type { PackageRecord } from './control.ts';
import { ARCHITECTURE, COMPONENT, RELEASE } from './recipe.ts';

const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** How Debian's releases are called in a sources list; what follows is -updates, -security and the like. */
const DEBIAN_SUITE = /^(buster|bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)(?=$|[-/])/;

export interface HostSource {
  readonly base: string;
  readonly suite: string;
}

/** Which of our suites the host's sources lead to, and where; the release itself first. */
export type SuiteBases = ReadonlyMap<string, string>;

/** `apt-get update --print-uris` names each source's InRelease: read the sources from there, whatever their format. */
export function parseSources(uris: string): HostSource[] {
  return [...uris.matchAll(/^'(\S+)\/dists\/(\S+)\/InRelease'/gm)].map((match) => ({
    base: match[1] ?? '',
    suite: match[2] ?? '',
  }));
}

/**
 * The mirrors to take RELEASE and its updates from. Other vendors' archives use Debian's suite names too:
 * the one that also carries `-updates`, or lies at .../debian, is the distribution's.
 */
export function suiteBases(sources: readonly HostSource[]): SuiteBases {
  const debian = sources.filter(({ suite }) => DEBIAN_SUITE.test(suite));
  const security = debian.find(({ suite }) => /-security$|\/updates$/.test(suite));
  const main = debian.filter(({ suite }) => DEBIAN_SUITE.exec(suite)?.[0] === suite);
  const updated = new Set(debian.filter(({ suite }) => suite.endsWith('-updates')).map(({ base }) => base));
  const mirror =
    main.find(({ base }) => updated.has(base)) ?? main.find(({ base }) => /\/debian\/?$/.test(base)) ?? main[0];
  const bases = new Map<string, string>();
  if (mirror === undefined) return bases;
  bases.set(RELEASE, mirror.base);
  if (updated.has(mirror.base)) bases.set(`${RELEASE}-updates`, mirror.base);
  if (security !== undefined) bases.set(`${RELEASE}-security`, security.base);
  return bases;
}

/** The archive behind the host's apt, or undefined if there is no apt or its sources are not Debian's. */
export async function aptArchive(root: string, keyring: string | undefined): Promise<Archive | undefined> {
  let uris: string;
  try {
    uris = await run(['update', '--print-uris']);
  } catch {
    return undefined;
  }
  const bases = suiteBases(parseSources(uris));
  return bases.size === 0 ? undefined : new AptArchive(root, bases, keyring ?? (await defaultKeyring()));
}

async function defaultKeyring(): Promise<string | undefined> {
  return access(DEBIAN_KEYRING).then(
    () => DEBIAN_KEYRING,
    () => undefined,
  );
}

class AptArchive implements Archive {
  readonly suites: readonly string[];
  readonly #root: string;
  readonly #bases: SuiteBases;
  readonly #keyring: string | undefined;

  constructor(root: string, bases: SuiteBases, keyring: string | undefined) {
    this.#root = root;
    this.#bases = bases;
    this.#keyring = keyring;
    this.suites = [...bases.keys()];
  }

  async fetchSuite(suite: string): Promise<SuiteIndex> {
    await this.#prepare();
    // Each suite by itself, so that it is plain which one failed. Without the error mode apt would call an
    // unreachable mirror a warning and go on with what it has.
    await writeFile(this.#sourcesList(suite), this.#sourcesLine(suite));
    const only = ['-o', `Dir::Etc::SourceList=${this.#sourcesList(suite)}`];
    await run([...this.#options(), ...only, '-o', 'APT::Update::Error-Mode=any', 'update']);
    const lists = join(this.#root, 'state/lists');
    const names = await readdir(lists);
    const find = (pattern: RegExp): string => {
      const found = names.find((name) => pattern.test(name));
      if (found === undefined) throw new Error(`apt fetched no index of ${suite}`);
      return join(lists, found);
    };
    const release = await readFile(find(new RegExp(`_dists_${suite}_(In)?Release$`)), 'utf8');
    const packages = find(new RegExp(`_dists_${suite}_${COMPONENT}_binary-${ARCHITECTURE}_Packages$`));
    return { suite, date: releaseDate(release, suite), packages: await readFile(packages, 'utf8') };
  }

  async download(records: readonly PackageRecord[], directory: string): Promise<void> {
    await this.#prepare();
    const suites = [...new Set(records.map(({ suite }) => suite))].filter((suite) => this.#bases.has(suite));
    const list = this.#sourcesList('all');
    await writeFile(list, suites.map((suite) => this.#sourcesLine(suite)).join(''));
    const arriving = join(directory, 'arriving');
    await mkdir(arriving, { recursive: true });
    const wanted = records.map(({ name, version }) => `${name}=${version}`);
    await run([...this.#options(), '-o', `Dir::Etc::SourceList=${list}`, 'download', ...wanted], arriving);
    for (const record of records) await rename(debPath(arriving, record), debPath(directory, record));
  }

  async #prepare(): Promise<void> {
    for (const path of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
      await mkdir(join(this.#root, path), { recursive: true });
    }
    await writeFile(join(this.#root, 'status'), '');
    await writeFile(this.#configuration(), this.#settings());
  }

  /** Read after the host's own configuration, so that it overrides it. */
  #settings(): string {
    return `
      // A host may have commands here that tidy up its own cache after apt.
      #clear APT::Update::Pre-Invoke;
      #clear APT::Update::Post-Invoke;
      #clear APT::Update::Post-Invoke-Success;
      #clear APT::Architectures;
      APT::Architecture "${ARCHITECTURE}";
      APT::Architectures { "${ARCHITECTURE}"; };
      // apt, when root, fetches as a user who may not be able to enter this directory.
      APT::Sandbox::User "root";
      APT::Get::List-Cleanup "false";
      Acquire::Languages "none";
      Acquire::GzipIndexes "false";
      Dir::State "${this.#root}/state";
      Dir::State::status "${this.#root}/status";
      Dir::Cache "${this.#root}/cache";
      Dir::Etc::SourceParts "-";
      Dir::Etc::Preferences "-";
      Dir::Etc::PreferencesParts "-";
    `;
  }

  #configuration(): string {
    return join(this.#root, 'etc/apt.conf');
  }

  #options(): string[] {
    return ['-q', '-c', this.#configuration()];
  }

  #sourcesList(name: string): string {
    return join(this.#root, `etc/${name}.list`);
  }

  #sourcesLine(suite: string): string {
    const signed = this.#keyring === undefined ? '' : ` signed-by=${this.#keyring}`;
    return `deb [arch=${ARCHITECTURE}${signed}] ${this.#bases.get(suite) ?? ''} ${suite} ${COMPONENT}\n`;
  }
}

/** Runs apt-get; on failure the error says what apt said. */
function run(args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 16 * 1024 * 1024 };
    execFile('apt-get', args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(complaints(stderr) || error.message));
    });
  });
}

function complaints(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => /^[EW]: /.test(line) && !line.includes('Some index files failed'));
  return lines.map((line) => line.slice(3).trim()).join('; ');
}
