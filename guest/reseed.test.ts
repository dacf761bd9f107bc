import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch, platform } from 'node:process';
import { expect, test } from 'vitest';
import { elfLinks } from './elf.ts';
import { RESEED_PROGRAM } from './reseed.ts';

const ENOTTY = 25;

test('is a static i386 program', () => {
  expect(elfLinks(RESEED_PROGRAM)).toEqual({ needed: [], interpreter: undefined });
});

// Linux on a PC runs i386 programs too; elsewhere the guest's own tests have to do.
test.runIf(platform === 'linux' && arch === 'x64')(
  'makes the ioctl on its standard input, and tells how it ended',
  ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'reseed-'));
    try {
      const program = join(folder, 'lab-reseed');
      writeFileSync(program, RESEED_PROGRAM, { mode: 0o755 });
      const { status, error } = spawnSync(program, { input: '' });
      if (error) skip('this kernel runs no i386 programs');
      // A pipe knows no such ioctl.
      expect(status).toBe(ENOTTY);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
