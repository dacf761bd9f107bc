/**
 * The link half that all viona-backed models share: they differ in the VMM that drives the link.
 */
import type { FrameHeader } from '../net/ethernet.ts';
import { addFault, linkIoctl } from '../viona/ioctl.ts';
import type { IoctlRecord, LinkState } from '../viona/link.ts';
import { macDeliver } from '../viona/mac-client.ts';
import type { Verdict } from './verdict.ts';
import { VIONA_VERDICTS } from './verdicts.ts';

/** State of a model that has a viona link. */
export interface HasLink {
  readonly link: LinkState;
}

/** What the registered callbacks make of a frame. The recorded level has no say. */
export function decideByLink(state: HasLink, frame: FrameHeader): Verdict {
  const { callbacks, config } = state.link;
  // Every delivery has its verdict: the table is made from the deliveries.
  return VIONA_VERDICTS[macDeliver(callbacks, config.mac, frame).index] as Verdict;
}

export function ioctlOnLink<S extends HasLink>(state: S, name: string, arg: number): { state: S; record: IoctlRecord } {
  const { state: link, record } = linkIoctl(state.link, name, arg);
  return { state: link === state.link ? state : { ...state, link }, record };
}

export function faultOnLink<S extends HasLink>(
  state: S,
  name: string,
  errno: string,
): { state: S; error: string | null } {
  const { state: link, error } = addFault(state.link, name, errno);
  return { state: link === state.link ? state : { ...state, link }, error };
}
