/** What holds of the whole lab whatever happens: 2,000 random lives of device, driver and host side together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { PRESET_IDS } from '../net/traffic.ts';
import { FakeLinux } from './scenarios-fake-guest.ts';
import { FOREIGN, GROUP, groups, LARGE_SEGMENT, ON_ANOTHER_RING, ON_FIRST_RING } from './scenarios-words.ts';
import { TestLab } from './test-lab.ts';

const SEED = 1125;
const MQ = 'VIRTIO_NET_F_MQ';

class World {
  readonly lab: TestLab;
  readonly guest: FakeLinux;
  sent = 0;
  /** A segment was sent: one frame on the wire, and perhaps many in the guest. */
  segmented = false;

  /** With many queues a life costs ten times as much. */
  constructor(many: boolean) {
    this.lab = new TestLab('propolis-372a574');
    if (!many) this.lab.setPersonality({ remove: [MQ] });
    this.guest = new FakeLinux(this.lab);
  }

  send(frame: Parameters<TestLab['send']>[0]): void {
    this.lab.send(frame);
    this.sent++;
  }
}

type Act = (world: World) => void;

const WISHES: readonly Act[] = [
  ({ guest }) => guest.up(),
  ({ guest }) => guest.up(),
  ({ guest }) => guest.down(),
  ({ guest }) => guest.reprobe(),
  ({ guest }) => guest.promisc(true),
  ({ guest }) => guest.promisc(false),
  ({ guest }) => guest.allmulti(true),
  ({ guest }) => guest.join([GROUP]),
  ({ guest }) => guest.join(groups(65)),
  ({ guest }) => guest.leave(groups(65)),
  ({ guest }) => guest.addUnicast([FOREIGN]),
  ({ guest }) => guest.addVlan(5),
  ({ guest }) => guest.setAddress(FOREIGN),
  ({ guest }) => guest.setPairs(4),
  ({ guest }) => guest.setPairs(1),
];

const HOST: readonly Act[] = [
  ...HOST_MODEL_IDS.map(
    (id): Act =>
      ({ lab }) =>
        lab.setModel(id),
  ),
  ({ lab }) => lab.setLinkKind('vnic'),
  ({ lab }) => lab.setLinkKind('physical'),
  ({ lab }) => lab.setPersonality({ remove: [MQ, 'VIRTIO_NET_F_CTRL_RX'] }),
  ({ lab }) => lab.setPersonality({ remove: [MQ], add: ['VIRTIO_NET_F_CTRL_MAC_ADDR'] }),
  ({ lab }) => void lab.migrate(),
  ({ lab }) => lab.machineReset(),
  ({ lab }) => lab.roundTrip(),
  ({ lab }) => void lab.ioctl('SET_PROMISC', 'ALL'),
  ({ lab }) => void lab.ioctl('SET_PROMISC', 'NONE'),
  ({ lab }) => void lab.ioctl('SET_PAIRS', 3),
  ({ lab }) => void lab.ioctl('RING_PAUSE', 0),
  ({ lab }) => void lab.ioctl('RING_KICK', 0),
  ({ lab }) => void lab.ioctl('SET_MTU', 576),
  ({ lab }) => void lab.ioctl('DELETE', null),
  ({ lab }) => void lab.ioctl('CREATE', { linkid: 1, vmfd: 3 }),
  ({ lab }) => void lab.fault({ kind: 'ioctl', name: 'SET_PROMISC', errno: 'ENOMEM' }),
  ({ lab }) => void lab.fault({ kind: 'ioctl', name: 'SET_MAC_FILTERS', errno: 'VMF_ERR_INSTALL' }),
  ({ lab }) => void lab.fault({ kind: 'ioctl', name: 'SET_USEPAIRS', errno: 'EIO' }),
  ({ lab }) => void lab.fault({ kind: 'ioctl', name: 'RING_INIT_MODERN', errno: 'ENOMEM' }),
  ({ lab }) => void lab.fault({ kind: 'ring-stall', ring: 0 }),
  ({ lab }) => void lab.fault({ kind: 'lease' }),
  ({ lab }) => void lab.fault({ kind: 'shortage' }),
  ({ lab }) => lab.clearFaults(),
  ({ lab }) => void (lab.channelFrames = 0),
  ({ lab }) => void (lab.channelFrames = 100),
];

const FRAMES: readonly Act[] = [
  ...[...PRESET_IDS, ON_FIRST_RING, ON_ANOTHER_RING].map(
    (frame): Act =>
      (world) =>
        world.send(frame),
  ),
  (world) => {
    world.segmented = true;
    world.send(LARGE_SEGMENT);
  },
];

const ACTS = [...WISHES, ...HOST, ...FRAMES, ...FRAMES, ...FRAMES];

describe('the whole lab, over 2,000 lives', () => {
  it('every frame has exactly one fate, and what is delivered is what the guest has', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 2, maxLength: 16 }), ([first = 0, ...rest]) => {
        const world = new World(first % 16 === 0);
        for (const number of rest) ACTS[number % ACTS.length]?.(world);
        // The ledger throws at a second fate.
        const { frames } = world.lab;
        expect(frames.pending).toBe(0);
        const fates = [...frames.fates.values()];
        if (!fates.includes('rx_gro_fallback')) expect(fates).toHaveLength(world.sent);
        if (world.segmented) return;
        expect(fates.filter((fate) => fate === 'delivered')).toHaveLength(world.guest.received);
      }),
      { numRuns: 2_000, seed: SEED },
    );
  });
});
