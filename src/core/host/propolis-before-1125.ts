/**
 * Propolis before PR #1125: the world of the original issue.
 *
 * VIRTIO_NET_F_CTRL_RX is not offered, RX and MAC commands are answered ERR, and nothing ever touches the
 * link's promiscuity. So the link stays in MULTI, where viona_ioc_create put it: the guest receives all
 * multicast on the wire, and the host pays for it on every frame (see mac-client.ts).
 *
 *     RX, MAC                  ERR
 *     VLAN ADD, DEL            OK, nothing happens
 *     MQ PAIRS_SET, rings      as propolis-rings.ts says
 *     resets, migration        the rings alone: there is no filter to reset or to send
 *
 * Deviation: this version compares the number of pairs that is asked for with the number of queues, so that
 * asking for 3 pairs while 1 is in use did nothing. Here it does.
 */
import { createLink } from '../viona/link.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import type { HostModel, Transition } from './host-model.ts';
import { PROPOLIS_BEFORE_1125_OFFERS as OFFERS } from './offers.ts';
import type { PropolisVmm } from './propolis-rings.ts';
import * as Rings from './propolis-rings.ts';
import { BEFORE_1125_TRAPS } from './traps.ts';
import { restored } from './validate.ts';
import { clearFaultsOnLink, decideByLink, faultOnLink, ioctlOnLink } from './viona-half.ts';
import { VmmCall } from './vmm-call.ts';

const VERSION = 6;
const REFUSED = 'This VMM knows no RX or MAC commands: it did not offer VIRTIO_NET_F_CTRL_RX.';

function command(state: PropolisVmm, wish: HostCommand): Transition<PropolisVmm> {
  const call = new VmmCall(state);
  if (wish.type === 'vlan') return call.ok();
  if (wish.type !== 'mq-pairs') return call.refuse(REFUSED);
  const refusal = Rings.commandPairs(call, wish.pairs);
  if (refusal === null) return call.ok();
  // An ioctl that fails is unwrapped; a number out of range is just refused.
  return call.failure === null ? call.refuse(refusal) : call.refuse(Rings.wouldPanic(call, 'on a command'), true);
}

export const propolisBefore1125: HostModel<PropolisVmm> = {
  id: 'propolis-before-1125',
  title: 'Propolis before #1125',
  source: 'oxidecomputer/propolis@d59ac2dc^ lib/propolis/src/hw/virtio/viona.rs; illumos viona_main.c, viona_rx.c',
  summary:
    'VIRTIO_NET_F_CTRL_RX is not offered and viona stays in MULTI for ever: the guest receives all multicast, ' +
    'and the host looks at every frame on the wire.',
  offers: OFFERS,
  traps: BEFORE_1125_TRAPS,
  init: (config) => ({ link: createLink(config, VERSION), ...Rings.NO_QUEUES }),
  next(state, event) {
    const call = new VmmCall(state);
    switch (event.type) {
      case 'negotiated':
        if (Rings.setFeatures(call, event.features & OFFERS)) return call.ok();
        return call.giveUp(`${call.failure} while the features were set, so the device needs a reset.`);
      case 'command':
        return command(state, event.command);
      case 'queue': {
        const broken = Rings.changeQueue(call, event);
        return broken === null ? call.ok() : call.giveUp(broken);
      }
      case 'reset':
        Rings.resetQueues(call);
        if (event.kind === 'driver' || Rings.resetPairs(call)) return call.ok();
        return call.giveUp(Rings.wouldPanic(call, 'during the machine reset'));
    }
  },
  migrate(state) {
    const call = new VmmCall(state);
    const failed = Rings.migrateLink(call, () => true);
    return failed === null ? call.ok() : call.abandon(failed);
  },
  decide: decideByLink,
  link: (state) => state.link,
  ioctl: ioctlOnLink,
  fault: faultOnLink,
  clearFaults: clearFaultsOnLink,
  restore: (data, mac) =>
    restored(data, (reader, fields) => Rings.readVmm(reader, fields, { mac, offers: OFFERS, version: VERSION })),
};
