/** Composition root: the lab, its facade for scripts (`window.lab`), and the page over it. */
import type { GuestManifest } from '../../guest/manifest.ts';
import '../ui/lab-app.ts';
import { wantsColdBoot } from '../ui/boot-choice.ts';
import { Lab } from './lab.ts';
import { PageGuests } from './page-guests.ts';

declare global {
  interface Window {
    /** The lab's facade for tests and scripts. */
    lab: Lab;
  }
}

const query = new URLSearchParams(location.search);
const lab = new Lab({ cold: wantsColdBoot(query) });
window.lab = lab;
if (query.get('guests') === '2') void lab.addGuest();

const guests = new PageGuests(lab);
const app = document.querySelector('lab-app');
if (!app) throw new Error('index.html must contain <lab-app>.');
app.guests = guests;
void loadManifest().then((manifest) => {
  guests.manifest = manifest;
});

/** For the page's list of packages only; the machine checks the manifest by itself and reports what is wrong. */
async function loadManifest(): Promise<GuestManifest | null> {
  try {
    const response = await fetch(new URL('guest/manifest.json', document.baseURI));
    return response.ok ? ((await response.json()) as GuestManifest) : null;
  } catch {
    return null;
  }
}
