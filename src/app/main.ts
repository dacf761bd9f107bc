/** Composition root: the lab, its facade for scripts, and the page. */
import type { GuestManifest } from '../../guest/manifest.ts';
import type { LabApp } from '../ui/lab-app.ts';
import { PageActions } from './actions.ts';
import { Lab } from './lab.ts';
import '../ui/lab-app.ts';

declare global {
  interface Window {
    /** The lab's facade for tests and scripts. */
    lab: Lab;
  }
}

const lab = new Lab();
window.lab = lab;
