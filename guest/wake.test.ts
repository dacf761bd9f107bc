import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch, getuid, platform } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elfLinks } from './elf.ts';
import { WAKE_PROGRAM } from './wake.ts';

const [EPERM, EINVAL] = [1, 22];
/** Of Linux; whoever it is, the clock is not theirs. */
const NOBODY = 65_534;

test('is a static i386 program', () => {
  expect(elfLinks(WAKE_PROGRAM)).toEqual({ needed: [], interpreter: undefined });
});

// Linux on a PC runs i386 programs too; elsewhere the guest's own tests have to do.
describe.runIf(platform === 'linux' && arch === 'x64')('run by somebody who may not set the clock', () => {
  let folder = '';
  let program = '';
  const nobody = getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wake-'));
    program = join(folder, 'lab-wake');
    writeFileSync(program, WAKE_PROGRAM, { mode: 0o755 });
    chmodSync(folder, 0o755);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  // The kernel looks at the time before it looks at who sets it: so it tells which time it was given.
  test.for<[string, number]>([
    ['0 abc\n', EPERM],
    ['1795875582 0123456789abcdef\n', EPERM],
    [`2147483647 ${'f'.repeat(128)}\n`, EPERM],
    ['2147483647\n', EPERM],
    ['2147483648 abc\n', EINVAL],
    ['4294967295 abc\n', EINVAL],
    ['4294967296 abc\n', EPERM],
  ])('of the line %j the first word is the time', ([input, expected], { skip }) => {
    const { status, error } = spawnSync(program, { input, ...nobody });
    if (error && 'code' in error && error.code === 'ENOEXEC') skip('this kernel runs no i386 programs');
    expect(error).toBeUndefined();
    expect(status).toBe(expected);
  });
});
