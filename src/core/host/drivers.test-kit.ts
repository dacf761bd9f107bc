/** Drivers at random, for properties of host models. */
import fc from 'fast-check';
import type { HostCommand } from '../virtio-net/control.ts';
import type { RxEvent } from './host-model.ts';
import {
  address,
  BROADCAST,
  CTRL_MAC_ADDR,
  CTRL_RX,
  CTRL_RX_EXTRA,
  CTRL_VLAN,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  JOINED,
  MACHINE_RESET,
  MIGRATE,
  MQ,
  negotiated,
  OWN,
  pairs,
  queue,
  rx,
  type Step,
  tables,
  UNJOINED,
  VERSION_1,
  vlan,
} from './models.test-kit.ts';

export const isGroup = (mac: number): boolean => (Math.floor(mac / 2 ** 40) & 1) === 1;

const MODES = ['promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'] as const;
const group = fc.constantFrom(JOINED, UNJOINED, 0x0100_5e00_0001, BROADCAST);
const single = fc.constantFrom(OWN, FOREIGN, 0x0200_0000_0077);
const vid = fc.constantFrom(5, 6, 0);

/** Commands of a driver, with the features that they need. `wild` ones are what a driver must not send. */
export const commandOf = (wild: boolean): fc.Arbitrary<readonly [bigint, RxEvent]> => {
  const any = wild ? fc.oneof({ weight: 4, arbitrary: single }, group) : single;
  const anyGroup = wild ? fc.oneof({ weight: 4, arbitrary: group }, single) : group;
  const value = wild ? fc.constantFrom(0, 1, 2, 255) : fc.nat(1);
  return fc.oneof(
    fc
      .tuple(fc.constantFrom(...MODES), value)
      .map(
        ([flag, on]) => [flag === 'promisc' || flag === 'allmulti' ? CTRL_RX : CTRL_RX_EXTRA, rx(flag, on)] as const,
      ),
    fc
      .tuple(fc.array(any, { maxLength: 3 }), fc.array(anyGroup, { maxLength: 3 }))
      .map(([unicast, multicast]) => [CTRL_RX, tables(unicast, multicast)] as const),
    fc
      .tuple(fc.constantFrom('add' as const, 'del' as const), vid)
      .map(([action, id]) => [CTRL_VLAN, vlan(action, id)] as const),
    any.map((mac) => [CTRL_MAC_ADDR, address(mac)] as const),
    fc.integer({ min: 1, max: 11 }).map((count) => [MQ, pairs(count)] as const),
  );
};

export interface Session {
  readonly features: bigint;
  readonly ends: RxEvent;
  readonly steps: readonly Step[];
}

/** One driver: it negotiates, sets up some queues, and sends what it may. The device refuses the rest itself. */
export const session = (wild: boolean): fc.Arbitrary<Session> =>
  fc
    .record({
      features: fc
        .subarray([CTRL_RX, CTRL_RX_EXTRA, CTRL_VLAN, CTRL_MAC_ADDR, MQ])
        .map((bits) => bits.reduce((set, bit) => set | bit, CTRL_VQ | VERSION_1)),
      kicked: fc.integer({ min: 0, max: 11 }),
      commands: fc.array(commandOf(wild), { maxLength: 8 }),
      migrates: fc.boolean(),
      ends: fc.constantFrom(DRIVER_RESET, MACHINE_RESET),
    })
    .map(({ features, kicked, commands, migrates, ends }) => ({
      features,
      ends,
      steps: [
        negotiated(features),
        ...Array.from({ length: features & MQ ? kicked : 1 }, (_, pair) => [
          queue(2 * pair, 'enabled'),
          queue(2 * pair, 'kicked'),
        ]).flat(),
        ...commands.filter(([needs]) => features & needs).map(([, event]) => event),
        ...(migrates ? [MIGRATE as Step] : []),
      ],
    }));

export const frames = fc.record({
  dst: fc.oneof(group, single),
  vid: fc.constantFrom(-1, 0, 5, 6),
  flow: fc.nat(20),
});

/** What a driver asked for. */
export const commandsOf = ({ steps }: Session): HostCommand[] =>
  steps.flatMap((step) => (step !== MIGRATE && step.type === 'command' ? [step.command] : []));
