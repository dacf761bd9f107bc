import { describe, expect, it } from 'vitest';
import { elfLinks, elfSection, isElf } from './elf.ts';

const encoder = new TextEncoder();

interface TestSection {
  readonly name: string;
  readonly type?: number;
  readonly link?: number;
  readonly data: Uint8Array;
}

/** An ELF file with the given sections (number 1 and up), and a program header for an interpreter. */
function elf(sections: readonly TestSection[], interpreter?: string): Uint8Array {
  const names = `\0${[...sections.map(({ name }) => name), '.shstrtab'].join('\0')}\0`;
  const all = [...sections, { name: '.shstrtab', data: encoder.encode(names) }];
  const interp = encoder.encode(interpreter === undefined ? '' : `${interpreter}\0`);
  const start = 52 + 32;
  const bodies = [interp, ...all.map(({ data }) => data)];
  const size = bodies.reduce((sum, { length }) => sum + length, start);
  const file = new Uint8Array(size + 40 * (all.length + 1));
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint32(28, 52, true);
  view.setUint32(32, size, true);
  view.setUint16(44, interpreter === undefined ? 0 : 1, true);
  view.setUint16(48, all.length + 1, true);
  view.setUint16(50, all.length, true);
  view.setUint32(52, 3, true);
  view.setUint32(56, start, true);
  file.set(interp, start);
  let at = start + interp.length;
  all.forEach(({ name, type, link, data }, index) => {
    file.set(data, at);
    const header = size + 40 * (index + 1);
    const fields = [names.indexOf(`\0${name}\0`) + 1, type ?? 1, 0, 0, at, data.length, link ?? 0];
    fields.forEach((value, field) => view.setUint32(header + 4 * field, value, true));
    at += data.length;
  });
  return file;
}

function dynamic(entries: readonly (readonly [number, number])[]): Uint8Array {
  return new Uint8Array(new Uint32Array(entries.flat()).buffer);
}

describe('elfLinks', () => {
  const strings = { name: '.dynstr', data: encoder.encode('\0libc.so.6\0libm.so.6\0') };

  it('lists the needed libraries in order, up to the end mark', () => {
    const table = dynamic([
      [1, 11],
      [14, 1],
      [1, 1],
      [0, 0],
      [1, 1],
    ]);
    const file = elf([strings, { name: '.dynamic', type: 6, link: 1, data: table }], '/lib/ld-linux.so.2');
    expect(elfLinks(file)).toEqual({ needed: ['libm.so.6', 'libc.so.6'], interpreter: '/lib/ld-linux.so.2' });
  });

  it('finds nothing in a static program', () => {
    expect(elfLinks(elf([strings]))).toEqual({ needed: [], interpreter: undefined });
  });

  it('refuses a 64-bit file', () => {
    const file = elf([strings]);
    file[4] = 2;
    expect(isElf(file)).toBe(true);
    expect(() => elfLinks(file)).toThrow('not a 32-bit');
  });

  it('refuses a string outside of the file', () => {
    const table = dynamic([[1, 0x7fffffff]]);
    expect(() => elfLinks(elf([strings, { name: '.dynamic', type: 6, link: 1, data: table }]))).toThrow('past the end');
  });
});

describe('elfSection', () => {
  it('gives a section by its name', () => {
    const file = elf([
      { name: '.text', data: encoder.encode('code') },
      { name: '.modinfo', data: encoder.encode('a=b\0') },
    ]);
    expect(elfSection(file, '.modinfo')).toEqual(encoder.encode('a=b\0'));
    expect(elfSection(file, '.data')).toBeUndefined();
  });
});
