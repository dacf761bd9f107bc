/**
 * The host's side of the lab: one thread with a switch, a link and its host models for each guest on it, and a
 * station that answers (so that `ping` has somebody to talk to).
 *
 * The models and the links are src/core/host, the switch is src/core/net; what is here gives them a clock and wires
 * (guest-port.ts).
 */
import * as Comlink from 'comlink';
import { EchoStation } from '../src/core/net/echo-station.ts';
import { LearningSwitch } from '../src/core/net/learning-switch.ts';
import { formatMac } from '../src/core/net/mac.ts';
import { plugStation } from '../src/core/net/station-port.ts';
import type { PortInit, SwitchApi, SwitchPortInfo } from '../src/protocol/api.ts';
import { type GuestEnds, GuestPort } from './guest-port.ts';
import { reportRejections } from './trace-port.ts';

/** How often the switch is told how late it is, in milliseconds: it forgets addresses after minutes. */
const SWITCH_INTERVAL = 1000;

export type { GuestEnds };

class VionaWorker implements SwitchApi<GuestEnds> {
  readonly #network = new LearningSwitch();
  readonly #guests = new Map<number, GuestPort>();

  constructor() {
    plugStation(this.#network, new EchoStation());
    setInterval(() => {
      this.#network.advance(performance.now() * 1e6);
    }, SWITCH_INTERVAL);
  }

  plug(init: PortInit, ends: GuestEnds): number {
    const port = new GuestPort(this.#network, init, ends);
    this.#guests.set(port.number, port);
    return port.number;
  }

  unplug(port: number): void {
    this.#guests.get(port)?.close();
    this.#guests.delete(port);
  }

  ports(): SwitchPortInfo[] {
    return this.#network.describe().map(({ port, addresses, ...counters }) => ({
      port,
      name: this.#guests.get(port)?.name ?? 'Station',
      addresses: addresses.map(formatMac),
      ...counters,
    }));
  }
}

reportRejections();
Comlink.expose(new VionaWorker());
