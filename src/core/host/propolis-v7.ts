/**
 * Propolis with exact multicast filtering: the branch zl/multicast (PR #1093, commit dcad2375) on a viona of
 * interface version 7.
 *
 * What the link needs is computed in one place, from what the driver asked for:
 *
 *     PROMISC on, or a unicast entry other than the own MAC           ALL
 *     ALLMULTI on, more than 64 groups, or no good TABLE_SET yet      MULTI
 *     else                                                            NONE
 *
 *     1 to 64 groups                                                  filters installed, whatever the level
 *
 * Filters are installed before the level is lowered, and the level is raised before they are cleared, so
 * that a frame always has a way in. They stay installed under MULTI and ALL, where the link does not deliver
 * twice. If they cannot be installed, MULTI stands in for them.
 *
 * - Negotiation changes nothing. A driver that negotiates CTRL_RX and programs nothing stays in MULTI: the
 *   first good TABLE_SET, even an empty one, shows that it manages its groups.
 * - Tables are cut off at 1024 entries each. A unicast table that long counts as foreign.
 * - Broadcast in the multicast table takes part in the count of 64 but is not passed on.
 * - A command that fails is taken back, and the link is brought in line with what was before; if that fails
 *   too, the device needs a reset.
 * - Any reset, the driver's too, clears flags and tables, sets MULTI and then clears the filters.
 * - Migration sends flags, tables and whether there was a good TABLE_SET; the new VMM computes the rest.
 *
 * The trap of SET_PROMISC is not gone: a raise from MULTI to ALL that fails leaves the callbacks of NONE, and
 * asking for MULTI again is still a no-op (link.ts).
 *
 * Deviations. The branch was written against an earlier draft of the version 7 header, with the table inside
 * the structure. The link here has the later one, whose answer carries an error: any error counts as a
 * failure. The branch does not offer VIRTIO_NET_F_CTRL_MAC_ADDR, and neither does this model use
 * SET_MAC_ADDR.
 *
 * @source viona.rs on zl/multicast: rx_config, apply_rx_config, set_filter_state, set_mac_filters,
 * device_reset, read_mac_list, MigrateMulti
 */
import type { HostCommand } from '../virtio-net/control.ts';
import { MAC_BROADCAST } from '../net/mac.ts';
import type { PromiscLevel } from '../viona/link.ts';
import { createLink, PROMISC_LEVELS } from '../viona/link.ts';
import { VIONA_MAX_MCAST_FILTERS } from '../viona/mac-filters.ts';
import type { HostModel, RxEvent, Transition } from './host-model.ts';
import { PROPOLIS_OFFERS as OFFERS } from './offers.ts';
import { NO_FILTER, type PropolisFilter, readFilter, wantedFilter } from './propolis-filter.ts';
import type { PropolisVmm } from './propolis-rings.ts';
import * as Rings from './propolis-rings.ts';
import { PROPOLIS_V7_TRAPS } from './traps.ts';
import { restored } from './validate.ts';
import { clearFaultsOnLink, decideByLink, faultOnLink, ioctlOnLink } from './viona-half.ts';
import { VmmCall } from './vmm-call.ts';

export interface PropolisV7State extends PropolisVmm, PropolisFilter {
  /** @source viona.rs Inner::promisc */
  readonly remembered: PromiscLevel;
  /** A TABLE_SET was accepted since the last reset. @source viona.rs Inner::mac_table_set */
  readonly tableSet: boolean;
  /** Filters may be installed, perhaps not all. @source viona.rs Inner::mac_filters_installed */
  readonly installed: boolean;
  /** They have to be written again. @source viona.rs Inner::mac_filters_dirty */
  readonly dirty: boolean;
}

type Call = VmmCall<PropolisV7State>;

const VERSION = 7;
/** @source viona.rs control::MAC_TABLE_MAX_ENTRIES */
const MAC_TABLE_MAX_ENTRIES = 1024;

interface RxConfig {
  readonly level: PromiscLevel;
  readonly install: boolean;
}

/** @source viona.rs rx_config */
function rxConfig(state: PropolisV7State): RxConfig {
  const { unicast, multicast } = state;
  const fits = multicast.length <= VIONA_MAX_MCAST_FILTERS;
  const install = fits && multicast.length > 0;
  const cutOff = unicast.length >= MAC_TABLE_MAX_ENTRIES;
  if (state.promisc || cutOff || unicast.some((mac) => mac !== state.link.config.mac)) return { level: 'ALL', install };
  if (state.allmulti || !fits || !state.tableSet) return { level: 'MULTI', install };
  return { level: 'NONE', install };
}

/** Asks for the level even if it is in force already. @source viona.rs set_promisc */
function setPromisc(call: Call, level: PromiscLevel): boolean {
  if (call.ioctl('VNA_IOC_SET_PROMISC', PROMISC_LEVELS.indexOf(level))) {
    call.set({ remembered: level });
    return true;
  }
  call.ioctl('VNA_IOC_SET_PROMISC', PROMISC_LEVELS.indexOf(call.state.remembered));
  return false;
}

/** Install, set the level, clear: in this order. @source viona.rs apply_rx_config */
function applyRxConfig(call: Call): boolean {
  const { level, install } = rxConfig(call.state);
  const { multicast, installed, dirty } = call.state;
  let covered = level;
  if (install && (!installed || dirty)) {
    const groups = multicast.filter((mac) => mac !== MAC_BROADCAST);
    const complete = call.ioctl('VNA_IOC_SET_MAC_FILTERS', groups);
    call.set({ installed: true, dirty: !complete });
    if (!complete && level === 'NONE') covered = 'MULTI';
  }
  if (!setPromisc(call, covered)) return false;
  if (!install) clearFilters(call);
  return true;
}

/** What cannot be cleared is tried again the next time. */
function clearFilters(call: Call): void {
  const cleared = !call.state.installed || call.ioctl('VNA_IOC_SET_MAC_FILTERS', []);
  call.set({ installed: !cleared, dirty: !cleared });
}

/** @source viona.rs device_reset */
function deviceReset(call: Call): boolean {
  call.set({ ...NO_FILTER, tableSet: false, dirty: false });
  // If that fails, the filters stay where they are: they deliver something at least.
  if (!setPromisc(call, 'MULTI')) return false;
  clearFilters(call);
  return true;
}

function reset(call: Call, kind: 'driver' | 'machine'): Transition<PropolisV7State> {
  Rings.resetQueues(call);
  const restoredDefaults = deviceReset(call);
  const paired = kind === 'driver' || Rings.resetPairs(call);
  if (restoredDefaults && paired) return call.ok();
  return call.giveUp(`${call.failure} during a reset, so the device needs another one.`);
}

function command(call: Call, wish: HostCommand): Transition<PropolisV7State> {
  if (wish.type === 'mq-pairs') {
    const refusal = Rings.commandPairs(call, wish.pairs);
    return refusal === null ? call.ok() : call.refuse(refusal);
  }
  const { promisc, allmulti, unicast, multicast, tableSet } = call.state;
  const table = wish.type === 'mac-table-set';
  const wanted = wantedFilter(call.state, table ? cutTables(wish) : wish);
  if (typeof wanted === 'string') return call.refuse(wanted);
  call.set(wanted);
  if (table) call.set({ tableSet: true, dirty: true });
  if (applyRxConfig(call)) return call.ok();

  call.set({ promisc, allmulti, unicast, multicast, tableSet });
  if (table) call.set({ dirty: true });
  const recovered = applyRxConfig(call);
  const what = recovered ? 'brought the link in line with it' : 'could not bring the link in line with it';
  return call.refuse(`${call.failure}; the VMM took the old filter back and ${what}.`, !recovered);
}

type TableSet = Extract<HostCommand, { type: 'mac-table-set' }>;

/** What is beyond the bound is not even looked at. @source viona.rs read_mac_list */
function cutTables(wish: TableSet): TableSet {
  const cut = (macs: TableSet['unicast']): TableSet['unicast'] =>
    macs.length > MAC_TABLE_MAX_ENTRIES ? macs.slice(0, MAC_TABLE_MAX_ENTRIES) : macs;
  return { ...wish, unicast: cut(wish.unicast), multicast: cut(wish.multicast) };
}

export const propolisV7: HostModel<PropolisV7State> = {
  id: 'propolis-v7',
  title: 'Propolis with viona V7',
  source:
    'oxidecomputer/propolis@dcad2375 (zl/multicast) lib/propolis/src/hw/virtio/viona.rs; illumos viona_io.h, version 7',
  summary:
    'Proposed: up to 64 multicast groups are filtered exactly. MULTI until the first good MAC table, ALL for a foreign ' +
    'unicast entry, and every reset restores the defaults.',
  offers: OFFERS,
  traps: PROPOLIS_V7_TRAPS,
  init: (config) => ({
    link: createLink(config, VERSION),
    ...Rings.NO_QUEUES,
    ...NO_FILTER,
    remembered: 'MULTI',
    tableSet: false,
    installed: false,
    dirty: false,
  }),
  next(state, event: RxEvent) {
    const call: Call = new VmmCall(state);
    switch (event.type) {
      case 'negotiated':
        if (Rings.setFeatures(call, event.features & OFFERS)) return call.ok();
        return call.giveUp(`${call.failure} while the features were set, so the device needs a reset.`);
      case 'command':
        return command(call, event.command);
      case 'queue': {
        const broken = Rings.changeQueue(call, event);
        return broken === null ? call.ok() : call.giveUp(broken);
      }
      case 'reset':
        return reset(call, event.kind);
    }
  },
  migrate(state) {
    const call: Call = new VmmCall(state);
    const failed = Rings.migrateLink(call, () => {
      call.set({ remembered: 'MULTI', installed: false, dirty: true });
      return applyRxConfig(call);
    });
    return failed === null ? call.ok() : call.abandon(failed);
  },
  decide: decideByLink,
  link: (state) => state.link,
  ioctl: ioctlOnLink,
  fault: faultOnLink,
  clearFaults: clearFaultsOnLink,
  restore: (data, mac) =>
    restored(data, (reader, fields) => {
      const vmm = Rings.readVmm(reader, fields, { mac, offers: OFFERS, version: VERSION });
      return {
        ...vmm,
        ...readFilter(reader, fields, MAC_TABLE_MAX_ENTRIES),
        remembered: reader.level(fields.remembered, 'remembered'),
        tableSet: reader.flag(fields.tableSet, 'tableSet'),
        installed: reader.flag(fields.installed, 'installed'),
        dirty: reader.flag(fields.dirty, 'dirty'),
      };
    }),
};
