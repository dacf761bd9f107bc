/**
 * Propolis before PR #1125: the world of the original issue.
 *
 * VIRTIO_NET_F_CTRL_RX is not offered, RX and MAC commands are answered ERR, and nothing ever touches the
 * link's promiscuity. So the link stays in MULTI, where viona_ioc_create put it: the guest receives all
 * multicast on the wire, and the host pays for it on every frame (see mac-client.ts).
 */
import { createLink } from '../viona/link.ts';
import type { HostModel, Transition } from './host-model.ts';
import { fieldsOf, restoreLink } from './validate.ts';
import type { HasLink } from './viona-half.ts';
import { decideByLink, faultOnLink, ioctlOnLink } from './viona-half.ts';

const REFUSED = 'This VMM knows no RX or MAC commands: it did not offer VIRTIO_NET_F_CTRL_RX.';

export const propolisBefore1125: HostModel<HasLink> = {
  id: 'propolis-before-1125',
  title: 'Propolis before #1125',
  source: 'oxidecomputer/propolis@d59ac2dc^ lib/propolis/src/hw/virtio/viona.rs; illumos viona_main.c, viona_rx.c',
  summary:
    'VIRTIO_NET_F_CTRL_RX is not offered and viona stays in MULTI for ever: the guest receives all multicast, ' +
    'and the host looks at every frame on the wire.',
  offers: 0n,
  init: (config) => ({ link: createLink(config) }),
  next(state, event): Transition<HasLink> {
    const refused = event.type === 'command';
    return {
      state,
      ack: refused ? 'ERR' : 'OK',
      ioctls: [],
      reason: refused ? REFUSED : null,
      needsReset: false,
    };
  },
  decide: decideByLink,
  link: (state) => state.link,
  ioctl: ioctlOnLink,
  fault: faultOnLink,
  restore(data, mac) {
    const link = restoreLink(fieldsOf(data)?.link);
    return link?.config.mac === mac ? { link } : null;
  },
};
