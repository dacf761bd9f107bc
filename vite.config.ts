import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Connect, Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { sizeBudget } from './.ci/size-budget.ts';

/**
 * Cross-origin isolation, which SharedArrayBuffer wants. A page asked for with `?isolation=off` is served
 * without, so that one server can show the lab both ways. Everything else carries the headers always: a
 * worker's script must, if its page does, and it does no harm otherwise.
 */
const isolationHeaders: Connect.NextHandleFunction = (request, response, next) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  if (searchParams.get('isolation') !== 'off') {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  }
  next();
};

/**
 * The built files are named by what is in them. A browser that may keep them asks for nothing at the second visit, and
 * keeps what it compiled of them, too.
 */
const keptFiles: Connect.NextHandleFunction = (request, response, next) => {
  if (request.url?.startsWith('/assets/')) response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
  next();
};

/** The file's contents, read again when it has changed. */
function keptInMemory(): (path: string) => Buffer {
  let kept = { changed: NaN, bytes: Buffer.alloc(0) };
  return (path) => {
    const { mtimeMs } = statSync(path);
    if (kept.changed !== mtimeMs) kept = { changed: mtimeMs, bytes: readFileSync(path) };
    return kept.bytes;
  };
}

/**
 * A missing part of the guest image is answered in words that help. The snapshot is kept: read piece by piece, at each
 * visit, it takes several times the processor's time, a good part of it for collecting the pieces.
 */
function guestFiles(folder: string): Connect.NextHandleFunction {
  const snapshot = keptInMemory();
  return (request, response, next) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    // The builder's sources share the path in development: guest/boot.ts is a module of the page's workers.
    if (!pathname.startsWith('/guest/') || pathname.endsWith('.ts')) {
      next();
      return;
    }
    const path = join(folder, pathname);
    if (existsSync(path)) {
      if (pathname !== '/guest/snapshot.img' || request.method !== 'GET') {
        next();
        return;
      }
      response.setHeader('Content-Type', 'application/octet-stream');
      response.end(snapshot(path));
      return;
    }
    response.statusCode = 404;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ error: `${pathname} is not there. The guest image is made by "npm run guest".` }));
  };
}

function labServer(): Plugin {
  return {
    name: 'lab-server',
    configureServer({ middlewares, config }) {
      middlewares.use(isolationHeaders);
      middlewares.use(guestFiles(config.publicDir));
    },
    configurePreviewServer({ middlewares, config }) {
      const built = resolve(config.root, config.build.outDir);
      if (!existsSync(join(built, 'index.html'))) {
        throw new Error(`${built} holds no lab to show. "npm run build" makes it.`);
      }
      middlewares.use(isolationHeaders);
      middlewares.use(keptFiles);
      middlewares.use(guestFiles(built));
    },
  };
}

/**
 * The entry starts the threads and then asks for the page. The browser is told of the page's script at once, so that it
 * comes meanwhile.
 */
function pagePreload(): Plugin {
  return {
    name: 'page-preload',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle, chunk }) => {
        const behind = (name: string): string[] => {
          const found = bundle?.[name];
          return found?.type === 'chunk' ? [name, ...found.imports.flatMap(behind)] : [];
        };
        const files = new Set((chunk?.dynamicImports ?? []).flatMap(behind));
        for (const known of chunk ? behind(chunk.fileName) : []) files.delete(known);
        return [...files].map((file) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${file}` },
          injectTo: 'head',
        }));
      },
    },
  };
}

/**
 * v86 is one module for browsers and for Node: behind tests of its surroundings it names `fs`, `crypto`,
 * `perf_hooks` and their node: forms. A browser never comes there, and the bundler rightly puts nothing in
 * their place. It would say so five times in every build; about any other module it still does.
 */
function v86NodeBranches(): Plugin {
  return {
    name: 'v86-node-branches',
    onLog(_level, { message }) {
      return /has been externalized for browser compatibility, imported by ".*\/v86\/build\/libv86\.mjs"/.test(message)
        ? false
        : undefined;
    },
  };
}

export default defineConfig({
  // One page and no routes: what is not there is 404 and not index.html.
  appType: 'mpa',
  // Works from any folder of a static server.
  base: './',
  plugins: [labServer(), v86NodeBranches(), pagePreload(), sizeBudget()],
  server: {
    watch: {
      ignored: ['**/.cache/**', '**/public/guest/**', '**/dist/**', '**/test-results/**', '**/playwright-report/**'],
    },
  },
  optimizeDeps: {
    // Workers are entries too: a dependency found only when one starts would make the page reload.
    entries: ['index.html', 'workers/*.worker.ts'],
    // One module already, and 360 kB of it: nothing to gain, and its dynamic imports stay what they are.
    exclude: ['v86'],
  },
  worker: { format: 'es', plugins: () => [v86NodeBranches()] },
  build: {
    target: 'es2023',
    // v86.wasm: streaming compilation wants a file.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What changes with a new version of a library apart from what changes with ours.
        codeSplitting: {
          groups: [
            { name: 'xterm', test: /node_modules\/@xterm\// },
            { name: 'lit', test: /node_modules\/(@lit|lit|lit-html|lit-element|@tanstack)\// },
          ],
        },
      },
    },
  },
  test: {
    include: [
      'src/**/*.test.ts',
      'workers/**/*.test.ts',
      'guest/**/*.test.ts',
      '.ci/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    benchmark: { include: ['bench/**/*.bench.ts'] },
    // Two threads, which is what small CI machines have.
    maxWorkers: 2,
    // Against a test that hangs. How long the others take is the machine's affair: some go round a 16-bit index, or
    // live thousands of lives, and a busy machine may need minutes for those.
    testTimeout: 600_000,
  },
});
