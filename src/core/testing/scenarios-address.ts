/** Scenarios of a driver that wants another address (VIRTIO_NET_F_CTRL_MAC_ADDR, which no model offers by itself). */
import type { Scenario } from './scenarios-types.ts';
import { offer, OWN, reprobe, sends, STRANGER, UP } from './scenarios-words.ts';

const ADDRESS_COMMAND = 'VIRTIO_NET_CTRL_MAC_ADDR_SET';

export const ADDRESS_SCENARIOS: readonly Scenario[] = [
  {
    id: 'set-address',
    title: 'A driver that may change the address is obeyed, until the next reset',
    covers: ['NET-MAC-03', 'NET-MAC-04'],
    model: 'exact',
    steps: [
      offer('VIRTIO_NET_F_CTRL_MAC_ADDR'),
      reprobe,
      { do: 'set-address', address: STRANGER },
      { expect: 'ack', name: ADDRESS_COMMAND, ack: 'OK' },
      { expect: 'device', mac: STRANGER },
      UP,
      sends(
        { dst: STRANGER },
        'delivered',
        { viona: 'unicast-foreign', tables: 'own-unicast' },
        { judged: { 'propolis-372a574': 'loss', 'propolis-v7': 'loss' } },
      ),
      sends(
        'own-unicast',
        'filtered',
        { viona: 'own-unicast', tables: 'unicast-table-miss' },
        { judged: { 'propolis-372a574': 'leak' } },
      ),
      reprobe,
      { expect: 'device', mac: OWN },
      UP,
      sends('own-unicast', 'delivered', { all: 'own-unicast' }),
    ],
  },
  {
    id: 'set-address-refused',
    title: 'Propolis does not know the command, so the new address stays foreign',
    covers: ['NET-MAC-03'],
    model: 'propolis-372a574',
    steps: [
      offer('VIRTIO_NET_F_CTRL_MAC_ADDR'),
      reprobe,
      { do: 'set-address', address: STRANGER },
      { expect: 'ack', name: ADDRESS_COMMAND, ack: 'ERR' },
      { expect: 'device', mac: OWN },
      UP,
      sends(
        { dst: STRANGER },
        'filtered',
        { viona: 'unicast-foreign', tables: 'own-unicast' },
        { judged: { 'propolis-372a574': 'loss' } },
      ),
    ],
  },
];
