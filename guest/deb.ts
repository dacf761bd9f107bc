/** Reading a .deb: an ar archive whose data.tar.* member holds the files. */
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import type * as xzDecompress from 'xz-decompress';
import type { TreeEntry } from './cpio.ts';

// A CommonJS bundle whose exports Node cannot see from an import.
const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as typeof xzDecompress;

const AR_MAGIC = '!<arch>\n';
const AR_HEADER = 60;

/** Path in the image (see `merged`) -> entry. */
export type PackageFiles = Map<string, TreeEntry>;

/** The files of a package for which `keep` says yes; the others are never held in memory. */
export async function readDeb(deb: Uint8Array, keep: (path: string) => boolean): Promise<PackageFiles> {
  const { name, data } = dataMember(deb);
  const files: PackageFiles = new Map();
  const tar = extract();
  const done = new Promise<void>((resolve, reject) => {
    tar.on('entry', (header, stream, next) => {
      const path = merged(header.name);
      const chunks: Uint8Array[] = [];
      const wanted = path !== '' && keep(path);
      stream.on('data', (chunk) => {
        if (wanted) chunks.push(chunk as Uint8Array);
      });
      stream.on('error', reject);
      stream.on('end', () => {
        const entry = wanted ? toEntry(header.type, header.mode, header.linkname, chunks, files) : undefined;
        if (entry !== undefined) files.set(path, entry);
        next();
      });
    });
    tar.on('finish', resolve);
    tar.on('error', reject);
  });
  unpacked(name, data)
    .on('error', (error) => tar.destroy(error))
    .pipe(tar);
  await done;
  return files;
}

function toEntry(
  type: string | null | undefined,
  mode: number,
  linkname: string | null | undefined,
  chunks: readonly Uint8Array[],
  files: PackageFiles,
): TreeEntry | undefined {
  switch (type) {
    case 'file':
      return { kind: 'file', mode: mode & 0o7777, data: Buffer.concat(chunks) };
    case 'symlink':
      return { kind: 'symlink', target: linkname ?? '' };
    case 'link':
      return files.get(merged(linkname ?? '')); // a hard link: to a member that came before it
    default:
      return undefined; // directories come back as the parents of files
  }
}

/**
 * Debian 12 is "/usr-merged", but its packages still ship files under both spellings. In the image /bin,
 * /sbin and /lib are links to the directories of that name below /usr, so there is one path for each file.
 */
export function merged(path: string): string {
  const plain = path
    .replace(/^(\.?\/)+/, '')
    .replace(/^\.$/, '')
    .replace(/\/$/, '');
  return /^(bin|sbin|lib)\//.test(plain) ? `usr/${plain}` : plain;
}

function dataMember(deb: Uint8Array): { name: string; data: Uint8Array } {
  const ascii = (from: number, to: number): string => Buffer.from(deb.subarray(from, to)).toString('latin1');
  if (ascii(0, 8) !== AR_MAGIC) throw new Error('not a Debian package');
  // File header: name 16, date 12, owner 6, group 6, mode 8, size 10, end 2; members start at even offsets.
  for (let at = 8; at + AR_HEADER <= deb.length;) {
    const name = ascii(at, at + 16)
      .trim()
      .replace(/\/$/, '');
    const size = Number(ascii(at + 48, at + 58).trim());
    if (!Number.isSafeInteger(size)) break;
    if (name.startsWith('data.tar')) return { name, data: deb.subarray(at + AR_HEADER, at + AR_HEADER + size) };
    at += AR_HEADER + size + (size % 2);
  }
  throw new Error('a Debian package without data.tar');
}

function unpacked(name: string, data: Uint8Array): Readable {
  if (name === 'data.tar') return Readable.from([data]);
  if (name === 'data.tar.gz') return Readable.from([gunzipSync(data)]);
  if (name === 'data.tar.xz') return xzStream(data);
  throw new Error(`a Debian package compressed as ${name}`);
}

/** Unpacks xz in portable code: a host need not have an xz program. */
export function xzStream(data: Uint8Array): Readable {
  const copy = new Uint8Array(data); // Blob wants bytes of its own
  const stream = new XzReadableStream(new Blob([copy]).stream());
  return Readable.from(copied(stream));
}

/** The decoder reuses its output buffer for the next chunk. */
async function* copied(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield new Uint8Array(chunk);
}
