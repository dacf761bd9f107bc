/**
 * Commands that the device executes by itself, and what it checks before a host is asked.
 *
 * Each either takes effect whole and answers OK, or changes nothing and says what the driver did wrong.
 *
 * @spec 5.1.9.5.4 to 5.1.9.5.11
 */
import type { Transport } from '../virtio/device.ts';
import type { Coalescing } from './coalescing.ts';
import type { ControlCommand, ControlError, LocalCommand } from './control.ts';
import type { Counters } from './counters.ts';
import type { NetConfig } from './net-config.ts';
import type { OffloadState } from './offload-state.ts';
import type { RssConfig } from './rss.ts';
import { readStats, supportedStats } from './statistics.ts';
import type { Steering } from './steering.ts';

/** What commands read and change. */
export interface CommandContext {
  readonly transport: Transport;
  readonly config: NetConfig;
  readonly steering: Steering;
  readonly offloads: OffloadState;
  readonly coalescing: Coalescing;
  readonly counters: Counters;
  /** Index of the control queue; data queues lie below it. */
  readonly ctrlQueue: number;
}

export interface LocalAnswer {
  /** Why ERR, or null for OK. */
  readonly error: ControlError | null;
  /** Bytes for the driver: VQ_GET before the ack, others behind it. */
  readonly reply: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const OK: LocalAnswer = { error: null, reply: NOTHING };

const reply = (bytes: Uint8Array): LocalAnswer => ({ error: null, reply: bytes });

const refuse = (code: ControlError['code'], reason: string): LocalAnswer => ({
  error: { code, reason },
  reply: NOTHING,
});

/** What is wrong with a command for the host that the host need not be asked about, or null. */
export function judgeHostCommand(command: ControlCommand, { steering }: CommandContext): ControlError | null {
  if (command.type !== 'mq-pairs') return null;
  const { pairs } = command;
  if (pairs >= 1 && pairs <= steering.pairs) return null;
  return { code: 'ctrl-bad-pairs', reason: `${pairs} pairs, of 1 to ${steering.pairs}.` };
}

export function execute(command: LocalCommand, context: CommandContext): LocalAnswer {
  const { transport, config, steering, offloads, coalescing } = context;
  switch (command.type) {
    case 'announce-ack': {
      // @spec 5.1.9.5.4.2 MUST clear the bit before the buffer is returned (NET-ANN-01)
      if (!config.announce) return OK;
      config.announce = false;
      transport.configChanged('quiet');
      return OK;
    }
    case 'rss-config': {
      const fault = judgeRss(command.config, steering.pairs);
      if (fault !== null) return refuse('ctrl-bad-rss', fault);
      steering.setRss(command.config);
      return OK;
    }
    case 'hash-config': {
      steering.setHash(command.config);
      return OK;
    }
    case 'offloads-set': {
      if (offloads.set(command.offloads)) return OK;
      return refuse('ctrl-bad-offloads', `0x${command.offloads.toString(16)} has bits that were not negotiated.`);
    }
    case 'coal-set': {
      const first = command.role === 'rx' ? 0 : 1;
      for (let queue = first; queue < context.ctrlQueue; queue += 2) coalescing.setQueue(queue, command.coalesce);
      coalescing.setDefault(command.role, command.coalesce);
      return OK;
    }
    case 'coal-vq-set':
    case 'coal-vq-get':
      return coalesceQueue(command, context);
    case 'stats-query':
      return reply(supportedStats(transport.negotiated));
    case 'stats-get': {
      const { counters, ctrlQueue } = context;
      const { negotiated: features, kicks, interrupts } = transport;
      const stats = readStats(command.requests, { features, counters, ctrlQueue, kicks, interrupts });
      return typeof stats === 'string' ? refuse('ctrl-bad-stats', stats) : reply(stats);
    }
  }
}

/** @spec 5.1.9.5.10.6 MUST answer ERR unless it is an enabled receive or transmit queue (NET-COAL-04) */
function coalesceQueue(
  command: Extract<LocalCommand, { type: 'coal-vq-set' | 'coal-vq-get' }>,
  { transport, coalescing, ctrlQueue }: CommandContext,
): LocalAnswer {
  const { queue } = command;
  if (queue >= ctrlQueue || !transport.queue(queue).enabled) {
    return refuse('ctrl-bad-queue', `Queue ${queue} is no enabled receive or transmit queue.`);
  }
  if (command.type === 'coal-vq-set') {
    coalescing.setQueue(queue, command.coalesce);
    return OK;
  }
  const { maxPackets, maxUsecs } = coalescing.of(queue);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, maxPackets, true);
  view.setUint32(4, maxUsecs, true);
  return reply(bytes);
}

/** @spec 5.1.9.5.7.2 the table holds ids of receive queues; one that does not exist cannot be meant */
function judgeRss({ table, unclassified, maxTxQueues }: RssConfig, pairs: number): string | null {
  const wrong = [unclassified, ...table].find((pair) => pair >= pairs);
  if (wrong !== undefined) return `There is no receive queue with id ${wrong}; there are ${pairs}.`;
  if (maxTxQueues >= 1 && maxTxQueues <= pairs) return null;
  return `${maxTxQueues} transmit queues, of 1 to ${pairs}.`;
}
