/**
 * Makes node_modules what package-lock.json says; nothing to do if it already is.
 *
 * First step of every npm script that needs dependencies, so it may not have any itself: plain JavaScript,
 * Node alone. A stamp in node_modules holds the checksum of the lock file it was made from.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules', '.cache', 'lock-file.sha256');

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

/** Compares with the one range that package.json uses: ">=major.minor". */
function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  const [major, minor] = wanted.replace('>=', '').split('.').map(Number);
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return;
  fail(`this is Node ${process.versions.node}, and the lab needs ${wanted}.`);
}

/** npm's own record of what it installed, held against the lock file: somebody may have run npm by hand. */
function installedByHand() {
  const hiddenLock = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hiddenLock)) return false;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(hiddenLock, 'utf8')).packages;
  const allThere = Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    // Packages for other systems are in the lock file and rightly not installed.
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
  return allThere && Object.keys(installed).every((path) => path in wanted);
}

function install() {
  console.log('setup: installing dependencies (npm ci)');
  const args = ['ci', '--prefer-offline', '--no-audit', '--no-fund'];
  // Inside "npm run" this is the npm that runs us, which also works where "npm" is a .cmd file.
  const npm = process.env.npm_execpath;
  const result =
    npm !== undefined && npm.endsWith('npm-cli.js')
      ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
      : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status !== 0) fail('npm ci failed; see above. It needs a package registry, or a filled npm cache.');
}

checkNode();
const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
const stamped = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').trim() : '';
if (stamped !== wanted) {
  if (!installedByHand()) install();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, `${wanted}\n`);
}
