import { css, html, LitElement, nothing } from 'lit';
import type { LabModel } from '../core/trace/model.ts';
import type { GuestView, LabGuests } from './store.ts';
import { controls, shared } from './styles.ts';

/** Which guest the page shows, how each of them is, and the way to a second one. Fires `choose-guest`. */
export class LabGuestChooser extends LitElement {
  static override properties = {
    guests: { attribute: false },
    chosen: { attribute: false },
    problem: { state: true },
  };
  declare guests: LabGuests | null;
  /** Number of the guest that is shown. */
  declare chosen: number;
  declare problem: string;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        white-space: nowrap;
      }
      [role='group'] {
        display: inline-flex;
      }
      [role='group'] button {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        border-radius: 0;
        border-color: var(--line-strong);
      }
      [role='group'] button + button {
        margin-left: -1px;
      }
      [role='group'] button:first-child {
        border-radius: var(--radius) 0 0 var(--radius);
      }
      [role='group'] button:last-child {
        border-radius: 0 var(--radius) var(--radius) 0;
      }
      [role='group'] button[aria-pressed='true'] {
        position: relative;
        border-color: var(--accent);
        font-weight: 600;
      }
      i {
        width: 8px;
        height: 8px;
        border: 2px solid var(--line-strong);
        border-radius: 50%;
      }
      i.ready {
        border-color: var(--accept);
        background: var(--accept);
      }
      i.stopped {
        border-color: var(--loss);
        border-radius: 1px;
        background: var(--loss);
      }
      .remove {
        padding: 0 6px;
        color: var(--muted);
      }
      /* Out of sight, but still in the button's name. */
      @media (max-width: 599px) {
        .word {
          position: absolute;
          clip-path: inset(50%);
        }
      }
    `,
  ];

  #leave: (() => void)[] = [];
  /** What was drawn of each guest: stores change far more often than that. */
  #drawn = '';

  constructor() {
    super();
    this.guests = null;
    this.chosen = 1;
    this.problem = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#join();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#part();
  }

  override updated(): void {
    this.#part();
    this.#join();
  }

  override render(): unknown {
    const list = this.guests?.list ?? [];
    if (list.length < 2) {
      return html`<button
        class="quiet"
        ?disabled=${!this.guests}
        title="Starts another machine on the same switch"
        @click=${() => this.#do(() => this.guests?.add())}
      >
        + Second guest
      </button>`;
    }
    return html`
      <span role="group" aria-label="Guest shown">${list.map((guest) => this.#button(guest))}</span>
      ${list
        .slice(1)
        .map(
          (guest) =>
            html`<button
              class="quiet remove"
              aria-label="Remove ${guest.name}"
              title="Switch ${guest.name} off, and take it off the switch"
              @click=${() => this.#do(() => this.guests?.remove(guest))}
            >
              ✕
            </button>`,
        )}
      ${this.problem ? html`<span class="problem" role="alert">${this.problem}</span>` : nothing}
    `;
  }

  #button({ number, name, addresses, store }: GuestView): unknown {
    const state = stateOf(store.model);
    const { mac, ipv4, ipv6 } = addresses;
    return html`<button
      aria-pressed=${number === this.chosen}
      title="${name}, ${state}: ${mac}, ${ipv4}, ${ipv6}"
      @click=${() => this.dispatchEvent(new CustomEvent<number>('choose-guest', { detail: number }))}
    >
      <i class=${state} aria-hidden="true"></i><span><span class="word">Guest </span>${number}</span
      ><span class="hidden">${state}</span>
    </button>`;
  }

  #join(): void {
    this.#drawn = this.#states();
    this.#leave = (this.guests?.list ?? []).map(({ store }) =>
      store.subscribe(() => {
        if (this.#states() !== this.#drawn) this.requestUpdate();
      }),
    );
  }

  #part(): void {
    for (const leave of this.#leave) leave();
    this.#leave = [];
  }

  #states(): string {
    return (this.guests?.list ?? []).map(({ store }) => stateOf(store.model)).join(' ');
  }

  async #do(action: () => Promise<void> | undefined): Promise<void> {
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}

function stateOf({ boot, failure }: LabModel): 'ready' | 'stopped' | 'starting' {
  if (failure) return 'stopped';
  return boot?.stage === 'ready' ? 'ready' : 'starting';
}

customElements.define('lab-guest-chooser', LabGuestChooser);

declare global {
  interface HTMLElementTagNameMap {
    'lab-guest-chooser': LabGuestChooser;
  }
}
