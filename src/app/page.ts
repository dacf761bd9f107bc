/** Composition root of the page: its elements, over the lab. */
import type { GuestManifest } from '../../guest/manifest.ts';
import '../ui/lab-app.ts';
import { PageActions } from './actions.ts';
import type { Lab } from './lab.ts';

export function openPage(lab: Lab): void {
  const app = document.querySelector('lab-app');
  if (!app) throw new Error('index.html must contain <lab-app>.');
  app.store = lab.store;
  app.actions = new PageActions(lab, null);
  void loadManifest().then((manifest) => {
    app.actions = new PageActions(lab, manifest);
  });
}

/** For the page's list of packages only; the machine checks the manifest by itself and reports what is wrong. */
async function loadManifest(): Promise<GuestManifest | null> {
  try {
    const response = await fetch(new URL('guest/manifest.json', document.baseURI));
    return response.ok ? ((await response.json()) as GuestManifest) : null;
  } catch {
    return null;
  }
}
