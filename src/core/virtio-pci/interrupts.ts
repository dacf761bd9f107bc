/**
 * How the driver is told: by INTx, or by MSI-X once the driver has enabled it.
 *
 * An event is a queue, or the device configuration. With MSI-X each event has the vector that the driver mapped
 * it to, or none, and then it is silent. Without, all events share the pin, and the ISR says which it was.
 *
 * @spec 4.1.4.5, 4.1.5.1.2, 4.1.5.3, 4.1.5.4
 */
import { InterruptLine, type InterruptPin } from './interrupt-line.ts';
import * as P from './layout.ts';
import { Msix, type MsixState } from './msix.ts';

/** What the machine takes from us. Without `msi` it knows no messages, and there is no MSI-X capability. */
export interface InterruptController extends InterruptPin {
  msi?(address: number, data: number): void;
}

export interface InterruptsState {
  readonly isr: number;
  /** By event: queues, then configuration. */
  readonly vectors: readonly number[];
  readonly msix: MsixState | null;
}

export class Interrupts {
  readonly line: InterruptLine;
  /** The whole machinery, whether or not the function shows it now; null on a machine without messages. */
  readonly msix: Msix | null;
  /** The event that is no queue. */
  readonly configEvent: number;
  readonly #vectors: Uint16Array;
  #shown = false;

  constructor(queues: number, controller: InterruptController) {
    this.line = new InterruptLine(controller);
    const send = controller.msi?.bind(controller);
    // @spec 4.1.5.1.2.1 SHOULD be 2 to 0x800 vectors, and no more than can help (PCI-MSIX-01, -03): one an event
    this.msix = send ? new Msix(queues + 1, send) : null;
    this.configEvent = queues;
    this.#vectors = new Uint16Array(queues + 1).fill(P.VIRTIO_MSI_NO_VECTOR);
  }

  /** The function has the MSI-X capability: a driver can find it. */
  get msixShown(): boolean {
    return this.#shown && this.msix !== null;
  }

  set msixShown(shown: boolean) {
    this.#shown = shown;
  }

  get msixEnabled(): boolean {
    return this.msixShown && (this.msix?.enabled ?? false);
  }

  /** Used buffers. False if the driver is not told: their vector is not mapped. */
  queue(index: number): boolean {
    // @spec 4.1.4.5.1 MUST set ISR bit 0 before, if MSI-X is disabled (PCI-ISR-03)
    if (!this.msixEnabled) this.line.raise(P.VIRTIO_PCI_ISR_QUEUE);
    return this.#fire(index);
  }

  /** A change of configuration, or of the status. */
  config(): void {
    // @spec 4.1.4.5.1 MUST set ISR bit 1 before, with MSI-X too (PCI-ISR-02)
    this.line.raise(P.VIRTIO_PCI_ISR_CONFIG);
    this.#fire(this.configEvent);
  }

  /** @spec 4.1.5.1.2.1 MUST show the vector of an event, or NO_VECTOR (PCI-MSIX-06) */
  vector(event: number): number {
    return this.#vectors[event] ?? P.VIRTIO_MSI_NO_VECTOR;
  }

  /** Maps an event, or unmaps it with NO_VECTOR. False if there is no such vector: then it is not mapped. */
  map(event: number, vector: number): boolean {
    const known = vector === P.VIRTIO_MSI_NO_VECTOR || (this.msixShown && vector < (this.msix?.vectors ?? 0));
    const before = this.vector(event);
    // @spec 4.1.5.1.2.1 MUST show a failed mapping as NO_VECTOR (PCI-MSIX-09)
    this.#vectors[event] = known ? vector : P.VIRTIO_MSI_NO_VECTOR;
    // A message that was held back is not the driver's any more, unless another event shares the vector.
    if (before < (this.msix?.vectors ?? 0) && !this.#vectors.includes(before)) this.msix?.cancel(before);
    return known;
  }

  /**
   * @spec 4.1.5.1.2.1 MUST unmap every event on reset (PCI-MSIX-07); 2.4.1 MUST NOT notify after it
   * (BASE-RESET-02): messages that were held back are dropped, and the pin goes low.
   */
  reset(): void {
    for (let event = 0; event < this.#vectors.length; event++) this.map(event, P.VIRTIO_MSI_NO_VECTOR);
    this.line.acknowledge();
  }

  /** The whole function was reset: what belongs to PCI too. */
  powerOn(): void {
    this.reset();
    this.msix?.reset();
    this.follow();
  }

  /** To be called when message control was written: INTx is off while MSI-X is on. */
  follow(): void {
    this.line.blocked = this.msixEnabled;
  }

  save(): InterruptsState {
    return { isr: this.line.isr, vectors: [...this.#vectors], msix: this.msix?.save() ?? null };
  }

  /** Takes over a checked state. The command register is in force already. */
  restore(state: InterruptsState): void {
    this.#vectors.set(state.vectors);
    if (state.msix) this.msix?.restore(state.msix);
    this.line.restore(state.isr, this.msixEnabled);
  }

  /** @spec 4.1.5.3.1, 4.1.5.4.1 MUST NOT interrupt for an event that is not mapped (PCI-INTR-01, -02) */
  #fire(event: number): boolean {
    if (!this.msixEnabled) return true;
    const vector = this.vector(event);
    if (vector === P.VIRTIO_MSI_NO_VECTOR) return false;
    this.msix?.fire(vector);
    return true;
  }
}
