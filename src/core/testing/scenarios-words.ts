/** Words that scenarios are written in: addresses, frames, and the verdicts of six models in one line. */
import type { HostModelId } from '../host/host-model.ts';
import type { Fate, RuleId } from '../host/verdict.ts';
import type { FrameSpec } from '../net/frame-spec.ts';
import type { PresetId } from '../net/traffic.ts';
import type { PromiscLevel } from '../viona/link.ts';
import type { Expectation, Step, Verdicts } from './scenarios-types.ts';

export const OWN = '02:00:00:00:00:15';
export const FOREIGN = '02:00:00:00:00:99';
export const STRANGER = '02:00:00:00:00:98';
/** Of the preset multicast-v4. */
export const GROUP = '01:00:5e:01:02:03';
/** Interfaces that are up are in both. */
export const ALL_HOSTS = '01:00:5e:00:00:01';
export const ALL_NODES = '33:33:00:00:00:01';

const hex = (value: number): string => value.toString(16).padStart(2, '0');
/** Different groups, in no preset. */
export const groups = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `01:00:5e:7f:${hex(i >> 8)}:${hex(i & 0xff)}`);
/** Different stations, in no preset. */
export const stations = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `02:00:00:01:${hex(i >> 8)}:${hex(i & 0xff)}`);

/** Verdicts by groups of models; what is said of one model beats what is said of its group. */
export interface Sides {
  /** Of all but Cloud Hypervisor, which filters nothing. */
  readonly all?: RuleId;
  /** The three that have a viona link. */
  readonly viona?: RuleId;
  /** The two that filter by table. */
  readonly tables?: RuleId;
  readonly before?: RuleId;
  readonly now?: RuleId;
  readonly v7?: RuleId;
  readonly qemu?: RuleId;
  readonly cloud?: RuleId;
  readonly exact?: RuleId;
}

export function sideBySide(sides: Sides): Verdicts {
  const { all, viona = all, tables = all, cloud = 'unfiltered' } = sides;
  const { before = viona, now = viona, v7 = viona, qemu = tables, exact = tables } = sides;
  if (!before || !now || !v7 || !qemu || !exact)
    throw new Error(`no verdict of some model in ${JSON.stringify(sides)}`);
  return {
    'propolis-before-1125': before,
    'propolis-372a574': now,
    exact,
    'propolis-v7': v7,
    qemu,
    'cloud-hypervisor': cloud,
  };
}

type FrameStep = Extract<Expectation, { expect: 'frame' }>;

export function sends(
  send: PresetId | FrameSpec,
  fate: Fate,
  sides: Sides,
  more: Pick<FrameStep, 'path' | 'judged'> = {},
): Step {
  return { expect: 'frame', send, fate, rules: sideBySide(sides), ...more };
}

/** The link's level, and the level whose callbacks are registered if that is another one. */
export const link = (level: PromiscLevel, callbacks = level): Step => ({ expect: 'link', level, callbacks });
export const NO_LINK: Step = { expect: 'link', level: null, callbacks: null };

export const offer = (...add: readonly string[]): Step => ({ do: 'personality', add });
export const withhold = (...remove: readonly string[]): Step => ({ do: 'personality', remove });
/** The next probe is under that personality. */
export const reprobe: Step = { do: 'reprobe' };
export const UP: Step = { do: 'up' };
export const model = (id: HostModelId): Step => ({ do: 'model', model: id });

/** A UDP datagram to the guest: a flow of its own for each source port. */
export const flow = (fromPort: number): FrameSpec => ({ dst: OWN, udp: { to: '10.0.2.15', fromPort, bytes: 18 } });
/** Flows that viona puts on ring 0, and on another one, whether it spreads over 4 pairs or over 11. */
export const ON_FIRST_RING = flow(40_250);
export const ON_ANOTHER_RING = flow(40_001);

/** Six segments in one: more than a receive buffer holds. */
export const LARGE_SEGMENT: FrameSpec = {
  dst: OWN,
  tcp: { to: '10.0.2.15', bytes: 8000 },
  gso: { type: 'tcpv4', size: 1448 },
};
export const SEGMENTS = 6;
