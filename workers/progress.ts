/** How far a download has come, told at a pace that costs nothing. */

/** Told this often, in milliseconds; and at the end. */
const INTERVAL = 100;

/** @param loaded bytes so far @param total bytes in all */
export type Progress = (loaded: number, total: number) => void;

/** For what is called with each chunk that comes. */
export function paced(report: Progress): Progress {
  let reportAt = 0;
  return (loaded, total) => {
    const now = performance.now();
    if (now < reportAt && loaded < total) return;
    reportAt = now + INTERVAL;
    report(loaded, total);
  };
}
