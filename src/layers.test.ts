/**
 * Who may import whom: the architecture's arrows as a table, and the tree held against it.
 *
 * The table speaks of folders; a file belongs to the longest folder that it lies in. Test files are not
 * bound by it, but nothing else may import them. That the core knows neither a page nor a worker nor Node
 * is the compiler's business (tsconfig.json of each folder).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

interface Layer {
  readonly folder: string;
  /** Folders and files whose modules it may import, besides its own. */
  readonly imports: readonly string[];
  /** Folders of which it may import types only. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  /** Packages of which it may name files (`?url`) without running what is in them. */
  readonly files?: readonly string[];
}

const CORE = ['virtio', 'net', 'ring', 'virtio-pci', 'virtio-net', 'viona', 'host', 'trace'].map(
  (name) => `src/core/${name}`,
);

/** Each folder of the core with those that come before it in the architecture's row. */
const below = (folder: string) => CORE.slice(0, CORE.indexOf(folder));

const LAYERS: readonly Layer[] = [
  { folder: 'src/core/virtio', imports: [] },
  // FrameMeta, what travels with a frame, is the ring's; net does what it asks for.
  { folder: 'src/core/net', imports: ['src/core/ring'] },
  { folder: 'src/core/ring', imports: [] },
  { folder: 'src/core/virtio-pci', imports: ['src/core/virtio'] },
  // The device knows nothing of its transport; virtio-net-pci.ts is the PCI function made of the two.
  {
    folder: 'src/core/virtio-net',
    imports: ['src/core/virtio', 'src/core/net', 'src/core/ring', 'src/core/virtio-pci'],
  },
  { folder: 'src/core/viona', imports: below('src/core/viona') },
  { folder: 'src/core/host', imports: below('src/core/host') },
  { folder: 'src/core/trace', imports: below('src/core/trace') },
  { folder: 'src/core/testing', imports: CORE },
  { folder: 'src/protocol', imports: CORE, packages: ['comlink'] },
  {
    folder: 'src/ui',
    imports: CORE,
    types: ['src/protocol'],
    packages: ['lit', '@lit/context', '@xterm/xterm', '@xterm/addon-fit'],
  },
  {
    folder: 'src/app',
    imports: [...CORE, 'src/protocol', 'src/ui'],
    // What it posts to a worker is the worker's to say; and the manifest is the guest builder's.
    types: ['workers/machine.worker.ts', 'workers/snapshot.worker.ts', 'workers/viona.worker.ts', 'guest/manifest.ts'],
    packages: ['comlink', 'lit', '@lit/context'],
  },
  {
    folder: 'workers',
    imports: [...CORE, 'src/protocol', 'workers/v86', 'guest/boot.ts'],
    types: ['guest/manifest.ts'],
    packages: ['comlink'],
    // Machine is told where v86.wasm lies, so that it runs in Node too.
    files: ['v86'],
  },
  // What the browser's worker runs, run in Node.
  {
    folder: 'guest/snapshot',
    imports: ['workers', 'workers/v86', 'guest/boot.ts'],
    packages: ['node:*'],
  },
  { folder: 'workers/v86', imports: [...CORE, 'workers/guest-image.ts', 'guest/boot.ts'], packages: ['v86'] },
  { folder: 'guest', imports: [], packages: ['node:*', 'openpgp', 'tar-stream', 'xz-decompress'] },
];

interface Exception {
  readonly from: string;
  readonly to: string;
  readonly kind: 'types' | 'values';
  readonly why: string;
}

/** Against the arrow, and known to be. One that is no longer needed fails the test. */
const EXCEPTIONS: readonly Exception[] = [
  {
    from: 'src/core/virtio-net',
    to: 'src/core/host/verdict.ts',
    kind: 'values',
    why: 'the one taxonomy of fates; the device adds its own reasons to it, and the file imports nothing',
  },
  {
    from: 'src/core/virtio-net',
    to: 'src/core/host/host-model.ts',
    kind: 'types',
    why: 'what the device asks the host and what it is answered',
  },
  ...['virtio-pci', 'virtio-net', 'host'].map((name) => ({
    from: `src/core/${name}`,
    to: 'src/core/trace/packed.ts',
    kind: 'types' as const,
    why: 'the writer is passed in: an object behind an interface would cost a call for every frame',
  })),
  { from: 'src/core/host', to: 'src/core/trace/event.ts', kind: 'types', why: 'the shape of `emit`' },
];

interface Import {
  readonly from: string;
  /** A file of the tree, or the name of a package. */
  readonly to: string;
  readonly local: boolean;
  readonly kind: 'types' | 'values' | 'url';
}

/** The imports that a source text makes, in whatever form. */
function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: Import['kind']) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const name = specifier.text.replace(/\?.*$/, '');
    const local = name.startsWith('.');
    const to = local ? normalize(join(dirname(from), name)) : packageOf(name);
    found.push({ from, to, local, kind: specifier.text.endsWith('?url') ? 'url' : kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node) ? 'types' : 'values');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'types' : 'values');
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, 'types');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], 'values');
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'URL' && node.arguments?.length === 2) {
      // new URL('./x.worker.ts', import.meta.url): a file is named, and what is in it runs elsewhere.
      if (node.arguments[1]?.getText() === 'import.meta.url') add(node.arguments[0], 'url');
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(from, text, ts.ScriptTarget.Latest, true));
  return found;
}

/** True for `import type`, and where every name has its own `type`. */
function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

function packageOf(name: string): string {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

const isTest = (file: string) => /\.test(-kit)?\.ts$/.test(file) || /^(e2e|bench)\//.test(file);
const within = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);

function layerOf(file: string): Layer | undefined {
  return LAYERS.filter((layer) => within(file, layer.folder)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

function covers(exception: Exception, { from, to, kind }: Import): boolean {
  return within(from, exception.from) && to === exception.to && (exception.kind === 'values' || kind === 'types');
}

/** Why an import is wrong, or undefined. */
function fault(imported: Import): string | undefined {
  const { from, to, local, kind } = imported;
  if (isTest(from)) return undefined;
  const layer = layerOf(from);
  const told = `${from} imports ${to}${kind === 'types' ? ' (types)' : ''}`;
  if (layer === undefined) return `${from} belongs to no layer`;
  if (!local) {
    const packages = [...(layer.packages ?? []), ...(kind === 'url' ? (layer.files ?? []) : [])];
    const known = packages.some((name) => name === to || (name === 'node:*' && to.startsWith('node:')));
    return known ? undefined : told;
  }
  if (isTest(to)) return `${told}: a test file`;
  if (kind === 'url') return layer.folder === 'src/app' && /^workers\/[\w-]+\.worker\.ts$/.test(to) ? undefined : told;
  if (layerOf(to) === layer) return undefined;
  const allowed = kind === 'types' ? [...layer.imports, ...(layer.types ?? [])] : layer.imports;
  // A folder's name opens what lies in it, not what is a layer of its own below.
  if (allowed.some((entry) => entry === to || layerOf(to)?.folder === entry)) return undefined;
  return EXCEPTIONS.some((exception) => covers(exception, imported)) ? undefined : told;
}

/** A ring of value imports, as a path that ends where it began; undefined if there is none. */
function cycleIn(imports: readonly Import[]): readonly string[] | undefined {
  const next = new Map<string, string[]>();
  for (const { from, to, local, kind } of imports) {
    if (local && kind === 'values') next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const to of next.get(file) ?? []) {
      const found = walk(to, [...path, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of next.keys()) {
    const found = walk(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = ['src', 'workers', 'guest', 'e2e', 'bench'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => normalize(join(folder, name)).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),
);
const tree = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));

describe('the tree', () => {
  test('has imports to look at', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(tree.filter(({ local }) => local).length).toBeGreaterThan(50);
  });

  test('obeys the import table', () => {
    expect(tree.map(fault).filter((text) => text !== undefined)).toEqual([]);
  });

  test('has no cycle of value imports', () => {
    expect(cycleIn(tree)).toBeUndefined();
  });

  test.each(EXCEPTIONS)('still needs the exception $from -> $to', (exception) => {
    const uses = tree.filter((imported) => !isTest(imported.from) && covers(exception, imported));
    expect(uses.some(({ kind }) => kind === exception.kind)).toBe(true);
  });
});

describe('the check', () => {
  const faults = (from: string, text: string) => importsOf(from, text).map(fault);

  test.each([
    ['backwards', 'src/core/virtio/queue.ts', `import { fold } from '../trace/model.ts';`],
    ['backwards, types', 'src/core/virtio/queue.ts', `import type { Emit } from '../trace/event.ts';`],
    ['backwards, re-export', 'src/core/net/mac.ts', `export * from '../viona/link.ts';`],
    ['backwards, import type', 'src/core/net/mac.ts', `type A = import('../viona/link.ts').Link;`],
    ['backwards, dynamic', 'src/core/ring/record.ts', `await import('../host/verdict.ts');`],
    [
      'values where types are excepted',
      'src/core/virtio-net/a.ts',
      `import { PackedWriter } from '../trace/packed.ts';`,
    ],
    ['another file than is excepted', 'src/core/virtio-net/a.ts', `import type { A } from '../trace/log.ts';`],
    ['core to protocol', 'src/core/host/a.ts', `import type { HostApi } from '../../protocol/api.ts';`],
    ['core to a package', 'src/core/host/a.ts', `import * as Comlink from 'comlink';`],
    ['core to Node', 'src/core/host/a.ts', `import { readFileSync } from 'node:fs';`],
    ['product to testing', 'workers/a.ts', `import { FakeDriver } from '../src/core/testing/fake-driver.ts';`],
    ['product to a test file', 'src/protocol/a.ts', `import { receive } from './frame-channel.test-kit.ts';`],
    ['interface to app', 'src/ui/a.ts', `import type { Lab } from '../app/lab.ts';`],
    ['interface to worker', 'src/ui/a.ts', `const url = new URL('../../workers/viona.worker.ts', import.meta.url);`],
    [
      'interface to protocol, values',
      'src/ui/a.ts',
      `import { openFrameChannel } from '../protocol/frame-channel.ts';`,
    ],
    ['app to worker, values', 'src/app/a.ts', `import { x } from '../../workers/viona.worker.ts';`],
    ['app into a worker', 'src/app/a.ts', `import type { Machine } from '../../workers/v86/machine.ts';`],
    ['worker to app', 'workers/a.ts', `import type { Lab } from '../src/app/lab.ts';`],
    ['v86 outside its folder', 'workers/machine.worker.ts', `import { V86 } from 'v86';`],
    ['a file outside every folder', 'src/core/a.ts', `import { formatMac } from './net/mac.ts';`],
  ])('finds %s', (_what, from, text) => {
    expect(faults(from, text)).toEqual([expect.any(String)]);
  });

  test.each([
    ['forwards', 'src/core/trace/model.ts', `import { formatMac } from '../net/mac.ts';`],
    ['inside a folder', 'src/core/trace/model.ts', `import { log } from './log.ts';`],
    ['an excepted type', 'src/core/virtio-net/a.ts', `import { type PackedWriter } from '../trace/packed.ts';`],
    ['a worker by its address', 'src/app/a.ts', `new URL('../../workers/viona.worker.ts', import.meta.url);`],
    ['the address of a package file', 'workers/a.ts', `import wasm from 'v86/build/v86.wasm?url';`],
    ['a page address', 'src/ui/a.ts', `new URL('guest/', document.baseURI);`],
    ['a test, anything', 'src/core/net/mac.test.ts', `import { Lab } from '../../app/lab.ts';`],
  ])('lets pass %s', (_what, from, text) => {
    expect(faults(from, text).filter((found) => found !== undefined)).toEqual([]);
  });

  test('finds a cycle of values, and none where types close it', () => {
    const a = importsOf('a.ts', `import { b } from './b.ts';`);
    const b = importsOf('b.ts', `import { c } from './c.ts';`);
    const closed = importsOf('c.ts', `import { a, type A } from './a.ts';`);
    const typed = importsOf('c.ts', `import type { A } from './a.ts';`);
    expect(cycleIn([...a, ...b, ...closed])).toEqual(['a.ts', 'b.ts', 'c.ts', 'a.ts']);
    expect(cycleIn([...a, ...b, ...typed])).toBeUndefined();
  });
});
