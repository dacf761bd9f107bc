/**
 * What the page's document loads: starts the threads, the lab and its facade for scripts (`window.lab`), and then the
 * page over it, which is most of the script.
 */
import { wantsColdBoot } from '../ui/boot-choice.ts';
import { Lab } from './lab.ts';

declare global {
  interface Window {
    /** The lab's facade for tests and scripts; there when the document has loaded. */
    lab: Lab;
  }
}

const query = new URLSearchParams(location.search);
const lab = new Lab({ cold: wantsColdBoot(query) });
window.lab = lab;
if (query.get('guests') === '2') void lab.addGuest();
await lab.begun;
const { openPage } = await import('./page.ts');
openPage(lab);
