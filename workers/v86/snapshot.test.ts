import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { packSnapshot, unpackSnapshot, V86_VERSION, type Snapshot } from './snapshot.ts';

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

test('every part comes back as it was, option ROMs by name', () => {
  expect(unpackSnapshot(packSnapshot(SNAPSHOT))).toEqual(SNAPSHOT);
});

test('a snapshot that lies inside a larger buffer is read from where it lies', () => {
  const packed = packSnapshot(SNAPSHOT);
  const larger = new Uint8Array(packed.length + 8);
  larger.set(packed, 3);
  expect(unpackSnapshot(larger.subarray(3, 3 + packed.length))).toEqual(SNAPSHOT);
});

test.each([
  ['cut short', (packed: Uint8Array) => packed.subarray(0, packed.length - 1)],
  ['too long', (packed: Uint8Array) => Uint8Array.from([...packed, 0])],
  ['something else', () => new TextEncoder().encode('not a snapshot at all')],
  ['nothing', () => bytes()],
])('what is %s is refused', (_, spoil) => {
  expect(() => unpackSnapshot(spoil(packSnapshot(SNAPSHOT)))).toThrow();
});

test('a snapshot without one of its parts is refused', () => {
  const { console, ...others } = SNAPSHOT;
  expect(console.length).toBeGreaterThan(0);
  expect(() => unpackSnapshot(packSnapshot(others as Snapshot))).toThrow(/without its console/);
});

test('names the version of v86 that is installed', () => {
  const path = createRequire(import.meta.url).resolve('v86/package.json');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: V86_VERSION });
});
