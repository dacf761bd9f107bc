/**
 * The specification, read literally: every request is honoured to the letter, nothing more is let in.
 * It is the yardstick for `judge`: what others take beyond it is a leak, what they drop below it a loss.
 *
 * - Own unicast and broadcast always pass. @spec 5.1.9.5.1
 * - PROMISC beats everything. @spec 5.1.9.5.1.1 SHOULD
 * - ALLMULTI lets all multicast in. @spec 5.1.9.5.1.1 SHOULD
 * - A destination in a MAC table passes, others SHOULD be dropped. @spec 5.1.9.5.2.1
 * - The tables MUST be empty after reset. @spec 5.1.9.5.2.1. So, read the same way, are the flags off.
 * - VIRTIO_NET_F_CTRL_VLAN is not offered, so all tagged frames MUST be accepted that pass by address.
 *   @spec 5.1.9.5.3.1
 * - A driver without VIRTIO_NET_F_CTRL_RX cannot ask for multicast, so it is given all of it. The
 *   specification is silent here; every device that is in use does so, and less would be a loss.
 */
import { featureSet, hasFeature, VIRTIO_NET_F_CTRL_RX } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { FrameHeader } from '../net/ethernet.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, MAC_BROADCAST, sameMacs } from '../net/mac.ts';
import { ioctlArgumentText } from '../viona/ioctl.ts';
import type { HostModel, RxEvent, Transition } from './host-model.ts';
import { fieldsOf, restoreTable } from './validate.ts';
import type { Verdict } from './verdict.ts';
import { FILTER_VERDICTS } from './verdicts.ts';

export interface ExactState {
  readonly mac: Mac;
  readonly ctrlRx: boolean;
  readonly promisc: boolean;
  readonly allmulti: boolean;
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
}

const OFFERS = featureSet(VIRTIO_NET_F_CTRL_RX);

const fresh = (mac: Mac): ExactState => ({
  mac,
  ctrlRx: false,
  promisc: false,
  allmulti: false,
  unicast: [],
  multicast: [],
});

const done = (state: ExactState): Transition<ExactState> => ({
  state,
  ack: 'OK',
  ioctls: [],
  reason: null,
  needsReset: false,
});

const refuse = (state: ExactState, reason: string): Transition<ExactState> => ({
  state,
  ack: 'ERR',
  ioctls: [],
  reason,
  needsReset: false,
});

function command(state: ExactState, wish: HostCommand): Transition<ExactState> {
  if (!state.ctrlRx) return refuse(state, 'VIRTIO_NET_F_CTRL_RX was not negotiated.');
  if (wish.type === 'rx') {
    if (wish.flag !== 'promisc' && wish.flag !== 'allmulti') {
      return refuse(state, 'VIRTIO_NET_F_CTRL_RX_EXTRA is not offered.');
    }
    if (wish.value > 1) return refuse(state, 'An RX mode is switched with 0 or 1.');
    const on = wish.value === 1;
    return done(state[wish.flag] === on ? state : { ...state, [wish.flag]: on });
  }
  if (wish.type !== 'mac-table-set') return refuse(state, 'The command belongs to a feature that is not offered.');
  if (wish.unicast.some(isGroup)) return refuse(state, 'The unicast table holds a group address.');
  if (!wish.multicast.every(isGroup)) return refuse(state, 'The multicast table holds a unicast address.');
  const same = sameMacs(state.unicast, wish.unicast) && sameMacs(state.multicast, wish.multicast);
  return done(same ? state : { ...state, unicast: wish.unicast, multicast: wish.multicast });
}

function decide(state: ExactState, frame: FrameHeader): Verdict {
  const verdicts = FILTER_VERDICTS;
  if (!frame.valid) return verdicts.badHeader;
  if (state.promisc) return verdicts.promisc;
  if (!isGroup(frame.dst)) {
    if (frame.dst === state.mac) return verdicts.ownUnicast;
    return state.unicast.includes(frame.dst) ? verdicts.unicastTable : verdicts.unicastMiss;
  }
  if (frame.dst === MAC_BROADCAST) return verdicts.broadcast;
  if (!state.ctrlRx) return verdicts.noCtrlRx;
  if (state.allmulti) return verdicts.allmulti;
  return state.multicast.includes(frame.dst) ? verdicts.multicastTable : verdicts.multicastMiss;
}

export const exact: HostModel<ExactState> = {
  id: 'exact',
  title: 'The specification, literally',
  source: 'Virtio 1.4, 5.1.9.5.1 to 5.1.9.5.3',
  summary:
    'Every request is honoured to the letter: the tables are filtered by, and a reset empties them. ' +
    'The yardstick: taking more is a leak and legal, dropping more is a loss and a bug.',
  offers: OFFERS,
  init: (config) => fresh(config.mac),
  next(state, event: RxEvent) {
    switch (event.type) {
      case 'reset':
        return done(fresh(state.mac));
      case 'negotiated': {
        const ctrlRx = hasFeature(event.features & OFFERS, VIRTIO_NET_F_CTRL_RX);
        return done(ctrlRx === state.ctrlRx ? state : { ...state, ctrlRx });
      }
      case 'command':
        return command(state, event.command);
      case 'queue':
        return done(state);
    }
  },
  decide,
  link: () => null,
  // There is no link to open: open(2) itself would fail so.
  ioctl: (state, name, arg) => ({ state, record: { name, arg: ioctlArgumentText(name, arg), errno: 'ENXIO' } }),
  fault: (state) => ({
    state,
    error: 'This model has no viona link whose ioctls could fail: choose a Propolis model.',
  }),
  restore(data, mac) {
    const fields = fieldsOf(data);
    const unicast = restoreTable(fields?.unicast, (mac) => !isGroup(mac));
    const multicast = restoreTable(fields?.multicast, isGroup);
    if (!fields || !unicast || !multicast || fields.mac !== mac) return null;
    const { ctrlRx, promisc, allmulti } = fields;
    if (typeof ctrlRx !== 'boolean' || typeof promisc !== 'boolean' || typeof allmulti !== 'boolean') return null;
    return { mac, ctrlRx, promisc, allmulti, unicast, multicast };
  },
};
