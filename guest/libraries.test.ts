import { describe, expect, it } from 'vitest';
import { merged } from './deb.ts';
import { isLibraryPath, linkTarget } from './libraries.ts';

describe('merged', () => {
  it('has one path for both spellings', () => {
    expect(merged('./lib/ld-linux.so.2')).toBe('usr/lib/ld-linux.so.2');
    expect(merged('./usr/lib/ld-linux.so.2')).toBe('usr/lib/ld-linux.so.2');
    expect(merged('./library/x')).toBe('library/x');
    expect(merged('./')).toBe('');
  });
});

describe('isLibraryPath', () => {
  it('takes the loader’s directories, not what lies below', () => {
    expect(isLibraryPath('usr/lib/i386-linux-gnu/libz.so.1')).toBe(true);
    expect(isLibraryPath('usr/lib/i386-linux-gnu/engines-3/padlock.so')).toBe(false);
  });
});

describe('linkTarget', () => {
  it('follows relative and absolute links', () => {
    expect(linkTarget('usr/lib/ld-linux.so.2', 'i386-linux-gnu/ld-linux.so.2')).toBe(
      'usr/lib/i386-linux-gnu/ld-linux.so.2',
    );
    expect(linkTarget('usr/lib/i386-linux-gnu/libx.so', '/lib/i386-linux-gnu/libx.so.1')).toBe(
      'usr/lib/i386-linux-gnu/libx.so.1',
    );
    expect(linkTarget('usr/bin/a', '../sbin/b')).toBe('usr/sbin/b');
  });
});
