import { css, html, LitElement, nothing } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { live } from 'lit/directives/live.js';
import type { HostModelId } from '../core/host/host-model.ts';
import { needsReprobe } from '../core/trace/model.ts';
import { messageOf } from './format.ts';
import './lab-boot.ts';
import './lab-guest-chooser.ts';
import './lab-guest-dialog.ts';
import './lab-help-dialog.ts';
import './lab-model-info.ts';
import { ActionsController, StoreController } from './store.ts';
import type { LabGuests } from './store.ts';
import { controls, shared } from './styles.ts';
import { applyTheme, currentTheme, THEMES } from './theme.ts';
import type { Theme } from './theme.ts';

/** Name, guests, host model, and what needs the user's hand. */
export class LabHeader extends LitElement {
  static override properties = {
    guests: { attribute: false },
    chosen: { attribute: false },
    theme: { state: true },
    busy: { state: true },
    problem: { state: true },
  };
  declare guests: LabGuests | null;
  /** Number of the guest that is shown. */
  declare chosen: number;
  declare theme: Theme;
  declare busy: string;
  declare problem: string;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: block;
        background: var(--bar);
        border-bottom: 1px solid var(--line);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 14px;
        min-height: 40px;
        padding: 4px 10px;
      }
      h1 {
        margin: 0;
        font: 600 var(--text-l) / 1.4 var(--font);
        white-space: nowrap;
      }
      .group {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
      }
      .push {
        margin-left: auto;
      }
      /* Two lines: the guest and the theme, the models and the dialogs. */
      @media (max-width: 899px) {
        .isolation {
          display: none;
        }
      }
      @media (max-width: 599px) {
        header {
          gap: 4px 6px;
        }
        .push {
          display: contents;
        }
        label[for='host'] {
          display: none;
        }
        header > * ~ *,
        .push > * {
          order: 2;
        }
        header > h1,
        header > lab-guest-chooser,
        header > .guest {
          order: 0;
        }
        .push > select {
          order: 1;
          width: 98px;
          padding-inline: 4px;
          margin-left: auto;
        }
        #host {
          max-width: 38vw;
        }
      }
      .notice {
        display: flex;
        align-items: center;
        gap: 10px;
        padding: 5px 10px;
        border-top: 1px solid var(--line);
        background: var(--leak-tint);
      }
      .notice.bad {
        background: var(--loss-tint);
      }
      .isolation {
        color: var(--muted);
        white-space: nowrap;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model);
  readonly #actions = new ActionsController(this);

  constructor() {
    super();
    this.guests = null;
    this.chosen = 1;
    this.theme = currentTheme();
    this.busy = '';
    this.problem = '';
  }

  override render(): unknown {
    const store = this.#store.store;
    const actions = this.#actions.actions;
    const host = store?.model.host ?? null;
    return html`
      <header>
        <h1>virtio-net lab</h1>
        <lab-guest-chooser
          .guests=${this.guests}
          .chosen=${this.chosen}
          @choose-guest=${(event: CustomEvent<number>) => this.#chooseGuest(event)}
        ></lab-guest-chooser>
        <span class="group guest">
          ${keyed(store, html`<lab-boot></lab-boot>`)}
          <button
            class="quiet"
            title="Press the guest’s reset button"
            @click=${() => this.#do('Restarting…', () => actions?.restartGuest())}
          >
            Restart
          </button>
        </span>
        <span class="group">
          <label for="host">Host model</label>
          <select id="host" aria-label="Host model" ?disabled=${!actions} @change=${this.#choose}>
            ${host === null ? html`<option value="" selected>…</option>` : nothing}
            ${actions?.hostModels.map(({ id, title }) => html`<option value=${id} .selected=${live(id === host)}>${title}</option>`)}
          </select>
        </span>
        <lab-model-info .models=${actions?.hostModels ?? []} .active=${host}></lab-model-info>
        <span class="group push">
          <span class="isolation" title=${ISOLATION[store?.isolated ? 'yes' : 'no']}>
            ${store?.isolated ? '✓ isolated' : '✕ not isolated'}
          </span>
          <button class="quiet" @click=${() => this.renderRoot.querySelector('lab-guest-dialog')?.show()}>Guest</button>
          <button class="quiet" @click=${() => this.showHelp()}>Help</button>
          <select aria-label="Theme" @change=${this.#setTheme}>
            ${THEMES.map((theme) => html`<option value=${theme} .selected=${live(theme === this.theme)}>${theme} theme</option>`)}
          </select>
        </span>
      </header>
      ${this.#notices()}
      <lab-guest-dialog></lab-guest-dialog>
      <lab-help-dialog></lab-help-dialog>
    `;
  }

  showHelp(): void {
    this.renderRoot.querySelector('lab-help-dialog')?.show();
  }

  #notices(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    return html`
      ${
        model.failure
          ? html`<div class="notice bad" role="alert">
              <span><b>${withCode(model.failure.message)}</b> ${withCode(model.failure.mend)}</span>
            </div>`
          : nothing
      }
      ${
        needsReprobe(model)
          ? html`<div class="notice" role="status" aria-label="Re-probe needed">
              <span>
                <b>Re-probe needed.</b> This host model filters already, but the driver negotiated with the features of
                another one. It sees the new offer when it is bound again.
              </span>
              <button
                ?disabled=${this.busy !== ''}
                @click=${() => this.#do('Re-probing…', () => this.#actions.actions?.reprobe())}
              >
                ${this.busy || 'Re-probe the driver'}
              </button>
            </div>`
          : nothing
      }
      ${
        this.problem
          ? html`<div class="notice bad" role="alert">
              <span>${this.problem}</span><button @click=${() => (this.problem = '')}>Dismiss</button>
            </div>`
          : nothing
      }
    `;
  }

  #chooseGuest({ detail }: CustomEvent<number>): void {
    this.problem = '';
    this.dispatchEvent(new CustomEvent<number>('choose-guest', { detail }));
  }

  #choose(event: Event): void {
    const id = (event.target as HTMLSelectElement).value as HostModelId;
    void this.#do('Switching…', () => this.#actions.actions?.setHostModel(id));
  }

  #setTheme(event: Event): void {
    this.theme = (event.target as HTMLSelectElement).value as Theme;
    applyTheme(this.theme);
  }

  async #do(busy: string, action: () => Promise<void> | undefined): Promise<void> {
    this.busy = busy;
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = messageOf(error);
    } finally {
      this.busy = '';
    }
  }
}

/** Text in which backticks mark what is to be typed. */
function withCode(text: string): unknown[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}

const ISOLATION = {
  yes: 'The page is cross-origin isolated: frames travel between workers in shared memory.',
  no: 'The page is not cross-origin isolated, so frames travel as messages. All works, a little slower. Serve with COOP and COEP headers to share memory.',
} as const;

customElements.define('lab-header', LabHeader);

declare global {
  interface HTMLElementTagNameMap {
    'lab-header': LabHeader;
  }
}
