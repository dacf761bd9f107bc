/**
 * The link half that all viona-backed models share: they differ in the VMM that drives the link.
 */
import type { FrameHeader } from '../net/ethernet.ts';
import { addFault, clearFaults, type Fault, type FaultKind } from '../viona/faults.ts';
import { linkIoctl } from '../viona/ioctl.ts';
import type { IoctlRecord, LinkState } from '../viona/link.ts';
import { macDeliver } from '../viona/mac-client.ts';
import { ringFor, ringRuns } from '../viona/rings.ts';
import type { Verdict } from './verdict.ts';
import { VIONA_RING_VERDICTS, VIONA_VERDICTS } from './verdicts.ts';

/** State of a model that has a viona link. */
export interface HasLink {
  readonly link: LinkState;
}

/**
 * What the registered callbacks make of a frame. The recorded level has no say.
 *
 * A frame for a pair that is in use but was never kicked is lost, while frames for the first pair arrive: that
 * is the VMM's doing, so it is this model's verdict. If the first pair does not run either, the driver is not
 * there yet, and what becomes of the frame is its fate, not a verdict.
 */
export function decideByLink(state: HasLink, frame: FrameHeader): Verdict {
  const { link } = state;
  const lost = link.usePairs > 1 && !ringRuns(link, ringFor(link, frame.flow)) && ringRuns(link, 0);
  // Every delivery has its verdict: the tables are made from the deliveries.
  return (lost ? VIONA_RING_VERDICTS : VIONA_VERDICTS)[macDeliver(link, frame).index] as Verdict;
}

export function ioctlOnLink<S extends HasLink>(
  state: S,
  name: string,
  arg: unknown,
): { state: S; record: IoctlRecord } {
  const { state: link, record } = linkIoctl(state.link, name, arg);
  return { state: withLink(state, link), record };
}

export function faultOnLink<S extends HasLink>(state: S, fault: Fault): { state: S; error: string | null } {
  const { state: link, error } = addFault(state.link, fault);
  return { state: withLink(state, link), error };
}

export function clearFaultsOnLink<S extends HasLink>(state: S, kind?: FaultKind): S {
  return withLink(state, clearFaults(state.link, kind));
}

function withLink<S extends HasLink>(state: S, link: LinkState): S {
  return link === state.link ? state : { ...state, link };
}
