/** Events and addresses for tests of host models, and a model after some events. */
import { type FrameHeader, newFrameHeader } from '../net/ethernet.ts';
import type { RxFlag } from '../virtio-net/rx-mode.ts';
import type { LinkConfig } from '../viona/link.ts';
import type { HostModel, HostModelId, RxEvent, Transition } from './host-model.ts';
import { hostModel } from './models.ts';

export const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
export const OWN = CONFIG.mac;
export const FOREIGN = 0x0200_0000_0099;
export const BROADCAST = 0xffff_ffff_ffff;
export const JOINED = 0x3333_0000_0001;
export const UNJOINED = 0x0100_5e01_0203;
export const CTRL_VQ = 1n << 17n;
export const CTRL_RX = 1n << 18n;
export const CTRL_VLAN = 1n << 19n;
export const CTRL_RX_EXTRA = 1n << 20n;
export const MQ = 1n << 22n;
export const CTRL_MAC_ADDR = 1n << 23n;
export const VERSION_1 = 1n << 32n;

export const negotiated = (features = CTRL_VQ | CTRL_RX): RxEvent => ({ type: 'negotiated', features });
export const rx = (flag: RxFlag, value: number): RxEvent => ({
  type: 'command',
  command: { type: 'rx', flag, value },
});
export const tables = (unicast: readonly number[], multicast: readonly number[]): RxEvent => ({
  type: 'command',
  command: { type: 'mac-table-set', unicast, multicast },
});
export const vlan = (action: 'add' | 'del', vid: number): RxEvent => ({
  type: 'command',
  command: { type: 'vlan', action, vid },
});
export const address = (mac: number): RxEvent => ({ type: 'command', command: { type: 'mac-addr-set', mac } });
export const pairs = (count: number): RxEvent => ({ type: 'command', command: { type: 'mq-pairs', pairs: count } });
export const queue = (index: number, to: 'enabled' | 'kicked' | 'reset', size = 256): RxEvent => ({
  type: 'queue',
  queue: index,
  to,
  size,
});
export const DRIVER_RESET: RxEvent = { type: 'reset', kind: 'driver' };
export const MACHINE_RESET: RxEvent = { type: 'reset', kind: 'machine' };
export const MIGRATE = 'migrate';
export type Step = RxEvent | typeof MIGRATE;

/** Different groups, none of them in the constants above. */
export const groups = (count: number): number[] => Array.from({ length: count }, (_, i) => 0x0100_5e7f_0000 + i);
/** Different stations, none of them in the constants above. */
export const stations = (count: number): number[] => Array.from({ length: count }, (_, i) => 0x0200_0001_0000 + i);

export function frame(dst: number, vid = -1, flow = 0): FrameHeader {
  return { ...newFrameHeader(), valid: true, length: 60, dst, vid, flow };
}

export function take(model: HostModel, state: unknown, step: Step): Transition<unknown> {
  return step === MIGRATE ? model.migrate(state) : model.next(state, step);
}

/** A model after some events. */
export function after(id: HostModelId, ...steps: readonly Step[]) {
  return afterOn(CONFIG, id, ...steps);
}

export function afterOn(config: LinkConfig, id: HostModelId, ...steps: readonly Step[]) {
  const model = hostModel(id);
  return from(model, model.init(config), ...steps);
}

export function from(model: HostModel, first: unknown, ...steps: readonly Step[]) {
  let state = first;
  let last: Transition<unknown> = { state, ack: 'OK', ioctls: [], reason: null, needsReset: false };
  const ioctls: string[] = [];
  for (const step of steps) {
    last = take(model, state, step);
    state = last.state;
    ioctls.push(...ioctlLines(last));
  }
  const rule = (dst: number, vid = -1, flow = 0): string => model.decide(state, frame(dst, vid, flow)).rule;
  const accepts = (dst: number, vid = -1, flow = 0): boolean => model.decide(state, frame(dst, vid, flow)).accept;
  return { model, state, last, ioctls, rule, accepts, link: model.link(state) };
}

/** `SET_PROMISC ALL ENOMEM`: without the prefix, and without the errno of success. */
export function ioctlLines({ ioctls }: Pick<Transition<unknown>, 'ioctls'>): string[] {
  return ioctls.map(
    ({ name, arg, errno }) => `${name.replace('VNA_IOC_', '')} ${arg}${errno === 0 ? '' : ` ${errno}`}`,
  );
}

/** The state with ioctl faults waiting in its link. */
export function withFaults(model: HostModel, state: unknown, name: string, ...errnos: readonly string[]): unknown {
  return errnos.reduce<unknown>((armed, errno) => {
    const result = model.fault(armed, { kind: 'ioctl', name, errno });
    if (result.error !== null) throw new Error(result.error);
    return result.state;
  }, state);
}

/** Rules for own unicast, foreign unicast, broadcast, joined and unjoined multicast. */
export const rulesOf = (result: ReturnType<typeof after>): string[] =>
  [OWN, FOREIGN, BROADCAST, JOINED, UNJOINED].map((dst) => result.rule(dst));
