import { css, html, LitElement } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { repeat } from 'lit/directives/repeat.js';
import './lab-next.ts';
import './lab-terminal.ts';
import type { LabTerminal } from './lab-terminal.ts';
import type { GuestView } from './store.ts';
import { pane, shared } from './styles.ts';

/** The guests' serial consoles: a terminal for each, of which the chosen guest's is shown. */
export class LabConsole extends LitElement {
  static override properties = { guests: { attribute: false }, chosen: { attribute: false } };
  declare guests: readonly GuestView[];
  /** Number of the guest that is shown. */
  declare chosen: number;

  static override styles = [
    shared,
    pane,
    css`
      :host {
        background: var(--terminal);
        color: var(--terminal-text);
      }
      lab-terminal {
        flex: 1;
        min-height: 0;
      }
      .bar .push {
        flex: none;
      }
      @media (max-width: 599px) {
        .bar .push {
          display: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.guests = [];
    this.chosen = 1;
  }

  override render(): unknown {
    const several = this.guests.length > 1;
    return html`
      <section aria-label="Serial console">
        <div class="bar">
          <h2>Serial console${several ? html`<span class="muted"> of guest ${this.chosen}</span>` : ''}</h2>
          ${keyed(this.chosen, html`<lab-next @typed=${() => this.focus()}></lab-next>`)}
          <span class="muted push"><kbd>F6</kbd> leaves</span>
        </div>
        ${repeat(
          this.guests,
          // A guest that was removed and added again is another one.
          ({ store }) => store,
          ({ number, actions }) =>
            html`<lab-terminal
              data-guest=${number}
              .actions=${actions}
              .label=${several ? `Serial console input of guest ${number}` : 'Serial console input'}
              ?hidden=${number !== this.chosen}
            ></lab-terminal>`,
        )}
      </section>
    `;
  }

  override focus(): void {
    this.#terminal?.focus();
  }

  /** What the shown terminal holds, as text, for tests and for copying. */
  get text(): string {
    return this.#terminal?.text ?? '';
  }

  get #terminal(): LabTerminal | null {
    return this.renderRoot.querySelector<LabTerminal>('lab-terminal:not([hidden])');
  }
}

customElements.define('lab-console', LabConsole);

declare global {
  interface HTMLElementTagNameMap {
    'lab-console': LabConsole;
  }
}
