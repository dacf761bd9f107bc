import { css, html, LitElement, nothing } from 'lit';
import { FATE_TEXT, FATES, RULES } from '../core/host/verdict.ts';
import type { FrameCounters, ModelTotals } from '../core/trace/frame-counters.ts';
import { formatBytes, formatCount, shortModel } from './format.ts';
import { CALM_MS, StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** Where every frame went, as a sum that adds up, and what each host model did or would have done for it. */
export class LabCounters extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 14px;
        padding: 10px;
        align-content: start;
      }
      table {
        margin-top: 4px;
      }
      td.wide {
        width: 100%;
        color: var(--muted);
      }
      tr.sum td {
        border-top: 1px solid var(--line-strong);
        font-weight: 600;
      }
      tr.part td:first-child + td {
        padding-left: 16px;
      }
      tr.part td {
        color: var(--muted);
      }
      tr.active th,
      tr.active td {
        background: var(--chosen);
      }
      th[scope='row'] {
        color: inherit;
        font: inherit;
      }
      .scroll th,
      .scroll td {
        padding-right: 7px;
      }
      .scroll :is(th, td):last-child {
        padding-right: 1px;
      }
      .scroll {
        overflow-x: auto;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ frames, model }) => `${frames.version} ${model.seq}`, CALM_MS);

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { counters } = store.frames;
    const lost = Object.entries(store.model.lost);
    return html`
      ${this.#balance(counters)} ${this.#costs(counters.models(), store.model.host)}
      ${
        lost.length > 0
          ? html`<div>
              <h3>Lost by the lab itself</h3>
              ${lost.map(([what, count]) => html`<p class="problem">${formatCount(count)} × ${what}</p>`)}
            </div>`
          : nothing
      }
      <p class="muted">
        Trace: ${formatCount(store.log.length)} records, ${formatBytes(store.log.retainedBytes)} kept,
        ${formatCount(store.log.evictedRecords)} let go; ${formatCount(store.frames.first)} rows left the list. Counts
        include them.
      </p>
    `;
  }

  #balance(counters: FrameCounters): unknown {
    const parts = FATES.map((fate) => ({ fate, count: counters.fate(fate) })).filter(
      ({ fate, count }) => count > 0 || fate === 'delivered' || fate === 'filtered',
    );
    const order = parts.filter(({ fate }) => fate !== 'pending').concat(parts.filter(({ fate }) => fate === 'pending'));
    const total = parts.reduce((sum, { count }) => sum + count, 0);
    const rules = [...counters.filteredByRule()].sort((a, b) => b[1] - a[1]);
    const even = total === counters.injected && counters.inconsistent === 0;
    return html`
      <div>
        <h3>Frames towards the guest</h3>
        <table aria-label="Balance of frames">
          <tbody>
            ${order.map(
              ({ fate, count }) => html`
                <tr title=${FATE_TEXT[fate]}>
                  <td class="number mono">${formatCount(count)}</td>
                  <td>${fate}</td>
                  <td class="wide">${FATE_TEXT[fate]}</td>
                </tr>
                ${
                  fate === 'filtered'
                    ? rules.map(
                        ([rule, times]) =>
                          html`<tr class="part" title=${RULES[rule].text}>
                            <td class="number mono">${formatCount(times)}</td>
                            <td class="mono" colspan="2">${rule}</td>
                          </tr>`,
                      )
                    : nothing
                }
              `,
            )}
            <tr class="sum">
              <td class="number mono">${formatCount(counters.injected)}</td>
              <td colspan="2">
                injected
                <span class=${even ? 'accept' : 'loss'} role="status" aria-label="Balance"
                  >${even ? '✓ adds up' : `✕ does not add up: the lines give ${formatCount(total)}, contradictions ${counters.inconsistent}`}</span
                >
              </td>
            </tr>
          </tbody>
        </table>
        <p class="muted">From the guest: ${formatCount(counters.sent)} frames, ${formatBytes(counters.sentBytes)}.</p>
      </div>
    `;
  }

  #costs(models: readonly ModelTotals[], active: string | null): unknown {
    const exact = models.find(({ model }) => model === 'exact');
    const inForce = models.find(({ model }) => model === active);
    return html`
      <div>
        <h3>What each host model did, or would have done</h3>
        <div class="scroll">
          <table aria-label="Host models">
            <thead>
              <tr>
                <th>Model</th>
                <th class="number">Accept</th>
                <th class="number leak" title="Accepted although not asked for: legal">▲ Leak</th>
                <th class="number loss" title="Dropped although asked for: the bug">▼ Loss</th>
                <th class="number" title="Times host software examined a frame">Looks</th>
                <th class="number" title="Copies made before delivery">Copies</th>
                <th class="number" title="Copies or hand-overs thrown away">Discards</th>
              </tr>
            </thead>
            <tbody>
              ${models.map(
                (each) =>
                  html`<tr class=${each.model === active ? 'active' : ''}>
                    <th scope="row" title=${each.model}>${shortModel(each.model)}</th>
                    ${[each.accepted, each.leak, each.loss, each.looked, each.copied, each.discarded].map(
                      (count, i) =>
                        html`<td
                          class="number mono ${count > 0 && i === 1 ? 'leak' : ''} ${count > 0 && i === 2 ? 'loss' : ''}"
                        >
                          ${formatCount(count)}
                        </td>`,
                    )}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${inForce && exact && inForce !== exact ? needless(inForce, exact) : nothing}
      </div>
    `;
  }
}

/** Work of the model in force that the literal reading would not have done, with the sum written out. */
function needless(active: ModelTotals, exact: ModelTotals): unknown {
  const line = (what: string, mine: number, least: number): unknown =>
    html`<tr>
      <td class="number mono">${signed(mine - least)}</td>
      <td class="wide">${what}: ${formatCount(mine)} − ${formatCount(least)} in <code>exact</code></td>
    </tr>`;
  return html`
    <table aria-label="Needless work">
      <caption style="text-align:left" class="muted">
        Work beyond what the guest asked for
      </caption>
      <tbody>
        ${line('looks', active.looked, exact.looked)} ${line('copies', active.copied, exact.copied)}
        <tr>
          <td class="number mono">${signed(active.leak)}</td>
          <td class="wide">
            frames handed over unasked: it accepts ${formatCount(active.accepted)} = ${formatCount(exact.accepted)} in
            <code>exact</code> + ${formatCount(active.leak)} leak − ${formatCount(active.loss)} loss
          </td>
        </tr>
      </tbody>
    </table>
  `;
}

function signed(count: number): string {
  return count > 0 ? `+${formatCount(count)}` : count < 0 ? `−${formatCount(-count)}` : '0';
}

customElements.define('lab-counters', LabCounters);
