/** Debian's control files: paragraphs of fields, versions and their order, dependencies. */

export type Paragraph = ReadonlyMap<string, string>;

/** Field names in lower case; continuation lines are kept, joined by newlines. */
export function parseParagraph(text: string): Paragraph {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (current !== undefined) fields.set(current, `${fields.get(current) ?? ''}\n${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0 || line.startsWith('#')) continue;
    current = line.slice(0, colon).toLowerCase();
    fields.set(current, line.slice(colon + 1).trim());
  }
  return fields;
}

/** One .deb as the archive's index describes it. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the mirror's base. */
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  /** First alternatives of Depends and Pre-Depends. */
  readonly depends: readonly string[];
  /** The suite the record was found in. */
  readonly suite: string;
}

/** The newest version of each package that the suites' Packages files hold. */
export class PackageIndex {
  readonly #records = new Map<string, PackageRecord>();

  add(suite: string, packages: string): void {
    for (const text of packages.split('\n\n')) {
      const record = toRecord(suite, text);
      if (record === undefined) continue;
      const known = this.#records.get(record.name);
      if (known === undefined || compareVersions(record.version, known.version) > 0) {
        this.#records.set(record.name, record);
      }
    }
  }

  get(name: string): PackageRecord | undefined {
    return this.#records.get(name);
  }
}

function toRecord(suite: string, text: string): PackageRecord | undefined {
  const fields = parseParagraph(text);
  const [name, version, filename] = [fields.get('package'), fields.get('version'), fields.get('filename')];
  const [sha256, size] = [fields.get('sha256'), Number(fields.get('size'))];
  if (name === undefined || version === undefined || filename === undefined || sha256 === undefined) return undefined;
  const relations = [fields.get('pre-depends'), fields.get('depends')].filter((value) => value !== undefined);
  return {
    name,
    version,
    filename,
    sha256,
    size,
    suite,
    architecture: fields.get('architecture') ?? '',
    depends: parseDepends(relations.join(', ')),
  };
}

/** `a (>= 1), b | c, d:any` -> a, b, d: of alternatives the first, which is the one the archive's own builds use. */
export function parseDepends(value: string): string[] {
  return value
    .split(',')
    .map((clause) => (clause.split('|')[0] ?? '').trim().replace(/[\s(:[].*$/s, ''))
    .filter((name) => name !== '');
}

/** Debian policy 5.6.12: [epoch:]upstream[-revision]. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return (
    left.epoch - right.epoch ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Alternately a run of non-digits (`~` before the end, the end before letters, letters before the rest) and a number. */
function compareParts(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const [left, right] = [digitsAt(a, i), digitsAt(b, j)];
    const difference = Number(left) - Number(right);
    if (difference !== 0) return difference;
    i += left.length;
    j += right.length;
  }
  return 0;
}

function weight(char: string | undefined): number {
  if (char === undefined || isDigit(char)) return 0;
  if (char === '~') return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}

function digitsAt(text: string, at: number): string {
  return /^\d*/.exec(text.slice(at))?.[0] ?? '';
}
