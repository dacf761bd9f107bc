/**
 * The specification, read literally: every request is honoured to the letter, nothing more is let in.
 * It is the yardstick for `judge`: what others take beyond it is a leak, what they drop below it a loss.
 *
 * Evaluated from top to bottom, the first match decides.
 *
 *     PROMISC                             accept   @spec 5.1.9.5.1.1 SHOULD: receives every incoming packet, and
 *                                                  beats every other mode. So the VLAN table too, of which the
 *                                                  specification does not speak here.
 *     tagged, VID not in the VLAN table   drop     @spec 5.1.9.5.3.1 SHOULD; only with VIRTIO_NET_F_CTRL_VLAN:
 *                                                  without it all tagged frames MUST be accepted, by address
 *     broadcast, NOBCAST                  drop     @spec 5.1.9.5.1.1 SHOULD NOT pass; beats ALLMULTI
 *     broadcast                           accept   NOMULTI does not apply to it
 *     multicast, NOMULTI                  drop     @spec 5.1.9.5.1.1 beats ALLMULTI
 *     multicast, no VIRTIO_NET_F_CTRL_RX  accept   see below
 *     multicast, ALLMULTI                 accept
 *     multicast, in the table             accept   @spec 5.1.9.5.2.1
 *     unicast, NOUNI                      drop     @spec 5.1.9.5.1.1 beats ALLUNI; the own address is unicast too
 *     unicast, ALLUNI                     accept
 *     own address, or in the table        accept
 *     else                                drop     @spec 5.1.9.5.2.1 SHOULD
 *
 * Where the specification is silent:
 *
 * - A driver without VIRTIO_NET_F_CTRL_RX cannot ask for multicast, so it is given all of it. Every device
 *   that is in use does so, and less would be a loss.
 * - The tables MUST be empty after reset (5.1.9.5.2.1). Read the same way, the modes are off, and the address
 *   that VIRTIO_NET_CTRL_MAC_ADDR_SET had changed is the device's own again.
 * - A priority tag is a tag, of VID 0: it needs VID 0 in the VLAN table. The table begins empty.
 * - A group address as MAC address, a value that is neither 0 nor 1, an address in the wrong table: ERR.
 * - Migration is not mentioned: nothing changes.
 */
import * as F from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { RxFlag } from '../virtio-net/rx-mode.ts';
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import { formatMac, isGroup, MAC_BROADCAST, sameMacs } from '../net/mac.ts';
import { hasDst, isForMac } from '../net/mac-set.ts';
import { done, refuse, withoutLink } from './answers.ts';
import type { HostModel, RxEvent, Transition } from './host-model.ts';
import { EXACT_OFFERS } from './offers.ts';
import { restored } from './validate.ts';
import type { Verdict } from './verdict.ts';
import { EXTRA_VERDICTS, FILTER_VERDICTS } from './verdicts.ts';
import { hasVlan, NO_VLANS, readVlans, VID_MAX, type VlanMap, withVlan } from './vlan-map.ts';

/** Which commands the driver may use. */
interface Negotiated {
  readonly ctrlRx: boolean;
  readonly ctrlRxExtra: boolean;
  readonly ctrlMacAddr: boolean;
  readonly mq: boolean;
  /** Null without VIRTIO_NET_F_CTRL_VLAN. */
  readonly vlans: VlanMap | null;
}

export interface ExactState extends Negotiated, Readonly<Record<RxFlag, boolean>> {
  /** The address that the device was made with. */
  readonly device: Mac;
  /** The address in force. */
  readonly mac: Mac;
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
}

/** @spec 5.1.9.5.6 virtqueue_pairs; how many there are is the device's to check */
const MAX_PAIRS = 0x8000;

const fresh = (device: Mac): ExactState => ({
  device,
  mac: device,
  ctrlRx: false,
  ctrlRxExtra: false,
  ctrlMacAddr: false,
  mq: false,
  vlans: null,
  promisc: false,
  allmulti: false,
  alluni: false,
  nomulti: false,
  nouni: false,
  nobcast: false,
  unicast: [],
  multicast: [],
});

function negotiated(state: ExactState, features: F.FeatureSet): Transition<ExactState> {
  const has = (bit: number): boolean => F.hasFeature(features, bit);
  return done({
    ...state,
    ctrlRx: has(F.VIRTIO_NET_F_CTRL_RX),
    ctrlRxExtra: has(F.VIRTIO_NET_F_CTRL_RX_EXTRA),
    ctrlMacAddr: has(F.VIRTIO_NET_F_CTRL_MAC_ADDR),
    mq: has(F.VIRTIO_NET_F_MQ),
    vlans: has(F.VIRTIO_NET_F_CTRL_VLAN) ? NO_VLANS : null,
  });
}

function rxMode(state: ExactState, flag: RxFlag, value: number): Transition<ExactState> {
  if (flag === 'promisc' || flag === 'allmulti') {
    if (!state.ctrlRx) return refuse(state, 'VIRTIO_NET_F_CTRL_RX was not negotiated.');
  } else if (!state.ctrlRxExtra) return refuse(state, 'VIRTIO_NET_F_CTRL_RX_EXTRA was not negotiated.');
  if (value > 1) return refuse(state, 'An RX mode is switched with 0 or 1.');
  const on = value === 1;
  return done(state[flag] === on ? state : { ...state, [flag]: on });
}

function setTables(state: ExactState, unicast: readonly Mac[], multicast: readonly Mac[]): Transition<ExactState> {
  if (!state.ctrlRx) return refuse(state, 'VIRTIO_NET_F_CTRL_RX was not negotiated.');
  if (unicast.some(isGroup)) return refuse(state, 'The unicast table holds a group address.');
  if (!multicast.every(isGroup)) return refuse(state, 'The multicast table holds a unicast address.');
  const same = sameMacs(state.unicast, unicast) && sameMacs(state.multicast, multicast);
  return done(same ? state : { ...state, unicast, multicast });
}

function command(state: ExactState, wish: HostCommand): Transition<ExactState> {
  switch (wish.type) {
    case 'rx':
      return rxMode(state, wish.flag, wish.value);
    case 'mac-table-set':
      return setTables(state, wish.unicast, wish.multicast);
    case 'mac-addr-set':
      if (!state.ctrlMacAddr) return refuse(state, 'VIRTIO_NET_F_CTRL_MAC_ADDR was not negotiated.');
      if (isGroup(wish.mac)) return refuse(state, `${formatMac(wish.mac)} is a group address.`);
      return done(wish.mac === state.mac ? state : { ...state, mac: wish.mac });
    case 'vlan': {
      if (state.vlans === null) return refuse(state, 'VIRTIO_NET_F_CTRL_VLAN was not negotiated.');
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

function decide(state: ExactState, frame: FrameHeader): Verdict {
  if (!frame.valid) return FILTER_VERDICTS.badHeader;
  if (state.promisc) return FILTER_VERDICTS.promisc;
  if (state.vlans !== null && frame.vid >= 0 && !hasVlan(state.vlans, frame.vid)) return EXTRA_VERDICTS.vlanMiss;
  const { dst } = frame;
  if (dst === MAC_BROADCAST) return state.nobcast ? EXTRA_VERDICTS.nobcast : FILTER_VERDICTS.broadcast;
  if (isGroup(dst)) {
    if (state.nomulti) return EXTRA_VERDICTS.nomulti;
    if (!state.ctrlRx) return FILTER_VERDICTS.noCtrlRx;
    if (state.allmulti) return FILTER_VERDICTS.allmulti;
    return hasDst(state.multicast, frame) ? FILTER_VERDICTS.multicastTable : FILTER_VERDICTS.multicastMiss;
  }
  if (state.nouni) return EXTRA_VERDICTS.nouni;
  if (state.alluni) return EXTRA_VERDICTS.alluni;
  if (isForMac(state, frame)) return FILTER_VERDICTS.ownUnicast;
  return hasDst(state.unicast, frame) ? FILTER_VERDICTS.unicastTable : FILTER_VERDICTS.unicastMiss;
}

export const exact: HostModel<ExactState> = {
  id: 'exact',
  title: 'The specification, literally',
  source: 'Virtio 1.4, 5.1.9.5.1 to 5.1.9.5.3 and 5.1.9.5.6',
  summary:
    'Every request is honoured to the letter: frames are filtered by the tables, and a reset empties them. ' +
    'The yardstick: taking more is a leak and legal, dropping more is a loss and a bug.',
  offers: EXACT_OFFERS,
  traps: [],
  init: (config) => fresh(config.mac),
  next(state, event: RxEvent) {
    switch (event.type) {
      case 'reset':
        return done(fresh(state.device));
      case 'negotiated':
        return negotiated(state, event.features);
      case 'command':
        return command(state, event.command);
      case 'queue':
        return done(state);
    }
  },
  migrate: done,
  decide,
  ...withoutLink(),
  restore(data, mac) {
    return restored(data, (reader, fields): ExactState => {
      if (fields.device !== mac) reader.fail('the state is of another device');
      const flag = (name: Exclude<keyof ExactState, 'vlans'>): boolean => reader.flag(fields[name], name);
      const own = reader.mac(fields.mac, 'mac');
      if (isGroup(own)) reader.fail('mac is a group address');
      return {
        device: mac,
        mac: own,
        ctrlRx: flag('ctrlRx'),
        ctrlRxExtra: flag('ctrlRxExtra'),
        ctrlMacAddr: flag('ctrlMacAddr'),
        mq: flag('mq'),
        vlans: fields.vlans === null ? null : readVlans(reader, fields.vlans, 'vlans'),
        promisc: flag('promisc'),
        allmulti: flag('allmulti'),
        alluni: flag('alluni'),
        nomulti: flag('nomulti'),
        nouni: flag('nouni'),
        nobcast: flag('nobcast'),
        unicast: reader.table(fields.unicast, 'unicast', (entry) => !isGroup(entry)),
        multicast: reader.table(fields.multicast, 'multicast', isGroup),
      };
    });
  },
};
