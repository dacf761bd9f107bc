/**
 * A virtio network device on a PCI bus: the one class that a machine has to know.
 *
 * The machine gives it guest memory, an interrupt pin, a host, a wire, a trace and a clock, and forwards
 * BAR accesses, PCI configuration accesses and frames. Accesses may have any width at any offset; values
 * are unsigned on the way out and may be signed on the way in.
 */
import type { Mac } from '../net/mac.ts';
import type { FrameMeta } from '../ring/frames.ts';
import { type FeatureSet, formatFeatures } from '../virtio/features.ts';
import type { GuestErrorEvent } from '../virtio/guest-error.ts';
import type { TransportEvent } from '../virtio-pci/events.ts';
import type { InterruptController } from '../virtio-pci/interrupts.ts';
import { VIRTIO_MSI_NO_VECTOR } from '../virtio-pci/layout.ts';
import { PciFunction } from '../virtio-pci/pci-function.ts';
import { VirtioPciTransport } from '../virtio-pci/transport.ts';
import type { DeviceEvent } from './events.ts';
import * as L from './layout.ts';
import { describeNet, describeQueue, type NetPart, type QueueDescription } from './describe.ts';
import { NetDevice, type NetDeviceOptions } from './net-device.ts';
import {
  type Abilities,
  offersOf,
  type Personality,
  type PersonalityResult,
  possibleFeatures,
  readPersonality,
} from './personality.ts';
import { type RestoreResult, readSnapshot, type NetPciSnapshot, SNAPSHOT_VERSION } from './snapshot.ts';

export interface VirtioNetPciOptions extends Omit<NetDeviceOptions, 'emit'> {
  /** Without `msi` the function has no MSI-X. */
  readonly interrupt: InterruptController;
  readonly emit: (event: TransportEvent | DeviceEvent | GuestErrorEvent) => void;
  /** Features of the host model in force. What the device cannot do of them is not offered. */
  readonly offers: FeatureSet;
  /** I/O port at which the BARs start until firmware moves them, a multiple of 1024. Default: 0xd000. */
  readonly ioBase?: number;
  /** Address of the memory BAR until firmware moves it, a multiple of 128 KiB. Default: 0xfeb00000. */
  readonly memoryBase?: number;
}

const DEFAULT_IO_BASE = 0xd000;
const DEFAULT_MEMORY_BASE = 0xfeb0_0000;

/** The device, for people: plain data. */
export interface NetDescription extends NetPart {
  /** Whole sets in hex; `negotiated` is empty until FEATURES_OK was kept. */
  readonly features: { readonly offered: string; readonly acked: string; readonly negotiated: string };
  readonly status: number;
  /** What it will be from the next reset on. */
  readonly personality: Omit<Personality, 'features'> & { readonly features: string };
  readonly queues: readonly QueueDescription[];
}

export class VirtioNetPci {
  /** PCI configuration space after power-on, 256 bytes. The machine keeps its own copy of it. */
  readonly pciSpace: PciFunction['pciSpace'];
  readonly bars: PciFunction['bars'];
  readonly #net: NetDevice;
  readonly #transport: VirtioPciTransport;
  readonly #function: PciFunction;
  readonly #emit: VirtioNetPciOptions['emit'];
  readonly #mac: Mac;
  readonly #abilities: Abilities;
  #personality: Personality;

  constructor(options: VirtioNetPciOptions) {
    this.#emit = options.emit;
    this.#mac = options.mac;
    this.#abilities = { timer: options.timer !== undefined };
    this.#personality = { features: options.offers, transitional: false, msix: true, ctrlMacAddr: false };
    this.#net = new NetDevice(options, offersOf(this.#personality, this.#abilities));
    const { memory, interrupt, trace, emit } = options;
    this.#transport = new VirtioPciTransport({ memory, interrupt, device: this.#net, trace, emit });
    this.#net.attach(this.#transport);
    this.#function = new PciFunction({
      transport: this.#transport,
      device: this.#net,
      deviceType: L.VIRTIO_ID_NET,
      classCode: L.PCI_CLASS_ETHERNET,
      kind: { transitional: this.#personality.transitional, msix: this.#personality.msix },
      ioBase: options.ioBase ?? DEFAULT_IO_BASE,
      memoryBase: options.memoryBase ?? DEFAULT_MEMORY_BASE,
      emit,
    });
    this.pciSpace = this.#function.pciSpace;
    this.bars = this.#function.bars;
  }

  /** @param width 1, 2 or 4 */
  barRead(bar: number, offset: number, width: number): number {
    return this.#function.barRead(bar, offset, width);
  }

  barWrite(bar: number, offset: number, width: number, value: number): void {
    this.#function.barWrite(bar, offset, width, value);
  }

  /** The value of a PCI configuration access, or undefined if the machine's own copy answers it. */
  pciConfigRead(offset: number, width: number): number | undefined {
    return this.#function.pciConfigRead(offset, width);
  }

  /** True if the access was ours and is done; false if the machine's own copy takes it. */
  pciConfigWrite(offset: number, width: number, value: number): boolean {
    return this.#function.pciConfigWrite(offset, width, value);
  }

  /** One frame from the host. Bytes are only read during the call. */
  receive(id: number, bytes: Uint8Array, offset: number, length: number, meta?: Readonly<FrameMeta>): void {
    this.#net.receive(id, bytes, offset, length, meta);
  }

  /** As `receive`, for a frame that can wait: false if it has to be offered again, because buffers are about to come. */
  offer(id: number, bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): boolean {
    return this.#net.offer(id, bytes, offset, length, meta);
  }

  /** The guest pauses: often while it runs, and at once when it halts. For a machine that said it has `turns`. */
  turn(): void {
    this.#net.turn();
  }

  /** The guest is halted, and there will be no turn before something wakes it. */
  rest(): void {
    this.#net.rest();
  }

  /** A fault: the next packet that needs several receive buffers finds the ring dry, and comes truncated. Or no fault. */
  shortNextMerge(short: boolean): void {
    this.#net.shortNextMerge(short);
  }

  /** After a batch of frames: shows them to the driver, and interrupts it once if it wants that. */
  flush(): void {
    this.#net.flush();
  }

  /** Features of the host model in force; what the device can do of them is offered from the next reset on. */
  setOffers(features: FeatureSet): void {
    this.#become({ ...this.#personality, features });
  }

  /** Features are offered from the next reset on. Untrusted: what cannot be is refused with a reason. */
  setPersonality(value: unknown): PersonalityResult {
    const result = readPersonality(value, this.#abilities);
    if (result.ok) this.#become(result.personality);
    return result;
  }

  #become(personality: Personality): void {
    this.#personality = personality;
    const offers = offersOf(personality, this.#abilities);
    this.#net.setOffers(offers);
    this.#function.become(personality);
    this.#emit({ type: 'offers-changed', next: formatFeatures(offers) });
  }

  /** Asks the driver to announce itself to the network. False if it did not negotiate that it can be asked. */
  announce(): boolean {
    return this.#net.announce();
  }

  setLinkUp(up: boolean): void {
    this.#net.setLinkUp(up);
  }

  /** Power-on state, as when the whole machine is reset. */
  machineReset(): void {
    this.#function.powerOn();
  }

  describe(): NetDescription {
    const transport = this.#transport;
    const net = describeNet(this.#net);
    return {
      ...net,
      features: {
        offered: formatFeatures(transport.offered),
        acked: formatFeatures(transport.accepted),
        negotiated: formatFeatures(transport.negotiated),
      },
      status: transport.status,
      personality: { ...this.#personality, features: formatFeatures(this.#net.offers()) },
      queues: this.#net.queueSpecs.map((_, index) => {
        const { size, enabled, availIdx, usedIdx } = transport.queue(index);
        const kicks = transport.kicks[index] ?? 0;
        const interrupts = transport.interrupts[index] ?? 0;
        const mapped = transport.signals.vector(index);
        const vector = mapped === VIRTIO_MSI_NO_VECTOR ? null : mapped;
        return { ...describeQueue(this.#net, index), size, enabled, availIdx, usedIdx, kicks, interrupts, vector };
      }),
      counters: { ...net.counters, guest_errors: transport.errorCount },
    };
  }

  /**
   * State as plain data. A control command that waits for the host is put back into its queue in the copy:
   * whoever restores it executes it anew.
   */
  snapshot(): NetPciSnapshot {
    const net = this.#net.save();
    return { version: SNAPSHOT_VERSION, transport: this.#transport.save(), function: this.#function.save(), net };
  }

  /**
   * Takes over a snapshot, which is not trusted: a bad one is refused with a reason. Restore guest memory and
   * the host's own state first, then call this, then `resume`.
   */
  restore(state: unknown): RestoreResult {
    const checked = readSnapshot(state, {
      messages: this.#transport.signals.msix !== null,
      queuePairs: this.#net.steering.pairs,
      mac: this.#mac,
      possible: possibleFeatures(this.#abilities, true),
    });
    if (!checked.ok) return checked;
    const { transport, net } = checked;
    this.#function.restore(checked.function);
    const reason = this.#transport.restore(transport.state, transport.offered, transport.negotiated);
    if (reason !== null) return { ok: false, reason };
    this.#net.restore(net, transport.offered, transport.negotiated);
    return { ok: true };
  }

  /** After a restore: takes up the work that lay in the queues. Harmless without work. */
  resume(): void {
    for (let queue = 0; queue < this.#net.queueSpecs.length; queue++) this.#net.service(queue);
  }
}
