/**
 * Everything that can happen to the host models, as numbered acts, and an oracle of what the driver has asked for.
 *
 * Acts go to all six models side by side, as HostSide passes them on. What a driver may not send the device
 * refuses by itself, so a command without its feature does nothing. The oracle is written from the requests
 * alone; addresses and feature bits are declared here again.
 */
import { newFrameHeader, type FrameHeader } from '../net/ethernet.ts';
import type { HostModel, HostModelId, RxEvent, Transition } from '../host/host-model.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { hostModel } from '../host/models.ts';
import type { Verdict } from '../host/verdict.ts';
import type { Fault } from '../viona/faults.ts';
import type { LinkKind, LinkState } from '../viona/link.ts';
import type { HostCommand } from '../virtio-net/control.ts';

export const OWN = 0x0200_0000_0015;
export const FOREIGN = 0x0200_0000_0099;
export const STATION = 0x0200_0000_0077;
export const BROADCAST = 0xffff_ffff_ffff;
export const GROUP_1 = 0x3333_0000_0001;
export const GROUP_2 = 0x0100_5e01_0203;
export const GROUP_3 = 0x0100_5e7f_0000;

const CTRL_VQ = 1n << 17n;
export const CTRL_RX = 1n << 18n;
export const CTRL_VLAN = 1n << 19n;
export const CTRL_RX_EXTRA = 1n << 20n;
export const MQ = 1n << 22n;
export const CTRL_MAC_ADDR = 1n << 23n;
const VERSION_1 = 1n << 32n;

export const isGroup = (mac: number): boolean => (Math.floor(mac / 2 ** 40) & 1) === 1;

/** Different groups, the first of which is GROUP_3. */
const groups = (count: number): number[] => Array.from({ length: count }, (_, i) => GROUP_3 + i);
const stations = (count: number): number[] => Array.from({ length: count }, (_, i) => 0x0200_0001_0000 + i);

/** What the driver of now has asked for since it negotiated, and what went before. */
export interface Asked {
  /** Null: nobody has negotiated since the last reset. */
  features: bigint | null;
  readonly modes: Map<string, boolean>;
  listed: readonly number[];
  own: number;
  readonly vlans: Set<number>;
  /** Commands since it negotiated. */
  commands: HostCommand[];
  /** Features of drivers before it. */
  before: bigint;
}

export const nothingAsked = (): Asked => ({
  features: null,
  modes: new Map(),
  listed: [],
  own: OWN,
  vlans: new Set(),
  commands: [],
  before: 0n,
});

/** A command that is wrong in itself: one that honours the specification to the letter refuses it. */
export function isWrong(command: HostCommand): boolean {
  switch (command.type) {
    case 'rx':
      return command.value > 1;
    case 'mac-table-set':
      return command.unicast.some(isGroup) || !command.multicast.every(isGroup);
    case 'mac-addr-set':
      return isGroup(command.mac);
    case 'vlan':
      return command.vid > 4095;
    case 'mq-pairs':
      return command.pairs < 1;
  }
}

function forget(asked: Asked): void {
  asked.before |= asked.features ?? 0n;
  asked.features = null;
  asked.modes.clear();
  asked.listed = [];
  asked.own = OWN;
  asked.vlans.clear();
  asked.commands = [];
}

function note(asked: Asked, command: HostCommand): void {
  asked.commands.push(command);
  if (isWrong(command)) return;
  if (command.type === 'rx') asked.modes.set(command.flag, command.value === 1);
  else if (command.type === 'mac-table-set') asked.listed = [...command.unicast, ...command.multicast];
  else if (command.type === 'mac-addr-set') asked.own = command.mac;
  else if (command.type === 'vlan') {
    if (command.action === 'add') asked.vlans.add(command.vid);
    else asked.vlans.delete(command.vid);
  }
}

/** Whether the driver has asked for such a frame, by the words of 5.1.9.5.1 to 5.1.9.5.3. */
export function isAskedFor(asked: Asked, dst: number, vid: number): boolean {
  const { features, modes, listed, own, vlans } = asked;
  const has = (bit: bigint): boolean => ((features ?? 0n) & bit) !== 0n;
  const on = (mode: string): boolean => modes.get(mode) ?? false;
  if (on('promisc')) return true;
  if (vid >= 0 && has(CTRL_VLAN) && !vlans.has(vid)) return false;
  if (dst === BROADCAST) return !on('nobcast');
  if (!isGroup(dst)) return !on('nouni') && (on('alluni') || dst === own || listed.includes(dst));
  // Who cannot ask for multicast is given all of it.
  return !on('nomulti') && (!has(CTRL_RX) || on('allmulti') || listed.includes(dst));
}

/** Host models and the driver in front of them. */
export class Models {
  readonly asked = nothingAsked();
  readonly kind: LinkKind;
  /** Something was done to the links that no driver and no VMM does. */
  meddled = false;
  /** The last answers. */
  acks: readonly string[] = [];
  readonly #models: readonly HostModel[];
  #states: readonly unknown[];

  /** @param ids all six, or those that a property is about */
  constructor(kind: LinkKind, ids: readonly HostModelId[] = HOST_MODEL_IDS) {
    this.kind = kind;
    this.#models = ids.map(hostModel);
    this.#states = this.#models.map((model) => model.init({ mac: OWN, mtu: 1500, kind }));
  }

  event(event: RxEvent): void {
    this.#step((model, state) => model.next(state, event));
  }

  /** The device passes a command on if the driver may send it. */
  command(needs: bigint, command: HostCommand): void {
    if (((this.asked.features ?? 0n) & needs) === 0n) return;
    note(this.asked, command);
    this.event({ type: 'command', command });
  }

  /** A driver comes: it negotiates, and kicks so many receive rings. */
  negotiate(features: bigint, kicks: number): void {
    this.reset('driver');
    this.asked.features = features;
    this.event({ type: 'negotiated', features });
    for (let pair = 0; pair < kicks; pair++) this.kick(pair);
  }

  kick(pair: number): void {
    if (this.asked.features === null) return;
    for (const to of ['enabled', 'kicked'] as const) this.event({ type: 'queue', queue: 2 * pair, to, size: 256 });
  }

  reset(kind: 'driver' | 'machine'): void {
    forget(this.asked);
    this.event({ type: 'reset', kind });
  }

  migrate(): void {
    this.#step((model, state) => model.migrate(state));
  }

  ioctl(name: string, arg: unknown): void {
    this.#meddle((model, state) => model.ioctl(state, name, arg).state);
  }

  fault(fault: Fault): void {
    this.#meddle((model, state) => model.fault(state, fault).state);
  }

  clearFaults(): void {
    this.#meddle((model, state) => model.clearFaults(state));
  }

  /** Every state through JSON. Throws if one is not taken back. */
  roundTrip(): void {
    this.#states = this.#models.map((model, index) => {
      const state = model.restore(JSON.parse(JSON.stringify(this.#states[index])), OWN);
      if (state === null) throw new Error(`${model.id} does not take its own state back`);
      return state;
    });
  }

  decide(id: HostModelId, frame: Frame): Verdict {
    return hostModel(id).decide(this.#state(id), headerOf(frame));
  }

  link(id: HostModelId): LinkState | null {
    return hostModel(id).link(this.#state(id));
  }

  #state(id: HostModelId): unknown {
    return this.#states[this.#models.findIndex((model) => model.id === id)];
  }

  #step(make: (model: HostModel, state: unknown) => Transition<unknown>): void {
    const made = this.#models.map((model, index) => make(model, this.#states[index]));
    this.#states = made.map(({ state }) => state);
    this.acks = made.map(({ ack }) => ack);
  }

  #meddle(make: (model: HostModel, state: unknown) => unknown): void {
    this.meddled = true;
    this.#states = this.#models.map((model, index) => make(model, this.#states[index]));
  }
}

export type Act = (models: Models) => void;

const mode = (flag: 'promisc' | 'allmulti' | 'alluni' | 'nomulti' | 'nouni' | 'nobcast', value: number): Act => {
  const needs = flag === 'promisc' || flag === 'allmulti' ? CTRL_RX : CTRL_RX_EXTRA;
  return (models) => models.command(needs, { type: 'rx', flag, value });
};
const table =
  (unicast: readonly number[], multicast: readonly number[]): Act =>
  (models) =>
    models.command(CTRL_RX, { type: 'mac-table-set', unicast, multicast });
const vlan =
  (action: 'add' | 'del', vid: number): Act =>
  (models) =>
    models.command(CTRL_VLAN, { type: 'vlan', action, vid });
const address =
  (mac: number): Act =>
  (models) =>
    models.command(CTRL_MAC_ADDR, { type: 'mac-addr-set', mac });
const pairs =
  (count: number): Act =>
  (models) =>
    models.command(MQ, { type: 'mq-pairs', pairs: count });
const driver =
  (bits: bigint, kicks = 0): Act =>
  (models) =>
    models.negotiate(CTRL_VQ | VERSION_1 | bits, kicks);

/** Drivers that come. Whether they kick their one ring is nothing to a verdict. */
export const DRIVERS: readonly Act[] = [
  driver(CTRL_RX),
  driver(CTRL_RX),
  driver(CTRL_RX | CTRL_RX_EXTRA | CTRL_VLAN),
  driver(CTRL_RX | CTRL_RX_EXTRA | CTRL_VLAN | CTRL_MAC_ADDR),
  driver(CTRL_RX | CTRL_RX_EXTRA),
  driver(CTRL_RX | CTRL_VLAN),
  driver(CTRL_RX | CTRL_MAC_ADDR),
  driver(CTRL_RX_EXTRA | CTRL_VLAN),
  driver(CTRL_VLAN),
  driver(0n),
];
/** Drivers with many queues, and those who come after them. */
export const MANY_QUEUES: readonly Act[] = [
  driver(CTRL_RX | MQ, 1),
  driver(CTRL_RX | MQ, 11),
  driver(MQ, 2),
  driver(CTRL_RX, 1),
  driver(0n, 1),
  pairs(1),
  pairs(1),
  pairs(2),
  pairs(11),
  (models) => models.kick(1),
];

/** What a driver sends that knows the specification. */
export const COMMANDS: readonly Act[] = [
  ...(['promisc', 'promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'] as const).flatMap((flag) => [
    mode(flag, 1),
    mode(flag, 0),
  ]),
  table([], []),
  table([], [GROUP_1]),
  table([], [GROUP_1, GROUP_2]),
  table([], [GROUP_2, BROADCAST]),
  table([OWN], [GROUP_1]),
  table([FOREIGN], []),
  table([FOREIGN, STATION], [GROUP_2]),
  table([], groups(64)),
  table([], groups(65)),
  table(stations(32), groups(33)),
  table([FOREIGN, ...stations(64)], groups(64)),
  vlan('add', 5),
  vlan('del', 5),
  vlan('add', 0),
  address(STATION),
  address(OWN),
];
/** What it must not send. */
export const WRONG: readonly Act[] = [
  mode('promisc', 2),
  mode('allmulti', 255),
  mode('nouni', 2),
  mode('nobcast', 3),
  table([GROUP_1, FOREIGN], [GROUP_2]),
  table([], [GROUP_1, STATION]),
  address(GROUP_2),
  vlan('add', 4096),
];
export const LIFE: readonly Act[] = [
  (models) => models.reset('driver'),
  (models) => models.reset('machine'),
  (models) => models.migrate(),
  (models) => models.migrate(),
];
/** What goes wrong, and what users do past the VMM. */
export const MEDDLING: readonly Act[] = [
  ...['NONE', 'MULTI', 'ALL', 3].map(
    (level): Act =>
      (models) =>
        models.ioctl('VNA_IOC_SET_PROMISC', level),
  ),
  (models) => models.ioctl('VNA_IOC_SET_MAC_FILTERS', [GROUP_2]),
  (models) => models.ioctl('VNA_IOC_SET_MAC_FILTERS', []),
  (models) => models.ioctl('VNA_IOC_SET_MAC_ADDR', STATION),
  (models) => models.ioctl('VNA_IOC_SET_PAIRS', 2),
  (models) => models.ioctl('VNA_IOC_DELETE', null),
  (models) => models.ioctl('VNA_IOC_CREATE', { linkid: 1, vmfd: 3 }),
  (models) => models.ioctl('VNA_IOC_RING_PAUSE', 0),
  (models) => models.ioctl('VNA_IOC_RING_KICK', 0),
  ...(
    [
      ['SET_PROMISC', 'ENOMEM'],
      ['SET_PROMISC', 'ENXIO'],
      ['SET_MAC_FILTERS', 'VMF_ERR_INSTALL'],
      ['SET_MAC_FILTERS', 'ENXIO'],
      ['SET_MAC_ADDR', 'VMA_ERR_INSTALL'],
      ['SET_FEATURES', 'EIO'],
      ['SET_USEPAIRS', 'EINVAL'],
      ['RING_INIT_MODERN', 'ENOMEM'],
    ] as const
  ).map(
    ([name, errno]): Act =>
      (models) =>
        models.fault({ kind: 'ioctl', name, errno }),
  ),
  (models) => models.fault({ kind: 'lease' }),
  (models) => models.fault({ kind: 'ring-stall', ring: 0 }),
  (models) => models.clearFaults(),
];

export interface Frame {
  readonly dst: number;
  readonly vid: number;
  readonly flow: number;
}

/** One of every kind that a filter tells apart, on rings that are kicked and on others. */
export const FRAMES: readonly Frame[] = [
  OWN,
  FOREIGN,
  STATION,
  BROADCAST,
  GROUP_1,
  GROUP_2,
  GROUP_3,
  0x0100_5e7f_0040,
].flatMap((dst) =>
  [-1, 0, 5].flatMap((vid) => [
    { dst, vid, flow: 0 },
    { dst, vid, flow: 3 },
  ]),
);

const header: FrameHeader = { ...newFrameHeader(), valid: true, length: 60 };

/** One object for all frames, as in the lab. */
function headerOf({ dst, vid, flow }: Frame): FrameHeader {
  header.dst = dst;
  header.vid = vid;
  header.flow = flow;
  return header;
}
