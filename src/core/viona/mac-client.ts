/**
 * What the illumos MAC layer hands to viona, and what each frame costs the host on the way.
 *
 * A frame from the wire meets three things in this order.
 *
 * 1. The NIC's own filter. Without a promiscuous listener it passes the client's address, broadcast and
 *    joined groups, and costs the host nothing for what it keeps. `mac_promisc_add` puts the NIC into
 *    promiscuous mode, whatever the kind; the mode is counted by reference, and ends with the last listener.
 *    While it lasts *every* frame on the wire comes up to software.
 * 2. Promiscuous dispatch, if there is a listener: each frame is looked at once more, and copied if the
 *    listener's kind fits. MULTI fits group-addressed frames whose VID is the client's; ALL fits all. The
 *    copy loses its VLAN tag (VLAN_TAG_STRIP). This extra look is what MULTI costs a guest that receives
 *    nothing but unicast.
 * 3. Classification by (address, VID), one look. Own unicast goes to the client's callback as it is. For
 *    a broadcast, or a group that somebody has joined, `mac_bcast_send` makes a copy for each member and frees
 *    the original, even for one member. What fits no client is freed.
 *
 * Then viona's callback. viona_rx_mcast looks at each frame it gets, and throws broadcast away again, because
 * the classified path has delivered it already. viona_rx_classified looks at nothing, except that version 7
 * throws away its copy of a joined group while MULTI brings another one: that look is counted.
 *
 *     looked     examinations by host software: dispatch, classification, viona's handlers
 *     copied     copies made: by dispatch for the listener, by mac_bcast_send for the client
 *     delivered  hand-overs to the guest
 *     discarded  originals and copies freed without reaching it
 *
 * What enters software is conserved: 1 + copied = delivered + discarded, or all zero if the NIC kept it.
 *
 *     (looked, copied, delivered, discarded)
 *                           NONE         MULTI        ALL          ALL on a VNIC
 *     own unicast           1,0,1,0      2,0,1,0      2,1,1,1      3,1,1,1
 *     foreign unicast       0,0,0,0      2,0,0,1      2,1,1,1      2,0,0,1
 *     broadcast             1,1,1,1      3,2,1,2      2,2,1,2      2,2,1,2
 *     multicast, joined     1,1,1,1      4,2,1,2      2,2,1,2      2,2,1,2
 *     multicast             0,0,0,0      3,1,1,1      2,1,1,1      2,1,1,1
 *     own unicast, VID 5    1,0,0,1      2,0,0,1      2,1,1,1      2,0,0,1
 *     broadcast, VID 5      1,0,0,1      2,0,0,1      2,1,1,1      2,0,0,1
 *     joined, VID 5         1,0,0,1      2,0,0,1      2,1,1,1      2,0,0,1
 *     multicast, VID 5      0,0,0,0      2,0,0,1      2,1,1,1      2,0,0,1
 *
 * **VNIC.** A client on a VNIC has the promisc-filtered flag, and where it asks for ALL it gets FILTERED:
 * group-addressed frames by dispatch, and its own unicast by a second dispatch behind the classifier, which is
 * the third look. So ALL brings no foreign unicast there. The listener sits on the lower MAC and is offered
 * all of that MAC's traffic, so MULTI costs the same as on a physical link.
 *
 * **No unicast address** (version 7, after a failed restoration): the client has no flows. It is in no
 * broadcast group, and no VID is its own, so MULTI and FILTERED bring nothing either. Only ALL on a physical
 * link goes on.
 *
 * Counts, not times; a hardware classifier can save looks that are counted here. The NIC's filter is taken to be
 * exact; a real one hashes groups. The client has its address without a VLAN: untagged and priority-tagged
 * (VID 0) frames fit it, all others do not, which NET-VLAN-01 would have them do. Version 7 was read in its
 * interface only: where it looks is derived.
 *
 * Sources: illumos mac_client.c (mac_promisc_add, mac_promisc_dispatch, mac_promisc_client_dispatch,
 * mac_client_check_flow_vid, mac_unicast_add), mac_sched.c (mac_rx_classify), mac_bcast.c (mac_bcast_send),
 * viona_rx.c (viona_rx_mcast).
 */
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, MAC_BROADCAST } from '../net/mac.ts';
import { hasDst } from '../net/mac-set.ts';
import type { SilentName } from './kstat.ts';
import type { LinkState } from './link.ts';

/** What the MAC layer knows of its client. */
export type MacClient = Pick<LinkState, 'exists' | 'config' | 'callbacks' | 'unicast' | 'filters'>;

/** How the MAC layer disposed of one frame. */
export interface Delivery {
  /** Position in DELIVERIES. */
  readonly index: number;
  readonly rule:
    | 'own-unicast'
    | 'broadcast'
    | 'multicast-joined'
    | 'promisc-multi'
    | 'promisc-filtered'
    | 'promisc-all'
    | 'unicast-foreign'
    | 'filtered-foreign'
    | 'multicast-no-listener'
    | 'vid-mismatch'
    | 'no-unicast-address'
    | 'no-link'
    | 'bad-header';
  readonly path: 'classified' | 'promisc-multi' | 'promisc-filtered' | 'promisc-all' | 'none';
  readonly cost: {
    readonly looked: number;
    readonly copied: number;
    readonly delivered: number;
    readonly discarded: number;
  };
  /** The tag comes off: always on the promiscuous path, on the classified one for VID 0. */
  readonly stripTag: boolean;
  /** What of it the original throws away without counting, under our name for it. */
  readonly silent: SilentName | null;
}

const deliveries: Delivery[] = [];
/** Everything that `macDeliver` can answer, in a fixed order. */
export const DELIVERIES: readonly Delivery[] = deliveries;

/** One delivery for untagged frames and one for frames whose tag comes off. */
interface Pair {
  readonly plain: Delivery;
  readonly tagged: Delivery;
}

type Counts = readonly [looked: number, copied: number, delivered: number, discarded: number];

function delivery(
  rule: Delivery['rule'],
  path: Delivery['path'],
  [looked, copied, delivered, discarded]: Counts,
  silent: SilentName | null = delivered === 0 ? 'silent_not_handed_over' : null,
): Pair {
  const make = (stripTag: boolean): Delivery => {
    const made = Object.freeze({
      index: deliveries.length,
      rule,
      path,
      cost: Object.freeze({ looked, copied, delivered, discarded }),
      stripTag: stripTag && delivered > 0,
      silent,
    });
    deliveries.push(made);
    return made;
  };
  return { plain: make(false), tagged: make(true) };
}

interface Outcomes {
  readonly own: Pair;
  readonly foreign: Pair;
  readonly broadcast: Pair;
  readonly joined: Pair;
  readonly multicast: Pair;
  readonly ownOtherVid: Pair;
  readonly broadcastOtherVid: Pair;
  readonly joinedOtherVid: Pair;
  readonly multicastOtherVid: Pair;
}

/** Kept by the NIC: no software sees it. */
const KEPT: Counts = [0, 0, 0, 0];
/** Came up, was looked at so often, and fitted nobody. */
const lookedAt = (times: number): Counts => [times, 0, 0, 1];

const NO_LISTENER = delivery('multicast-no-listener', 'none', KEPT);
const NOT_CLASSIFIED = delivery('vid-mismatch', 'none', lookedAt(1));
const NONE: Outcomes = {
  own: delivery('own-unicast', 'classified', [1, 0, 1, 0]),
  foreign: delivery('unicast-foreign', 'none', KEPT),
  broadcast: delivery('broadcast', 'classified', [1, 1, 1, 1]),
  joined: delivery('multicast-joined', 'classified', [1, 1, 1, 1]),
  multicast: NO_LISTENER,
  ownOtherVid: NOT_CLASSIFIED,
  broadcastOtherVid: NOT_CLASSIFIED,
  joinedOtherVid: NOT_CLASSIFIED,
  multicastOtherVid: NO_LISTENER,
};

const OTHER_VID = delivery('vid-mismatch', 'none', lookedAt(2));
const OTHER_VIDS = {
  ownOtherVid: OTHER_VID,
  broadcastOtherVid: OTHER_VID,
  joinedOtherVid: OTHER_VID,
  multicastOtherVid: OTHER_VID,
} as const;

const MULTI: Outcomes = {
  own: delivery('own-unicast', 'classified', [2, 0, 1, 0]),
  foreign: delivery('unicast-foreign', 'none', lookedAt(2)),
  broadcast: delivery('broadcast', 'classified', [3, 2, 1, 2], 'silent_bcast_suppressed'),
  joined: delivery('promisc-multi', 'promisc-multi', [4, 2, 1, 2], 'silent_mcast_suppressed'),
  multicast: delivery('promisc-multi', 'promisc-multi', [3, 1, 1, 1]),
  ...OTHER_VIDS,
};

/** The classified copy of what the listener has brought meets the callback that ALL has cleared. */
const CLEARED = 'silent_classified_cleared';
const FILTERED_GROUP = delivery('promisc-filtered', 'promisc-filtered', [2, 2, 1, 2], CLEARED);
const FILTERED: Outcomes = {
  own: delivery('promisc-filtered', 'promisc-filtered', [3, 1, 1, 1], CLEARED),
  foreign: delivery('filtered-foreign', 'none', lookedAt(2)),
  broadcast: FILTERED_GROUP,
  joined: FILTERED_GROUP,
  multicast: delivery('promisc-filtered', 'promisc-filtered', [2, 1, 1, 1]),
  ...OTHER_VIDS,
};

const ONE_COPY = delivery('promisc-all', 'promisc-all', [2, 1, 1, 1]);
const TWO_COPIES = delivery('promisc-all', 'promisc-all', [2, 2, 1, 2], CLEARED);
const ALL: Outcomes = {
  own: delivery('promisc-all', 'promisc-all', [2, 1, 1, 1], CLEARED),
  foreign: ONE_COPY,
  broadcast: TWO_COPIES,
  joined: TWO_COPIES,
  multicast: ONE_COPY,
  ownOtherVid: ONE_COPY,
  broadcastOtherVid: ONE_COPY,
  joinedOtherVid: ONE_COPY,
  multicastOtherVid: ONE_COPY,
};

/** Without an address all unicast is foreign, and no group has been joined. */
const ADDRESSLESS_KEPT = delivery('no-unicast-address', 'none', KEPT);
const ADDRESSLESS_CLASSIFIED = delivery('no-unicast-address', 'none', lookedAt(1));
const everything = (pair: Pair): Outcomes => ({
  own: pair,
  foreign: pair,
  broadcast: pair,
  joined: pair,
  multicast: pair,
  ownOtherVid: pair,
  broadcastOtherVid: pair,
  joinedOtherVid: pair,
  multicastOtherVid: pair,
});
const ADDRESSLESS_DISPATCHED = everything(delivery('no-unicast-address', 'none', lookedAt(2)));
const ADDRESSLESS_NONE: Outcomes = {
  ...everything(ADDRESSLESS_KEPT),
  broadcast: ADDRESSLESS_CLASSIFIED,
  broadcastOtherVid: ADDRESSLESS_CLASSIFIED,
};

/** After VNA_IOC_DELETE there is no client that could be handed anything. */
const NO_LINK = everything(delivery('no-link', 'none', KEPT, null));
/** A frame without a whole header never reaches a client; no wire delivers one, only an injector. */
const BAD_HEADER = delivery('bad-header', 'none', KEPT).plain;

/** What a promiscuous listener is told, whatever it asked for. @source mac_client.c mac_promisc_add */
type Kind = 'NONE' | 'MULTI' | 'FILTERED' | 'ALL';

/** The kind that a listener gets for the kind it asked for. */
function kindInForce({ callbacks, config }: MacClient): Kind {
  if (callbacks.promisc === null) return 'NONE';
  if (callbacks.promisc.kind === 'MULTI') return 'MULTI';
  return config.kind === 'vnic' ? 'FILTERED' : 'ALL';
}

const OUTCOMES: Readonly<Record<Kind, Outcomes>> = { NONE, MULTI, FILTERED, ALL };
const WITHOUT_ADDRESS: Readonly<Record<Kind, Outcomes>> = {
  NONE: ADDRESSLESS_NONE,
  MULTI: ADDRESSLESS_DISPATCHED,
  FILTERED: ADDRESSLESS_DISPATCHED,
  ALL: everything(ONE_COPY),
};

/** No frame has it: no whole number. */
const NO_ADDRESS = -0.5;

/** What a client comes down to: made once for each state of it. Objects of one shape, so that reading boxes nothing. */
class View {
  readonly outcomes: Outcomes;
  readonly own: Mac;
  readonly filters: readonly Mac[];

  constructor(client: MacClient) {
    const { exists, unicast, filters } = client;
    const kind = kindInForce(client);
    this.outcomes = !exists ? NO_LINK : unicast === null ? WITHOUT_ADDRESS[kind] : OUTCOMES[kind];
    this.own = unicast ?? NO_ADDRESS;
    this.filters = filters;
  }
}

const views = new WeakMap<MacClient, View>();

/** Hot path: looks up, allocates nothing but once for each state. @param client is never changed in place */
export function macDeliver(client: MacClient, header: FrameHeader): Delivery {
  if (!header.valid) return BAD_HEADER;
  const pair = pick(views.get(client) ?? makeView(client), header);
  return header.vid >= 0 ? pair.tagged : pair.plain;
}

function makeView(client: MacClient): View {
  const view = new View(client);
  views.set(client, view);
  return view;
}

function pick({ outcomes, own, filters }: View, header: FrameHeader): Pair {
  const { dst } = header;
  const fits = header.vid <= 0;
  if (!isGroup(dst)) {
    if (dst !== own) return outcomes.foreign;
    return fits ? outcomes.own : outcomes.ownOtherVid;
  }
  if (dst === MAC_BROADCAST) return fits ? outcomes.broadcast : outcomes.broadcastOtherVid;
  if (filters.length > 0 && hasDst(filters, header)) return fits ? outcomes.joined : outcomes.joinedOtherVid;
  return fits ? outcomes.multicast : outcomes.multicastOtherVid;
}

/**
 * True if a frame from the guest comes back to the guest. With more than one client on the MAC, a frame to the
 * address of one of them never leaves the machine: what it left to the hardware is done in software
 * (`mac_hw_emul`), and it goes to that client's classified callback. The sender is no exception. A client on a
 * VNIC is taken not to be alone on its MAC; one on a physical link is. Nothing else comes back: a group goes to
 * every member but the sender, and NO_TX_LOOP keeps the sender's own listener out.
 *
 * @source mac_sched.c mac_tx_send, mac_bcast.c mac_bcast_send
 */
export function macLoopsBack(client: MacClient, header: FrameHeader): boolean {
  return (
    client.config.kind === 'vnic' && client.exists && header.valid && header.vid <= 0 && header.dst === client.unicast
  );
}
