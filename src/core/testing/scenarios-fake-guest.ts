/**
 * The fake driver dressed as Linux: the same wishes, the same kinds of command in the same order.
 *
 * Linux posts buffers when the interface comes up, and then and at each change sends PROMISC, ALLMULTI and
 * the whole MAC table, if CTRL_RX was negotiated (drivers/net/virtio_net.c virtnet_set_rx_mode). An
 * interface that is up is in the all-hosts and all-nodes groups and its solicited-node group.
 * Real Linux sends the three twice for each `ip link set … promisc`, first with the old flags; here it is once.
 */
import { macTableSet, rxModeCommand } from './command-bytes.ts';
import { FakeDriver } from './fake-driver.ts';
import type { ScenarioGuest } from './scenarios-types.ts';
import type { TestLab } from './test-lab.ts';

const CTRL_RX = 1n << 18n;
const RX_BUFFERS = 32;
const JOINED_WHEN_UP = ['33:33:00:00:00:01', '33:33:ff:00:00:15', '01:00:5e:00:00:01'];
const STATUS_NEEDS_RESET = 64;
const PROMISC = 0;
const ALLMULTI = 1;

export class FakeLinux implements ScenarioGuest {
  readonly driver: FakeDriver;
  /** Frames received so far. */
  received = 0;
  #up = false;
  #promisc = false;
  #allmulti = false;
  #unicast: string[] = [];
  #multicast: string[] = [];

  /** A guest that has probed the device; its interface is down. */
  constructor(lab: TestLab, seed = 1) {
    this.driver = new FakeDriver({ ports: lab.ports, memory: lab.memory, seed });
    lab.onDelivered = () => this.#take();
    lab.onMachineReset = () => this.reprobe();
    this.reprobe();
  }

  reprobe(): void {
    this.#up = false;
    this.#promisc = false;
    this.#allmulti = false;
    this.#unicast = [];
    this.#multicast = [];
    if (!this.driver.initialise()) throw new Error('the device refused the features');
  }

  async up(): Promise<void> {
    this.#up = true;
    this.#multicast = [...new Set([...this.#multicast, ...JOINED_WHEN_UP])];
    this.driver.postReceive(RX_BUFFERS);
    await this.#setRxMode();
  }

  down(): void {
    // The device is told nothing: Linux sends no commands for an interface that is down.
    this.#up = false;
    this.#multicast = this.#multicast.filter((group) => !JOINED_WHEN_UP.includes(group));
  }

  promisc(on: boolean): Promise<void> {
    this.#promisc = on;
    return this.#setRxMode();
  }

  allmulti(on: boolean): Promise<void> {
    this.#allmulti = on;
    return this.#setRxMode();
  }

  join(group: string): Promise<void> {
    this.#multicast.push(group);
    return this.#setRxMode();
  }

  leave(group: string): Promise<void> {
    this.#multicast = this.#multicast.filter((joined) => joined !== group);
    return this.#setRxMode();
  }

  addUnicast(address: string): Promise<void> {
    this.#unicast.push(address);
    return this.#setRxMode();
  }

  removeUnicast(address: string): Promise<void> {
    this.#unicast = this.#unicast.filter((added) => added !== address);
    return this.#setRxMode();
  }

  async #setRxMode(): Promise<void> {
    if (!this.#up || (this.driver.features & CTRL_RX) === 0n) return;
    await this.#command(rxModeCommand(PROMISC, this.#promisc ? 1 : 0));
    await this.#command(rxModeCommand(ALLMULTI, this.#allmulti ? 1 : 0));
    await this.#command(macTableSet(this.#unicast, this.#multicast));
  }

  /** Linux only warns of an ERR. A device that needs a reset would let it wait for ever: we do not. */
  async #command(message: Uint8Array): Promise<void> {
    if ((this.driver.status & STATUS_NEEDS_RESET) !== 0) return;
    const sent = this.driver.sendCommand(message);
    if ((this.driver.status & STATUS_NEEDS_RESET) === 0) await this.driver.ack(sent);
  }

  #take(): void {
    const taken = this.driver.collect().length;
    this.received += taken;
    if (taken > 0 && this.#up) this.driver.postReceive(taken);
  }
}
