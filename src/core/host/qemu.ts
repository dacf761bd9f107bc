/**
 * QEMU 10.1.3, the userspace data path of `virtio-net`.
 *
 * It filters by table, and knows every RX mode and the VLAN table. Evaluated from top to bottom, the first
 * match decides; *tag* is TPID 0x8100 only:
 *
 *      1  promisc                            accept     10  unicast, nouni          drop, own address too
 *      2  tag, VID not in the map            drop       11  unicast, alluni         accept
 *      3  broadcast, nobcast off             accept     12  unicast table overflow  accept
 *      4  broadcast, nobcast on              drop       13  own address             accept
 *      5  multicast, nomulti                 drop       14  in the unicast table    accept
 *      6  multicast, allmulti                accept     15  else                    drop
 *      7  multicast table overflow           accept
 *      8  in the multicast table             accept
 *      9  multicast otherwise                drop
 *
 * So PROMISC beats the VLAN table and the NO modes, which stay in force behind it and come back when it ends.
 *
 * **Until told.** The device is promiscuous from the start and after each reset, because older drivers could
 * not ask. Linux ends that with its first RX commands.
 *
 * **Commands** are taken whatever was negotiated, except MQ. Any value but 0 switches a mode on. The kind of
 * an address is not looked at: a group in the unicast table is stored, takes a slot, and never matches.
 *
 * **Tables** share 64 slots, unicast first. A list that does not fit is dropped whole, and all frames of its
 * kind are taken instead; a unicast list that does not fit leaves all slots to the multicast one.
 *
 * **VLAN map.** All ones at first. It is rewritten only when the acknowledgement of VIRTIO_NET_F_CTRL_VLAN
 * changes against the features before: to zeros if it came, to ones if it went. A reset clears the features
 * but not the map, so a driver without the feature inherits the map of the one before it.
 *
 * **Migration.** The boundary between the tables is not sent: it is found again at the first group address.
 * So a group in the unicast table moves it, and what follows is looked for in the wrong table.
 *
 * Not reachable here: a count of 2^30 addresses and more, whose length wraps in 32 bits (the device computes
 * it wide and refuses); a stream of more than 64 entries, which the receiver would drop without marking an
 * overflow (no state here has them); a malformed command breaking the device (the device answers ERR).
 * With vhost the kernel moves frames, and none of this is run.
 *
 * @source hw/net/virtio-net.c receive_filter, virtio_net_handle_rx_mode, virtio_net_handle_mac,
 * virtio_net_handle_vlan_table, virtio_net_reset, virtio_net_set_features, virtio_net_post_load_device
 */
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, MAC_BROADCAST, sameMacs } from '../net/mac.ts';
import { hasDst, isForMac } from '../net/mac-set.ts';
import { hasFeature, VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_MQ } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import { RX_FLAGS, type RxFlag } from '../virtio-net/rx-mode.ts';
import { done, refuse, withoutLink } from './answers.ts';
import type { HostModel, Transition } from './host-model.ts';
import { QEMU_OFFERS } from './offers.ts';
import { QEMU_TRAPS } from './traps.ts';
import { restored } from './validate.ts';
import type { Verdict } from './verdict.ts';
import { EXTRA_VERDICTS, FILTER_VERDICTS } from './verdicts.ts';
import { ALL_VLANS, hasVlan, NO_VLANS, readVlans, VID_MAX, type VlanMap, withVlan } from './vlan-map.ts';

/** @source virtio-net.c MAC_TABLE_ENTRIES */
const MAC_TABLE_ENTRIES = 64;
const MAX_PAIRS = 0x8000;
const MAX_U8 = 0xff;

/** Modes as the driver wrote them: a byte each, 0 is off. */
type Modes = Readonly<Record<RxFlag, number>>;

export interface QemuState extends Modes {
  /** The address that the device was made with. */
  readonly device: Mac;
  /** The address in force. */
  readonly mac: Mac;
  /** For people: PROMISC is on because the driver has not spoken yet. */
  readonly untold: boolean;
  /** Entries before `first_multi`, and those from there on. Together at most 64. */
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
  readonly uniOverflow: boolean;
  readonly multiOverflow: boolean;
  readonly vlans: VlanMap;
  /** Of the features that were acknowledged. */
  readonly ctrlVlan: boolean;
  readonly mq: boolean;
}

/** @source virtio-net.c virtio_net_reset */
function reset(device: Mac, vlans: VlanMap): QemuState {
  return {
    device,
    mac: device,
    untold: true,
    promisc: 1,
    allmulti: 0,
    alluni: 0,
    nomulti: 0,
    nouni: 0,
    nobcast: 0,
    unicast: [],
    multicast: [],
    uniOverflow: false,
    multiOverflow: false,
    vlans,
    ctrlVlan: false,
    mq: false,
  };
}

function setMode(state: QemuState, flag: RxFlag, value: number): QemuState {
  const untold = state.untold && flag !== 'promisc';
  return state[flag] === value && state.untold === untold ? state : { ...state, [flag]: value, untold };
}

/** @source virtio-net.c virtio_net_handle_mac */
function setTables(state: QemuState, unicast: readonly Mac[], multicast: readonly Mac[]): QemuState {
  const uniOverflow = unicast.length > MAC_TABLE_ENTRIES;
  const stored = uniOverflow ? [] : unicast;
  const multiOverflow = multicast.length > MAC_TABLE_ENTRIES - stored.length;
  const after = { unicast: stored, multicast: multiOverflow ? [] : multicast, uniOverflow, multiOverflow };
  const same =
    state.uniOverflow === uniOverflow &&
    state.multiOverflow === multiOverflow &&
    sameMacs(state.unicast, after.unicast) &&
    sameMacs(state.multicast, after.multicast);
  return same ? state : { ...state, ...after };
}

function command(state: QemuState, wish: HostCommand): Transition<QemuState> {
  switch (wish.type) {
    case 'rx':
      return done(setMode(state, wish.flag, wish.value));
    case 'mac-table-set':
      return done(setTables(state, wish.unicast, wish.multicast));
    case 'mac-addr-set':
      return done(wish.mac === state.mac ? state : { ...state, mac: wish.mac });
    case 'vlan': {
      if (wish.vid > VID_MAX) return refuse(state, `There is no VLAN ${wish.vid}.`);
      const vlans = withVlan(state.vlans, wish.vid, wish.action === 'add');
      return done(vlans === state.vlans ? state : { ...state, vlans });
    }
    case 'mq-pairs':
      if (!state.mq) return refuse(state, 'VIRTIO_NET_F_MQ was not negotiated.');
      if (wish.pairs < 1 || wish.pairs > MAX_PAIRS) return refuse(state, `${wish.pairs} is no number of queue pairs.`);
      return done(state);
  }
}

/** @source virtio-net.c virtio_net_set_features */
function acknowledged(state: QemuState, ctrlVlan: boolean, mq: boolean): QemuState {
  if (ctrlVlan === state.ctrlVlan) return mq === state.mq ? state : { ...state, mq };
  return { ...state, ctrlVlan, mq, vlans: ctrlVlan ? NO_VLANS : ALL_VLANS };
}

/** @source virtio-net.c virtio_net_post_load_device */
function loaded(state: QemuState): QemuState {
  const macs = [...state.unicast, ...state.multicast];
  const first = macs.findIndex(isGroup);
  const boundary = first < 0 ? macs.length : first;
  if (boundary === state.unicast.length) return state;
  return { ...state, unicast: macs.slice(0, boundary), multicast: macs.slice(boundary) };
}

function decide(state: QemuState, frame: FrameHeader): Verdict {
  if (!frame.valid) return FILTER_VERDICTS.badHeader;
  if (state.promisc !== 0) return state.untold ? EXTRA_VERDICTS.promiscUntold : FILTER_VERDICTS.promisc;
  if (frame.vid >= 0 && !hasVlan(state.vlans, frame.vid)) return EXTRA_VERDICTS.vlanMiss;
  const { dst } = frame;
  if (dst === MAC_BROADCAST) return state.nobcast !== 0 ? EXTRA_VERDICTS.nobcast : FILTER_VERDICTS.broadcast;
  if (isGroup(dst)) {
    if (state.nomulti !== 0) return EXTRA_VERDICTS.nomulti;
    if (state.allmulti !== 0) return FILTER_VERDICTS.allmulti;
    if (state.multiOverflow) return EXTRA_VERDICTS.multicastOverflow;
    return hasDst(state.multicast, frame) ? FILTER_VERDICTS.multicastTable : FILTER_VERDICTS.multicastMiss;
  }
  if (state.nouni !== 0) return EXTRA_VERDICTS.nouni;
  if (state.alluni !== 0) return EXTRA_VERDICTS.alluni;
  if (state.uniOverflow) return EXTRA_VERDICTS.unicastOverflow;
  if (isForMac(state, frame)) return FILTER_VERDICTS.ownUnicast;
  return hasDst(state.unicast, frame) ? FILTER_VERDICTS.unicastTable : FILTER_VERDICTS.unicastMiss;
}

export const qemu: HostModel<QemuState> = {
  id: 'qemu',
  title: 'QEMU 10.1',
  source: 'QEMU 10.1.3 hw/net/virtio-net.c, userspace data path',
  summary:
    'Promiscuous until the driver says otherwise; then a filter by table, with every RX mode and a VLAN table. ' +
    'Up to 64 addresses; with more, everything of that kind is taken.',
  offers: QEMU_OFFERS,
  traps: QEMU_TRAPS,
  init: (config) => reset(config.mac, ALL_VLANS),
  next(state, event) {
    switch (event.type) {
      case 'reset':
        return done(reset(state.device, state.vlans));
      case 'negotiated': {
        const features = event.features & QEMU_OFFERS;
        const ctrlVlan = hasFeature(features, VIRTIO_NET_F_CTRL_VLAN);
        return done(acknowledged(state, ctrlVlan, hasFeature(features, VIRTIO_NET_F_MQ)));
      }
      case 'command':
        return command(state, event.command);
      case 'queue':
        return done(state);
    }
  },
  migrate: (state) => done(loaded(state)),
  decide,
  ...withoutLink(),
  restore(data, mac) {
    return restored(data, (reader, fields): QemuState => {
      if (fields.device !== mac) reader.fail('the state is of another device');
      const any = (): boolean => true;
      const unicast = reader.table(fields.unicast, 'unicast', any, MAC_TABLE_ENTRIES);
      const multicast = reader.table(fields.multicast, 'multicast', any, MAC_TABLE_ENTRIES - unicast.length);
      const modes = RX_FLAGS.map((flag) => [flag, reader.count(fields[flag], flag, MAX_U8)] as const);
      return {
        device: mac,
        mac: reader.mac(fields.mac, 'mac'),
        untold: reader.flag(fields.untold, 'untold'),
        ...(Object.fromEntries(modes) as Modes),
        unicast,
        multicast,
        uniOverflow: reader.flag(fields.uniOverflow, 'uniOverflow'),
        multiOverflow: reader.flag(fields.multiOverflow, 'multiOverflow'),
        vlans: readVlans(reader, fields.vlans, 'vlans'),
        ctrlVlan: reader.flag(fields.ctrlVlan, 'ctrlVlan'),
        mq: reader.flag(fields.mq, 'mq'),
      };
    });
  },
};
