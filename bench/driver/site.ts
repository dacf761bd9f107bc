/** What the browser loads: the lab as `npm run build` makes it, and beside it the page with v86's own NIC. */
import { copyFile, link, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build, preview } from 'vite';

export interface Site {
  /** Where it was built. */
  readonly folder: string;
  /** Of the lab. */
  readonly labUrl: string;
  /** Of the page with v86's own NIC. */
  readonly nicUrl: string;
  /** The machine that it goes on from. */
  readonly stateUrl: string;
  close(): Promise<void>;
}

/**
 * @param root the project's folder
 * @param folder where the site is built; what is there goes
 * @param state path of the saved machine
 */
export async function openSite(root: string, folder: string, state: string): Promise<Site> {
  const configFile = join(root, 'vite.config.ts');
  const nicFolder = join(folder, 'v86-nic');
  await build({ configFile, root, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
  await build({
    configFile: false,
    root: join(root, 'bench/page'),
    base: './',
    logLevel: 'error',
    publicDir: false,
    worker: { format: 'es' },
    build: { target: 'es2023', assetsInlineLimit: 0, outDir: nicFolder },
  });
  await place(state, join(nicFolder, 'machine.state'));
  const server = await preview({
    configFile,
    root,
    logLevel: 'warn',
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const labUrl = `http://127.0.0.1:${address.port}/`;
  return {
    folder,
    labUrl,
    nicUrl: `${labUrl}v86-nic/`,
    stateUrl: `${labUrl}v86-nic/machine.state`,
    close: () => server.close(),
  };
}

/** A second name for the file, or a copy where that cannot be. */
async function place(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await link(from, to).catch(() => copyFile(from, to));
}
