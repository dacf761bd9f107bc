/**
 * ISR register and INTx pin.
 *
 * The pin is high while any ISR bit is set, unless the driver has disabled INTx in the PCI command register or
 * has enabled MSI-X. Reading the ISR clears it and so lowers the pin: that is the whole acknowledge protocol.
 *
 * @spec 4.1.4.5
 */

/** The machine's interrupt input. Level-triggered. */
export interface InterruptPin {
  raise(): void;
  lower(): void;
}

export class InterruptLine {
  readonly #pin: InterruptPin;
  #isr = 0;
  #disabled = false;
  #blocked = false;
  #high = false;

  constructor(pin: InterruptPin) {
    this.#pin = pin;
  }

  get isr(): number {
    return this.#isr;
  }

  /** By the INTx disable bit of the PCI command register. */
  set disabled(disabled: boolean) {
    this.#disabled = disabled;
    this.#drive();
  }

  /** By MSI-X: PCI forbids to use both. */
  set blocked(blocked: boolean) {
    this.#blocked = blocked;
    this.#drive();
  }

  /**
   * InterruptStatus of the PCI status register.
   *
   * @spec 4.1.4.5.1 MUST be the OR of the ISR bits, whatever the INTx disable bit says (PCI-ISR-04). With MSI-X
   * enabled the function has no INTx interrupt that could be pending.
   */
  get pending(): boolean {
    return this.#isr !== 0 && !this.#blocked;
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
  restore(isr: number, blocked: boolean): void {
    this.#isr = isr & 3;
    this.#blocked = blocked;
    this.#high = this.#wanted();
    if (this.#high) this.#pin.raise();
    else this.#pin.lower();
  }

  #wanted(): boolean {
    return this.pending && !this.#disabled;
  }

  #drive(): void {
    const wanted = this.#wanted();
    if (wanted === this.#high) return;
    this.#high = wanted;
    if (wanted) this.#pin.raise();
    else this.#pin.lower();
  }
}
