import { css, html, LitElement, nothing } from 'lit';
import { FIRST_STEPS } from './first-steps.ts';
import { ActionsController, CALM_MS, StoreController } from './store.ts';
import { controls, shared } from './styles.ts';

const encoder = new TextEncoder();

/** The next of the first steps, which a click types into the console. Gone for good after the last. Fires `typed`. */
export class LabNext extends LitElement {
  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
        white-space: nowrap;
      }
      .why {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      button {
        flex: none;
        min-height: 22px;
        padding: 0 7px;
        border-color: var(--accent);
        color: var(--accent);
      }
    `,
  ];

  readonly #actions = new ActionsController(this);
  readonly #store = new StoreController(
    this,
    ({ model, pulse }) => (this.#at < FIRST_STEPS.length ? `${model.seq} ${pulse}` : ''),
    CALM_MS,
  );
  #at = 0;

  override willUpdate(): void {
    const store = this.#store.store;
    if (!store) return;
    while (FIRST_STEPS[this.#at]?.done(store)) this.#at++;
  }

  override render(): unknown {
    const step = FIRST_STEPS[this.#at];
    if (!step || this.#store.store?.model.boot?.stage !== 'ready') return nothing;
    return html`
      <span class="muted">${this.#at === 0 ? 'Start with' : 'Next'}</span>
      <button class="mono" title="Types it into the console: ${step.why}" @click=${() => this.#type(step.command)}>
        ${step.command}
      </button>
      <span class="muted why">${step.why}</span>
    `;
  }

  #type(command: string): void {
    // Ctrl+U first: what is half typed at the prompt must not become part of it.
    this.#actions.actions?.consoleWrite(encoder.encode(`\u0015${command}\r`));
    // The last one shows in the model only if the driver may ask for it.
    if (this.#at === FIRST_STEPS.length - 1) this.#at++;
    this.requestUpdate();
    this.dispatchEvent(new Event('typed'));
  }
}

customElements.define('lab-next', LabNext);
