/**
 * A virtio network device on a PCI bus: the one class that a machine has to know.
 *
 * The machine gives it guest memory, an interrupt pin, a host, a wire, a trace and a clock, and forwards
 * BAR accesses, PCI configuration accesses and frames. Accesses may have any width at any offset; values
 * are unsigned on the way out and may be signed on the way in.
 */
import type { PackedWriter } from '../trace/packed.ts';
import { formatMac, type Mac } from '../net/mac.ts';
import type { FrameSender } from '../ring/frames.ts';
import { type FeatureSet, formatFeatures } from '../virtio/features.ts';
import type { GuestErrorEvent } from '../virtio/guest-error.ts';
import type { GuestMemory } from '../virtio/guest-memory.ts';
import { buildConfigSpace } from '../virtio-pci/config-space.ts';
import { ConfigWindow } from '../virtio-pci/config-window.ts';
import type { TransportEvent } from '../virtio-pci/events.ts';
import type { InterruptPin } from '../virtio-pci/interrupt-line.ts';
import { MODERN_BAR, MODERN_BAR_SIZE, PCI_COMMAND, PCI_STATUS } from '../virtio-pci/layout.ts';
import { VirtioPciTransport } from '../virtio-pci/transport.ts';
import type { DeviceHost } from './control-queue.ts';
import type { DeviceEvent } from './events.ts';
import * as L from './layout.ts';
import { NetDevice } from './net-device.ts';
import { type RestoreResult, readSnapshot, type NetPciSnapshot, SNAPSHOT_VERSION } from './snapshot.ts';
import type { RxFlag } from './rx-mode.ts';

export interface VirtioNetPciOptions {
  readonly memory: GuestMemory;
  readonly interrupt: InterruptPin;
  readonly host: DeviceHost;
  readonly wire: FrameSender;
  readonly trace: PackedWriter;
  readonly emit: (event: TransportEvent | DeviceEvent | GuestErrorEvent) => void;
  /** Nanoseconds since the lab was opened. */
  readonly now: () => number;
  readonly mac: Mac;
  /** Bytes of layer-3 payload: 68..65535. */
  readonly mtu: number;
  /** Net features of the host model in force. */
  readonly offers: FeatureSet;
  /** I/O port at which the BAR starts until firmware moves it; a multiple of the BAR's size. */
  readonly ioBase?: number;
}

export const DEFAULT_IO_BASE = 0xd000;

/** One queue, for people. */
export interface QueueDescription {
  readonly index: number;
  readonly role: 'rx' | 'tx' | 'ctrl';
  readonly size: number;
  readonly enabled: boolean;
  /** Device-side positions, 16 bit. */
  readonly availIdx: number;
  readonly usedIdx: number;
  readonly kicks: number;
  readonly interrupts: number;
}

/** The device, for people: plain data. */
export interface NetDescription {
  /** Whole sets in hex; `negotiated` is empty until FEATURES_OK was kept. */
  readonly features: { readonly offered: string; readonly acked: string; readonly negotiated: string };
  readonly status: number;
  readonly mac: string;
  readonly rxMode: Readonly<Record<RxFlag, boolean | null>>;
  readonly tables: { readonly unicast: string[]; readonly multicast: string[]; readonly vlans: number[] };
  readonly queues: readonly QueueDescription[];
  readonly counters: Readonly<Record<string, number>>;
}

export class VirtioNetPci {
  /** PCI configuration space after power-on, 256 bytes. The machine keeps its own copy of it. */
  readonly pciSpace: Uint8Array;
  /** I/O BARs by index. */
  readonly bars: readonly { readonly index: number; readonly size: number }[] = [
    { index: MODERN_BAR, size: MODERN_BAR_SIZE },
  ];
  readonly #net: NetDevice;
  readonly #transport: VirtioPciTransport;
  readonly #window: ConfigWindow;
  readonly #emit: VirtioNetPciOptions['emit'];

  constructor(options: VirtioNetPciOptions) {
    this.#net = new NetDevice(options);
    this.#emit = options.emit;
    const { memory, interrupt, trace, emit } = options;
    this.#transport = new VirtioPciTransport({ memory, interrupt, device: this.#net, trace, emit });
    this.#net.attach(this.#transport);
    const space = buildConfigSpace({
      deviceType: L.VIRTIO_ID_NET,
      classCode: L.PCI_CLASS_ETHERNET,
      queues: L.NET_QUEUES.length,
      configSize: L.CONFIG_SIZE,
      ioBase: options.ioBase ?? DEFAULT_IO_BASE,
    });
    this.pciSpace = space.bytes;
    this.#window = new ConfigWindow(space.window, {
      barRead: (bar, offset, width) => this.barRead(bar, offset, width),
      barWrite: (bar, offset, width, value) => this.barWrite(bar, offset, width, value),
      error: (code, detail) => this.#transport.guestError(code, null, detail),
    });
  }

  /** @param width 1, 2 or 4 */
  barRead(bar: number, offset: number, width: number): number {
    return bar === MODERN_BAR ? this.#transport.bar.read(offset, width) : 0;
  }

  barWrite(bar: number, offset: number, width: number, value: number): void {
    if (bar === MODERN_BAR) this.#transport.bar.write(offset, width, unsigned(value, width));
  }

  /**
   * The value of a PCI configuration access, or undefined if the machine's own copy answers it. Ours are the
   * command and status registers (INTx disable, interrupt status) and the PCI_CFG window. Reading
   * `pci_cfg_data` has side effects: ask only when the guest really reads.
   */
  pciConfigRead(offset: number, width: number): number | undefined {
    if (this.#window.covers(offset, width)) return this.#window.read(offset, width);
    if (offset >= PCI_COMMAND && offset + width <= PCI_STATUS + 2) {
      const both = this.#transport.line.status * 0x1_0000 + this.#transport.line.command;
      return Math.floor(both / 2 ** (8 * (offset - PCI_COMMAND))) % 2 ** (8 * width);
    }
    return undefined;
  }

  /** True if the access was ours and is done; false if the machine's own copy takes it. */
  pciConfigWrite(offset: number, width: number, value: number): boolean {
    const bits = unsigned(value, width);
    if (this.#window.covers(offset, width)) {
      this.#window.write(offset, width, bits);
      return true;
    }
    if (offset < PCI_COMMAND || offset + width > PCI_STATUS + 2) return false;
    const line = this.#transport.line;
    const bytes = [line.command & 0xff, line.command >>> 8];
    for (let i = 0; i < width; i++) {
      const at = offset - PCI_COMMAND + i;
      if (at < 2) bytes[at] = Math.floor(bits / 2 ** (8 * i)) % 256; // what lies above is status: read-only
    }
    line.command = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
    return true;
  }

  /** One frame from the host. Bytes are only read during the call. */
  receive(id: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#net.receive(id, bytes, offset, length);
  }

  /** After a batch of frames: shows them to the driver, and interrupts it once if it wants that. */
  flush(): void {
    this.#net.flush();
  }

  /** Does the work that a kick of this queue asks for. Harmless without work. */
  service(queue: number): void {
    this.#net.service(queue);
  }

  /** Net features the host model in force offers; in effect from the next reset on. */
  setOffers(features: FeatureSet): void {
    this.#net.setOffers(features);
    this.#emit({ type: 'offers-changed', next: formatFeatures(this.#net.offers()) });
  }

  setLinkUp(up: boolean): void {
    this.#net.setLinkUp(up);
  }

  /** Power-on state, as when the whole machine is reset. */
  machineReset(): void {
    this.#window.reset();
    // The command register last: to clear INTx disable while the ISR is set would raise the pin once more.
    this.#transport.reset('machine');
    this.#transport.line.command = 0;
  }

  describe(): NetDescription {
    const transport = this.#transport;
    const { rxMode, tables, counters, mac } = this.#net;
    return {
      features: {
        offered: formatFeatures(transport.offered),
        acked: formatFeatures(transport.accepted),
        negotiated: formatFeatures(transport.negotiated),
      },
      status: transport.status,
      mac: formatMac(mac),
      rxMode: { ...rxMode },
      tables: { unicast: tables.unicast.map(formatMac), multicast: tables.multicast.map(formatMac), vlans: [] },
      queues: L.NET_QUEUES.map((_, index) => {
        const { size, enabled, availIdx, usedIdx } = transport.queue(index);
        const kicks = transport.kicks[index] ?? 0;
        const role = this.#net.roleOf(index);
        return { index, role, size, enabled, availIdx, usedIdx, kicks, interrupts: transport.interrupts[index] ?? 0 };
      }),
      counters: { ...counters, guest_errors: transport.errorCount },
    };
  }

  /**
   * State as plain data. A control command that waits for the host is put back into its queue in the copy:
   * whoever restores it executes it anew.
   */
  snapshot(): NetPciSnapshot {
    this.#net.flush();
    const transport = this.#transport.save();
    const queues = transport.queues.map((queue, index) =>
      index === L.CTRL_QUEUE && this.#net.commandPending
        ? { ...queue, state: { ...queue.state, availIdx: (queue.state.availIdx - 1) & 0xffff } }
        : queue,
    );
    const { rxMode, tables, linkUp, counters } = this.#net;
    return {
      version: SNAPSHOT_VERSION,
      transport: { ...transport, queues },
      window: this.#window.save(),
      net: {
        rxMode: { ...rxMode },
        tables: { unicast: [...tables.unicast], multicast: [...tables.multicast] },
        linkUp,
        counters: { ...counters },
      },
    };
  }

  /**
   * Takes over a snapshot, which is not trusted: a bad one is refused with a reason. Restore guest memory and
   * the host's own state first, then call this, then `resume`.
   */
  restore(state: unknown): RestoreResult {
    const checked = readSnapshot(state, this.#window.save().length);
    if (!checked.ok) return checked;
    const { transport, window, net } = checked;
    const reason = this.#transport.restore(transport.state, transport.offered, transport.negotiated);
    if (reason !== null) return { ok: false, reason };
    this.#window.restore(window);
    this.#net.restore(net.rxMode, net.tables, net.linkUp);
    Object.assign(this.#net.counters, net.counters);
    return { ok: true };
  }

  /** After a restore: takes up the work that lay in the queues. */
  resume(): void {
    for (let queue = 0; queue < L.NET_QUEUES.length; queue++) this.#net.service(queue);
  }
}

function unsigned(value: number, width: number): number {
  return width === 4 ? value >>> 0 : value & (2 ** (8 * width) - 1);
}
