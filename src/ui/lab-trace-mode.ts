import { css, html, LitElement, nothing } from 'lit';
import { live } from 'lit/directives/live.js';
import { TRACE_MODES, type TraceMode } from '../core/trace/event.ts';
import { formatCount } from './format.ts';
import { ActionsController, type LabStore, StoreController } from './store.ts';
import { controls, shared } from './styles.ts';

interface Choice {
  readonly text: string;
  readonly sign: string;
  readonly hint: string;
}

const CHOICES: Readonly<Record<TraceMode, Choice>> = {
  live: { text: 'Live', sign: '●', hint: 'Record frames and draw them as they come' },
  recorded: {
    text: 'Recorded',
    sign: '◉',
    hint: 'Record frames without drawing them, which leaves more time to the guest. Live shows all of them again',
  },
  off: {
    text: 'Off',
    sign: '○',
    hint: 'Record no frames, only count them. What you inject yourself is recorded all the same',
  },
};

/** What becomes of frames in the trace, and what is not to be seen because of that. */
export class LabTraceMode extends LitElement {
  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: flex;
        flex: none;
        align-items: center;
        gap: 6px;
      }
      .modes {
        display: flex;
      }
      .modes button {
        border-radius: 0;
      }
      .modes button + button {
        margin-left: -1px;
      }
      .modes button:first-child {
        border-radius: var(--radius) 0 0 var(--radius);
      }
      .modes button:last-child {
        border-radius: 0 var(--radius) var(--radius) 0;
      }
      .modes button[aria-pressed='true'] {
        z-index: 1;
      }
      .modes .live[aria-pressed='true'] .sign,
      .modes .recorded[aria-pressed='true'] .sign {
        color: var(--loss);
      }
      select {
        display: none;
      }
      /* Of the packet bar, which is the container. */
      @container (max-width: 899px) {
        .modes {
          display: none;
        }
        select {
          display: block;
          padding-inline: 4px;
        }
      }
      @container (max-width: 699px) {
        .count {
          display: none;
        }
      }
      @container (max-width: 459px) {
        select {
          max-width: 54px;
        }
      }
    `,
  ];

  readonly #store = new StoreController(
    this,
    ({ model, frames }) => `${model.traceMode} ${model.traceMode === 'live' ? '' : count(frames, model.traceMode)}`,
  );
  readonly #actions = new ActionsController(this);

  override render(): unknown {
    const store = this.#store.store;
    const mode = store?.model.traceMode ?? 'live';
    return html`
      ${store && mode !== 'live' ? this.#count(store, mode) : nothing}
      <div class="modes" role="group" aria-label="Trace">
        ${TRACE_MODES.map((each) => {
          const { text, sign, hint } = CHOICES[each];
          return html`<button
            class=${each}
            aria-pressed=${each === mode}
            title=${hint}
            @click=${() => void this.#actions.actions?.setTrace(each)}
          >
            <span class="sign" aria-hidden="true">${sign}</span> ${text}
          </button>`;
        })}
      </div>
      <select aria-label="Trace" title=${CHOICES[mode].hint} @change=${this.#chosen}>
        ${TRACE_MODES.map(
          (each) =>
            html`<option value=${each} .selected=${live(each === mode)}>
              ${CHOICES[each].sign} ${CHOICES[each].text}
            </option>`,
        )}
      </select>
    `;
  }

  #count({ frames }: LabStore, mode: TraceMode): unknown {
    const hint =
      mode === 'off'
        ? 'Frames that went by without being recorded. They are in no list and in no count but those of device and link'
        : 'Frames that are recorded; the list shows those that there were when it was last drawn';
    return html`<span class="count muted number" title=${hint}
      >${formatCount(count(frames, mode))} ${mode === 'off' ? 'not recorded' : 'recorded'}</span
    >`;
  }

  readonly #chosen = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    const mode = TRACE_MODES.find((each) => each === value);
    // By then it may be undone again, and nothing to render for; the list still shows what was chosen.
    if (mode) void this.#actions.actions?.setTrace(mode).finally(() => this.requestUpdate());
  };
}

function count({ end, counters }: LabStore['frames'], mode: TraceMode): number {
  return mode === 'off' ? counters.unrecorded : end;
}

customElements.define('lab-trace-mode', LabTraceMode);

declare global {
  interface HTMLElementTagNameMap {
    'lab-trace-mode': LabTraceMode;
  }
}
