import { css, html, LitElement, nothing } from 'lit';
import { live } from 'lit/directives/live.js';
import type { HostModelId } from '../core/host/host-model.ts';
import { RULES } from '../core/host/verdict.ts';
import type { FrameCounters } from '../core/trace/frame-counters.ts';
import { formatCount, plural } from './format.ts';
import { MODEL_ORDER, modelDisplay } from './model-display.ts';
import { needlessSentence, needlessWork, withoutSay } from './needless-work.ts';
import type { NeedlessWork } from './needless-work.ts';
import { controls, shared, tables } from './styles.ts';

/** Its link is in MULTI for ever: what the question is about. */
const ASKED_ABOUT: HostModelId = 'propolis-before-1125';

/** How much needless work does MULTI cause here? A number, the sentence behind it, and how it comes about. */
export class LabNeedless extends LitElement {
  static override properties = {
    counters: { attribute: false },
    /** Changes with the counts. */
    version: { attribute: false },
    subject: { state: true },
  };
  declare counters: FrameCounters | null;
  declare version: number;
  declare subject: HostModelId;

  static override styles = [
    shared,
    controls,
    tables,
    css`
      :host {
        display: block;
      }
      .question {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 6px;
      }
      select {
        min-height: 22px;
        padding: 0 4px;
      }
      .answer b {
        font-size: 20px;
        line-height: 1.3;
        font-variant-numeric: tabular-nums;
      }
      .answer b.leak {
        color: var(--leak);
      }
      .answer + .muted {
        margin-top: 4px;
      }
      details {
        margin-top: 4px;
      }
      summary {
        cursor: pointer;
        color: var(--accent);
      }
      details p {
        margin: 4px 0;
      }
      th,
      td {
        padding-right: 6px;
      }
      td:first-child {
        width: 100%;
        max-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      tr.sum > * {
        border-top: 1px solid var(--line-strong);
        font-weight: 600;
      }
    `,
  ];

  constructor() {
    super();
    this.counters = null;
    this.version = 0;
    this.subject = ASKED_ABOUT;
  }

  override render(): unknown {
    const { counters } = this;
    if (!counters) return nothing;
    const work = needlessWork(counters.verdicts(this.subject));
    return html`
      <div class="question">
        <h3>
          How much needless work does ${this.subject === ASKED_ABOUT ? 'MULTI cause here?' : 'this model do here?'}
        </h3>
        <select
          aria-label="Model asked about"
          title="Before #1125 the link was in MULTI for ever"
          @change=${(event: Event) => (this.subject = (event.target as HTMLSelectElement).value as HostModelId)}
        >
          ${MODEL_ORDER.map(
            (id) => html`<option value=${id} .selected=${live(id === this.subject)}>${modelDisplay(id).short}</option>`,
          )}
        </select>
      </div>
      ${work.frames === 0 ? html`<p class="muted">No frame has come yet: send some, or let the guest ping.</p>` : this.#answer(work, counters)}
    `;
  }

  #answer(work: NeedlessWork, counters: FrameCounters): unknown {
    const share = work.looks === 0 ? 0 : Math.round((100 * work.needless) / work.looks);
    const unsaid = withoutSay(counters.verdicts('exact'));
    return html`
      <p class="answer" role="status" aria-label="Needless work">
        <b class=${work.needless > 0 ? 'leak' : 'accept'}>${share} %</b> ${needlessSentence(work)}
        ${work.leaks > 0 ? `${plural(work.leaks, 'frame')} came to the guest unasked: ▲ leaks.` : nothing}
      </p>
      <p class="muted">${WHAT}${this.subject === ASKED_ABOUT ? ` ${BECAUSE}` : nothing}</p>
      ${
        unsaid > 0
          ? html`<p class="muted">
              For ${plural(unsaid, 'multicast frame')} the driver had no way to say whether it wanted them: it has not
              negotiated CTRL_RX, so they count as asked for. Under a model that offers it, after a re-probe, they tell.
            </p>`
          : nothing
      }
      <details>
        <summary>Derivation</summary>
        ${this.#table(work)}
        <p class="muted">
          Needed is one look at each frame that the guest asked for: what a link in NONE that has joined just the
          guest’s groups spends, since its NIC keeps all other frames. What it asked for is what the specification, read
          literally, accepts. ${this.#others(counters)}
        </p>
      </details>
    `;
  }

  #table({ parts, frames, looks, needed, needless }: NeedlessWork): unknown {
    return html`
      <table aria-label="Derivation of needless work">
        <thead>
          <tr>
            <th>What</th>
            <th class="number">Frames</th>
            <th class="number" title="Looks at each of them">× looks</th>
            <th class="number">= Looks</th>
            <th class="number">Needed</th>
            <th class="number">Needless</th>
          </tr>
        </thead>
        <tbody>
          ${parts.map(
            (part) =>
              html`<tr title=${RULES[part.rule].text}>
                <td>
                  ${part.asked ? 'asked' : html`<span class="leak">not asked</span>`} ·
                  <span class="mono">${part.rule}</span>
                </td>
                ${[part.frames, part.each, part.looks, part.needed, part.needless].map(
                  (value) => html`<td class="number mono">${formatCount(value)}</td>`,
                )}
              </tr>`,
          )}
          <tr class="sum">
            <td>all</td>
            <td class="number mono">${formatCount(frames)}</td>
            <td></td>
            ${[looks, needed, needless].map((value) => html`<td class="number mono">${formatCount(value)}</td>`)}
          </tr>
        </tbody>
      </table>
    `;
  }

  /** What the same frames cost the models that are closest to the measure. */
  #others(counters: FrameCounters): string {
    const totals = counters.models();
    const looksOf = (id: string): string | null => {
      const found = totals.find(({ model }) => model === id);
      return found && found.model !== this.subject ? `${modelDisplay(id).short} ${formatCount(found.looked)}` : null;
    };
    const known = ['propolis-v7', 'exact'].map(looksOf).filter((text) => text !== null);
    return known.length > 0 ? `Looks of others at the same frames: ${known.join(', ')}.` : '';
  }
}

const WHAT = 'A look: host software examines a frame once.';
const BECAUSE = `MULTI is a promiscuous listener: for it the NIC takes in every frame on the wire, and each is looked at
  once more before anybody knows whose it is.`;

customElements.define('lab-needless', LabNeedless);

declare global {
  interface HTMLElementTagNameMap {
    'lab-needless': LabNeedless;
  }
}
