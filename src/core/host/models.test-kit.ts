/** Events and addresses for tests of host models, and a model after some events. */
import { type FrameHeader, newFrameHeader } from '../net/ethernet.ts';
import type { HostModelId, RxEvent, Transition } from './host-model.ts';
import { hostModel } from './models.ts';

export const CONFIG = { mac: 0x0200_0000_0015, mtu: 1500 };
export const OWN = CONFIG.mac;
export const FOREIGN = 0x0200_0000_0099;
export const BROADCAST = 0xffff_ffff_ffff;
export const JOINED = 0x3333_0000_0001;
export const UNJOINED = 0x0100_5e01_0203;
export const CTRL_RX = 1n << 18n;
export const CTRL_VQ = 1n << 17n;

export const negotiated = (features = CTRL_VQ | CTRL_RX): RxEvent => ({ type: 'negotiated', features });
export const rx = (flag: 'promisc' | 'allmulti' | 'nomulti', value: number): RxEvent => ({
  type: 'command',
  command: { type: 'rx', flag, value },
});
export const tables = (unicast: readonly number[], multicast: readonly number[]): RxEvent => ({
  type: 'command',
  command: { type: 'mac-table-set', unicast, multicast },
});
export const DRIVER_RESET: RxEvent = { type: 'reset', kind: 'driver' };
export const MACHINE_RESET: RxEvent = { type: 'reset', kind: 'machine' };

export function frame(dst: number, vid = -1): FrameHeader {
  return { ...newFrameHeader(), valid: true, length: 60, dst, vid };
}

/** A model after some events. */
export function after(id: HostModelId, ...events: readonly RxEvent[]) {
  const model = hostModel(id);
  let state = model.init(CONFIG);
  let last: Transition<unknown> = { state, ack: 'OK', ioctls: [], reason: null, needsReset: false };
  const ioctls: string[] = [];
  for (const event of events) {
    last = model.next(state, event);
    state = last.state;
    ioctls.push(...last.ioctls.map(({ name, arg, errno }) => `${name} ${arg} ${errno}`));
  }
  const rule = (dst: number, vid = -1): string => model.decide(state, frame(dst, vid)).rule;
  const accepts = (dst: number, vid = -1): boolean => model.decide(state, frame(dst, vid)).accept;
  return { model, state, last, ioctls, rule, accepts, link: model.link(state) };
}

/** Rules for own unicast, foreign unicast, broadcast, joined and unjoined multicast. */
export const rulesOf = (result: ReturnType<typeof after>): string[] =>
  [OWN, FOREIGN, BROADCAST, JOINED, UNJOINED].map((dst) => result.rule(dst));
