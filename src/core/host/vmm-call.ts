/**
 * One request on its way through a VMM that drives a viona link: the state so far, the ioctls issued so far,
 * and in the end the transition. Lives for one call of `next` or `migrate`.
 */
import type { IoctlName } from '../viona/ioctl-table.ts';
import type { IoctlArguments } from '../viona/ioctl-arguments.ts';
import { linkIoctl, type ValueOf } from '../viona/ioctl.ts';
import type { IoctlRecord } from '../viona/link.ts';
import type { Transition } from './host-model.ts';
import type { HasLink } from './viona-half.ts';

export class VmmCall<S extends HasLink> {
  readonly #before: S;
  readonly #ioctls: IoctlRecord[] = [];
  #state: S;
  #failure: string | null = null;

  constructor(state: S) {
    this.#before = state;
    this.#state = state;
  }

  get state(): S {
    return this.#state;
  }

  /** `VNA_IOC_SET_PROMISC ALL failed with ENOMEM`: the first ioctl that failed. */
  get failure(): string | null {
    return this.#failure;
  }

  set(fields: Partial<S>): void {
    this.#state = { ...this.#state, ...fields };
  }

  /** True if the link did it. An answer with an error in it counts as a failure too. */
  ioctl<N extends IoctlName>(name: N, arg: IoctlArguments[N]): boolean {
    // The compiler does not see that IoctlArguments[N] is what linkIoctl takes for N.
    const { state: link, record } = linkIoctl<string>(this.#state.link, name, arg);
    if (link !== this.#state.link) this.set({ link } as Partial<S>);
    this.#ioctls.push(record);
    const error = record.errno === 0 ? errorInside(record.value) : record.errno;
    if (error !== null) this.#failure ??= `${`${record.name} ${record.arg}`.trim()} failed with ${error}`;
    return error === null;
  }

  ok(): Transition<S> {
    return this.#transition('OK', null, false);
  }

  /** The command is answered ERR. */
  refuse(reason: string, needsReset = false): Transition<S> {
    return this.#transition('ERR', reason, needsReset);
  }

  /** What cannot be refused has failed. */
  giveUp(reason: string): Transition<S> {
    return this.#transition('OK', reason, true);
  }

  /** Nothing of it has happened: the ioctls went to a link that is thrown away. */
  abandon(reason: string): Transition<S> {
    this.#state = this.#before;
    return this.refuse(reason);
  }

  #transition(ack: 'OK' | 'ERR', reason: string | null, needsReset: boolean): Transition<S> {
    // A state in which nothing changed is the same state: generations count by identity.
    const same = (Object.keys(this.#state) as (keyof S)[]).every((key) => this.#state[key] === this.#before[key]);
    return { state: same ? this.#before : this.#state, ack, ioctls: this.#ioctls, reason, needsReset };
  }
}

/** Version 7 answers some failures with errno 0 and a code. @source viona_io.h vmf_err */
function errorInside(value: ValueOf<string> | undefined): string | null {
  if (typeof value !== 'object' || value === null || !('err' in value)) return null;
  const { err } = value;
  return typeof err === 'string' && !err.endsWith('_OK') ? err : null;
}
