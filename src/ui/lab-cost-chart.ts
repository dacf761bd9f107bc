import { css, html, LitElement, nothing, svg } from 'lit';
import type { HostModelId } from '../core/host/host-model.ts';
import type { CostMetric } from '../core/trace/cost-history.ts';
import type { FrameCounters } from '../core/trace/frame-counters.ts';
import { costChart, linePath } from './cost-chart.ts';
import type { CostChart, CostView } from './cost-chart.ts';
import { formatCount } from './format.ts';
import { MODEL_ORDER, modelDisplay } from './model-display.ts';
import { controls, shared } from './styles.ts';

const METRICS: readonly (readonly [CostMetric, string])[] = [
  ['looked', 'Looks'],
  ['copied', 'Copies'],
  ['delivered', 'Delivered'],
  ['leak', '▲ Leaks'],
  ['loss', '▼ Losses'],
];

/** One cost over time, a line for each host model. Rests when no frame comes: its time ends with the last one. */
export class LabCostChart extends LitElement {
  static override properties = {
    counters: { attribute: false },
    active: { attribute: false },
    /** Changes with the counts. */
    version: { attribute: false },
    metric: { state: true },
    view: { state: true },
    at: { state: true },
  };
  declare counters: FrameCounters | null;
  declare active: HostModelId | null;
  declare version: number;
  declare metric: CostMetric;
  declare view: CostView;
  /** The bucket that is read out; null for the last one. */
  declare at: number | null;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: block;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 8px;
        margin-bottom: 4px;
      }
      .bar h3 {
        margin-right: auto;
      }
      select {
        min-height: 22px;
      }
      .chart {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 2px 6px;
        color: var(--muted);
        font: var(--text-s) / 12px var(--mono);
      }
      .y {
        display: flex;
        flex-direction: column;
        justify-content: space-between;
        text-align: right;
      }
      .x {
        grid-column: 2;
        display: flex;
        justify-content: space-between;
      }
      .plot {
        position: relative;
        height: 120px;
        border: solid var(--line-strong);
        border-width: 0 0 1px 1px;
        touch-action: pan-y;
      }
      svg {
        display: block;
        width: 100%;
        height: 100%;
        overflow: visible;
      }
      path {
        fill: none;
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      path.active {
        stroke-width: 2.5;
      }
      .grid {
        stroke: var(--line);
        stroke-width: 1;
      }
      .cursor {
        stroke: var(--line-strong);
        stroke-width: 1;
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(142px, 1fr));
        gap: 0 12px;
        margin-top: 4px;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: 6px;
      }
      li svg {
        flex: none;
        width: 22px;
        height: 8px;
      }
      li.active {
        font-weight: 700;
      }
      li .number {
        margin-left: auto;
      }
      .when {
        min-height: 1.45em;
      }
    `,
  ];

  constructor() {
    super();
    this.counters = null;
    this.active = null;
    this.version = 0;
    this.metric = 'looked';
    this.view = 'sum';
    this.at = null;
  }

  override render(): unknown {
    const { counters } = this;
    if (!counters) return nothing;
    const chart = costChart(counters, this.metric, this.view, MODEL_ORDER);
    const at = this.at === null ? chart.buckets - 1 : Math.min(this.at, chart.buckets - 1);
    return html`
      <div class="bar">
        <h3>Over time</h3>
        <select
          aria-label="Cost to draw"
          @change=${(event: Event) => (this.metric = (event.target as HTMLSelectElement).value as CostMetric)}
        >
          ${METRICS.map(([id, label]) => html`<option value=${id} ?selected=${id === this.metric}>${label}</option>`)}
        </select>
        <select
          aria-label="Draw as"
          @change=${(event: Event) => (this.view = (event.target as HTMLSelectElement).value as CostView)}
        >
          <option value="sum">so far</option>
          <option value="rate">per second</option>
        </select>
      </div>
      ${chart.buckets === 0 ? html`<p class="muted">It begins with the first frame.</p>` : this.#chart(chart, at)}
    `;
  }

  #chart(chart: CostChart, at: number): unknown {
    const { buckets, top, lines, start, width } = chart;
    const read = this.#readOut(chart, at);
    return html`
      <div class="chart">
        <div class="y" aria-hidden="true">
          <span>${formatCount(top)}</span><span>${top % 2 === 0 ? formatCount(top / 2) : ''}</span><span>0</span>
        </div>
        <div
          class="plot"
          role="slider"
          tabindex="0"
          aria-label="Cost over time"
          aria-orientation="horizontal"
          aria-valuemin="1"
          aria-valuemax=${buckets}
          aria-valuenow=${at + 1}
          aria-valuetext=${read}
          @pointermove=${(event: PointerEvent) => this.#point(event, buckets)}
          @pointerleave=${() => (this.at = null)}
          @keydown=${(event: KeyboardEvent) => this.#key(event, at, buckets)}
          @blur=${() => (this.at = null)}
        >
          <svg viewBox="0 0 ${buckets} 100" preserveAspectRatio="none" aria-hidden="true">
            <path class="grid" d="M0 50H${buckets}M0 0H${buckets}"></path>
            ${this.at === null ? nothing : svg`<path class="cursor" d="M${at + 0.5} 0V100"></path>`}
            ${lines.toReversed().map((line) => {
              const { colour, dash } = modelDisplay(line.model);
              return svg`<path
                class=${line.model === this.active ? 'active' : ''}
                style="stroke:${colour}"
                stroke-dasharray=${dash || 'none'}
                d=${linePath(line, this.view, top)}
              ></path>`;
            })}
          </svg>
        </div>
        <div class="x" aria-hidden="true">
          <span>${seconds(start)}</span><span>${seconds(start + buckets * width)}</span>
        </div>
      </div>
      <p class="muted when">${this.at === null ? this.#now() : when(chart, at)}</p>
      <ul aria-label="Lines">
        ${lines.map(({ model, values }) => {
          const { short, colour, dash } = modelDisplay(model);
          return html`<li class=${model === this.active ? 'active' : ''} title=${model}>
            <svg viewBox="0 0 22 8" aria-hidden="true">
              <path
                class=${model === this.active ? 'active' : ''}
                style="stroke:${colour}"
                stroke-dasharray=${dash || 'none'}
                d="M0 4H22"
              ></path>
            </svg>
            <span>${short}</span><span class="number mono">${formatCount(values[at] ?? 0)}</span>
          </li>`;
        })}
      </ul>
    `;
  }

  #now(): string {
    return this.view === 'sum' ? 'So far:' : 'At the end:';
  }

  #readOut(chart: CostChart, at: number): string {
    const values = chart.lines.map(
      ({ model, values }) => `${modelDisplay(model).short} ${formatCount(values[at] ?? 0)}`,
    );
    return `${when(chart, at)} ${values.join(', ')}`;
  }

  #point(event: PointerEvent, buckets: number): void {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    this.at = Math.max(0, Math.min(buckets - 1, Math.floor(((event.clientX - left) / width) * buckets)));
  }

  #key(event: KeyboardEvent, at: number, buckets: number): void {
    const step = Math.max(1, Math.round(buckets / 20));
    const to = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      PageUp: at + step,
      PageDown: at - step,
      Home: 0,
      End: buckets - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.at = Math.max(0, Math.min(buckets - 1, to));
  }
}

function seconds(nanoseconds: number): string {
  const value = nanoseconds / 1e9;
  return `${value < 1000 ? value.toFixed(2).replace(/\.?0+$/, '') : Math.round(value)} s`;
}

function when({ start, width }: CostChart, at: number): string {
  return `${seconds(start + at * width)} to ${seconds(start + (at + 1) * width)}:`;
}

customElements.define('lab-cost-chart', LabCostChart);

declare global {
  interface HTMLElementTagNameMap {
    'lab-cost-chart': LabCostChart;
  }
}
