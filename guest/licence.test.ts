import { describe, expect, it } from 'vitest';
import { licenceOf } from './licence.ts';

describe('licenceOf', () => {
  it('lists the short names of a machine-readable file once each', () => {
    const text =
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n text\n\n' +
      'Files: debian/*\nLicense: GPL-2+\n\nLicense: BSD-3-clause\n Redistribution ...\n';
    expect(licenceOf(text)).toBe('GPL-2+; BSD-3-clause');
  });

  it('refers to the file where it is prose or absent', () => {
    expect(licenceOf('This package was debianized by ...\nLicense: see below')).toBe('see copyright');
    expect(licenceOf(undefined)).toBe('see copyright');
  });
});
