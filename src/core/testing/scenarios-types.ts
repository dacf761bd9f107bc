/**
 * Scenarios: what a guest wishes, what the host does, and what then must hold. Data, no code.
 *
 * One table, two drivers: the fake driver in Node and real Linux in a browser. So most steps are wishes that
 * both can express (`ip link set eth0 promisc on`), and expectations hold for both. Linux is in more groups
 * than the fake driver, and sends its commands again and again: tables are therefore checked for members,
 * never for equality, and ioctls as a subsequence. What no stock Linux does (raw commands, a driver that sends
 * none) makes a scenario one for the fake driver alone, with the reason.
 *
 * A scenario starts with a device freshly probed under its `model`, on a physical link; the interface is down
 * and has not been up since the probe, so that no receive buffer is posted. `ioctls` count from before that
 * probe. The host side is new, or has seen no more than an interface going up and down: Propolis remembers
 * flags and tables across drivers.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import type { LinkDescription } from '../host/host-side-options.ts';
import type { Fate, Judgement, PathId, RuleId, Verdict } from '../host/verdict.ts';
import type { FrameSpec } from '../net/frame-spec.ts';
import type { PresetId } from '../net/traffic.ts';
import type { Fault, FaultKind } from '../viona/faults.ts';
import type { Errno, IoctlRecord, LinkKind, PromiscLevel } from '../viona/link.ts';
import type { RingStateName } from '../viona/rings.ts';
import type { PersonalityRequest } from '../virtio-net/personality-request.ts';
import type { RxFlag } from '../virtio-net/rx-mode.ts';
import type { NetDescription } from '../virtio-net/virtio-net-pci.ts';

/** Entries that must be, or must not be, in a table. Addresses in lower case. */
export interface Membership<T = string> {
  readonly has?: readonly T[];
  readonly lacks?: readonly T[];
}

export type Wish =
  /** `ip link set eth0 up`: buffers are posted, groups joined. */
  | { readonly do: 'up' | 'down' }
  /** The driver lets go of the device and probes it again; the interface is then down and has forgotten all. */
  | { readonly do: 'reprobe' }
  | { readonly do: 'promisc' | 'allmulti'; readonly on: boolean }
  /** `ip maddr add … dev eth0`, one after the other. */
  | { readonly do: 'join' | 'leave'; readonly groups: readonly string[] }
  /** `bridge fdb add … dev eth0 self`, one after the other. */
  | { readonly do: 'add-unicast' | 'remove-unicast'; readonly addresses: readonly string[] }
  /** `ip link add … type vlan`: the driver is told of the VLAN if it negotiated VIRTIO_NET_F_CTRL_VLAN. */
  | { readonly do: 'add-vlan' | 'remove-vlan'; readonly vid: number }
  /** `ip link set eth0 address …`: the device is told if VIRTIO_NET_F_CTRL_MAC_ADDR was negotiated. */
  | { readonly do: 'set-address'; readonly address: string }
  /** `ethtool -L eth0 combined n`. */
  | { readonly do: 'set-pairs'; readonly pairs: number };

/** A control command, to the letter. */
export type RawCommand =
  | { readonly mode: RxFlag; readonly value: number }
  | { readonly unicast: readonly string[]; readonly multicast: readonly string[] }
  | { readonly address: string }
  | { readonly vlan: 'add' | 'del'; readonly vid: number }
  | { readonly pairs: number };

/** What a stock Linux does not do. */
export type RawStep =
  /** A driver that probes, kicks so many of its receive rings, and sends no command of its own accord. */
  | { readonly do: 'bare-driver'; readonly kicks: number }
  | { readonly do: 'command'; readonly send: RawCommand; readonly ack: Ack }
  /** As if the device had passed on what it refuses itself. `gaveUp`: the VMM wants the device to be reset. */
  | { readonly do: 'past-device'; readonly send: RawCommand; readonly ack: Ack; readonly gaveUp: boolean };

/** `shortage` is the device's: the next packet that needs several receive buffers finds the ring dry. */
export type ScenarioFault = Fault | { readonly kind: 'shortage' };

export type Intervention =
  | { readonly do: 'model'; readonly model: HostModelId }
  /** What the device offers at the next probe, on top of the model's; replaces what was said before. */
  | ({ readonly do: 'personality' } & Pick<PersonalityRequest, 'add' | 'remove'>)
  /** The link is created again on something else: every model starts anew, and the driver has to probe anew. */
  | { readonly do: 'link-kind'; readonly kind: LinkKind }
  /** `errno` is what it must answer, `value` a part of what it returns. */
  | {
      readonly do: 'ioctl';
      readonly name: string;
      readonly arg?: unknown;
      readonly errno: Errno;
      readonly value?: unknown;
    }
  | { readonly do: 'fault'; readonly fault: ScenarioFault }
  /** The model in force has nothing that could fail so. */
  | { readonly do: 'no-fault'; readonly fault: Fault }
  | { readonly do: 'clear-faults'; readonly kind?: FaultKind }
  /** The machine moves to another host. */
  | { readonly do: 'migrate'; readonly ack: Ack }
  /** The whole machine is reset and the driver probes again. */
  | { readonly do: 'machine-reset' };

/** `cleared`: no callback is registered at all. */
export type CallbacksName = PromiscLevel | 'cleared' | null;

export type Expectation =
  /** `callbacks` names the level whose combination of callbacks is registered. Null: the model has no link. */
  | {
      readonly expect: 'link';
      readonly level?: PromiscLevel | null;
      readonly callbacks?: CallbacksName;
      /** False after DELETE. */
      readonly exists?: boolean;
      /** Null: lost. */
      readonly address?: string | null;
      readonly usePairs?: number;
      /** By index. */
      readonly rings?: Readonly<Record<number, RingStateName>>;
      readonly filters?: Membership;
      /** Exactly so many filters. */
      readonly filterCount?: number;
    }
  /** What was acknowledged since reset; null means never commanded. */
  | { readonly expect: 'rx-mode'; readonly modes: Readonly<Partial<Record<RxFlag, boolean | null>>> }
  | {
      readonly expect: 'table';
      readonly unicast?: Membership;
      readonly multicast?: Membership;
      readonly vlans?: Membership<number>;
    }
  /** The device's own view: pairs that the driver enabled, and the address in its configuration. */
  | { readonly expect: 'device'; readonly pairs?: number; readonly mac?: string; readonly needsReset?: boolean }
  /** The last control command of that name. */
  | { readonly expect: 'ack'; readonly name: string; readonly ack: Ack }
  /** How the models answered the last command that reached them. */
  | { readonly expect: 'acks'; readonly acks: Readonly<Partial<Record<HostModelId, Ack>>> }
  /**
   * ioctls of the VMM, in this order, others may lie between: `SET_PROMISC ALL ENOMEM`, with 0 for success, or a
   * name alone for any argument and any end.
   */
  | { readonly expect: 'ioctls'; readonly inOrder: readonly string[] }
  /** A counter of the link, since it was created. */
  | {
      readonly expect: 'count';
      readonly of: 'kstats' | 'honest' | 'ringStats' | 'silent';
      readonly name: string;
      readonly atLeast: number;
    }
  /** Sends a frame. `rules` are the verdicts of the models side by side; the one in force is among them. */
  | {
      readonly expect: 'frame';
      readonly send: PresetId | FrameSpec;
      readonly fate: Fate;
      readonly rules: Verdicts;
      readonly path?: PathId;
      readonly judged?: Readonly<Partial<Record<HostModelId, Judgement>>>;
    };

/** By which rule each model decides. */
export type Verdicts = Readonly<Record<HostModelId, RuleId>>;

export type Step = Wish | RawStep | Intervention | Expectation;

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** Requirements of the specification that it is about, met or knowingly not met. */
  readonly covers: readonly string[];
  readonly model: HostModelId;
  readonly steps: readonly Step[];
  /** Real Linux cannot do it, or would hang; the reason. */
  readonly fakeOnly?: string;
  /** What a driver must have negotiated for it to make sense; not every kind of driver can. */
  readonly needs?: 'mergeable' | 'not-mergeable' | 'modern';
}

export type Maybe<T> = T | Promise<T>;

/** The guest's side, by whatever drives it. */
export interface ScenarioGuest {
  up(): Maybe<void>;
  down(): Maybe<void>;
  reprobe(): Maybe<void>;
  promisc(on: boolean): Maybe<void>;
  allmulti(on: boolean): Maybe<void>;
  join(groups: readonly string[]): Maybe<void>;
  leave(groups: readonly string[]): Maybe<void>;
  addUnicast(addresses: readonly string[]): Maybe<void>;
  removeUnicast(addresses: readonly string[]): Maybe<void>;
  addVlan(vid: number): Maybe<void>;
  removeVlan(vid: number): Maybe<void>;
  setAddress(address: string): Maybe<void>;
  setPairs(pairs: number): Maybe<void>;
  /** Null if it is a stock Linux. */
  readonly raw: RawGuest | null;
}

export interface RawGuest {
  bareDriver(kicks: number): void;
  command(send: RawCommand): Ack;
  pastDevice(send: RawCommand): { readonly ack: Ack; readonly gaveUp: boolean };
}

export interface FrameOutcome {
  readonly fate: Fate;
  readonly active: HostModelId;
  readonly verdicts: Readonly<Record<HostModelId, Verdict>>;
}

/** Everything around the guest: what the page's controls do and show. */
export interface ScenarioHost {
  setModel(model: HostModelId): Maybe<void>;
  setPersonality(request: PersonalityRequest): Maybe<void>;
  setLinkKind(kind: LinkKind): Maybe<void>;
  ioctl(name: string, arg: unknown): Maybe<IoctlRecord>;
  /** A sentence if the fault was refused. */
  fault(fault: ScenarioFault): Maybe<string | null>;
  clearFaults(kind?: FaultKind): Maybe<void>;
  migrate(): Maybe<Ack>;
  machineReset(): Maybe<void>;
  link(): Maybe<LinkDescription>;
  nic(): Maybe<Omit<NetDescription, 'personality'>>;
  /** Of the VMM, since the scenario began. */
  ioctls(): Maybe<readonly Pick<IoctlRecord, 'name' | 'arg' | 'errno'>[]>;
  lastAck(name: string): Maybe<Ack | null>;
  lastAcks(): Maybe<Readonly<Partial<Record<HostModelId, Ack>>>>;
  /** Sends the frame and waits for its fate. */
  send(frame: PresetId | FrameSpec): Maybe<FrameOutcome>;
}

export interface ScenarioWorld {
  readonly guest: ScenarioGuest;
  readonly host: ScenarioHost;
}
