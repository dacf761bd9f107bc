import { css, html, LitElement, nothing } from 'lit';
import type { HostModelId } from '../core/host/host-model.ts';
import type { ModelTotals } from '../core/trace/frame-counters.ts';
import { formatCount, shortModel } from './format.ts';
import { needlessWork } from './needless-work.ts';
import type { NeedlessWork } from './needless-work.ts';
import { shared, tables } from './styles.ts';

interface Line {
  readonly of: 'judged' | 'accepted' | 'leak' | 'loss' | 'looked' | 'copied' | 'discarded';
  readonly title: string;
  readonly hint: string;
  readonly tone?: 'leak' | 'loss';
}

const LINES: readonly Line[] = [
  { of: 'accepted', title: 'Accepted', hint: 'Frames that the filter let through' },
  { of: 'leak', title: '▲ Leaks', hint: 'Accepted although not asked for: legal', tone: 'leak' },
  { of: 'loss', title: '▼ Losses', hint: 'Dropped although asked for: the bug', tone: 'loss' },
  { of: 'looked', title: 'Looks', hint: 'Times host software examined a frame' },
  { of: 'copied', title: 'Copies', hint: 'Copies made before delivery' },
  { of: 'discarded', title: 'Thrown away', hint: 'Copies and hand-overs discarded after a look' },
];

/** The host models side by side, and in one sentence what the one in force did needlessly. */
export class LabModelTotals extends LitElement {
  static override properties = { totals: { attribute: false }, active: { attribute: false } };
  declare totals: readonly ModelTotals[];
  declare active: HostModelId | null;

  static override styles = [
    shared,
    tables,
    css`
      :host {
        display: block;
      }
      table {
        margin: 4px 0 8px;
      }
      th[scope='row'] {
        font: inherit;
      }
      th[scope='row']:not([class]) {
        color: var(--text);
      }
      .leak {
        color: var(--leak);
      }
      .loss {
        color: var(--loss);
      }
      th.active,
      td.active {
        background: var(--chosen);
      }
      thead th.active {
        color: var(--text);
        font-weight: 600;
      }
      th,
      td {
        padding: 1px 6px;
      }
      th:first-child {
        padding-left: 0;
      }
      th:last-child,
      td:last-child {
        padding-right: 6px;
      }
      ul {
        list-style: none;
        margin-top: 4px;
      }
    `,
  ];

  constructor() {
    super();
    this.totals = [];
    this.active = null;
  }

  override render(): unknown {
    const { totals, active } = this;
    const isActive = (model: string): string => (model === active ? 'active' : '');
    const work = this.#needless();
    return html`
      <h3>What each host model did, or would have done</h3>
      <p>${work?.sentence}</p>
      <table aria-label="Host models">
        <thead>
          <tr>
            <th></th>
            ${totals.map(
              ({ model }) => html`<th class="number ${isActive(model)}" title=${model}>${shortModel(model)}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${LINES.map(
            ({ of, title, hint, tone = '' }) =>
              html`<tr title=${hint}>
                <th scope="row" class=${tone || nothing}>${title}</th>
                ${totals.map(
                  (each) =>
                    html`<td class="number mono ${isActive(each.model)} ${each[of] > 0 ? tone : ''}">
                      ${formatCount(each[of])}
                    </td>`,
                )}
              </tr>`,
          )}
        </tbody>
      </table>
      <ul class="muted mono" aria-label="Derivation">
        ${work?.sums.map((sum) => html`<li>${sum}</li>`)}
      </ul>
    `;
  }

  #needless(): NeedlessWork | null {
    const exact = this.totals.find(({ model }) => model === 'exact');
    const inForce = this.totals.find(({ model }) => model === this.active);
    return inForce && exact && inForce.judged > 0 ? needlessWork(inForce, exact) : null;
  }
}

customElements.define('lab-model-totals', LabModelTotals);
