import { describe, expect, it } from 'vitest';
import { addParents, writeCpio } from './cpio.ts';
import type { Tree } from './cpio.ts';

interface Member {
  readonly name: string;
  readonly mode: number;
  readonly mtime: number;
  readonly device: string;
  readonly data: string;
}

/** A reader of its own, after the format's description, so that the writer is not compared with itself. */
function readCpio(archive: Uint8Array): Member[] {
  const text = new TextDecoder('latin1').decode(archive);
  const members: Member[] = [];
  for (let at = 0; ;) {
    expect(text.slice(at, at + 6)).toBe('070701');
    expect(at % 4).toBe(0);
    const field = (index: number): number => Number.parseInt(text.slice(at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, mtime, size, nameSize] = [field(1), field(5), field(6), field(11)];
    const name = text.slice(at + 110, at + 110 + nameSize - 1);
    const start = (at + 110 + nameSize + 3) & ~3;
    if (name === 'TRAILER!!!') {
      expect(start).toBe(text.length);
      return members;
    }
    members.push({ name, mode, mtime, device: `${field(9)}:${field(10)}`, data: text.slice(start, start + size) });
    at = (start + size + 3) & ~3;
  }
}

describe('writeCpio', () => {
  const tree: Tree = new Map([
    ['init', { kind: 'file', mode: 0o755, data: new TextEncoder().encode('#!/bin/sh\n') }],
    ['bin', { kind: 'symlink', target: 'usr/bin' }],
    ['dev/console', { kind: 'device', mode: 0o600, major: 5, minor: 1 }],
    ['dev', { kind: 'directory', mode: 0o755 }],
  ]);

  it('writes every kind of entry, directories before what is in them', () => {
    expect(readCpio(writeCpio(tree, 1_700_000_000))).toEqual([
      { name: 'bin', mode: 0o120777, mtime: 1_700_000_000, device: '0:0', data: 'usr/bin' },
      { name: 'dev', mode: 0o040755, mtime: 1_700_000_000, device: '0:0', data: '' },
      { name: 'dev/console', mode: 0o020600, mtime: 1_700_000_000, device: '5:1', data: '' },
      { name: 'init', mode: 0o100755, mtime: 1_700_000_000, device: '0:0', data: '#!/bin/sh\n' },
    ]);
  });

  it('gives the same bytes whatever the order of insertion', () => {
    expect(writeCpio(new Map([...tree].reverse()), 1)).toEqual(writeCpio(tree, 1));
  });
});

describe('addParents', () => {
  it('adds what is missing and nothing else', () => {
    const tree: Tree = new Map([['usr', { kind: 'directory', mode: 0o700 }]]);
    addParents(tree, 'usr/share/doc/x');
    expect([...tree]).toEqual([
      ['usr', { kind: 'directory', mode: 0o700 }],
      ['usr/share', { kind: 'directory', mode: 0o755 }],
      ['usr/share/doc', { kind: 'directory', mode: 0o755 }],
    ]);
  });
});
