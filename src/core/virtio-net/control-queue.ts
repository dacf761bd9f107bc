/**
 * Executes control commands, strictly one after the other.
 *
 * A command is taken from the queue, parsed, and put to the host, which answers at once or later (it lives
 * in another thread). Until then the buffer stays ours and no further command is taken. When the answer
 * comes, what it changed is in force first, then the ack byte is written and the buffer returned.
 *
 * A reset ends an epoch: an answer that arrives in a later epoch belongs to a buffer that no longer exists
 * and is dropped.
 *
 * @spec 5.1.9.5
 */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { DescriptorChain } from '../virtio/descriptor-chain.ts';
import type { Transport } from '../virtio/device.ts';
import { hasFeature, VIRTIO_NET_F_CTRL_VQ } from '../virtio/features.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { POP } from '../virtio/queue.ts';
import {
  CONTROL_BYTES_MAX,
  type ControlCommand,
  isControlError,
  type ParsedControl,
  parseControl,
  VIRTIO_NET_ERR,
  VIRTIO_NET_OK,
} from './control.ts';
import type { Counters } from './counters.ts';
import type { DeviceEvent } from './events.ts';
import { CTRL_QUEUE, NET_QUEUES } from './layout.ts';

/** The host: decides what a command does. */
export interface DeviceHost {
  rxEvent(event: RxEvent): HostAnswer | Promise<HostAnswer>;
}

export interface ControlQueueParts {
  readonly memory: GuestMemory;
  readonly counters: Counters;
  readonly emit: (event: DeviceEvent) => void;
  readonly now: () => number;
  readonly host: DeviceHost;
  /** The host answered OK: the command is in force from here on. */
  readonly applied: (command: ControlCommand, generation: number) => void;
}

type Verdict = Pick<HostAnswer, 'ack' | 'reason' | 'needsReset'>;

/** The other thread is gone or failed: the driver must not wait for ever. */
const NO_ANSWER: Verdict = { ack: 'ERR', reason: 'The host did not answer.', needsReset: false };

export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && 'then' in value;

export class ControlQueue {
  readonly #parts: ControlQueueParts;
  readonly #chain = new DescriptorChain(NET_QUEUES[CTRL_QUEUE]?.maximumSize ?? 0);
  readonly #message = new Uint8Array(CONTROL_BYTES_MAX);
  readonly #ack = new Uint8Array(1);
  #waiting = false;

  constructor(parts: ControlQueueParts) {
    this.#parts = parts;
  }

  /** A command was taken and waits for the host. */
  get waiting(): boolean {
    return this.#waiting;
  }

  reset(): void {
    this.#waiting = false;
  }

  /** Takes commands until there are none or one has to wait. */
  service(transport: Transport): void {
    if (this.#waiting) return;
    const queue = transport.queue(CTRL_QUEUE);
    let found = queue.pop(this.#chain);
    for (; found === POP.CHAIN; found = queue.pop(this.#chain)) {
      if (!this.#execute(transport) || transport.broken) return;
    }
    if (found === POP.BROKEN && queue.fault) transport.guestError(queue.fault.code, CTRL_QUEUE, queue.fault.detail);
  }

  /** False if the command waits for the host. */
  #execute(transport: Transport): boolean {
    const { now, host } = this.#parts;
    const start = now();
    const chain = this.#chain;
    if (chain.writable < 1) {
      transport.guestError('ctrl-no-ack-space', CTRL_QUEUE, `${chain.readable} readable bytes`);
      this.#parts.counters.ctrl_err++;
      this.#giveBack(transport, 0);
      return true;
    }
    const parsed = this.#parse(transport);
    if (isControlError(parsed.result)) {
      const { code, reason } = parsed.result;
      transport.guestError(code, CTRL_QUEUE, reason);
      this.#finish(transport, parsed, null, { ack: 'ERR', reason, needsReset: false }, 0, start);
      return true;
    }
    const command = parsed.result;
    const answer = host.rxEvent({ type: 'command', command });
    if (!isPromise(answer)) {
      this.#finish(transport, parsed, command, answer, answer.generation, start);
      return true;
    }
    this.#waiting = true;
    const { epoch } = transport;
    const resume = (verdict: Verdict, generation: number): void => {
      if (transport.epoch !== epoch) return;
      this.#waiting = false;
      this.#finish(transport, parsed, command, verdict, generation, start);
      if (!transport.broken) this.service(transport);
    };
    answer.then(
      (late) => resume(late, late.generation),
      () => resume(NO_ANSWER, 0),
    );
    return false;
  }

  #parse(transport: Transport): ParsedControl {
    const { readable } = this.#chain;
    if (readable > CONTROL_BYTES_MAX) {
      const reason = `The command has ${readable} bytes, more than ${CONTROL_BYTES_MAX}.`;
      return { class: -1, command: -1, name: 'oversized', data: '', result: { code: 'ctrl-malformed', reason } };
    }
    this.#chain.read(this.#parts.memory, 0, this.#message, 0, readable);
    const features = transport.negotiated;
    // Without CTRL_VQ there is no control queue, whatever else was accepted; dependencies were judged before.
    return parseControl(this.#message, readable, hasFeature(features, VIRTIO_NET_F_CTRL_VQ) ? features : 0n);
  }

  #finish(
    transport: Transport,
    parsed: ParsedControl,
    command: ControlCommand | null,
    verdict: Verdict,
    generation: number,
    start: number,
  ): void {
    const { counters, emit, now, applied, memory } = this.#parts;
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
    // @spec 5.1.9.5.2.1 MUST be in force before the buffer is returned (NET-MAC-02)
    if (ok && command) applied(command, generation);
    this.#ack[0] = ok ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    this.#chain.write(memory, 0, this.#ack, 0, 1);
    this.#giveBack(transport, 1);
    if (verdict.needsReset) transport.needsReset(verdict.reason ?? 'The host gave up.');
  }

  #giveBack(transport: Transport, length: number): void {
    transport.queue(CTRL_QUEUE).pushUsed(this.#chain.head, length);
    transport.complete(CTRL_QUEUE);
  }
}
