/**
 * The packet hash: Toeplitz over addresses and ports, as the driver configured it.
 *
 * A hash is the XOR of 32-bit windows onto the key, one for each bit set in the input. The windows of one
 * input byte are added up once per key, in a table of 256 values for each byte position, so that a frame
 * costs one look-up per byte and nothing is allocated.
 *
 * @spec 5.1.9.4.3, 5.1.9.4.5
 */
import { type Flow, IPPROTO_TCP, newFlow, readFlow } from '../net/flow.ts';

export const HASH_IPV4 = 1;
export const HASH_TCPV4 = 2;
export const HASH_UDPV4 = 4;
export const HASH_IPV6 = 8;
export const HASH_TCPV6 = 16;
export const HASH_UDPV6 = 32;
export const HASH_IP_EX = 64;
export const HASH_TCP_EX = 128;
export const HASH_UDP_EX = 256;
/** Names by bit, without the prefix VIRTIO_NET_HASH_TYPE_. */
export const HASH_TYPE_NAMES = ['IPv4', 'TCPv4', 'UDPv4', 'IPv6', 'TCPv6', 'UDPv6', 'IP_EX', 'TCP_EX', 'UDP_EX'];
export const SUPPORTED_HASH_TYPES = 0x1ff;

/** @spec 5.1.4.1 MUST be at least 40 (NET-CFG-07) */
export const RSS_MAX_KEY_SIZE = 40;
/** @spec 5.1.4.1 MUST be at least 128 (NET-CFG-08) */
export const RSS_MAX_TABLE_LENGTH = 128;

/** Two IPv6 addresses and two ports. */
const INPUT_MAX = 36;

export interface HashConfig {
  /** HASH_* bits: what to hash at all. */
  readonly types: number;
  /** Up to RSS_MAX_KEY_SIZE bytes; what is missing counts as zero. */
  readonly key: readonly number[];
}

/** `struct virtio_net_rss_config`. Queues are named by pair. */
export interface RssConfig extends HashConfig {
  /** Pairs by hash modulo the table's length, which is a power of two. */
  readonly table: readonly number[];
  /** Where packets without a hash go. */
  readonly unclassified: number;
  /** Transmit queues that the driver may use. */
  readonly maxTxQueues: number;
}

export const NO_HASH: HashConfig = Object.freeze({ types: 0, key: Object.freeze([]) });

export class PacketHash {
  readonly #table = new Uint32Array(256 * INPUT_MAX);
  readonly #flow: Flow = newFlow();
  #config: HashConfig = NO_HASH;
  /** Of the frame that was hashed last. */
  value = 0;
  /** VIRTIO_NET_HASH_REPORT_*: 0 if no hash was calculated, else the number of its type's bit plus one. */
  report = 0;

  get config(): HashConfig {
    return this.#config;
  }

  configure(config: HashConfig): void {
    this.#config = config;
    const { key } = config;
    const table = this.#table;
    for (let position = 0; position < INPUT_MAX; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const window = keyWindow(key, 8 * position + 7 - bit);
        // A byte's value is that of the byte without its highest bit, and the window of that bit.
        for (let byte = 1 << bit; byte < 2 << bit; byte++) {
          table[256 * position + byte] = (table[256 * position + byte - (1 << bit)] ?? 0) ^ window;
        }
      }
    }
  }

  /** Sets `value` and `report` for the frame. */
  calculate(bytes: Uint8Array, offset: number, length: number): void {
    this.value = 0;
    this.report = 0;
    const { types } = this.#config;
    if (types === 0) return;
    const flow = this.#flow;
    readFlow(bytes, offset, length, flow);
    if (flow.version === 4) this.#hash4(bytes, flow, types);
    else if (flow.version === 6) this.#hash6(bytes, flow, types);
  }

  /** @spec 5.1.9.4.3.2 TCP, else UDP, else addresses alone (NET-HASH-05) */
  #hash4(bytes: Uint8Array, flow: Flow, types: number): void {
    const type = choose(flow, types, HASH_TCPV4, HASH_UDPV4, HASH_IPV4);
    if (type === 0) return;
    const hash = this.#sum(bytes, flow.srcAt, 4, 0) ^ this.#sum(bytes, flow.dstAt, 4, 4);
    this.#finish(type, type === HASH_IPV4 ? hash : hash ^ this.#sum(bytes, flow.portsAt, 4, 8));
  }

  /** @spec 5.1.9.4.3.4 with extension headers their own types come first, then the plain rules (NET-HASH-05) */
  #hash6(bytes: Uint8Array, flow: Flow, types: number): void {
    const extended = flow.extended ? choose(flow, types, HASH_TCP_EX, HASH_UDP_EX, HASH_IP_EX) : 0;
    const type = extended || choose(flow, types, HASH_TCPV6, HASH_UDPV6, HASH_IPV6);
    if (type === 0) return;
    const srcAt = extended ? flow.homeAt : flow.srcAt;
    const dstAt = extended ? flow.finalAt : flow.dstAt;
    const hash = this.#sum(bytes, srcAt, 16, 0) ^ this.#sum(bytes, dstAt, 16, 16);
    const plain = type === HASH_IPV6 || type === HASH_IP_EX;
    this.#finish(type, plain ? hash : hash ^ this.#sum(bytes, flow.portsAt, 4, 32));
  }

  #sum(bytes: Uint8Array, at: number, length: number, position: number): number {
    let hash = 0;
    for (let i = 0; i < length; i++) hash ^= this.#table[256 * (position + i) + (bytes[at + i] ?? 0)] ?? 0;
    return hash;
  }

  #finish(type: number, hash: number): void {
    this.value = hash >>> 0;
    this.report = 32 - Math.clz32(type); // @spec 5.1.9.4.5 the type is 1 << (report - 1)
  }
}

function choose(flow: Flow, types: number, tcp: number, udp: number, ip: number): number {
  const ported = flow.protocol === 0 ? 0 : flow.protocol === IPPROTO_TCP ? tcp : udp;
  return ported & types || ip & types;
}

/** The 32 bits of the key that begin at `bit`, zeros behind its end. */
function keyWindow(key: readonly number[], bit: number): number {
  const at = bit >> 3;
  const shift = bit & 7;
  const word = ((key[at] ?? 0) << 24) | ((key[at + 1] ?? 0) << 16) | ((key[at + 2] ?? 0) << 8) | (key[at + 3] ?? 0);
  return shift === 0 ? word : (word << shift) | ((key[at + 4] ?? 0) >> (8 - shift));
}
