/**
 * The fake driver dressed as Linux: the same wishes, the same kinds of command in the same order.
 *
 * Linux posts buffers for all pairs when the interface comes up (for those not in use NAPI's first poll does: it
 * finds an empty ring and fills it), and then and at each change sends PROMISC, ALLMULTI and the whole MAC table, if CTRL_RX was negotiated (drivers/net/virtio_net.c virtnet_set_rx_mode). With MQ it
 * asks for one pair as soon as it has probed: its machine has one processor. An interface that is up is in the
 * all-hosts and all-nodes groups and its solicited-node group.
 * Real Linux sends the three twice for each `ip link set … promisc`, first with the old flags; here it is once.
 *
 * As a bare driver it does none of that: what it sends is then said command by command.
 */
import type { Ack } from '../host/host-model.ts';
import { isHostCommand, parseControl } from '../virtio-net/control.ts';
import { macAddressSet, macTableSet, pairsSet, rxModeCommand, vlan } from './command-bytes.ts';
import { STATUS } from './driver-ports.ts';
import { FakeDriver, type ReceivedFrame } from './fake-driver.ts';
import type { RawCommand, RawGuest, ScenarioGuest } from './scenarios-types.ts';
import type { TestLab } from './test-lab.ts';
import { type Variant, variantDriver } from './variants.ts';

const CTRL_RX = 1n << 18n;
const CTRL_VLAN = 1n << 19n;
const MQ = 1n << 22n;
const CTRL_MAC_ADDR = 1n << 23n;
const MRG_RXBUF = 1n << 15n;
const EVERY_FEATURE = (1n << 128n) - 1n;
const NUM_BUFFERS = 10;
const MODES = ['promisc', 'allmulti', 'alluni', 'nomulti', 'nouni', 'nobcast'] as const;
/** For each pair: more than any packet of a scenario takes. */
const RX_BUFFERS = 32;
const JOINED_WHEN_UP = ['33:33:00:00:00:01', '33:33:ff:00:00:15', '01:00:5e:00:00:01'];

export class FakeLinux implements ScenarioGuest, RawGuest {
  readonly driver: FakeDriver;
  readonly raw = this;
  /** Frames received so far. */
  received = 0;
  readonly #lab: TestLab;
  #up = false;
  #promisc = false;
  #allmulti = false;
  #unicast: string[] = [];
  #multicast: string[] = [];

  /** A guest that has probed the device; its interface is down. */
  constructor(lab: TestLab, variant?: Variant) {
    this.#lab = lab;
    const options = variant ? variantDriver(variant) : {};
    this.driver = new FakeDriver({ ports: lab.ports, memory: lab.memory, ...options });
    lab.onDelivered = () => this.#take();
    lab.onMachineReset = () => this.reprobe();
    this.reprobe();
  }

  reprobe(): void {
    this.#probe();
    if (this.#has(MQ)) this.#send(pairsSet(1));
  }

  up(): void {
    this.#up = true;
    this.#multicast = [...new Set([...this.#multicast, ...JOINED_WHEN_UP])];
    this.#post(this.driver.pairs);
    this.#setRxMode();
  }

  down(): void {
    // The device is told nothing: Linux sends no commands for an interface that is down.
    this.#up = false;
    this.#multicast = this.#multicast.filter((group) => !JOINED_WHEN_UP.includes(group));
  }

  promisc(on: boolean): void {
    this.#promisc = on;
    this.#setRxMode();
  }

  allmulti(on: boolean): void {
    this.#allmulti = on;
    this.#setRxMode();
  }

  join(groups: readonly string[]): void {
    this.#multicast.push(...groups);
    this.#setRxMode();
  }

  leave(groups: readonly string[]): void {
    this.#multicast = this.#multicast.filter((joined) => !groups.includes(joined));
    this.#setRxMode();
  }

  addUnicast(addresses: readonly string[]): void {
    this.#unicast.push(...addresses);
    this.#setRxMode();
  }

  removeUnicast(addresses: readonly string[]): void {
    this.#unicast = this.#unicast.filter((added) => !addresses.includes(added));
    this.#setRxMode();
  }

  addVlan(vid: number): void {
    if (this.#has(CTRL_VLAN)) this.#send(vlan('add', vid));
  }

  removeVlan(vid: number): void {
    if (this.#has(CTRL_VLAN)) this.#send(vlan('del', vid));
  }

  setAddress(address: string): void {
    if (this.#has(CTRL_MAC_ADDR)) this.#send(macAddressSet(address));
  }

  setPairs(pairs: number): void {
    if (this.#has(MQ)) this.#send(pairsSet(pairs));
  }

  // RawGuest

  bareDriver(kicks: number): void {
    this.#probe();
    this.#up = true;
    this.#post(kicks);
  }

  command(send: RawCommand): Ack {
    const ack = this.#send(bytesOf(send));
    if (ack === null) throw new Error('the device needs a reset and answers nothing');
    return ack;
  }

  pastDevice(send: RawCommand): { readonly ack: Ack; readonly gaveUp: boolean } {
    const message = bytesOf(send);
    const { wish } = parseControl(message, message.length, EVERY_FEATURE);
    if (!wish || !isHostCommand(wish)) throw new Error('there is no such command');
    const { ack, needsReset } = this.#lab.host.rxEvent({ type: 'command', command: wish });
    return { ack, gaveUp: needsReset };
  }

  #has(feature: bigint): boolean {
    return (this.driver.features & feature) !== 0n;
  }

  #probe(): void {
    this.#up = false;
    this.#promisc = false;
    this.#allmulti = false;
    this.#unicast = [];
    this.#multicast = [];
    if (!this.driver.initialise()) throw new Error('the device refused the features');
  }

  #setRxMode(): void {
    if (!this.#up || !this.#has(CTRL_RX)) return;
    this.#send(rxModeCommand(0, this.#promisc ? 1 : 0));
    this.#send(rxModeCommand(1, this.#allmulti ? 1 : 0));
    this.#send(macTableSet(this.#unicast, this.#multicast));
  }

  /** Linux only warns of an ERR. A device that needs a reset would let it wait for ever: we do not (null). */
  #send(message: Uint8Array): Ack | null {
    const { driver } = this;
    const broken = (): boolean => (driver.status & STATUS.NEEDS_RESET) !== 0;
    if (broken()) return null;
    const ack = driver.ackNow(driver.sendCommand(message));
    if (ack === null && !broken()) throw new Error('the device did not answer the command');
    return ack === null ? null : ack === 0 ? 'OK' : 'ERR';
  }

  /** What is missing: an interface that goes down keeps its buffers in the rings. */
  #post(pairs: number): void {
    const { driver } = this;
    for (let pair = 0; pair < pairs; pair++) {
      driver.postReceive(RX_BUFFERS - driver.posted(pair), undefined, { pair });
    }
  }

  #take(): void {
    for (let pair = 0; pair < this.driver.pairs; pair++) {
      const taken = this.driver.collect(pair);
      this.received += this.#has(MRG_RXBUF) ? packets(taken) : taken.length;
      if (taken.length > 0 && this.#up) this.driver.postReceive(taken.length, undefined, { pair });
    }
  }
}

function bytesOf(send: RawCommand): Uint8Array {
  if ('mode' in send) return rxModeCommand(MODES.indexOf(send.mode), send.value);
  if ('unicast' in send) return macTableSet(send.unicast, send.multicast);
  if ('address' in send) return macAddressSet(send.address);
  if ('vlan' in send) return vlan(send.vlan, send.vid);
  return pairsSet(send.pairs);
}

/** A packet in several buffers has its header in the first, which says how many they are. */
function packets(buffers: readonly ReceivedFrame[]): number {
  let count = 0;
  for (let at = 0; at < buffers.length; count++) {
    const header = buffers[at]?.header ?? new Uint8Array(0);
    at += Math.max(1, (header[NUM_BUFFERS] ?? 0) + 256 * (header[NUM_BUFFERS + 1] ?? 0));
  }
  return count;
}
