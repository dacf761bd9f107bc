/** The licences of a package, from its usr/share/doc/<package>/copyright. */

const UNKNOWN = 'see copyright';

/**
 * The machine-readable format ("DEP-5") has a `License:` field in each paragraph whose first line is a
 * short name. Older files are prose: then the answer is to read them.
 */
export function licenceOf(copyright: string | undefined): string {
  if (copyright === undefined || !/^Format:/m.test(copyright)) return UNKNOWN;
  const names = [...copyright.matchAll(/^License:[ \t]*(\S[^\n]*)$/gm)].map((match) => (match[1] ?? '').trim());
  return names.length === 0 ? UNKNOWN : [...new Set(names)].join('; ');
}
