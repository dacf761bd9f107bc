import { ContextProvider } from '@lit/context';
import { css, html, LitElement } from 'lit';
import type { PropertyValues } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import './lab-device.ts';
import './lab-header.ts';
import './lab-inspector.ts';
import './lab-logs.ts';
import './lab-packets.ts';
import './lab-splitter.ts';
import { actionsContext, storeContext } from './store.ts';
import type { GuestView, LabGuests } from './store.ts';
import { controls, shared } from './styles.ts';
import { applyTheme, currentTheme } from './theme.ts';
import { viewContext, ViewState } from './view-state.ts';

// The terminal is half of the page's script, and has nothing to show before there is a guest.
void import('./lab-console.ts');

const PANES = [
  { id: 'console', label: 'Console' },
  { id: 'device', label: 'Device' },
  { id: 'logs', label: 'Logs' },
  { id: 'packets', label: 'Packets' },
  { id: 'inspector', label: 'Inspector' },
] as const;
type PaneId = (typeof PANES)[number]['id'];

/**
 * The page. Whoever mounts it sets `guests`; everything below finds the store and the actions of the chosen guest
 * through context, and is made anew for another guest, so that nothing of the one is shown as the other's. Only the
 * consoles stay. On narrow windows the same panes are shown one at a time.
 */
export class LabApp extends LitElement {
  static override properties = {
    guests: { attribute: false },
    chosen: { state: true },
    pane: { type: String, reflect: true },
  };
  declare guests: LabGuests | null;
  /** Number of the guest that is shown. */
  declare chosen: number;
  declare pane: PaneId;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100vh;
        height: 100dvh;
        background: var(--page);
      }
      nav {
        display: none;
      }
      main {
        flex: 1;
        min-height: 0;
        display: grid;
        grid-template-rows: minmax(0, var(--split-main, 51%)) 5px minmax(0, 1fr);
      }
      .top,
      .bottom,
      .side {
        display: grid;
        min-width: 0;
        min-height: 0;
      }
      .top {
        grid-template-columns: minmax(0, var(--split-top, 45%)) 5px minmax(0, 1fr);
      }
      .side {
        grid-template-rows: minmax(0, var(--split-side, 75%)) 5px minmax(0, 1fr);
      }
      .bottom {
        grid-template-columns: minmax(0, var(--split-bottom, 73%)) 5px minmax(0, 1fr);
      }
      @media (max-width: 899px) {
        nav {
          display: flex;
          overflow-x: auto;
          padding: 3px 6px;
          gap: 2px;
          background: var(--bar);
          border-bottom: 1px solid var(--line);
        }
        nav button {
          border-color: transparent;
          background: none;
        }
        nav button[aria-current='true'] {
          background: var(--chosen);
          font-weight: 600;
        }
        main {
          grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        }
        .top,
        .bottom,
        .side {
          display: contents;
        }
        lab-splitter,
        [data-pane] {
          display: none;
        }
        :host([pane='console']) [data-pane='console'],
        :host([pane='device']) [data-pane='device'],
        :host([pane='logs']) [data-pane='logs'],
        :host([pane='packets']) [data-pane='packets'],
        :host([pane='inspector']) [data-pane='inspector'] {
          display: block;
          grid-area: 1 / 1;
        }
      }
    `,
  ];

  readonly #storeProvider = new ContextProvider(this, { context: storeContext, initialValue: null });
  readonly #actionsProvider = new ContextProvider(this, { context: actionsContext, initialValue: null });
  readonly #viewProvider = new ContextProvider(this, { context: viewContext, initialValue: new ViewState() });
  /** By number: what was looked at of each guest. */
  readonly #views = new Map<number, ViewState>();
  #known: readonly number[] = [];
  #leave: (() => void) | null = null;

  constructor() {
    super();
    this.guests = null;
    this.chosen = 1;
    this.pane = 'console';
    applyTheme(currentTheme());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.#key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.#key);
    this.#leave?.();
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has('guests')) {
      this.#leave?.();
      this.#leave = this.guests?.subscribe(() => this.#changed()) ?? null;
      this.#known = this.guests?.list.map(({ number }) => number) ?? [];
    }
    const guest = this.#guest;
    this.#storeProvider.setValue(guest?.store ?? null);
    this.#actionsProvider.setValue(guest?.actions ?? null);
    const view = this.#views.get(this.chosen) ?? new ViewState();
    this.#views.set(this.chosen, view);
    this.#viewProvider.setValue(view);
  }

  get #guest(): GuestView | null {
    return this.guests?.list.find(({ number }) => number === this.chosen) ?? null;
  }

  /** Whoever asked for another guest wants to see it; and of one that is gone there is nothing to see. */
  #changed(): void {
    const numbers = this.guests?.list.map(({ number }) => number) ?? [];
    const added = numbers.find((number) => !this.#known.includes(number));
    if (added !== undefined) this.chosen = added;
    else if (!numbers.includes(this.chosen)) this.chosen = numbers[0] ?? 1;
    for (const number of this.#known) if (!numbers.includes(number)) this.#views.delete(number);
    this.#known = numbers;
    this.requestUpdate();
  }

  override render(): unknown {
    const key = this.#guest?.store;
    return html`
      <lab-header
        .guests=${this.guests}
        .chosen=${this.chosen}
        @choose-guest=${(event: CustomEvent<number>) => (this.chosen = event.detail)}
      ></lab-header>
      <nav aria-label="Panes">
        ${PANES.map(
          ({ id, label }) =>
            html`<button aria-current=${this.pane === id} @click=${() => (this.pane = id)}>${label}</button>`,
        )}
      </nav>
      <main @open-packet=${() => this.#show('inspector')}>
        <div class="top">
          <lab-console data-pane="console" .guests=${this.guests?.list ?? []} .chosen=${this.chosen}></lab-console>
          <lab-splitter axis="x" property="--split-top" initial="45" label="Console width"></lab-splitter>
          <div class="side">
            ${keyed(key, html`<lab-device data-pane="device"></lab-device>`)}
            <lab-splitter axis="y" property="--split-side" initial="75" label="Device height"></lab-splitter>
            ${keyed(key, html`<lab-logs data-pane="logs"></lab-logs>`)}
          </div>
        </div>
        <lab-splitter axis="y" property="--split-main" initial="51" label="Upper half height"></lab-splitter>
        <div class="bottom">
          ${keyed(key, html`<lab-packets data-pane="packets"></lab-packets>`)}
          <lab-splitter axis="x" property="--split-bottom" initial="73" label="Packet list width"></lab-splitter>
          ${keyed(key, html`<lab-inspector data-pane="inspector"></lab-inspector>`)}
        </div>
      </main>
    `;
  }

  /** Brings a pane to the front (narrow windows) and gives it the focus. */
  #show(id: PaneId): void {
    this.pane = id;
    void this.updateComplete.then(() => this.#paneElement(id)?.focus());
  }

  #paneElement(id: PaneId): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>(`[data-pane='${id}']`);
  }

  readonly #key = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'F6') {
      event.preventDefault();
      this.#cycle(event.shiftKey ? -1 : 1);
      return;
    }
    if (isTyping(event)) return;
    if (event.key === '/') {
      event.preventDefault();
      this.pane = 'packets';
      void this.updateComplete.then(() => this.renderRoot.querySelector('lab-packets')?.focusFilter());
    } else if (event.key === '?') {
      event.preventDefault();
      this.renderRoot.querySelector('lab-header')?.showHelp();
    }
  };

  #cycle(step: number): void {
    const focused = this.shadowRoot?.activeElement?.getAttribute('data-pane');
    const at = PANES.findIndex(({ id }) => id === focused);
    const next = PANES[(at < 0 ? (step > 0 ? 0 : PANES.length - 1) : at + step + PANES.length) % PANES.length];
    if (next) this.#show(next.id);
  }
}

/** The key belongs to a field or to the console. */
function isTyping(event: KeyboardEvent): boolean {
  return event
    .composedPath()
    .some((target) => target instanceof HTMLElement && target.matches('input, textarea, select'));
}

customElements.define('lab-app', LabApp);

declare global {
  interface HTMLElementTagNameMap {
    'lab-app': LabApp;
  }
}
