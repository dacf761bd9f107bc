/**
 * Propolis since PR #1125, as read at commit 372a574.
 *
 * The VMM keeps what the driver asked for (two flags, two tables) and maps it to one of three levels:
 *
 *     PROMISC on, or a unicast entry other than the own MAC     ALL
 *     ALLMULTI on, or any multicast entry                       MULTI
 *     else                                                      NONE
 *
 * It never filters by table: one multicast entry means all multicast, and Linux always has one.
 *
 * Traps of the real code, modelled as they are:
 *
 * - Negotiating CTRL_RX lowers the level to NONE at once, without a look at what is stored. A driver that
 *   negotiates it and programs nothing gets no multicast at all.
 * - A driver reset (device_status = 0) touches neither level nor flags nor tables: the next driver inherits
 *   them, whether it negotiates CTRL_RX or not. This breaks NET-MAC-01.
 * - When SET_PROMISC fails, the VMM asks for the remembered level again. For the link that is the recorded
 *   level, so it answers success and does nothing (link.ts): the callbacks stay those of NONE.
 * - A machine reset clears the tables and sets MULTI, but the two flags survive it.
 *
 * Not modelled: ioctls that do not touch reception (SET_FEATURES, ring and pair set-up), and multiqueue.
 */
import { featureSet, hasFeature, VIRTIO_NET_F_CTRL_RX } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { Mac } from '../net/mac.ts';
import { isGroup, sameMacs } from '../net/mac.ts';
import { VNA_IOC_SET_PROMISC } from '../viona/ioctl.ts';
import type { IoctlRecord, LinkState, PromiscLevel } from '../viona/link.ts';
import { createLink, PROMISC_LEVELS } from '../viona/link.ts';
import type { HostModel, RxEvent, Transition } from './host-model.ts';
import { fieldsOf, isLevel, restoreLink, restoreTable } from './validate.ts';
import { decideByLink, faultOnLink, ioctlOnLink } from './viona-half.ts';

export interface PropolisState {
  readonly link: LinkState;
  /** The level that the VMM believes the link to be in. @source viona.rs Inner::promisc */
  readonly remembered: PromiscLevel;
  readonly ctrlRx: boolean;
  readonly promisc: boolean;
  readonly allmulti: boolean;
  readonly unicast: readonly Mac[];
  readonly multicast: readonly Mac[];
}

const OFFERS = featureSet(VIRTIO_NET_F_CTRL_RX);

/** @source viona.rs needed_promisc */
export function neededPromisc(state: PropolisState): PromiscLevel {
  if (state.promisc || state.unicast.some((mac) => mac !== state.link.config.mac)) return 'ALL';
  // NOMULTI would count here, but the command that sets it is always refused.
  if (state.allmulti || state.multicast.length > 0) return 'MULTI';
  return 'NONE';
}

interface Attempt {
  readonly state: PropolisState;
  readonly ok: boolean;
  readonly ioctls: readonly IoctlRecord[];
  readonly needsReset: boolean;
}

/** @source viona.rs set_promisc */
function setPromisc(state: PropolisState, level: PromiscLevel): Attempt {
  if (level === state.remembered) return { state, ok: true, ioctls: [], needsReset: false };
  const first = ioctlOnLink(state, VNA_IOC_SET_PROMISC, PROMISC_LEVELS.indexOf(level));
  if (first.record.errno === 0) {
    return { state: { ...first.state, remembered: level }, ok: true, ioctls: [first.record], needsReset: false };
  }
  const again = ioctlOnLink(first.state, VNA_IOC_SET_PROMISC, PROMISC_LEVELS.indexOf(state.remembered));
  return {
    state: again.state,
    ok: false,
    ioctls: [first.record, again.record],
    needsReset: again.record.errno !== 0,
  };
}

const done = (state: PropolisState, ioctls: readonly IoctlRecord[] = []): Transition<PropolisState> => ({
  state,
  ack: 'OK',
  ioctls,
  reason: null,
  needsReset: false,
});

const refuse = (state: PropolisState, reason: string): Transition<PropolisState> => ({
  state,
  ack: 'ERR',
  ioctls: [],
  reason,
  needsReset: false,
});

/** @source viona.rs set_features, pci.rs: an error keeps FEATURES_OK clear and raises NEEDS_RESET */
function negotiated(before: PropolisState, ctrlRx: boolean): Transition<PropolisState> {
  const state = before.ctrlRx === ctrlRx ? before : { ...before, ctrlRx };
  if (!ctrlRx) return done(state);
  const attempt = setPromisc(state, 'NONE');
  if (attempt.ok) return done(attempt.state, attempt.ioctls);
  return {
    state: attempt.state,
    ack: 'OK',
    ioctls: attempt.ioctls,
    reason: `${failure(attempt)} while the features were set, so the device needs a reset.`,
    needsReset: true,
  };
}

/** @source viona.rs Lifecycle::reset */
function machineReset(before: PropolisState): Transition<PropolisState> {
  const cleared: PropolisState = { ...before, ctrlRx: false, unicast: [], multicast: [] };
  const attempt = setPromisc(cleared, 'MULTI');
  if (attempt.ok) return done(attempt.state, attempt.ioctls);
  return {
    state: attempt.state,
    ack: 'OK',
    ioctls: attempt.ioctls,
    reason: `${failure(attempt)} during the machine reset. Propolis does not expect that and would panic here.`,
    needsReset: true,
  };
}

/** @source viona.rs set_filter_state, set_mac_filters */
function command(before: PropolisState, wish: HostCommand): Transition<PropolisState> {
  if (!before.ctrlRx) return refuse(before, 'VIRTIO_NET_F_CTRL_RX was not negotiated.');
  let wanted: PropolisState;
  if (wish.type === 'rx') {
    if (wish.flag !== 'promisc' && wish.flag !== 'allmulti') {
      return refuse(before, 'viona cannot express the extra RX modes (VIRTIO_NET_F_CTRL_RX_EXTRA).');
    }
    if (wish.value > 1) return refuse(before, 'An RX mode is switched with 0 or 1.');
    const on = wish.value === 1;
    wanted = before[wish.flag] === on ? before : { ...before, [wish.flag]: on };
  } else if (wish.type !== 'mac-table-set') {
    return refuse(before, 'The command belongs to a feature that is not offered.');
  } else {
    if (wish.unicast.some(isGroup)) return refuse(before, 'The unicast table holds a group address.');
    if (!wish.multicast.every(isGroup)) return refuse(before, 'The multicast table holds a unicast address.');
    const same = sameMacs(before.unicast, wish.unicast) && sameMacs(before.multicast, wish.multicast);
    wanted = same ? before : { ...before, unicast: wish.unicast, multicast: wish.multicast };
  }
  const attempt = setPromisc(wanted, neededPromisc(wanted));
  if (attempt.ok) return done(attempt.state, attempt.ioctls);
  // Flags and tables go back; what happened to the link stays happened.
  return {
    state: { ...before, link: attempt.state.link },
    ack: 'ERR',
    ioctls: attempt.ioctls,
    reason: `${failure(attempt)}; the VMM asked for the old level again and dropped the request.`,
    needsReset: attempt.needsReset,
  };
}

function failure({ ioctls }: Attempt): string {
  const [first] = ioctls;
  return first ? `${first.name} ${first.arg} failed with ${first.errno}` : 'The link refused';
}

export const propolis372a574: HostModel<PropolisState> = {
  id: 'propolis-372a574',
  title: 'Propolis 372a574',
  source: 'oxidecomputer/propolis@372a574 lib/propolis/src/hw/virtio/viona.rs; illumos viona_main.c, viona_rx.c',
  summary:
    'Today: VIRTIO_NET_F_CTRL_RX is offered and drives the level of the viona link. Tables are not filtered by: ' +
    'a foreign unicast entry means ALL, any multicast entry means MULTI. State survives a driver reset.',
  offers: OFFERS,
  init: (config) => ({
    link: createLink(config),
    remembered: 'MULTI',
    ctrlRx: false,
    promisc: false,
    allmulti: false,
    unicast: [],
    multicast: [],
  }),
  next(state, event: RxEvent) {
    switch (event.type) {
      case 'negotiated':
        return negotiated(state, hasFeature(event.features & OFFERS, VIRTIO_NET_F_CTRL_RX));
      case 'command':
        return command(state, event.command);
      case 'queue':
        return done(state);
      case 'reset':
        if (event.kind === 'machine') return machineReset(state);
        return done(state.ctrlRx ? { ...state, ctrlRx: false } : state);
    }
  },
  decide: decideByLink,
  link: (state) => state.link,
  ioctl: ioctlOnLink,
  fault: faultOnLink,
  restore(data, mac) {
    const fields = fieldsOf(data);
    const link = restoreLink(fields?.link);
    const unicast = restoreTable(fields?.unicast, (mac) => !isGroup(mac));
    const multicast = restoreTable(fields?.multicast, isGroup);
    if (!fields || link?.config.mac !== mac || !unicast || !multicast || !isLevel(fields.remembered)) return null;
    const { remembered, ctrlRx, promisc, allmulti } = fields;
    if (typeof ctrlRx !== 'boolean' || typeof promisc !== 'boolean' || typeof allmulti !== 'boolean') return null;
    return { link, remembered, ctrlRx, promisc, allmulti, unicast, multicast };
  },
};
