/**
 * The little of ELF that the builder needs: which shared libraries a program asks for (DT_NEEDED), which
 * loader (PT_INTERP), and one section of a kernel module. 32-bit little-endian only, for the guest is i386.
 */

export interface ElfLinks {
  /** Sonames, in order. */
  readonly needed: readonly string[];
  readonly interpreter: string | undefined;
}

const EHDR_SIZE = 52;
const SHDR_SIZE = 40;
const PHDR_SIZE = 32;
const SHT_DYNAMIC = 6;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;

interface Section {
  readonly name: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

export function isElf(data: Uint8Array): boolean {
  return data.length >= EHDR_SIZE && data[0] === 0x7f && data[1] === 0x45 && data[2] === 0x4c && data[3] === 0x46;
}

/** What a program or library is linked to; nothing for a static one. Throws if it is not an i386 ELF file. */
export function elfLinks(data: Uint8Array): ElfLinks {
  const view = open(data);
  const all = sections(view);
  const needed: string[] = [];
  for (const dynamic of all) {
    if (dynamic.type !== SHT_DYNAMIC) continue;
    const strings = all[dynamic.link];
    if (strings === undefined) throw new Error('ELF: the dynamic section names no string table');
    for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 8) {
      const tag = view.getUint32(at, true);
      if (tag === DT_NULL) break;
      if (tag === DT_NEEDED) needed.push(stringAt(data, strings.offset + view.getUint32(at + 4, true)));
    }
  }
  return { needed, interpreter: interpreter(data, view) };
}

/** A section's bytes by name. */
export function elfSection(data: Uint8Array, name: string): Uint8Array | undefined {
  const view = open(data);
  const all = sections(view);
  const names = all[view.getUint16(50, true)]; // e_shstrndx
  if (names === undefined) return undefined;
  const found = all.find((section) => stringAt(data, names.offset + section.name) === name);
  return found === undefined ? undefined : data.subarray(found.offset, found.offset + found.size);
}

function open(data: Uint8Array): DataView {
  const [class32, littleEndian] = [data[4] === 1, data[5] === 1];
  if (!isElf(data) || !class32 || !littleEndian) throw new Error('not a 32-bit little-endian ELF file');
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function sections(view: DataView): Section[] {
  const start = view.getUint32(32, true); // e_shoff
  const count = view.getUint16(48, true); // e_shnum
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * SHDR_SIZE;
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      offset: view.getUint32(at + 16, true),
      size: view.getUint32(at + 20, true),
      link: view.getUint32(at + 24, true),
    };
  });
}

function interpreter(data: Uint8Array, view: DataView): string | undefined {
  const start = view.getUint32(28, true); // e_phoff
  const count = view.getUint16(44, true); // e_phnum
  for (let index = 0; index < count; index++) {
    const at = start + index * PHDR_SIZE;
    if (view.getUint32(at, true) === PT_INTERP) return stringAt(data, view.getUint32(at + 4, true));
  }
  return undefined;
}

function stringAt(data: Uint8Array, offset: number): string {
  const end = data.indexOf(0, offset);
  if (offset >= data.length || end < 0) throw new Error('ELF: a string runs past the end of the file');
  return new TextDecoder('latin1').decode(data.subarray(offset, end));
}
