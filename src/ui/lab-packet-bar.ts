import { css, html, LitElement, nothing } from 'lit';
import { live } from 'lit/directives/live.js';
import { formatCount } from './format.ts';
import { MODEL_ORDER, shortModel } from './model-display.ts';
import './lab-trace-mode.ts';
import { FILTER_HINTS } from './packet-filter.ts';
import { controls, pane, shared } from './styles.ts';
import { choiceText, parseChoice } from './verdict-choice.ts';
import { ViewController } from './view-state.ts';

/** Above the packets: how many there are, which of them to show, and how. Fires `to-list`, `follow` and `clear`. */
export class LabPacketBar extends LitElement {
  static override properties = {
    shown: { type: Number },
    all: { type: Number },
    progress: { type: Number },
    follow: { type: Boolean },
  };
  declare shown: number;
  declare all: number;
  /** Part of the packets that the filter has looked at, 0 to 1. */
  declare progress: number;
  declare follow: boolean;

  static override styles = [
    shared,
    pane,
    controls,
    css`
      :host {
        height: auto;
        flex: none;
        container-type: inline-size;
      }
      input {
        flex: 1;
        min-width: 60px;
        max-width: 420px;
      }
      select {
        flex: none;
        max-width: 156px;
      }
      select.narrows {
        border-color: var(--accent);
        background: var(--chosen);
      }
      .modes {
        display: flex;
        flex: none;
      }
      .modes button:first-child {
        border-radius: var(--radius) 0 0 var(--radius);
      }
      .modes button:last-child {
        margin-left: -1px;
        border-radius: 0 var(--radius) var(--radius) 0;
      }
      .modes button[aria-pressed='true'] {
        z-index: 1;
      }
      @container (max-width: 699px) {
        h2,
        .follow {
          display: none;
        }
        .bar {
          gap: 4px;
          padding: 0 6px;
        }
        button,
        select,
        input {
          padding-inline: 4px;
        }
      }
      @container (max-width: 459px) {
        .bar {
          gap: 3px;
        }
        select {
          max-width: 70px;
        }
      }
    `,
  ];

  readonly #view = new ViewController(this);

  constructor() {
    super();
    this.shown = 0;
    this.all = 0;
    this.progress = 1;
    this.follow = true;
  }

  override render(): unknown {
    const view = this.#view.view;
    const filter = view?.filter ?? '';
    const narrows = filter !== '' || (view !== null && view.verdicts.kind !== 'all');
    return html`
      <div class="bar">
        <h2>Packets</h2>
        <span class="muted number" role="status" aria-label="Packets shown"
          >${narrows ? `${formatCount(this.shown)} of ${formatCount(this.all)}` : formatCount(this.all)}</span
        >
        ${this.progress < 1 ? html`<span class="muted">searching ${Math.floor(this.progress * 100)} %</span>` : nothing}
        ${this.#choices()}
        <input
          class="mono"
          type="search"
          aria-label="Filter packets"
          placeholder="Filter ( / ): text, dropped, rule:…, dst:33:33"
          list="hints"
          .value=${filter}
          @input=${(event: Event) => view?.setFilter((event.target as HTMLInputElement).value)}
          @keydown=${this.#key}
        />
        <datalist id="hints">${FILTER_HINTS.map((hint) => html`<option value=${hint}></option>`)}</datalist>
        <div class="modes push" role="group" aria-label="Show as">
          ${(['list', 'matrix'] as const).map(
            (mode) =>
              html`<button aria-pressed=${view?.mode === mode} title=${MODES[mode]} @click=${() => view?.setMode(mode)}>
                ${mode === 'list' ? 'List' : 'Matrix'}
              </button>`,
          )}
        </div>
        <lab-trace-mode></lab-trace-mode>
        <button
          class="follow"
          aria-pressed=${this.follow}
          title="Keep the newest packet in view (End)"
          @click=${() => this.#fire('follow')}
        >
          Follow
        </button>
        <button title="Forget packets and counts; the device stays as it is" @click=${() => this.#fire('clear')}>
          Clear
        </button>
      </div>
    `;
  }

  #choices(): unknown {
    const view = this.#view.view;
    const chosen = view ? choiceText(view.verdicts) : 'all';
    const option = (value: string, text: string): unknown =>
      html`<option value=${value} .selected=${live(value === chosen)}>${text}</option>`;
    return html`
      <select
        aria-label="Verdicts to show"
        title="By what the host models say of a packet; goes with the filter"
        class=${chosen === 'all' ? '' : 'narrows'}
        @change=${(event: Event) => view?.setVerdicts(parseChoice((event.target as HTMLSelectElement).value))}
      >
        ${option('all', 'All verdicts')} ${option('differ', '≠ Disagreements')} ${option('leak', '▲ Leaks of any')}
        ${option('loss', '▼ Losses of any')}
        <optgroup label="Leaks of one">
          ${MODEL_ORDER.map((id) => (id === 'exact' ? nothing : option(`leak ${id}`, `▲ ${shortModel(id)}`)))}
        </optgroup>
        <optgroup label="Losses of one">
          ${MODEL_ORDER.map((id) => (id === 'exact' ? nothing : option(`loss ${id}`, `▼ ${shortModel(id)}`)))}
        </optgroup>
      </select>
    `;
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#view.view?.setFilter('');
    else if (event.key === 'Enter' || event.key === 'ArrowDown') this.#fire('to-list');
    else return;
    event.preventDefault();
  }

  #fire(type: 'to-list' | 'follow' | 'clear'): void {
    this.dispatchEvent(new Event(type));
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLInputElement>('input')?.focus();
  }
}

const MODES = {
  list: 'Each packet with its verdict under the model in force',
  matrix: 'Each packet with the verdict of every host model',
} as const;

customElements.define('lab-packet-bar', LabPacketBar);

declare global {
  interface HTMLElementTagNameMap {
    'lab-packet-bar': LabPacketBar;
  }
}
