/**
 * Kernel modules: which of the package's go into the image, and the index files modprobe reads.
 * What depmod would do, from each module's own .modinfo section.
 */
import { elfSection } from './elf.ts';

export interface ModuleInfo {
  /** As in /proc/modules: with underscores. */
  readonly name: string;
  /** Path below /lib/modules/<release>/. */
  readonly path: string;
  readonly depends: readonly string[];
  readonly aliases: readonly string[];
  /** Modules or aliases to be loaded before this one where they exist. */
  readonly softPre: readonly string[];
  readonly softPost: readonly string[];
}

/** The modules a selection needs, and the file of each. */
export type ModuleSet = Map<string, ModuleInfo>;

/** `-` and `_` are one character in a module's name. */
export function moduleName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_');
}

export function readModule(path: string, data: Uint8Array): ModuleInfo {
  const section = elfSection(data, '.modinfo');
  if (section === undefined) throw new Error(`${path} has no .modinfo section: it is no kernel module`);
  return { name: moduleName(path), path, ...parseModinfo(section) };
}

/** `key=value` strings, each ended by NUL. */
export function parseModinfo(section: Uint8Array): Omit<ModuleInfo, 'name' | 'path'> {
  const fields = new TextDecoder('latin1').decode(section).split('\0').filter((field) => field !== '');
  const values = (key: string): string[] =>
    fields.filter((field) => field.startsWith(`${key}=`)).map((field) => field.slice(key.length + 1));
  const depends = values('depends').flatMap((list) => list.split(',')).filter((name) => name !== '');
  const softPre: string[] = [];
  const softPost: string[] = [];
  for (const word of values('softdep').flatMap((list) => ['pre:', ...list.split(/\s+/)])) {
    if (word === 'pre:' || word === 'post:') softTarget = word === 'pre:' ? softPre : softPost;
    else if (word !== '') softTarget.push(word);
  }
  return { depends: depends.map((name) => name.replaceAll('-', '_')), aliases: values('alias'), softPre, softPost };
}
