import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { packSnapshot, SnapshotReader, V86_VERSION, type Snapshot } from './snapshot.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const SNAPSHOT: Snapshot = {
  state: bytes(1, 2, 3, 4),
  bios: bytes(5),
  vgaBios: bytes(),
  realMode: bytes(6, 7),
  commandLine: bytes(8),
  optionRoms: [
    { name: 'genroms/kernel.bin', data: bytes(9, 10) },
    { name: 'other', data: bytes(11) },
  ],
  console: bytes(12),
};

const PAGE = 4096;

/** Memory of eight pages: a run of two with a page of zeros before and behind it, and the last page. */
function memory(): Uint8Array {
  const all = new Uint8Array(8 * PAGE);
  all[PAGE] = 1;
  all[3 * PAGE - 1] = 2;
  all.fill(3, 7 * PAGE);
  return all;
}

/** What becomes of a snapshot that comes in chunks of so many bytes. */
function readBack(packed: Uint8Array, chunk: number): { snapshot: Snapshot; filled: Uint8Array; written: number } {
  const filled = new Uint8Array(8 * PAGE);
  let written = 0;
  const reader = new SnapshotReader((at, bytes) => {
    filled.set(bytes, at);
    written += bytes.length;
  });
  for (let at = 0; at < packed.length; at += chunk) reader.push(packed.subarray(at, at + chunk));
  return { snapshot: reader.finish(), filled, written };
}

test.each([1, 7, 4096, 5000, 1_000_000])('every part and page comes back as it was, in chunks of %i bytes', (chunk) => {
  const { snapshot, filled, written } = readBack(packSnapshot(SNAPSHOT, memory()), chunk);
  expect(snapshot).toEqual(SNAPSHOT);
  expect(Buffer.compare(filled, memory())).toBe(0);
  expect(written, 'pages of zeros are not in it').toBe(3 * PAGE);
});

test('memory of zeros is nothing', () => {
  const packed = packSnapshot(SNAPSHOT, new Uint8Array(8 * PAGE));
  expect(packed.length).toBeLessThan(PAGE);
  expect(readBack(packed, packed.length).snapshot).toEqual(SNAPSHOT);
});

test.each([
  ['cut short in its pages', (packed: Uint8Array) => packed.subarray(0, packed.length - 1)],
  ['cut short in its parts', (packed: Uint8Array) => packed.subarray(0, packed.length - 3 * PAGE - 1)],
  ['cut short in its header', (packed: Uint8Array) => packed.subarray(0, 20)],
  ['too long', (packed: Uint8Array) => Uint8Array.from([...packed, 0])],
  ['something else', () => new TextEncoder().encode('not a snapshot at all')],
  ['nothing', () => bytes()],
])('what is %s is refused', (_, spoil) => {
  expect(() => readBack(spoil(packSnapshot(SNAPSHOT, memory())), 1000)).toThrow();
});

test('a snapshot without one of its parts is refused', () => {
  const { console, ...others } = SNAPSHOT;
  expect(console.length).toBeGreaterThan(0);
  expect(() => readBack(packSnapshot(others as Snapshot, memory()), 1000)).toThrow(/without its console/);
});

test('names the version of v86 that is installed', () => {
  const path = createRequire(import.meta.url).resolve('v86/package.json');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: V86_VERSION });
});
