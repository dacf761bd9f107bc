/** Composition root: the lab, its facade for scripts, and the page. */
import { Lab } from './lab.ts';
import { actions } from './actions.ts';
import '../ui/lab-app.ts';

declare global {
  interface Window {
    /** The lab's facade for tests and scripts. */
    lab: Lab;
  }
}

const lab = new Lab();
window.lab = lab;
