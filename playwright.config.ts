import { env } from 'node:process';
import { defineConfig } from '@playwright/test';
import { findChromium } from './.ci/chromium.ts';

const PORT = Number(env.E2E_PORT ?? 4187);
const executablePath = findChromium();

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/e2e',
  // Each page runs a PC and a host in threads of their own: one page at a time is what two cores carry.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: env.CI !== undefined,
  // Linux boots in 15 to 40 seconds.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${String(PORT)}`,
    viewport: { width: 1440, height: 900 },
    // The lab has a trace of its own, which a failed test attaches; recording the page costs half a core.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      // Root cannot have Chromium's sandbox, nor can most containers. The tests load this lab and nothing else.
      chromiumSandbox: false,
      // What a browser asks the network for by itself is not part of any test.
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-quic',
      ],
    },
  },
  projects: [{ name: 'chromium' }],
  webServer: {
    // As users get it: the built lab. `npm run test:e2e` builds it first.
    command: `node node_modules/vite/bin/vite.js preview --host 127.0.0.1 --port ${String(PORT)} --strictPort`,
    url: `http://127.0.0.1:${String(PORT)}/`,
    // A server that is there already may serve another checkout.
    reuseExistingServer: false,
    timeout: 60_000,
  },
});
