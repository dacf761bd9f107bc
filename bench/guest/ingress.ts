/**
 * Frames that come in and go no further: they are dropped behind the driver, before the stack looks at them.
 *
 * @source tc-ingress(8), tc-matchall(8)
 */

/** The shell command that has everything dropped that comes in by these interfaces. May be run again. */
export function dropIncoming(devices: readonly string[]): string {
  const drop = devices.flatMap((device) => [
    `tc qdisc replace dev ${device} ingress`,
    `tc filter replace dev ${device} ingress pref 1 handle 1 matchall action drop`,
  ]);
  return ['modprobe -a sch_ingress cls_matchall act_gact', ...drop].join(' && ');
}

/** Takes it back. */
export function takeIncoming(devices: readonly string[]): string {
  return devices.map((device) => `tc qdisc del dev ${device} ingress`).join('; ');
}
