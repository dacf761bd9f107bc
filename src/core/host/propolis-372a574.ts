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
 * - Migration sends level, flags and tables, and the new VMM sets the level as it was sent. That is not what
 *   flags and tables would ask for if those are a former driver's.
 *
 * Rings, pairs and what migration does about them: propolis-rings.ts.
 *
 * @source viona.rs set_filter_state, set_mac_filters, set_promisc, needed_promisc, set_features,
 * Lifecycle::reset, MigrateMulti
 */
import { hasFeature, VIRTIO_NET_F_CTRL_RX } from '../virtio/features.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { PromiscLevel } from '../viona/link.ts';
import { createLink, PROMISC_LEVELS } from '../viona/link.ts';
import type { HostModel, RxEvent, Transition } from './host-model.ts';
import { PROPOLIS_OFFERS as OFFERS } from './offers.ts';
import { NO_FILTER, type PropolisFilter, readFilter, wantedFilter } from './propolis-filter.ts';
import type { PropolisVmm } from './propolis-rings.ts';
import * as Rings from './propolis-rings.ts';
import { PROPOLIS_372A574_TRAPS } from './traps.ts';
import { restored } from './validate.ts';
import { clearFaultsOnLink, decideByLink, faultOnLink, ioctlOnLink } from './viona-half.ts';
import { VmmCall } from './vmm-call.ts';

export interface PropolisState extends PropolisVmm, PropolisFilter {
  /** The level that the VMM believes the link to be in. @source viona.rs Inner::promisc */
  readonly remembered: PromiscLevel;
}

type Call = VmmCall<PropolisState>;

const VERSION = 6;

/** @source viona.rs needed_promisc */
function neededPromisc(state: PropolisState): PromiscLevel {
  if (state.promisc || state.unicast.some((mac) => mac !== state.link.config.mac)) return 'ALL';
  // NOMULTI would count here, but the command that sets it is always refused.
  if (state.allmulti || state.multicast.length > 0) return 'MULTI';
  return 'NONE';
}

interface SetPromisc {
  readonly ok: boolean;
  /** The roll-back failed too. */
  readonly lost: boolean;
}

/** @source viona.rs set_promisc */
function setPromisc(call: Call, level: PromiscLevel): SetPromisc {
  const { remembered } = call.state;
  if (level === remembered) return { ok: true, lost: false };
  if (call.ioctl('VNA_IOC_SET_PROMISC', PROMISC_LEVELS.indexOf(level))) {
    call.set({ remembered: level });
    return { ok: true, lost: false };
  }
  return { ok: false, lost: !call.ioctl('VNA_IOC_SET_PROMISC', PROMISC_LEVELS.indexOf(remembered)) };
}

/** pci.rs: an error keeps FEATURES_OK clear and raises NEEDS_RESET. @source viona.rs set_features */
function negotiated(call: Call, event: Extract<RxEvent, { type: 'negotiated' }>): Transition<PropolisState> {
  const features = event.features & OFFERS;
  const lower = hasFeature(features, VIRTIO_NET_F_CTRL_RX);
  if (Rings.setFeatures(call, features) && (!lower || setPromisc(call, 'NONE').ok)) return call.ok();
  return call.giveUp(`${call.failure} while the features were set, so the device needs a reset.`);
}

/** @source viona.rs Lifecycle::reset */
function machineReset(call: Call): Transition<PropolisState> {
  const paired = Rings.resetPairs(call);
  call.set({ unicast: NO_FILTER.unicast, multicast: NO_FILTER.multicast });
  if (paired && setPromisc(call, 'MULTI').ok) return call.ok();
  return call.giveUp(Rings.wouldPanic(call, 'during the machine reset'));
}

function command(call: Call, wish: HostCommand): Transition<PropolisState> {
  if (wish.type === 'mq-pairs') {
    const refusal = Rings.commandPairs(call, wish.pairs);
    if (refusal === null) return call.ok();
    // An ioctl that fails is unwrapped; a number out of range is just refused.
    return call.failure === null ? call.refuse(refusal) : call.refuse(Rings.wouldPanic(call, 'on a command'), true);
  }
  const { promisc, allmulti, unicast, multicast } = call.state;
  const wanted = wantedFilter(call.state, wish);
  if (typeof wanted === 'string') return call.refuse(wanted);
  call.set(wanted);
  const { ok, lost } = setPromisc(call, neededPromisc(call.state));
  if (ok) return call.ok();
  // Flags and tables go back; what happened to the link stays happened.
  call.set({ promisc, allmulti, unicast, multicast });
  return call.refuse(`${call.failure}; the VMM asked for the old level again and dropped the request.`, lost);
}

export const propolis372a574: HostModel<PropolisState> = {
  id: 'propolis-372a574',
  title: 'Propolis 372a574',
  source: 'oxidecomputer/propolis@372a574 lib/propolis/src/hw/virtio/viona.rs; illumos viona_main.c, viona_rx.c',
  summary:
    'Today: VIRTIO_NET_F_CTRL_RX is offered and drives the level of the viona link. Tables are not filtered by: ' +
    'a foreign unicast entry means ALL, any multicast entry means MULTI. State survives a driver reset.',
  offers: OFFERS,
  traps: PROPOLIS_372A574_TRAPS,
  init: (config) => ({ link: createLink(config, VERSION), ...Rings.NO_QUEUES, ...NO_FILTER, remembered: 'MULTI' }),
  next(state, event: RxEvent) {
    const call: Call = new VmmCall(state);
    switch (event.type) {
      case 'negotiated':
        return negotiated(call, event);
      case 'command':
        return command(call, event.command);
      case 'queue': {
        const broken = Rings.changeQueue(call, event);
        return broken === null ? call.ok() : call.giveUp(broken);
      }
      case 'reset':
        Rings.resetQueues(call);
        return event.kind === 'machine' ? machineReset(call) : call.ok();
    }
  },
  migrate(state) {
    const call: Call = new VmmCall(state);
    // The new VMM begins in MULTI, and is told the level of the old one.
    const failed = Rings.migrateLink(call, () => {
      call.set({ remembered: 'MULTI' });
      return setPromisc(call, state.remembered).ok;
    });
    return failed === null ? call.ok() : call.abandon(failed);
  },
  decide: decideByLink,
  link: (state) => state.link,
  ioctl: ioctlOnLink,
  fault: faultOnLink,
  clearFaults: clearFaultsOnLink,
  restore: (data, mac) =>
    restored(data, (reader, fields) => ({
      ...Rings.readVmm(reader, fields, { mac, offers: OFFERS, version: VERSION }),
      ...readFilter(reader, fields),
      remembered: reader.level(fields.remembered, 'remembered'),
    })),
};
