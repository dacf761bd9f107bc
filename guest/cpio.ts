/** The "newc" cpio archive that the Linux kernel unpacks as its initramfs. */

export type TreeEntry =
  | { readonly kind: 'file'; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'device'; readonly mode: number; readonly major: number; readonly minor: number };

/** Path without leading slash -> entry. */
export type Tree = Map<string, TreeEntry>;

const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/** Adds the directories above `path` that the tree does not have yet. */
export function addParents(tree: Tree, path: string): void {
  const parts = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const parent = parts.slice(0, depth).join('/');
    if (!tree.has(parent)) tree.set(parent, { kind: 'directory', mode: 0o755 });
  }
}

/**
 * The archive: entries sorted by path, so that a directory precedes what is in it, owned by root and
 * dated `mtime` (seconds), so that equal trees give equal bytes.
 */
export function writeCpio(tree: Tree, mtime: number): Uint8Array {
  const paths = [...tree.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const parts: Uint8Array[] = [];
  paths.forEach((path, index) => {
    const entry = tree.get(path);
    if (entry !== undefined) parts.push(...member(path, entry, index + 1, mtime));
  });
  parts.push(...member('TRAILER!!!', undefined, 0, 0));
  return concat(parts);
}

function member(path: string, entry: TreeEntry | undefined, inode: number, mtime: number): Uint8Array[] {
  const name = new TextEncoder().encode(`${path}\0`);
  const data = entry === undefined ? new Uint8Array(0) : contents(entry);
  const device = entry?.kind === 'device' ? entry : undefined;
  /*
   * c_magic, then 13 fields of 8 hexadecimal digits: c_ino c_mode c_uid c_gid c_nlink c_mtime
   * c_filesize c_devmajor c_devminor c_rdevmajor c_rdevminor c_namesize c_check
   */
  const fields = [
    inode,
    entry === undefined ? 0 : fullMode(entry),
    0,
    0,
    entry?.kind === 'directory' ? 2 : 1,
    mtime,
    data.length,
    0,
    0,
    device?.major ?? 0,
    device?.minor ?? 0,
    name.length,
    0,
  ];
  const header = new TextEncoder().encode(`070701${fields.map((f) => f.toString(16).padStart(8, '0')).join('')}`);
  // Name and data are each followed by zeros up to a multiple of four bytes from the start of the header.
  return [header, name, zeros(header.length + name.length), data, zeros(data.length)];
}

function contents(entry: TreeEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  if (entry.kind === 'symlink') return new TextEncoder().encode(entry.target);
  return new Uint8Array(0);
}

function fullMode(entry: TreeEntry): number {
  switch (entry.kind) {
    case 'file':
      return S_IFREG | entry.mode;
    case 'directory':
      return S_IFDIR | entry.mode;
    case 'device':
      return S_IFCHR | entry.mode;
    case 'symlink':
      return S_IFLNK | 0o777;
  }
}

function zeros(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
