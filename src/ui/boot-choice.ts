/** How the guest comes up when the page opens: from a snapshot, or from power-on. */
import { recall, remember } from './settings.ts';

const KEY = 'boot';

/** The address of the page outranks what was chosen in it: `?boot=cold`, `?boot=warm`. */
export function wantsColdBoot(query: URLSearchParams): boolean {
  return (query.get('boot') ?? recall(KEY)) === 'cold';
}

/** For the next time that the page opens in this browser. */
export function chooseColdBoot(cold: boolean): void {
  remember(KEY, cold ? 'cold' : 'warm');
}
