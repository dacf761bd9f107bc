/**
 * What the illumos MAC layer hands to viona, and what each frame costs the host on the way.
 *
 * A frame from the wire meets three things in this order.
 *
 * 1. The NIC's own filter. Without a promiscuous listener it passes the client's address, broadcast and
 *    joined groups (viona joins none), and costs the host nothing for what it keeps. `mac_promisc_add`
 *    puts the NIC into promiscuous mode, for MULTI just as for ALL: from then on *every* frame on the wire
 *    comes up to software.
 * 2. Promiscuous dispatch, if there is a listener: each frame is looked at once more, and copied if the
 *    listener's kind fits. MULTI fits group-addressed frames whose VID is the client's; ALL fits all. The
 *    copy loses its VLAN tag (VLAN_TAG_STRIP). This extra look is what MULTI costs a guest that receives
 *    nothing but unicast.
 * 3. Classification by (address, VID), one look. Own unicast goes to the client's callback as it is. For
 *    a broadcast `mac_bcast_send` makes a copy for each client and frees the original, even for one client.
 *    What fits no client is freed.
 *
 * Then viona's callback: viona_rx_mcast looks at each frame it gets, and throws broadcast away again,
 * because the classified path has delivered it already. viona_rx_classified looks at nothing.
 *
 *     looked     examinations by host software: dispatch, classification, viona_rx_mcast
 *     copied     copies made: by dispatch for the listener, by mac_bcast_send for the client
 *     delivered  hand-overs to the guest
 *     discarded  originals and copies freed without reaching it
 *
 * What enters software is conserved: 1 + copied = delivered + discarded, or all zero if the NIC kept it.
 *
 *     (looked, copied, delivered, discarded)
 *                           NONE         MULTI        ALL
 *     own unicast           1,0,1,0      2,0,1,0      2,1,1,1
 *     foreign unicast       0,0,0,0      2,0,0,1      2,1,1,1
 *     broadcast             1,1,1,1      3,2,1,2      2,2,1,2
 *     multicast             0,0,0,0      3,1,1,1      2,1,1,1
 *     own unicast, VID 5    1,0,0,1      2,0,0,1      2,1,1,1
 *     broadcast, VID 5      1,0,0,1      2,0,0,1      2,1,1,1
 *     multicast, VID 5      0,0,0,0      2,0,0,1      2,1,1,1
 *
 * Counts, not times; a hardware classifier can save looks that are counted here. The client has its primary
 * address without a VLAN: untagged and priority-tagged (VID 0) frames fit it, all others do not, which
 * NET-VLAN-01 would have them do. The link is physical. A client on a VNIC with the filtered flag would get
 * kind FILTERED (group-addressed frames and its own unicast) where it asks for ALL: that change belongs into
 * `kindInForce` and nowhere else.
 *
 * Sources: illumos mac_client.c (mac_promisc_add, mac_promisc_dispatch, mac_unicast_add), mac_sched.c
 * (mac_rx_classify), mac_bcast.c (mac_bcast_send), viona_rx.c (viona_rx_mcast).
 */
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, MAC_BROADCAST } from '../net/mac.ts';
import type { LinkCallbacks } from './link.ts';

/** How the MAC layer disposed of one frame. */
export interface Delivery {
  /** Position in DELIVERIES. */
  readonly index: number;
  readonly rule:
    | 'own-unicast'
    | 'broadcast'
    | 'promisc-multi'
    | 'promisc-all'
    | 'unicast-foreign'
    | 'multicast-no-listener'
    | 'vid-mismatch'
    | 'bad-header';
  readonly path: 'classified' | 'promisc-multi' | 'promisc-all' | 'none';
  readonly cost: {
    readonly looked: number;
    readonly copied: number;
    readonly delivered: number;
    readonly discarded: number;
  };
  /** The tag comes off: always on the promiscuous path, on the classified one for VID 0. */
  readonly stripTag: boolean;
}

const deliveries: Delivery[] = [];
/** Everything that `macDeliver` can answer, in a fixed order. */
export const DELIVERIES: readonly Delivery[] = deliveries;

/** One delivery for untagged frames and one for frames whose tag comes off. */
interface Pair {
  readonly plain: Delivery;
  readonly tagged: Delivery;
}

function delivery(
  rule: Delivery['rule'],
  path: Delivery['path'],
  [looked, copied, delivered, discarded]: readonly [number, number, number, number],
): Pair {
  const make = (stripTag: boolean): Delivery => {
    const made = Object.freeze({
      index: deliveries.length,
      rule,
      path,
      cost: Object.freeze({ looked, copied, delivered, discarded }),
      stripTag: stripTag && delivered > 0,
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
  readonly multicast: Pair;
  readonly ownOtherVid: Pair;
  readonly broadcastOtherVid: Pair;
  readonly multicastOtherVid: Pair;
}

const NONE: Outcomes = {
  own: delivery('own-unicast', 'classified', [1, 0, 1, 0]),
  foreign: delivery('unicast-foreign', 'none', [0, 0, 0, 0]),
  broadcast: delivery('broadcast', 'classified', [1, 1, 1, 1]),
  multicast: delivery('multicast-no-listener', 'none', [0, 0, 0, 0]),
  ownOtherVid: delivery('vid-mismatch', 'none', [1, 0, 0, 1]),
  broadcastOtherVid: delivery('vid-mismatch', 'none', [1, 0, 0, 1]),
  multicastOtherVid: delivery('multicast-no-listener', 'none', [0, 0, 0, 0]),
};

const MULTI: Outcomes = {
  own: delivery('own-unicast', 'classified', [2, 0, 1, 0]),
  foreign: delivery('unicast-foreign', 'none', [2, 0, 0, 1]),
  broadcast: delivery('broadcast', 'classified', [3, 2, 1, 2]),
  multicast: delivery('promisc-multi', 'promisc-multi', [3, 1, 1, 1]),
  ownOtherVid: delivery('vid-mismatch', 'none', [2, 0, 0, 1]),
  broadcastOtherVid: delivery('vid-mismatch', 'none', [2, 0, 0, 1]),
  multicastOtherVid: delivery('vid-mismatch', 'none', [2, 0, 0, 1]),
};

const ONE_COPY = delivery('promisc-all', 'promisc-all', [2, 1, 1, 1]);
const ALL: Outcomes = {
  own: ONE_COPY,
  foreign: ONE_COPY,
  broadcast: delivery('promisc-all', 'promisc-all', [2, 2, 1, 2]),
  multicast: ONE_COPY,
  ownOtherVid: ONE_COPY,
  broadcastOtherVid: ONE_COPY,
  multicastOtherVid: ONE_COPY,
};

/** A frame without a whole header never reaches a client; no wire delivers one, only an injector. */
const BAD_HEADER = delivery('bad-header', 'none', [0, 0, 0, 0]).plain;

/** The kind that a listener gets for the kind it asked for: the same on a physical link. */
function kindInForce(promisc: LinkCallbacks['promisc']): 'NONE' | 'MULTI' | 'ALL' {
  return promisc === null ? 'NONE' : promisc.kind;
}

/** Hot path: looks up, allocates nothing. @param own the client's unicast address */
export function macDeliver(callbacks: LinkCallbacks, own: Mac, header: FrameHeader): Delivery {
  if (!header.valid) return BAD_HEADER;
  const kind = kindInForce(callbacks.promisc);
  const outcomes = kind === 'NONE' ? NONE : kind === 'MULTI' ? MULTI : ALL;
  const pair = pick(outcomes, own, header);
  return header.vid >= 0 ? pair.tagged : pair.plain;
}

function pick(outcomes: Outcomes, own: Mac, header: FrameHeader): Pair {
  const fits = header.vid <= 0;
  if (!isGroup(header.dst)) {
    if (header.dst !== own) return outcomes.foreign;
    return fits ? outcomes.own : outcomes.ownOtherVid;
  }
  if (header.dst === MAC_BROADCAST) return fits ? outcomes.broadcast : outcomes.broadcastOtherVid;
  return fits ? outcomes.multicast : outcomes.multicastOtherVid;
}
