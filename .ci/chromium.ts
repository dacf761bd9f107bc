/**
 * The Chromium that end-to-end tests run in. Any recent one will do: the system's is preferred to
 * Playwright's own build, which is a large download from a server of its own.
 *
 * Run as a program: makes sure that there is one, and installs it if there is none.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { argv, env, exit, getuid } from 'node:process';
import { pathToFileURL } from 'node:url';
import { chromium } from '@playwright/test';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of the program, or undefined. The variable CHROMIUM outranks everything that is installed. */
export function findChromium(): string | undefined {
  const chosen = env.CHROMIUM;
  if (chosen !== undefined && chosen !== '') {
    if (!isProgram(chosen)) throw new Error(`CHROMIUM=${chosen} is not a program that can be run`);
    return chosen;
  }
  const folders = ['/usr/bin', ...(env.PATH ?? '').split(delimiter)];
  const system = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
  return system ?? [chromium.executablePath()].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function run(command: string, ...args: string[]): boolean {
  console.log(`chromium: ${command} ${args.join(' ')}`);
  const result = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}

/** From the distribution. Another apt at work is waited for. */
function installFromDebian(): boolean {
  if (!existsSync('/usr/bin/apt-get')) return false;
  const wait = ['-o', 'DPkg::Lock::Timeout=600'];
  const apt = (...args: string[]) =>
    getuid?.() === 0
      ? run('apt-get', ...wait, ...args)
      : run('sudo', '-n', 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...wait, ...args);
  // An index that cannot be refreshed may still be good enough.
  return (
    [apt('update'), apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation')].at(-1) === true
  );
}

function installFromPlaywright(): boolean {
  return run(process.execPath, join('node_modules', '@playwright', 'test', 'cli.js'), 'install', 'chromium');
}

function main(): void {
  for (const install of [() => true, installFromDebian, installFromPlaywright]) {
    if (install() && findChromium() !== undefined) return;
  }
  console.error(
    [
      'chromium: there is no Chromium here, and it could not be installed.',
      'Install one ("apt-get install chromium", or your system\'s way), or set CHROMIUM to the path of a',
      'Chrome or Chromium that you have. Unit tests run without: npm run test:unit',
    ].join('\n'),
  );
  exit(1);
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) main();
