import { describe, expect, it } from 'vitest';
import { PackageIndex, compareVersions, parseDepends, parseParagraph } from './control.ts';

describe('parseParagraph', () => {
  it('keeps continuation lines with their field', () => {
    const fields = parseParagraph('Package: ip\nDescription: short\n longer\n .\nSize: 12\n');
    expect(Object.fromEntries(fields)).toEqual({ package: 'ip', description: 'short\nlonger\n.', size: '12' });
  });
});

describe('parseDepends', () => {
  it.each([
    ['libc6 (>= 2.34), libmnl0', ['libc6', 'libmnl0']],
    ['debconf (>= 0.5) | debconf-2.0, libx', ['debconf', 'libx']],
    ['python3:any, kmod [i386], ', ['python3', 'kmod']],
    ['', []],
  ])('%s', (value, expected) => expect(parseDepends(value)).toEqual(expected));
});

describe('compareVersions', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0-1', '1.0-2', -1],
    ['1.9', '1.10', -1],
    ['1:0.1', '9.9', 1],
    ['1.0~rc1', '1.0', -1],
    ['6.1.176-1', '6.1.170-3', 1],
    ['3.0.20-1~deb12u2', '3.0.20-1', -1],
    ['2.66-4+deb12u3+b1', '2.66-4+deb12u3', 1],
    ['1.0a', '1.0+', -1],
    ['1.0', '1.0-0', 0],
    ['0.009', '0.9', 0],
  ])('%s against %s: %i', (a, b, expected) => {
    expect(Math.sign(compareVersions(a, b))).toBe(expected);
    expect(Math.sign(compareVersions(b, a)) + expected).toBe(0);
  });
});

describe('PackageIndex', () => {
  const paragraph = (version: string): string =>
    `Package: bash\nVersion: ${version}\nArchitecture: i386\nPre-Depends: libc6\nDepends: base-files\nFilename: pool/${version}.deb\nSize: 7\nSHA256: ${version}\n`;

  it('knows the newest version of all suites, whatever their order', () => {
    const index = new PackageIndex();
    index.add('bookworm-security', paragraph('5.2-2'));
    index.add('bookworm', `${paragraph('5.2-1')}\n${paragraph('5.2-1~rc')}`);
    expect(index.get('bash')).toEqual({
      name: 'bash',
      version: '5.2-2',
      architecture: 'i386',
      filename: 'pool/5.2-2.deb',
      size: 7,
      sha256: '5.2-2',
      depends: ['libc6', 'base-files'],
      suite: 'bookworm-security',
    });
    expect(index.get('sh')).toBeUndefined();
  });
});
