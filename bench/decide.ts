/**
 * Deciding frames, set up for measuring: a guest that has negotiated what Linux does and filled its tables, and
 * frames of every class that a filter tells apart. Headers are read beforehand, so what is measured is deciding.
 */
import type { HostModel, HostModelId, RxEvent } from '../src/core/host/host-model.ts';
import { HOST_MODEL_IDS } from '../src/core/host/host-model.ts';
import { ModelStates } from '../src/core/host/host-side-models.ts';
import { HOST_MODELS } from '../src/core/host/models.ts';
import { buildFrame, type FrameHeader, newFrameHeader, readHeader } from '../src/core/net/ethernet.ts';
import { flowNumber, newFlow, readFlow } from '../src/core/net/flow.ts';
import { buildUdp4, ip4 } from '../src/core/net/ipv4.ts';
import type { Mac } from '../src/core/net/mac.ts';
import { MAC_BROADCAST } from '../src/core/net/mac.ts';
import {
  featureSet,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_MQ,
} from '../src/core/virtio/features.ts';

const OWN: Mac = 0x0200_0000_0015;
const FOREIGN: Mac = 0x0200_0000_0099;
const SENDER: Mac = 0x0200_0000_0002;
const FIRST_GROUP: Mac = 0x0100_5e00_0001;
const FIRST_STATION: Mac = 0x0200_0000_1000;
const FRAMES = 64;

/** @param entries in both tables together: three quarters of them groups */
function guest(entries: number, pairs: number): RxEvent[] {
  const groups = (entries * 3) / 4;
  const list = (first: Mac, count: number): Mac[] => Array.from({ length: count }, (_, index) => first + 7 * index);
  const features = [VIRTIO_NET_F_CTRL_VQ, VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VLAN];
  const kicks = Array.from({ length: 2 * pairs }, (_, queue): RxEvent[] => [
    { type: 'queue', queue, to: 'enabled', size: 256 },
    { type: 'queue', queue, to: 'kicked', size: 256 },
  ]);
  return [
    { type: 'negotiated', features: featureSet(...features, ...(pairs > 1 ? [VIRTIO_NET_F_MQ] : [])) },
    ...kicks.flat(),
    { type: 'command', command: { type: 'rx', flag: 'promisc', value: 0 } },
    { type: 'command', command: { type: 'rx', flag: 'allmulti', value: 0 } },
    {
      type: 'command',
      command: {
        type: 'mac-table-set',
        unicast: list(FIRST_STATION, entries - groups),
        multicast: list(FIRST_GROUP, groups),
      },
    },
    { type: 'command', command: { type: 'vlan', action: 'add', vid: 5 } },
  ];
}

/** Half of it for the guest, as on a quiet network; the rest is what it has to be protected from. */
function header(index: number, entries: number): FrameHeader {
  const joined = FIRST_GROUP + 7 * (index % ((entries * 3) / 4));
  const classes: readonly (readonly [dst: Mac, vid?: number])[] = [
    [OWN],
    [OWN],
    [OWN, 5],
    [FOREIGN],
    [MAC_BROADCAST],
    [joined],
    [joined + 1],
    [FIRST_STATION + 7],
  ];
  const [dst, vid] = classes[index % classes.length] ?? [OWN];
  const payload = buildUdp4(ip4(10, 0, 2, 2), ip4(10, 0, 2, 15), 1000 + index, 9, new Uint8Array(18));
  const bytes = buildFrame({ dst, src: SENDER, vid, etherType: 0x0800, payload });
  const into = newFrameHeader();
  readHeader(bytes, 0, bytes.length, into);
  const flow = newFlow();
  readFlow(bytes, 0, bytes.length, flow);
  into.flow = flowNumber(bytes, flow) >>> 2;
  return into;
}

export class Deciding {
  readonly #models: ModelStates;
  readonly #codes = new Uint16Array(HOST_MODELS.length);
  readonly #headers: readonly FrameHeader[];

  constructor(active: HostModelId, entries: number, pairs = 1) {
    this.#models = new ModelStates({ mac: OWN, mtu: 1500 }, HOST_MODEL_IDS.indexOf(active));
    for (const event of guest(entries, pairs)) {
      this.#models.step(
        (model, state) => model.next(state, event),
        () => undefined,
      );
    }
    this.#headers = Array.from({ length: FRAMES }, (_, index) => header(index, entries));
  }

  /** So many frames under every model. The sum keeps the work from being optimised away. */
  all(frames: number): number {
    let sum = 0;
    for (let i = 0; i < frames; i++) {
      sum += this.#models.decide(this.#headers[i % FRAMES] as FrameHeader, this.#codes).code + (this.#codes[0] ?? 0);
    }
    return sum;
  }

  /** So many frames under the model in force alone. */
  active(frames: number): number {
    let sum = 0;
    const model: HostModel = this.#models.model;
    const { state } = this.#models;
    for (let i = 0; i < frames; i++) sum += model.decide(state, this.#headers[i % FRAMES] as FrameHeader).code;
    return sum;
  }
}
