import { ContextProvider } from '@lit/context';
import { css, html, LitElement } from 'lit';
import type { PropertyValues } from 'lit';
import './lab-device.ts';
import './lab-header.ts';
import './lab-inspector.ts';
import './lab-logs.ts';
import './lab-packets.ts';
import './lab-splitter.ts';
import { actionsContext, storeContext } from './store.ts';
import type { LabActions, LabStore } from './store.ts';
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
 * The page. Whoever mounts it sets `store` and `actions`; everything below finds them through context.
 * On narrow windows the same panes are shown one at a time.
 */
export class LabApp extends LitElement {
  static override properties = {
    store: { attribute: false },
    actions: { attribute: false },
    pane: { type: String, reflect: true },
  };
  declare store: LabStore | null;
  declare actions: LabActions | null;
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
  readonly view = new ViewState();
  readonly #viewProvider = new ContextProvider(this, { context: viewContext, initialValue: this.view });

  constructor() {
    super();
    this.store = null;
    this.actions = null;
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
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has('store')) this.#storeProvider.setValue(this.store);
    if (changed.has('actions')) this.#actionsProvider.setValue(this.actions);
    this.#viewProvider.setValue(this.view);
  }

  override render(): unknown {
    return html`
      <lab-header></lab-header>
      <nav aria-label="Panes">
        ${PANES.map(
          ({ id, label }) =>
            html`<button aria-current=${this.pane === id} @click=${() => (this.pane = id)}>${label}</button>`,
        )}
      </nav>
      <main @open-packet=${() => this.#show('inspector')}>
        <div class="top">
          <lab-console data-pane="console"></lab-console>
          <lab-splitter axis="x" property="--split-top" initial="45" label="Console width"></lab-splitter>
          <div class="side">
            <lab-device data-pane="device"></lab-device>
            <lab-splitter axis="y" property="--split-side" initial="75" label="Device height"></lab-splitter>
            <lab-logs data-pane="logs"></lab-logs>
          </div>
        </div>
        <lab-splitter axis="y" property="--split-main" initial="51" label="Upper half height"></lab-splitter>
        <div class="bottom">
          <lab-packets data-pane="packets"></lab-packets>
          <lab-splitter axis="x" property="--split-bottom" initial="73" label="Packet list width"></lab-splitter>
          <lab-inspector data-pane="inspector"></lab-inspector>
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
