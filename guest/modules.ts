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
}

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
  const fields = new TextDecoder('latin1')
    .decode(section)
    .split('\0')
    .filter((field) => field !== '');
  const values = (key: string): string[] =>
    fields.filter((field) => field.startsWith(`${key}=`)).map((field) => field.slice(key.length + 1));
  const depends = values('depends')
    .flatMap((list) => list.split(','))
    .filter((name) => name !== '');
  const softPre: string[] = [];
  let softTarget = softPre;
  for (const word of values('softdep').flatMap((list) => ['pre:', ...list.split(/\s+/)])) {
    if (word === 'pre:' || word === 'post:') softTarget = word === 'pre:' ? softPre : [];
    else if (word !== '') softTarget.push(word);
  }
  return { depends: depends.map((name) => name.replaceAll('-', '_')), aliases: values('alias'), softPre };
}

/**
 * `wanted` and all that they depend on, each after what it needs. A name that the kernel has built in
 * (`builtin`: the package's modules.builtin) needs no file; one that is nowhere is an error, for the
 * image would lack something the lab promises.
 */
export function selectModules(all: readonly ModuleInfo[], builtin: string, wanted: readonly string[]): ModuleInfo[] {
  const byName = new Map(all.map((module) => [module.name, module]));
  const builtIn = new Set(
    builtin
      .split('\n')
      .filter((line) => line !== '')
      .map(moduleName),
  );
  const chosen = new Map<string, ModuleInfo>();
  const add = (name: string, wantedBy: string): void => {
    const module = byName.get(name);
    if (module === undefined) {
      if (builtIn.has(name)) return;
      throw new Error(`kernel module ${name} (needed by ${wantedBy}) is neither in the kernel package nor built in`);
    }
    if (chosen.has(name)) return;
    for (const dependency of module.depends) add(dependency, name);
    for (const dependency of softDependencies(module, all)) add(dependency.name, name);
    chosen.set(name, module);
  };
  for (const name of wanted) add(name.replaceAll('-', '_'), 'the recipe');
  return [...chosen.values()];
}

/** A soft dependency is a module's name or an alias of some; what does not exist is simply not there. */
function softDependencies(module: ModuleInfo, all: readonly ModuleInfo[]): ModuleInfo[] {
  return module.softPre.flatMap((wish) => {
    const name = wish.replaceAll('-', '_');
    return all.find((other) => other.name === name) ?? all.find((other) => other.aliases.includes(wish)) ?? [];
  });
}

export interface ModuleIndexes {
  readonly dep: string;
  readonly alias: string;
  readonly softdep: string;
}

/**
 * modules.dep, modules.alias and modules.softdep of a selection. Busybox's modprobe does not read the last,
 * so soft dependencies also stand in modules.dep: loading them is what the softdep asks for anyway.
 */
export function moduleIndexes(selected: readonly ModuleInfo[]): ModuleIndexes {
  const byName = new Map(selected.map((module) => [module.name, module]));
  const dep = selected.map((module) => {
    const order: string[] = [];
    collect(module, byName, selected, order);
    // modprobe loads a line's dependencies from right to left: the deepest stands last.
    const needs = order.slice(0, -1).reverse();
    return [`${module.path}:`, ...needs].join(' ');
  });
  const alias = selected.flatMap((module) => module.aliases.map((pattern) => `alias ${pattern} ${module.name}`));
  const softdep = selected
    .filter((module) => module.softPre.length > 0)
    .map((module) => `softdep ${module.name} pre: ${module.softPre.join(' ')}`);
  return { dep: lines(dep), alias: lines(alias), softdep: lines(softdep) };
}

/** Depth first: what a module needs before the module. */
function collect(
  module: ModuleInfo,
  byName: ReadonlyMap<string, ModuleInfo>,
  selected: readonly ModuleInfo[],
  order: string[],
): void {
  if (order.includes(module.path)) return;
  const needs = [...module.depends.map((name) => byName.get(name)), ...softDependencies(module, selected)];
  for (const need of needs) if (need !== undefined) collect(need, byName, selected, order);
  order.push(module.path);
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
