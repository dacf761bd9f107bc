/**
 * Scenarios: what a guest wishes, what the host does, and what then must hold. Data, no code.
 *
 * One table, two drivers: the fake driver in Node and real Linux in a browser. So steps are wishes that
 * both can express (`ip link set eth0 promisc on`), and expectations hold for both. Linux is in more
 * groups than the fake driver, and sends its commands again and again: tables are therefore checked for
 * members, never for equality, and ioctls as a subsequence.
 *
 * A scenario starts with a device freshly probed under its `model`; the interface is down and has not been
 * up since the probe (so no receive buffer is posted). `ioctls` count from before that probe. The host side
 * is new, or has seen no more than an interface going up and down: Propolis remembers flags and unicast
 * tables across drivers.
 */
import type { Ack, HostModelId } from '../host/host-model.ts';
import type { Fate, Judgement, PathId, RuleId } from '../host/verdict.ts';
import type { FrameSpec } from '../net/frame-spec.ts';
import type { PresetId } from '../net/traffic.ts';
import type { Errno, IoctlRecord, LinkCallbacks, PromiscLevel } from '../viona/link.ts';
import type { Verdict } from '../host/verdict.ts';

/** Addresses that must be, or must not be, in a table. Lower case. */
export interface Membership {
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

export type Wish =
  /** `ip link set eth0 up`: buffers are posted, groups joined. */
  | { readonly do: 'up' | 'down' }
  /** The driver lets go of the device and probes it again; the interface is then down and has forgotten all. */
  | { readonly do: 'reprobe' }
  | { readonly do: 'promisc' | 'allmulti'; readonly on: boolean }
  /** `ip maddr add … dev eth0` */
  | { readonly do: 'join' | 'leave'; readonly group: string }
  /** On Linux a macvlan with that address. */
  | { readonly do: 'add-unicast' | 'remove-unicast'; readonly address: string };

export type Intervention =
  | { readonly do: 'model'; readonly model: HostModelId }
  /** `errno` is what it must answer. */
  | { readonly do: 'ioctl'; readonly name: string; readonly arg: string | number; readonly errno: Errno }
  | { readonly do: 'fault'; readonly name: string; readonly errno: string }
  /** The whole machine is reset and the driver probes again. */
  | { readonly do: 'machine-reset' };

export type Expectation =
  /** `callbacks` names the level whose combination of callbacks is registered. Null: the model has no link. */
  | { readonly expect: 'link'; readonly level: PromiscLevel | null; readonly callbacks: PromiscLevel | null }
  /** What was acknowledged since reset; null means never commanded. */
  | { readonly expect: 'rx-mode'; readonly promisc?: boolean | null; readonly allmulti?: boolean | null }
  | { readonly expect: 'table'; readonly unicast?: Membership; readonly multicast?: Membership }
  /** The last control command of that name. */
  | { readonly expect: 'ack'; readonly name: string; readonly ack: Ack }
  /** `ALL ENOMEM`: argument and errno of SET_PROMISC calls by the VMM, in this order, others may lie between. */
  | { readonly expect: 'set-promisc'; readonly inOrder: readonly string[] }
  | { readonly expect: 'needs-reset'; readonly is: boolean }
  /** Sends a frame; `rule` and `path` are those of the model in force. */
  | {
      readonly expect: 'frame';
      readonly send: PresetId | FrameSpec;
      readonly fate: Fate;
      readonly rule: RuleId;
      readonly path?: PathId;
      readonly judged?: Readonly<Partial<Record<HostModelId, Judgement>>>;
    };

export type Step = Wish | Intervention | Expectation;

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** Requirements of the specification that it is about, met or knowingly not met. */
  readonly covers: readonly string[];
  readonly model: HostModelId;
  readonly steps: readonly Step[];
  /** Real Linux cannot do it, or would hang; the reason. */
  readonly fakeOnly?: string;
}

type Maybe<T> = T | Promise<T>;

/** The guest's side, by whatever drives it. */
export interface ScenarioGuest {
  up(): Maybe<void>;
  down(): Maybe<void>;
  reprobe(): Maybe<void>;
  promisc(on: boolean): Maybe<void>;
  allmulti(on: boolean): Maybe<void>;
  join(group: string): Maybe<void>;
  leave(group: string): Maybe<void>;
  addUnicast(address: string): Maybe<void>;
  removeUnicast(address: string): Maybe<void>;
}

export interface FrameOutcome {
  readonly fate: Fate;
  readonly active: HostModelId;
  readonly verdicts: Readonly<Record<HostModelId, Verdict>>;
}

/** Everything around the guest: what the page's controls do and show. */
export interface ScenarioHost {
  setModel(model: HostModelId): Maybe<void>;
  ioctl(name: string, arg: string | number): Maybe<IoctlRecord>;
  /** A sentence if the fault was refused. */
  fault(name: string, errno: string): Maybe<string | null>;
  machineReset(): Maybe<void>;
  link(): Maybe<{ readonly level: PromiscLevel | null; readonly callbacks: LinkCallbacks | null }>;
  /** Of the VMM, since the scenario began. */
  ioctls(): Maybe<readonly IoctlRecord[]>;
  rxMode(): Maybe<{ readonly promisc: boolean | null; readonly allmulti: boolean | null }>;
  tables(): Maybe<{ readonly unicast: readonly string[]; readonly multicast: readonly string[] }>;
  lastAck(name: string): Maybe<Ack | null>;
  needsReset(): Maybe<boolean>;
  /** Sends the frame and waits for its fate. */
  send(frame: PresetId | FrameSpec): Maybe<FrameOutcome>;
}

export interface ScenarioWorld {
  readonly guest: ScenarioGuest;
  readonly host: ScenarioHost;
}
