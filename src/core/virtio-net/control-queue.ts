/**
 * Executes control commands, strictly one after the other.
 *
 * A command is taken from the queue and parsed. Some the device executes by itself; the others are put to the
 * host, which answers at once or later (it lives in another thread). Until then the buffer stays ours and
 * no further command is taken. When the answer comes, what it changed is in force first, then the ack byte
 * is written and the buffer returned.
 *
 * A reset of the device or of the queue ends an epoch: an answer that arrives in a later epoch belongs to a
 * buffer that no longer exists and is dropped.
 *
 * The driver does not run during a pass, so it can have made available no more commands than its ring holds. Each
 * command is shown as used at once, and its reply goes where the driver said: laid on the available index,
 * replies could make further commands available for ever. A pass that finds more than a ring's worth has met
 * that, and the device asks to be reset. (A late answer ends a pass: the driver may have run meanwhile.)
 *
 * @spec 5.1.9.5
 */
import type { HostAnswer } from '../host/host-model.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import { hasFeature, VIRTIO_NET_F_CTRL_VQ } from '../virtio/features.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP } from '../virtio/queue.ts';
import {
  bytesBeforeAck,
  CONTROL_BYTES_MAX,
  type ControlError,
  type HostCommand,
  isHostCommand,
  type LocalCommand,
  type ParsedControl,
  parseControl,
  VIRTIO_NET_ERR,
  VIRTIO_NET_OK,
} from './control.ts';
import type { CtrlCounters } from './counters.ts';
import type { DeviceEvent } from './events.ts';
import { type DeviceHost, isPromise } from './host-link.ts';
import { CHAIN_CAPACITY } from './layout.ts';
import type { LocalAnswer } from './local-commands.ts';

export interface ControlQueueParts {
  readonly memory: GuestMemory;
  readonly counters: CtrlCounters;
  readonly emit: (event: DeviceEvent) => void;
  readonly now: () => number;
  readonly host: DeviceHost;
  /** Why a command is refused before the host is asked, or null. */
  readonly judge: (command: HostCommand) => ControlError | null;
  /** The host answered OK: the command is in force from here on. */
  readonly applied: (command: HostCommand, generation: number) => void;
  /** Executes a command that is no matter of the host. */
  readonly execute: (command: LocalCommand) => LocalAnswer;
}

type Verdict = Pick<HostAnswer, 'ack' | 'reason' | 'needsReset'>;

/** The other thread is gone or failed: the driver must not wait for ever. */
const NO_ANSWER: Verdict = { ack: 'ERR', reason: 'The host did not answer.', needsReset: false };
const OK: Verdict = { ack: 'OK', reason: null, needsReset: false };
const NO_REPLY = new Uint8Array(0);

/** A command that was taken. */
interface Taken {
  readonly parsed: ParsedControl;
  /** Its index, by which the buffer goes back. */
  readonly queue: number;
  /** Position of the ack byte in the writable part. */
  readonly ackAt: number;
  readonly start: number;
}

export class ControlQueue {
  readonly #parts: ControlQueueParts;
  readonly #chain = new DescriptorChain(CHAIN_CAPACITY);
  readonly #message = new Uint8Array(CONTROL_BYTES_MAX);
  readonly #ack = new Uint8Array(1);
  #waiting = false;
  #epoch = 0;

  constructor(parts: ControlQueueParts) {
    this.#parts = parts;
  }

  /** A command was taken and waits for the host. */
  get waiting(): boolean {
    return this.#waiting;
  }

  reset(): void {
    this.#waiting = false;
    this.#epoch++;
  }

  /** Takes commands until there are none or one has to wait. */
  service(transport: Transport, index: number): void {
    if (this.#waiting) return;
    const queue = transport.queue(index);
    let found = queue.pop(this.#chain);
    for (let taken = 0; found === POP.CHAIN; found = queue.pop(this.#chain)) {
      if (++taken > queue.size) {
        transport.guestError('ring-self-fed', index, `command ${taken} of a ring of ${queue.size}`);
        return;
      }
      if (!this.#execute(transport, index) || !transport.running(index)) return;
    }
    if (found === POP.BROKEN && queue.fault) transport.guestError(queue.fault.code, index, queue.fault.detail);
  }

  /** False if the command waits for the host. */
  #execute(transport: Transport, queue: number): boolean {
    const start = this.#parts.now();
    const { readable, writable } = this.#chain;
    if (writable < 1) {
      transport.guestError('ctrl-no-ack-space', queue, `${readable} readable bytes`);
      this.#parts.counters.ctrl_err++;
      this.#giveBack(transport, queue, 0);
      return true;
    }
    const parsed = this.#parse(transport);
    const before = bytesBeforeAck(this.#message, Math.min(readable, CONTROL_BYTES_MAX));
    const taken: Taken = { parsed, queue, ackAt: Math.min(before, writable - 1), start };
    const { wish, error } = parsed;
    if (error && wish) transport.guestError(error.code, queue, error.reason);
    if (!wish) {
      this.#refuse(transport, taken, error);
      return true;
    }
    if (!isHostCommand(wish)) {
      this.#executeLocal(transport, taken, wish, before);
      return true;
    }
    const fault = this.#parts.judge(wish);
    if (fault) {
      this.#refuse(transport, taken, fault);
      return true;
    }
    return this.#askHost(transport, taken, wish);
  }

  #parse(transport: Transport): ParsedControl {
    const { readable } = this.#chain;
    if (readable > CONTROL_BYTES_MAX) {
      const reason = `The command has ${readable} bytes, more than ${CONTROL_BYTES_MAX}.`;
      const error: ControlError = { code: 'ctrl-malformed', reason };
      this.#message.fill(0, 0, 2);
      return { class: -1, command: -1, name: 'oversized', data: '', wish: null, error };
    }
    this.#chain.read(this.#parts.memory, 0, this.#message, 0, readable);
    const features = transport.negotiated;
    // Without CTRL_VQ there is no control queue, whatever else was accepted; dependencies were judged before.
    return parseControl(this.#message, readable, hasFeature(features, VIRTIO_NET_F_CTRL_VQ) ? features : 0n);
  }

  #refuse(transport: Transport, taken: Taken, error: ControlError | null): void {
    const reason = error?.reason ?? null;
    if (error) transport.guestError(error.code, taken.queue, error.reason);
    this.#finish(transport, taken, { ack: 'ERR', reason, needsReset: false }, NO_REPLY);
  }

  #executeLocal(transport: Transport, taken: Taken, command: LocalCommand, before: number): void {
    const { writable } = this.#chain;
    if (writable <= before) {
      const reason = `The reply needs ${before + 1} writable bytes, there are ${writable}.`;
      this.#refuse(transport, taken, { code: 'ctrl-malformed', reason });
      return;
    }
    const { error, reply } = this.#parts.execute(command);
    if (error) this.#refuse(transport, taken, error);
    else this.#finish(transport, taken, OK, reply);
  }

  /** False if the host answers later. */
  #askHost(transport: Transport, taken: Taken, command: HostCommand): boolean {
    const answer = this.#parts.host.rxEvent({ type: 'command', command });
    const settle = (verdict: Verdict, generation: number): void => {
      // @spec 5.1.9.5.2.1 MUST be in force before the buffer is returned (NET-MAC-02)
      if (verdict.ack === 'OK') this.#parts.applied(command, generation);
      this.#finish(transport, taken, verdict, NO_REPLY);
    };
    if (!isPromise(answer)) {
      settle(answer, answer.generation);
      return true;
    }
    this.#waiting = true;
    const epoch = this.#epoch;
    const resume = (verdict: Verdict, generation: number): void => {
      if (this.#epoch !== epoch) return;
      this.#waiting = false;
      settle(verdict, generation);
      transport.settled(taken.queue);
      if (transport.running(taken.queue)) this.service(transport, taken.queue);
    };
    answer.then(
      (late) => resume(late, late.generation),
      () => resume(NO_ANSWER, 0),
    );
    return false;
  }

  #finish(transport: Transport, { parsed, queue, ackAt, start }: Taken, verdict: Verdict, reply: Uint8Array): void {
    const { counters, emit, now } = this.#parts;
    const ok = verdict.ack === 'OK';
    if (ok) counters.ctrl_ok++;
    else counters.ctrl_err++;
    emit({
      type: 'control',
      class: parsed.class,
      command: parsed.command,
      name: parsed.name,
      data: parsed.data,
      ack: verdict.ack,
      reason: verdict.reason,
      elapsed: now() - start,
    });
    this.#ack[0] = ok ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    this.#giveBack(transport, queue, this.#writeAnswer(ackAt, reply));
    if (verdict.needsReset) transport.needsReset(verdict.reason ?? 'The host gave up.');
  }

  /**
   * Writes ack and reply; how many bytes that were. Bytes before the ack are the reply, zero if there is none;
   * a result behind it is cut to the room there is. @spec 5.1.9.5.11.12 (NET-STATS-06)
   */
  #writeAnswer(ackAt: number, reply: Uint8Array): number {
    const { memory } = this.#parts;
    const chain = this.#chain;
    if (ackAt > 0) chain.write(memory, 0, reply.length > 0 ? reply : new Uint8Array(ackAt), 0, ackAt);
    chain.write(memory, ackAt, this.#ack, 0, 1);
    const result = ackAt > 0 ? 0 : chain.write(memory, 1, reply, 0, reply.length);
    return ackAt + 1 + result;
  }

  #giveBack(transport: Transport, queue: number, length: number): void {
    transport.queue(queue).pushUsed(this.#chain.head, length);
    transport.complete(queue);
  }
}
