import { css, html, LitElement } from 'lit';
import { controls, shared } from './styles.ts';

export interface Tab {
  readonly id: string;
  readonly label: string;
  /** Shown behind the label when not 0. */
  readonly count?: number;
  /** The count is of things that went wrong. */
  readonly alert?: boolean;
}

/** Tabs after the ARIA pattern: arrows move, the panel of each tab is the slot of its id. Fires `tab-change`. */
export class LabTabs extends LitElement {
  static override properties = {
    tabs: { attribute: false },
    selected: { type: String },
    label: { type: String },
  };

  declare tabs: readonly Tab[];
  declare selected: string;
  declare label: string;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        height: 100%;
        background: var(--pane);
      }
      .list {
        display: flex;
        flex: none;
        align-items: stretch;
        height: 30px;
        padding: 0 4px;
        background: var(--bar);
        border-bottom: 1px solid var(--line);
        overflow-x: auto;
        scrollbar-width: none;
      }
      [role='tab'] {
        border: 0;
        border-bottom: 2px solid transparent;
        border-radius: 0;
        background: none;
        color: var(--muted);
        padding: 0 8px;
      }
      [role='tab'][aria-selected='true'] {
        border-bottom-color: var(--accent);
        color: var(--text);
        font-weight: 600;
      }
      .count {
        margin-left: 5px;
        font-weight: 400;
        font-size: var(--text-s);
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .count.alert {
        color: var(--loss);
      }
      .push {
        margin-left: auto;
        display: flex;
        align-items: center;
        gap: 4px;
      }
      [role='tabpanel'] {
        flex: 1;
        min-height: 0;
        overflow: auto;
      }
      [role='tabpanel'][hidden] {
        display: none;
      }
    `,
  ];

  constructor() {
    super();
    this.tabs = [];
    this.selected = '';
    this.label = '';
  }

  override render(): unknown {
    return html`
      <div class="list">
        <div role="tablist" aria-label=${this.label} style="display: contents" @keydown=${this.#key}>
          ${this.tabs.map((tab) => this.#tab(tab))}
        </div>
        <div class="push"><slot name="actions"></slot></div>
      </div>
      ${this.tabs.map(
        ({ id }) => html`
          <div
            role="tabpanel"
            tabindex="0"
            id="panel-${id}"
            aria-labelledby="tab-${id}"
            ?hidden=${id !== this.selected}
          >
            <slot name=${id}></slot>
          </div>
        `,
      )}
    `;
  }

  #tab({ id, label, count, alert }: Tab): unknown {
    const selected = id === this.selected;
    return html`<button
      role="tab"
      id="tab-${id}"
      aria-controls="panel-${id}"
      aria-selected=${selected}
      tabindex=${selected ? 0 : -1}
      @click=${() => this.#choose(id)}
    >
      ${label}${count ? html`<span class="count ${alert ? 'alert' : ''}">${count}</span>` : null}
    </button>`;
  }

  #key(event: KeyboardEvent): void {
    const at = this.tabs.findIndex(({ id }) => id === this.selected);
    const last = this.tabs.length - 1;
    const to = { ArrowLeft: at === 0 ? last : at - 1, ArrowRight: at === last ? 0 : at + 1, Home: 0, End: last }[
      event.key
    ];
    const tab = to === undefined ? undefined : this.tabs[to];
    if (!tab) return;
    event.preventDefault();
    this.#choose(tab.id);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${tab.id}`)?.focus());
  }

  #choose(id: string): void {
    this.selected = id;
    this.dispatchEvent(new CustomEvent('tab-change', { detail: id }));
  }
}

customElements.define('lab-tabs', LabTabs);
