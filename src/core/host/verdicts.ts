/**
 * Every verdict that any host model can give, interned in one place.
 *
 * A verdict's code is its position in the order of these calls, and threads exchange codes. So all calls
 * of `verdict` stand here: import order elsewhere cannot change a code. Append only.
 */
import { DELIVERIES } from '../viona/mac-client.ts';
import type { Cost, RuleId, Verdict } from './verdict.ts';
import { verdict } from './verdict.ts';

/** Readers take it from here, so that whoever asks for a verdict has all of them. */
export { verdictOf } from './verdict.ts';

/** What a viona-backed model says of a frame, by index of the MAC layer's delivery. */
export const VIONA_VERDICTS: readonly Verdict[] = DELIVERIES.map(({ rule, path, cost, stripTag }) =>
  verdict(rule, path, cost, stripTag),
);

/** A model without a link looks at each frame once, copies nothing and leaves tags alone. */
const TAKEN: Cost = { looked: 1, copied: 0, delivered: 1, discarded: 0 };
const LEFT: Cost = { looked: 1, copied: 0, delivered: 0, discarded: 1 };
const take = (rule: RuleId): Verdict => verdict(rule, 'filter', TAKEN);
const leave = (rule: RuleId): Verdict => verdict(rule, 'filter', LEFT);

export const FILTER_VERDICTS = Object.freeze({
  ownUnicast: take('own-unicast'),
  broadcast: take('broadcast'),
  promisc: take('promisc'),
  allmulti: take('allmulti'),
  noCtrlRx: take('no-ctrl-rx'),
  unicastTable: take('unicast-table'),
  multicastTable: take('multicast-table'),
  unicastMiss: leave('unicast-table-miss'),
  multicastMiss: leave('multicast-table-miss'),
  badHeader: verdict('bad-header', 'none', { looked: 0, copied: 0, delivered: 0, discarded: 0 }),
});

/**
 * What a viona-backed model says of the same frame when its ring, of a pair that is in use, does not run: what
 * the MAC layer has handed over is thrown away. By index of the MAC layer's delivery.
 */
export const VIONA_RING_VERDICTS: readonly Verdict[] = DELIVERIES.map(({ index, path, cost }) =>
  cost.delivered === 0
    ? (VIONA_VERDICTS[index] as Verdict)
    : verdict('ring-not-running', path, {
        ...cost,
        delivered: 0,
        discarded: cost.discarded + cost.delivered,
      }),
);

/** Verdicts of filters that know the extra RX modes, VLAN tables and overflow. */
export const EXTRA_VERDICTS = Object.freeze({
  promiscUntold: take('promisc-untold'),
  vlanMiss: leave('vlan-table-miss'),
  alluni: take('alluni'),
  nouni: leave('nouni'),
  nomulti: leave('nomulti'),
  nobcast: leave('nobcast'),
  unicastOverflow: take('unicast-overflow'),
  multicastOverflow: take('multicast-overflow'),
  /** Nobody looks at the frame to decide about it. */
  unfiltered: verdict('unfiltered', 'none', { looked: 0, copied: 0, delivered: 1, discarded: 0 }),
});
