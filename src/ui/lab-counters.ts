import { css, html, LitElement, nothing } from 'lit';
import { FATE_TEXT, FATES, RULES } from '../core/host/verdict.ts';
import type { FrameCounters } from '../core/trace/frame-counters.ts';
import { formatBytes, formatCount } from './format.ts';
import './lab-switch.ts';
import { CALM_MS, StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** Where every frame went, as a sum that adds up, and what passed the switch. */
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
      td.number {
        width: 1%;
      }
      td.wide {
        width: 100%;
        color: var(--muted);
      }
      /* The equation: signs are drawn, so that cells hold numbers alone. */
      tr.sum td.number,
      tr.term td.number {
        position: relative;
        padding-left: 14px;
      }
      tr.term td.number::before {
        content: '+';
        position: absolute;
        left: 0;
        color: var(--muted);
      }
      tr.sum + tr.term td.number::before {
        content: '=';
      }
      tr.sum td {
        font-weight: 600;
      }
      tr.part td {
        color: var(--muted);
        line-height: 16px;
      }
      tr.part .of {
        padding-left: 14px;
        text-align: left;
      }
    `,
  ];

  readonly #store = new StoreController(
    this,
    ({ pulse, model, frames }) => `${pulse} ${model.seq} ${frames.counters.unrecorded}`,
    CALM_MS,
  );

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { counters } = store.frames;
    const lost = Object.entries(store.model.lost);
    return html`
      ${this.#balance(counters)}
      ${
        lost.length > 0
          ? html`<div>
              <h3>Lost by the lab itself</h3>
              ${lost.map(([what, count]) => html`<p class="problem">${formatCount(count)} × ${what}</p>`)}
            </div>`
          : nothing
      }
      <lab-switch></lab-switch>
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
            <tr class="sum">
              <td class="number mono">${formatCount(counters.injected)}</td>
              <td colspan="2">
                injected
                <span class=${even ? 'accept' : 'loss'} role="status" aria-label="Balance"
                  >${even ? '✓ adds up' : `✕ does not add up: the lines give ${formatCount(total)}, contradictions ${counters.inconsistent}`}</span
                >
              </td>
            </tr>
            ${order.map(
              ({ fate, count }) => html`
                <tr class="term" title=${FATE_TEXT[fate]}>
                  <td class="number mono">${formatCount(count)}</td>
                  <td>${fate}</td>
                  <td class="wide">${FATE_TEXT[fate]}</td>
                </tr>
                ${
                  fate === 'filtered'
                    ? rules.map(
                        ([rule, times]) =>
                          html`<tr class="part" title=${RULES[rule].text}>
                            <td></td>
                            <td class="mono of" colspan="2">${formatCount(times)} ${rule}</td>
                          </tr>`,
                      )
                    : nothing
                }
              `,
            )}
          </tbody>
        </table>
        <p class="muted">From the guest: ${formatCount(counters.sent)} frames, ${formatBytes(counters.sentBytes)}.</p>
        ${unrecorded(counters)}
      </div>
    `;
  }
}

/** As long as the trace is off this number grows by itself; it stands beside the switch, too. */
function unrecorded({ unrecordedToGuest: toGuest, unrecordedFromGuest: fromGuest }: FrameCounters): unknown {
  if (toGuest + fromGuest === 0) return nothing;
  return html`<p class="muted">
    Not recorded, and in none of these counts: ${formatCount(toGuest)} towards the guest, ${formatCount(fromGuest)} from
    it.
  </p>`;
}

customElements.define('lab-counters', LabCounters);
