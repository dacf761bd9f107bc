/** Composition root of the page: its elements, over the lab. */
import type { GuestManifest } from '../../guest/manifest.ts';
import '../ui/lab-app.ts';
import type { Lab } from './lab.ts';
import { PageGuests } from './page-guests.ts';

export function openPage(lab: Lab): void {
  const guests = new PageGuests(lab);
  const app = document.querySelector('lab-app');
  if (!app) throw new Error('index.html must contain <lab-app>.');
  app.guests = guests;
  void loadManifest().then((manifest) => {
    guests.manifest = manifest;
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
