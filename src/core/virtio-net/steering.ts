/**
 * Which pair a received frame goes to.
 *
 * Two modes, of which the last command of class MQ chose one:
 *
 *     automatic  a flow comes back on the pair that it was last sent on; a flow that was never sent goes
 *                to a pair by its addresses, a frame that is no IP to the first. One pair after reset.
 *     RSS        the driver's table says it, by the packet hash.
 *
 * A pair that the host names beats both: then the frame lay in that ring of the host, and the device has no
 * say. The packet hash is calculated for its report too, whatever the mode.
 *
 * What was sent is remembered in a table of fixed size, by a number that both directions of a flow share.
 *
 * @spec 5.1.9.5.5 to 5.1.9.5.7
 */
import { flowNumber, newFlow, readFlow } from '../net/flow.ts';
import { NO_PAIR } from '../ring/frames.ts';
import type { Transport } from '../virtio/device.ts';
import { rxQueue } from './layout.ts';
import { type HashConfig, NO_HASH, PacketHash, type RssConfig } from './rss.ts';

/** Flows that are remembered. */
export const FLOWS = 4096;

/** Plain data. */
export interface SteeringState {
  readonly pairsInUse: number;
  readonly rss: RssConfig | null;
  readonly hash: HashConfig;
  readonly flows: readonly { readonly number: number; readonly pair: number }[];
}

export class Steering {
  readonly pairs: number;
  readonly #hash = new PacketHash();
  readonly #flow = newFlow();
  readonly #flowNumbers = new Uint32Array(FLOWS);
  readonly #flowPairs = new Uint16Array(FLOWS);
  #pairsInUse = 1;
  #rss: RssConfig | null = null;

  /** @param pairs as many as the device has */
  constructor(pairs: number) {
    this.pairs = pairs;
  }

  /** Hash of the frame that was steered last; meaningful if `hashReport` is not 0. */
  get hashValue(): number {
    return this.#hash.value;
  }

  /** VIRTIO_NET_HASH_REPORT_* of the frame that was steered last. */
  get hashReport(): number {
    return this.#hash.report;
  }

  /** Pairs that VQ_PAIRS_SET enabled. */
  get pairsInUse(): number {
    return this.#pairsInUse;
  }

  /** The table in force, or null when steering is automatic. */
  get rss(): RssConfig | null {
    return this.#rss;
  }

  get hash(): HashConfig {
    return this.#hash.config;
  }

  /** VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET: automatic steering. @spec 5.1.9.5.5 the last command decides (NET-MQ-02) */
  setPairs(pairs: number): void {
    this.#pairsInUse = pairs;
    this.#rss = null;
  }

  /** VIRTIO_NET_CTRL_MQ_RSS_CONFIG. */
  setRss(config: RssConfig): void {
    this.#rss = config;
    this.#hash.configure(config);
  }

  /** VIRTIO_NET_CTRL_MQ_HASH_CONFIG: what is reported, not where frames go. */
  setHash(config: HashConfig): void {
    this.#hash.configure(config);
  }

  /** @spec 5.1.9.5.6.2 MUST use receiveq1 alone after a reset (NET-MQ-06) */
  reset(): void {
    this.#pairsInUse = 1;
    this.#rss = null;
    this.#hash.configure(NO_HASH);
    this.#flowPairs.fill(0);
    this.#flowNumbers.fill(0);
  }

  save(): SteeringState {
    const flows = [...this.#flowNumbers.entries()].flatMap(([slot, number]) =>
      number === 0 ? [] : [{ number, pair: this.#flowPairs[slot] ?? 0 }],
    );
    const { types, key } = this.hash;
    const rss = this.#rss && { ...this.#rss, key: [...this.#rss.key], table: [...this.#rss.table] };
    return { pairsInUse: this.#pairsInUse, rss, hash: { types, key: [...key] }, flows };
  }

  /** Takes over checked state. */
  restore({ pairsInUse, rss, hash, flows }: SteeringState): void {
    this.reset();
    this.#pairsInUse = pairsInUse;
    this.#rss = rss;
    this.#hash.configure(hash);
    for (const { number, pair } of flows) this.#remember(number, pair);
  }

  /** Remembers that a frame of this flow was sent on `pair`. */
  learn(pair: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.#pairsInUse === 1) return;
    readFlow(bytes, offset, length, this.#flow);
    const number = flowNumber(bytes, this.#flow);
    if (number !== 0) this.#remember(number, pair);
  }

  /** The pair for a frame. @param named what the host says, or NO_PAIR */
  pick(transport: Transport, bytes: Uint8Array, offset: number, length: number, named: number): number {
    this.#hash.calculate(bytes, offset, length);
    if (named !== NO_PAIR) return named < this.pairs ? named : 0;
    if (this.#rss) return this.#byTable(this.#rss);
    return this.#pairsInUse === 1 ? 0 : this.#automatic(transport, bytes, offset, length);
  }

  #remember(number: number, pair: number): void {
    this.#flowNumbers[number % FLOWS] = number;
    this.#flowPairs[number % FLOWS] = pair;
  }

  #byTable(rss: RssConfig): number {
    // @spec 5.1.9.5.7.3 MUST use unclassified_queue without a hash (NET-RSS-02), else hash AND mask (NET-RSS-03)
    if (this.hashReport === 0) return rss.unclassified;
    return rss.table[this.hashValue & (rss.table.length - 1)] ?? rss.unclassified;
  }

  #automatic(transport: Transport, bytes: Uint8Array, offset: number, length: number): number {
    readFlow(bytes, offset, length, this.#flow);
    const number = flowNumber(bytes, this.#flow);
    const slot = number % FLOWS;
    const sentOn = this.#flowNumbers[slot] === number ? (this.#flowPairs[slot] ?? 0) : this.#pairsInUse;
    // @spec 5.1.9.5.6 SHOULD come back where it was sent (NET-MQ-04), else MAY go anywhere in use (NET-MQ-05)
    const pair = sentOn < this.#pairsInUse ? sentOn : number % this.#pairsInUse;
    // @spec 5.1.9.5.6.2 SHOULD take another one while this is being reset (NET-MQ-08)
    for (let i = 0; i < this.#pairsInUse; i++) {
      const other = (pair + i) % this.#pairsInUse;
      if (transport.queue(rxQueue(other)).enabled) return other;
    }
    return pair;
  }
}
