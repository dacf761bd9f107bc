/** The page of the other side: guests with v86's own NIC, each in a thread of its own, driven through `window.nics`. */
import * as Comlink from 'comlink';
import type { ExecResult } from '../../src/protocol/api.ts';
import type { Flood, FloodResult, NicApi, NicStart } from '../v86-nic/api.ts';

export class Nics {
  readonly #guests: Comlink.Remote<NicApi>[] = [];

  /** One guest more. */
  async add(options: NicStart): Promise<void> {
    const worker = new Worker(new URL('../v86-nic/nic.worker.ts', import.meta.url), { type: 'module' });
    const guest = Comlink.wrap<NicApi>(worker);
    await guest.start(options);
    this.#guests.push(guest);
  }

  exec(index: number, command: string): Promise<ExecResult> {
    return this.#guest(index).exec(command);
  }

  sent(index: number): Promise<number> {
    return this.#guest(index).sent();
  }

  flood(index: number, flood: Flood): Promise<FloodResult> {
    return this.#guest(index).flood(flood);
  }

  #guest(index: number): Comlink.Remote<NicApi> {
    const guest = this.#guests[index];
    if (!guest) throw new Error(`there is no guest ${index}`);
    return guest;
  }
}

declare global {
  interface Window {
    nics: Nics;
  }
}

window.nics = new Nics();
