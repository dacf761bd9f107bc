import { describe, expect, it } from 'vitest';
import { parseSources, suiteBases } from './apt.ts';

const uri = (base: string, suite: string): string => `'${base}/dists/${suite}/InRelease' some_file 0 \n`;

describe('suiteBases', () => {
  it('takes the release, its updates and its security archive from the host’s mirrors', () => {
    const uris =
      uri('http://a.test/debian', 'trixie') +
      uri('http://a.test/debian', 'trixie-updates') +
      uri('http://s.test/debian-security', 'trixie-security') +
      "'http://a.test/debian/dists/trixie/main/binary-amd64/Packages.xz' x 0 \n";
    expect([...suiteBases(parseSources(uris))]).toEqual([
      ['bookworm', 'http://a.test/debian'],
      ['bookworm-updates', 'http://a.test/debian'],
      ['bookworm-security', 'http://s.test/debian-security'],
    ]);
  });

  it('is not misled by other vendors, who use the same suite names', () => {
    const uris =
      uri('https://vendor.test/linux/debian', 'bookworm') +
      uri('https://pg.test/apt', 'bookworm-pgdg') +
      uri('https://node.test/20', 'nodistro') +
      uri('http://m.test/mirror', 'stable') +
      uri('http://m.test/mirror', 'stable-updates');
    expect([...suiteBases(parseSources(uris))]).toEqual([
      ['bookworm', 'http://m.test/mirror'],
      ['bookworm-updates', 'http://m.test/mirror'],
    ]);
  });

  it('finds nothing on a host of another distribution', () => {
    expect(
      suiteBases(parseSources(uri('http://u.test/ubuntu', 'noble') + uri('http://u.test/ubuntu', 'noble-security')))
        .size,
    ).toBe(0);
  });
});
