/**
 * An Ethernet switch that learns which address is behind which port.
 *
 *     source unicast         learned on the port that it came in by; moves when it comes in by another
 *     destination known      out of its port, and nowhere if that is where it came from
 *     destination unknown,   flooded: out of every port but its own
 *     or a group
 *
 * It looks at the two addresses and at nothing else. Frames pass as they are, tags and all, with what is still to be
 * done to them (`FrameMeta`): whoever takes a frame knows what it can take. A frame goes to a port within the call,
 * so a port that answers at once comes back in here; the bytes are handed on and never kept.
 *
 * An address that has not been heard of for AGEING is forgotten (IEEE 802.1Q 8.8.3). The owner has the clock and says
 * how late it is (`advance`), so a frame costs no look at one. Each port may have ADDRESSES_PER_PORT: a guest that
 * makes up addresses fills its own share and not its neighbour's. What is not learned is counted, and flooded to.
 *
 * Addresses lie in typed arrays and are searched one by one: there are few, and nothing is allocated for a frame.
 */
import type { FrameMeta, Wire } from '../ring/frames.ts';
import { ETHER_HEADER_SIZE } from './ethernet.ts';
import { isGroup, type Mac, macAt } from './mac.ts';

/** Nanoseconds after which an address that says nothing is forgotten: the standard's 300 seconds. */
export const AGEING = 300e9;
export const ADDRESSES_PER_PORT = 64;
export const MAX_PORTS = 8;

/** What hangs on a port. */
export interface SwitchPort {
  /** Takes a frame that leaves the switch here. False: it cannot, and the switch counts that. */
  take(...frame: Parameters<Wire>): boolean;
  /** Makes what was taken visible to whoever waits for it. */
  flush(): void;
}

/** What a port's frames came to. Of each that comes in, `framesIn` and at most one of `flooded` to `malformed` know. */
export interface PortCounters {
  /** Came in by this port. */
  readonly framesIn: number;
  /** Left by this port. What becomes of them there is the port's to count. */
  readonly framesOut: number;
  /** Came in, and went out of every other port: to a group, or to an address that nobody has used yet. */
  readonly flooded: number;
  /** Came in and went nowhere: their destination is behind this very port. */
  readonly filtered: number;
  /** Came in and went nowhere: too short to have two addresses. */
  readonly malformed: number;
  /** Should have left by this port, whose end could not take them. */
  readonly refused: number;
  /** Source addresses not learned because this port has as many as it may; their frames went on. */
  readonly notLearned: number;
}

export interface PortDescription extends PortCounters {
  readonly port: number;
  /** Learned, in the order in which they were. */
  readonly addresses: readonly Mac[];
}

class Port {
  readonly end: SwitchPort;
  framesIn = 0;
  framesOut = 0;
  flooded = 0;
  filtered = 0;
  malformed = 0;
  refused = 0;
  notLearned = 0;
  addresses = 0;
  /** Something was taken since the last flush. */
  taken = false;

  constructor(end: SwitchPort) {
    this.end = end;
  }
}

const UNKNOWN = -1;

export class LearningSwitch {
  readonly #ports: (Port | null)[] = [];
  /** Addresses, their ports, and when they were last heard of: the first `#known` of each. */
  readonly #macs = new Float64Array(MAX_PORTS * ADDRESSES_PER_PORT);
  readonly #behind = new Uint8Array(MAX_PORTS * ADDRESSES_PER_PORT);
  readonly #heard = new Float64Array(MAX_PORTS * ADDRESSES_PER_PORT);
  #known = 0;
  readonly #now = new Float64Array(1);

  /** Returns the port's number: the lowest that is free. Throws a RangeError if none is. */
  plug(end: SwitchPort): number {
    const free = this.#ports.indexOf(null);
    const port = free < 0 ? this.#ports.length : free;
    if (port >= MAX_PORTS) throw new RangeError(`The switch has ${MAX_PORTS} ports, and all are in use.`);
    this.#ports[port] = new Port(end);
    return port;
  }

  /** What was behind the port is forgotten, and its counters with it. */
  unplug(port: number): void {
    this.#ports[port] = null;
    for (let at = this.#known - 1; at >= 0; at--) if (this.#behind[at] === port) this.#forget(at);
  }

  /** Hot path. A frame comes in by a port; whoever gets it has got it when this returns. */
  forward(from: number, bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): void {
    const ingress = this.#ports[from];
    if (!ingress) return;
    ingress.framesIn++;
    if (length < ETHER_HEADER_SIZE) {
      ingress.malformed++;
      return;
    }
    this.#learn(ingress, from, macAt(bytes, offset + 6));
    const dst = macAt(bytes, offset);
    const at = isGroup(dst) ? UNKNOWN : this.#find(dst);
    if (at === UNKNOWN) {
      ingress.flooded++;
      for (let port = 0; port < this.#ports.length; port++) {
        if (port !== from) this.#out(port, bytes, offset, length, meta);
      }
    } else if (this.#behind[at] === from) {
      ingress.filtered++;
    } else {
      this.#out(this.#behind[at] as number, bytes, offset, length, meta);
    }
  }

  /** Each port that took something since the last flush shows it. */
  flush(): void {
    for (const port of this.#ports) {
      if (!port?.taken) continue;
      port.taken = false;
      port.end.flush();
    }
  }

  /** It is so late now, in nanoseconds of a clock that never goes back: addresses not heard of for long are forgotten. */
  advance(now: number): void {
    this.#now[0] = now;
    for (let at = this.#known - 1; at >= 0; at--) {
      if (now - (this.#heard[at] as number) >= AGEING) this.#forget(at);
    }
  }

  describe(): PortDescription[] {
    const macs = [...this.#macs.subarray(0, this.#known)];
    return this.#ports.flatMap((entry, port) => {
      if (!entry) return [];
      const { framesIn, framesOut, flooded, filtered, malformed, refused, notLearned } = entry;
      const addresses = macs.filter((_, at) => this.#behind[at] === port);
      return [{ port, addresses, framesIn, framesOut, flooded, filtered, malformed, refused, notLearned }];
    });
  }

  #out(number: number, bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): void {
    const port = this.#ports[number];
    if (!port) return;
    if (port.end.take(bytes, offset, length, meta)) port.framesOut++;
    else port.refused++;
    port.taken = true;
  }

  /** A group is nobody's source, and zeros are no address: such a frame goes on, and teaches nothing. */
  #learn(ingress: Port, from: number, src: Mac): void {
    if (isGroup(src) || src === 0) return;
    let at = this.#find(src);
    if (at === UNKNOWN || this.#behind[at] !== from) {
      if (ingress.addresses >= ADDRESSES_PER_PORT) {
        ingress.notLearned++;
        // It is certainly not where it was.
        if (at !== UNKNOWN) this.#forget(at);
        return;
      }
      if (at !== UNKNOWN) this.#forget(at);
      at = this.#known++;
      ingress.addresses++;
      this.#macs[at] = src;
      this.#behind[at] = from;
    }
    this.#heard[at] = this.#now[0] as number;
  }

  #find(mac: Mac): number {
    const macs = this.#macs;
    for (let at = 0; at < this.#known; at++) if (macs[at] === mac) return at;
    return UNKNOWN;
  }

  /** Those behind it move up, so that the order stays. */
  #forget(at: number): void {
    const port = this.#ports[this.#behind[at] as number];
    if (port) port.addresses--;
    this.#macs.copyWithin(at, at + 1, this.#known);
    this.#behind.copyWithin(at, at + 1, this.#known);
    this.#heard.copyWithin(at, at + 1, this.#known);
    this.#known--;
  }
}
