/**
 * Says after a build what a visitor downloads, and fails it when a part has outgrown its budget.
 *
 * Scripts are counted compressed, as every server worth its name sends them; the guest's files are compressed already.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** A file of the build. */
export interface BuiltFile {
  readonly name: string;
  readonly data: Uint8Array;
}

interface Part {
  readonly title: string;
  readonly files: RegExp;
  /** Bytes, compressed. */
  readonly budget: number;
}

const KB = 1000;

/** A file belongs to the first part that it fits. */
const PARTS: readonly Part[] = [
  { title: 'emulator', files: /^assets\/(machine-|v86-).*\.(js|wasm)$/, budget: 620 * KB },
  { title: 'workers', files: /^assets\/.*\.worker-.*\.js$/, budget: 110 * KB },
  { title: 'page', files: /\.(js|css|html)$/, budget: 250 * KB },
];

export interface PartSize {
  readonly title: string;
  /** Compressed. */
  readonly bytes: number;
  readonly budget: number;
}

export interface Sizes {
  readonly parts: readonly PartSize[];
  readonly lines: readonly string[];
  /** What is too large, each a sentence with the files that make it so. */
  readonly problems: readonly string[];
}

const kb = (bytes: number): string => `${(bytes / KB).toFixed(1)} kB`;

/** Weighs what belongs to a part; the rest is none of its business. */
export function weigh(files: readonly BuiltFile[], parts: readonly Part[] = PARTS): Sizes {
  const sizes: PartSize[] = [];
  const problems: string[] = [];
  const partOf = ({ name }: BuiltFile): Part | undefined => parts.find((part) => part.files.test(name));
  for (const part of parts) {
    const sized = files
      .filter((file) => partOf(file) === part)
      .map(({ name, data }) => ({ name, bytes: gzipSync(data).length }))
      .sort((a, b) => b.bytes - a.bytes);
    const total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
    sizes.push({ title: part.title, bytes: total, budget: part.budget });
    if (total <= part.budget) continue;
    const list = sized.map(({ name, bytes }) => `${name} ${kb(bytes)}`).join(', ');
    problems.push(
      `The ${part.title} is ${kb(total)} compressed; its budget is ${kb(part.budget)}. It is made of ${list}.`,
    );
  }
  const lines = sizes.map(({ title, bytes, budget }) => `${title}: ${kb(bytes)} of ${kb(budget)} compressed`);
  return { parts: sizes, lines, problems };
}

/** The guest's files beside the build, which have no budget: what Debian's packages weigh they weigh. */
function guestLines(folder: string): string[] {
  const size = (name: string): number => (existsSync(join(folder, name)) ? statSync(join(folder, name)).size : 0);
  const cold = ['vmlinuz', 'initramfs.img', 'seabios.bin', 'vgabios.bin'].reduce((sum, name) => sum + size(name), 0);
  const warm = size('snapshot.img');
  return [
    `guest: snapshot ${(warm / 1e6).toFixed(1)} MB, or image ${(cold / 1e6).toFixed(1)} MB for a boot from power-on`,
  ];
}

export function sizeBudget(): Plugin {
  let folder = '';
  return {
    name: 'size-budget',
    apply: 'build',
    configResolved: ({ publicDir }) => {
      folder = join(publicDir, 'guest');
    },
    writeBundle({ dir }, bundle) {
      const files = Object.keys(bundle).map((name) => ({ name, data: readFileSync(join(dir ?? '', name)) }));
      const { lines, problems } = weigh(files);
      for (const line of [...lines, ...guestLines(folder)]) this.info(line);
      if (problems.length > 0) this.error(problems.join('\n'));
    },
  };
}
