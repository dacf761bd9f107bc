/**
 * What the page's document loads: starts the threads, the lab and its facade for scripts (`window.lab`), and then the
 * page over it, which is most of the script.
 */
import { wantsColdBoot } from '../ui/boot-choice.ts';
import { Lab } from './lab.ts';
import { startThreads } from './threads.ts';

declare global {
  interface Window {
    /** The lab's facade for tests and scripts; there when the document has loaded. */
    lab: Lab;
  }
}

const threads = startThreads(wantsColdBoot(new URLSearchParams(location.search)));
const lab = new Lab(threads);
window.lab = lab;
await threads.begun;
const { openPage } = await import('./page.ts');
openPage(lab);
