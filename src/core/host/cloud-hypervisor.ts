/**
 * Cloud Hypervisor: a control queue that acknowledges and does nothing.
 *
 * It offers neither VIRTIO_NET_F_CTRL_RX nor VIRTIO_NET_F_CTRL_VLAN, but its control queue knows their
 * commands and answers OK whatever was negotiated. Frames come from a tap device and are delivered as they
 * are: the bridge behind it may filter, the VMM does not. So it leaks everything and loses nothing.
 *
 *     RX, all six flags, any value      OK, nothing happens
 *     VLAN ADD, DEL                     OK, nothing happens
 *     MAC TABLE_SET, ADDR_SET           ERR
 *     MQ PAIRS_SET                      OK for 1 to 0x8000, nothing happens
 *
 * There is nothing to reset, to negotiate or to migrate as far as reception goes.
 *
 * Not modelled: the framing that its control queue insists on (header, data and ack in descriptors of their
 * own), and that its thread ends on a command it cannot read.
 *
 * @source cloud-hypervisor virtio-devices/src/net.rs, net_util/src/ctrl_queue.rs
 */
import type { Mac } from '../net/mac.ts';
import type { HostCommand } from '../virtio-net/control.ts';
import { done, refuse, withoutLink } from './answers.ts';
import type { HostModel, Transition } from './host-model.ts';
import { CLOUD_HYPERVISOR_OFFERS } from './offers.ts';
import { CLOUD_HYPERVISOR_TRAPS } from './traps.ts';
import { restored } from './validate.ts';
import { EXTRA_VERDICTS, FILTER_VERDICTS } from './verdicts.ts';

export interface CloudHypervisorState {
  readonly mac: Mac;
}

const MAX_PAIRS = 0x8000;

function command(state: CloudHypervisorState, wish: HostCommand): Transition<CloudHypervisorState> {
  switch (wish.type) {
    case 'rx':
    case 'vlan':
      return done(state);
    case 'mq-pairs':
      if (wish.pairs >= 1 && wish.pairs <= MAX_PAIRS) return done(state);
      return refuse(state, `${wish.pairs} is no number of queue pairs.`);
    case 'mac-table-set':
    case 'mac-addr-set':
      return refuse(state, 'The control queue of this VMM knows no MAC commands.');
  }
}

export const cloudHypervisor: HostModel<CloudHypervisorState> = {
  id: 'cloud-hypervisor',
  title: 'Cloud Hypervisor',
  source: 'cloud-hypervisor@ae44c297 virtio-devices/src/net.rs, net_util/src/ctrl_queue.rs',
  summary:
    'Filters nothing, and offers no filter commands. Those that it is sent all the same it acknowledges, and does ' +
    'nothing about them.',
  offers: CLOUD_HYPERVISOR_OFFERS,
  traps: CLOUD_HYPERVISOR_TRAPS,
  init: (config) => ({ mac: config.mac }),
  next: (state, event) => (event.type === 'command' ? command(state, event.command) : done(state)),
  migrate: done,
  decide: (_state, frame) => (frame.valid ? EXTRA_VERDICTS.unfiltered : FILTER_VERDICTS.badHeader),
  ...withoutLink(),
  restore(data, mac) {
    return restored(data, (reader, fields) => {
      if (fields.mac !== mac) reader.fail('the state is of another device');
      return { mac };
    });
  },
};
