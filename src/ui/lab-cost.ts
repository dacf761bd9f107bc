import { css, html, LitElement, nothing } from 'lit';
import type { ModelTotals } from '../core/trace/frame-counters.ts';
import { formatCount } from './format.ts';
import './lab-cost-chart.ts';
import './lab-needless.ts';
import { inDisplayOrder, modelDisplay } from './model-display.ts';
import { CALM_MS, StoreController } from './store.ts';
import { controls, shared, tables } from './styles.ts';

interface Column {
  readonly of: 'seen' | 'looked' | 'copied' | 'delivered' | 'leak' | 'loss';
  readonly title: string;
  readonly hint: string;
}

const COLUMNS: readonly Column[] = [
  { of: 'seen', title: 'Seen', hint: 'Frames that host software looked at, once or more often' },
  { of: 'looked', title: 'Looks', hint: 'Times it looked at a frame' },
  { of: 'copied', title: 'Copies', hint: 'Copies made before delivery' },
  { of: 'delivered', title: 'Deliv.', hint: 'Frames handed to the guest' },
  { of: 'leak', title: '▲ Leaks', hint: 'Handed over although not asked for: legal' },
  { of: 'loss', title: '▼ Lost', hint: 'Kept although asked for: the bug' },
];

/** What the traffic so far has cost under each host model, or would have. */
export class LabCost extends LitElement {
  static override properties = { each: { state: true } };
  /** Per frame, instead of all together. */
  declare each: boolean;

  static override styles = [
    shared,
    controls,
    tables,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 12px;
        padding: 10px;
        align-content: start;
        container-type: inline-size;
      }
      .title {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      .title h3 {
        margin-right: auto;
      }
      .title button {
        min-height: 20px;
        padding: 0 7px;
        font-size: var(--text-s);
      }
      .title button + button {
        margin-left: -9px;
        border-radius: 0 var(--radius) var(--radius) 0;
      }
      .title button:nth-last-child(2) {
        border-radius: var(--radius) 0 0 var(--radius);
      }
      .wide {
        overflow-x: auto;
      }
      th,
      td {
        padding: 1px 4px;
      }
      th[scope='row'] {
        padding-left: 6px;
        color: var(--text);
      }
      tr.active > * {
        background: var(--chosen);
      }
      tr.active th {
        font-weight: 700;
        box-shadow: inset 3px 0 var(--accent);
      }
      tr.exact > * {
        border-top: 1px solid var(--line);
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ pulse, model }) => `${pulse} ${model.host ?? ''}`, CALM_MS);

  constructor() {
    super();
    this.each = false;
  }

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { counters, version } = store.frames;
    const active = store.model.host;
    return html`
      <lab-needless .counters=${counters} .version=${version}></lab-needless>
      <div>
        <div class="title">
          <h3>What each model does with them</h3>
          <button aria-pressed=${!this.each} @click=${() => (this.each = false)}>Total</button>
          <button aria-pressed=${this.each} @click=${() => (this.each = true)}>Per frame</button>
        </div>
        <div class="wide">
          <table aria-label="Host models">
            <thead>
              <tr>
                <th>${formatCount(counters.injected)} frames</th>
                ${COLUMNS.map(({ title, hint }) => html`<th class="number" title=${hint}>${title}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${inDisplayOrder(counters.models()).map((totals) => this.#row(totals, totals.model === active))}
            </tbody>
          </table>
        </div>
      </div>
      <lab-cost-chart .counters=${counters} .version=${version} .active=${active}></lab-cost-chart>
    `;
  }

  #row(totals: ModelTotals, active: boolean): unknown {
    const { model, judged } = totals;
    return html`
      <tr class="${model} ${active ? 'active' : ''}">
        <th scope="row" title="${model}${active ? ', in force' : ''}">${modelDisplay(model).short}</th>
        ${COLUMNS.map(({ of }) => {
          const value = totals[of];
          const tone = value > 0 && (of === 'leak' || of === 'loss') ? of : '';
          const text = this.each ? (judged === 0 ? '–' : (value / judged).toFixed(2)) : formatCount(value);
          return html`<td class="number mono ${tone}">${text}</td>`;
        })}
      </tr>
    `;
  }
}

customElements.define('lab-cost', LabCost);
