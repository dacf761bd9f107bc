// CONTRACT (device owner completes: constants, parseControl(bytes) -> command or guest error)
import type { Mac } from '../net/mac.ts';
import type { RxFlag } from './rx-mode.ts';

/** A well-formed control command. Wire: class u8, command u8, data; reply: ack u8. @spec 5.1.9.5 */
export type ControlCommand =
  | { readonly type: 'rx'; readonly flag: RxFlag; readonly value: number }
  | { readonly type: 'mac-table-set'; readonly unicast: readonly Mac[]; readonly multicast: readonly Mac[] };
