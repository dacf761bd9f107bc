/**
 * ISR register, INTx pin, and the two words of PCI configuration space that belong to them.
 *
 * The pin is high while any ISR bit is set and the driver has not disabled INTx in the PCI command
 * register. Reading the ISR clears it and so lowers the pin: that is the whole acknowledge protocol.
 *
 * @spec 4.1.4.5
 */
import { PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_WRITABLE, PCI_STATUS_CAP_LIST, PCI_STATUS_INTERRUPT } from './layout.ts';

/** The machine's interrupt input. Level-triggered. */
export interface InterruptPin {
  raise(): void;
  lower(): void;
}

export class InterruptLine {
  readonly #pin: InterruptPin;
  #isr = 0;
  #command = 0;
  #high = false;

  constructor(pin: InterruptPin) {
    this.#pin = pin;
  }

  get isr(): number {
    return this.#isr;
  }

  get command(): number {
    return this.#command;
  }

  set command(value: number) {
    this.#command = value & PCI_COMMAND_WRITABLE;
    this.#drive();
  }

  /** @spec 4.1.4.5.1 MUST be the OR of the ISR bits, whatever the INTx disable bit says (PCI-ISR-04) */
  get status(): number {
    return PCI_STATUS_CAP_LIST | (this.#isr === 0 ? 0 : PCI_STATUS_INTERRUPT);
  }

  /** @spec 4.1.4.5.1 MUST set the ISR bit before the notification (PCI-ISR-02, PCI-ISR-03) */
  raise(bits: number): void {
    this.#isr |= bits;
    this.#drive();
  }

  /** @spec 4.1.4.5.1 MUST clear on read (PCI-ISR-06) */
  acknowledge(): number {
    const isr = this.#isr;
    this.#isr = 0;
    this.#drive();
    return isr;
  }

  /** Drives the pin anew, even if it should be right already: after a restore the machine may differ. */
  restore(isr: number, command: number): void {
    this.#isr = isr & 3;
    this.#command = command & PCI_COMMAND_WRITABLE;
    this.#high = this.#wanted();
    if (this.#high) this.#pin.raise();
    else this.#pin.lower();
  }

  #wanted(): boolean {
    return this.#isr !== 0 && (this.#command & PCI_COMMAND_INTX_DISABLE) === 0;
  }

  #drive(): void {
    const wanted = this.#wanted();
    if (wanted === this.#high) return;
    this.#high = wanted;
    if (wanted) this.#pin.raise();
    else this.#pin.lower();
  }
}
