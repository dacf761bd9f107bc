/** The browser that everything is measured in. */
import { type Browser, chromium } from '@playwright/test';
import { findChromium } from '../../.ci/chromium.ts';

export function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    // Root cannot have Chromium's sandbox, nor can most containers. The benchmark loads this lab and nothing else.
    chromiumSandbox: false,
    args: [
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
    ],
  });
}
